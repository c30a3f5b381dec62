//! Caution is no escape: which questions a capture and the words decide, and how many of those are answered.
//!
//! In: a world, its story, the report. Out: every question that is decided by this page's own reckoning, with its answer, and
//! what was said. It reckons narrowly: what it does not count may be decided all the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::check::{items, text, whose};
use super::pki::{Cert, List};
use super::story::Story;
use super::truth::{Round, State, TvsEnd, verifies};
use super::world::{Deed, Recorder, Sees, Tls, TvsState, Word, World};

/// A question that is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What kind of world it is, for this phone.
    pub(crate) kind: &'static str,
    pub(crate) question: &'static str,
    pub(crate) expected: &'static str,
    pub(crate) said: String,
    pub(crate) phone: String,
}

/// How many were answered, by kind of world and question.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    counts: BTreeMap<(&'static str, String), (usize, usize)>,
    open: BTreeMap<String, Vec<String>>,
}

impl Tally {
    pub(crate) fn add(&mut self, world: &str, asked: &Asked) {
        let question = format!("{} {}", asked.question, asked.expected);
        let answered = asked.said == asked.expected;
        for kind in [asked.kind, "all"] {
            let count = self.counts.entry((kind, question.clone())).or_default();
            count.0 += usize::from(answered);
            count.1 += 1;
        }
        if !answered {
            let which = format!("{world} {} ({})", asked.phone, asked.kind);
            self.open.entry(question).or_default().push(which);
        }
    }

    /// In percent, over everything.
    pub(crate) fn rate(&self) -> f64 {
        let all = self.counts.iter().filter(|((kind, _), _)| *kind == "all");
        let (answered, asked) = all.fold((0, 0), |sum, (_, count)| (sum.0 + count.0, sum.1 + count.1));
        if asked == 0 { 100.0 } else { 100.0 * f64::from(answered as u32) / f64::from(asked as u32) }
    }

    pub(crate) fn print(&self) {
        println!("answered of what is decided, by kind of world:");
        for ((kind, question), (answered, asked)) in &self.counts {
            println!("    {kind:16} {question:36} {answered:6} of {asked:6}");
        }
        for (question, cases) in &self.open {
            println!("    open: {question}: {}", cases[..cases.len().min(6)].join(", "));
        }
        println!("    {:.1} % of all", self.rate());
    }
}

/// Everything that is decided in a world, and what the report says of it.
pub(crate) fn asked(world: &World, story: &Story, report: &Value) -> Vec<Asked> {
    let mut all = Vec::new();
    for (phone, plan) in world.phones.iter().enumerate() {
        let Some(view) = View::new(world, story, phone) else { continue };
        let name = super::phone::name(plan);
        let named = |entry: &&Value| whose(world, story, entry) == Some(phone) && !text(entry, "name").is_empty();
        let entry = items(report, "phones").iter().find(named);
        // Whose name was in no frame that was captured, of him nothing can be said.
        if entry.is_none() && !view.whole {
            continue;
        }
        for (question, expected) in view.decided() {
            let said = entry.map_or_else(|| "no such phone".to_owned(), |entry| said(entry, question).to_owned());
            all.push(Asked { kind: view.kind, question, expected, said, phone: name.clone() });
        }
    }
    all
}

fn said<'v>(entry: &'v Value, question: &str) -> &'v str {
    let verdict = &entry["verdict"];
    match question {
        "deletion" => text(verdict, "itl_deletion"),
        "itl_checksum" | "tvs_serial" | "tvs_certificate" => text(&entry["checks"], question),
        _ => {
            let conditions = items(verdict, "conditions").iter();
            conditions
                .clone()
                .find(|condition| text(condition, "id") == question)
                .map_or("", |found| text(found, "holds"))
        }
    }
}

/// What can be seen of a phone, and what is said.
struct View<'a> {
    world: &'a World,
    story: &'a Story,
    phone: usize,
    kind: &'static str,
    state: State,
    /// Everything of its last round was captured, in an order that can be told.
    whole: bool,
    /// What the servers sent it was captured.
    sent: bool,
    /// Nobody else was ever at its address, nor used its name.
    alone: bool,
}

impl<'a> View<'a> {
    /// `None` where it did nothing before the end, or its last round was not seen.
    fn new(world: &'a World, story: &'a Story, phone: usize) -> Option<Self> {
        let state = story.state(phone);
        let last = state.rounds.len().checked_sub(1)?;
        let began = state.rounds[last].began;
        if !story.seen[phone].contains(&last) {
            return None;
        }
        let plan = &world.phones[phone];
        let shares = |address: [u8; 4]| {
            let used = |(index, other): (usize, &super::world::Phone)| {
                let moved = other.boots.iter().filter_map(|boot| boot.moves_to);
                index != phone && std::iter::once(other.address).chain(moved).any(|used| used == address)
            };
            world.phones.iter().enumerate().any(used)
        };
        let meddles = world.hosts.iter().any(|host| {
            let at_it = matches!(host.does, Deed::SharesAddress | Deed::Leases) && host.address != plan.address;
            host.phone == phone && (at_it || !matches!(host.does, Deed::Scans | Deed::Router))
        });
        let own = plan.boots.iter().filter_map(|boot| boot.moves_to);
        let shared = std::iter::once(plan.address).chain(own).any(shares);
        let alone = !shared && !meddles;
        // The end cuts nothing of it.
        let ended = world.phones[phone]
            .boots
            .iter()
            .all(|boot| super::world::START + boot.at < story.end / super::world::SECOND)
            && story.lives[phone].facts.iter().all(|(at, _)| *at <= story.end);
        let from = |recorder: &Recorder| {
            recorder
                .from
                .is_none_or(|from| (super::world::START + from) * super::world::SECOND < began - super::world::SECOND)
        };
        let one = |recorder: &Recorder| recorder.loses.is_none() && recorder.snaps.is_none() && from(recorder) && ended;
        let (whole, sent, kind) = match &world.recorders[..] {
            [only] => match only.sees {
                Sees::All if one(only) && only.step.is_some() => (true, true, "clock steps"),
                Sees::All if one(only) && only.twice => (true, true, "frames twice"),
                Sees::All if one(only) => (true, true, "plain"),
                Sees::All => (false, false, "frames missing"),
                Sees::ToPhones => (false, one(only), "one side"),
                _ => (false, false, "one side"),
            },
            [first, second] => {
                let split = first.sees == Sees::Udp && second.sees == Sees::Tcp && one(first) && one(second);
                (split && state.rounds.len() == 1 && second.skew.abs() < 100, split, "two recorders")
            }
            _ => (false, false, "other"),
        };
        let kind = match (shared, meddles) {
            (true, _) => "shared address",
            (_, true) => "other hosts",
            _ => kind,
        };
        Some(Self { world, story, phone, kind, state, whole, sent, alone })
    }

    fn round(&self) -> &Round {
        self.state.rounds.last().unwrap()
    }

    fn has(&self, is: impl Fn(&Word) -> bool) -> bool {
        self.world.words.iter().any(is)
    }

    /// The list that it holds at the end is given as a file.
    fn told_list(&self) -> Option<&List> {
        let told = self.has(|word| matches!(*word, Word::Holds { phone, whole: true } if phone == self.phone));
        self.state.itl.as_ref().filter(|itl| told && itl.fault.is_none())
    }

    fn told_nothing(&self) -> bool {
        self.state.itl.is_none() && self.has(|word| matches!(*word, Word::Holds { phone, .. } if phone == self.phone))
    }

    fn decided(&self) -> Vec<(&'static str, &'static str)> {
        let mut decided = Vec::new();
        let yes_or_no = |yes: bool| if yes { "yes" } else { "no" };
        if let Some(matches) = self.checksum() {
            decided.push(("itl_checksum", if matches { "match" } else { "mismatch" }));
        }
        if let Some(matches) = self.tvs_matches() {
            for question in ["tvs_serial", "tvs_certificate"] {
                decided.push((question, if matches { "match" } else { "mismatch" }));
            }
        }
        let signer = self.signer_differs();
        let tvs = self.tvs_differs();
        let failure = self.failure();
        let backup = self.backup();
        decided.extend(signer.map(|yes| ("itl_signer_differs", yes_or_no(yes))));
        decided.extend(tvs.map(|yes| ("tvs_certificate_differs", yes_or_no(yes))));
        decided.extend(failure.map(|yes| ("phone_reports_failure", yes_or_no(yes))));
        decided.extend(backup.map(|yes| ("no_old_key_backup", yes_or_no(!yes))));
        if [signer, tvs, failure, backup.map(|yes| !yes)].contains(&Some(false)) {
            decided.push(("deletion", "not_needed"));
        } else if [signer, tvs, failure, backup.map(|yes| !yes)] == [Some(true); 4] && self.is_plainly_stranded() {
            decided.push(("deletion", "needed"));
        }
        decided
    }

    /// Whether the list that it got is what was given for its server.
    fn checksum(&self) -> Option<bool> {
        let (list, server) = self.round().got.as_ref().filter(|_| self.sent && self.alone)?;
        let mut given = Vec::new();
        for word in &self.world.words {
            match *word {
                Word::Serves { cluster, node, bound, .. } => {
                    let era = self.world.clusters[usize::from(cluster)].era_at(self.story.seconds());
                    let address = bound.then(|| World::address(cluster, node));
                    given.push((address, self.world.served(cluster, node, era)));
                }
                Word::OldList { cluster, node, era } => given.push((None, self.world.itl(cluster, node, era))),
                _ => {}
            }
        }
        // One word that is plainly about this server: several are a matter of taste.
        let [(bound, given)] = &given[..] else { return None };
        (bound.is_none() || *bound == Some(*server)).then_some(given == list)
    }

    fn ends(&self) -> impl Iterator<Item = &([u8; 4], Option<Cert>, TvsEnd)> {
        self.round().tvs.iter()
    }

    /// It held one list all the time.
    fn is_constant(&self) -> bool {
        self.round().held_before == self.state.itl
    }

    fn tvs_matches(&self) -> Option<bool> {
        let held = self.told_list()?;
        let visible = self.world.phones[self.phone].tls != Tls::OneThree;
        if !(self.whole && self.alone && visible && self.is_constant() && !held.is_blank()) {
            return None;
        }
        let presented: Vec<_> = self.ends().filter_map(|(_, presents, _)| *presents).collect();
        let matches = presented.iter().filter(|cert| held.tvs().any(|of| of == **cert)).count();
        match matches {
            _ if presented.is_empty() => None,
            0 => Some(false),
            all if all == presented.len() => Some(true),
            _ => None,
        }
    }

    fn signer_differs(&self) -> Option<bool> {
        if self.told_nothing() {
            return Some(false);
        }
        let got = &self.round().got.as_ref().filter(|_| self.sent && self.alone)?.0;
        if got.fault.is_some() || got.is_blank() || got.key != got.signer.key() {
            return None;
        }
        if self.round().reported && self.whole && self.state.itl.as_ref() == Some(got) {
            return Some(false);
        }
        let held = self.told_list()?;
        if held == got || held.is_blank() {
            return Some(false);
        }
        Some(!verifies(held, got))
    }

    fn tvs_differs(&self) -> Option<bool> {
        let visible = self.world.phones[self.phone].tls != Tls::OneThree;
        if !(self.whole && self.alone && visible && self.is_constant()) || self.state.ctl.is_some() {
            return None;
        }
        let accepted = self.ends().any(|(.., end)| matches!(end, TvsEnd::Yes | TvsEnd::No));
        let refused = self.ends().any(|(.., end)| *end == TvsEnd::Refused);
        if accepted && !refused {
            return Some(false);
        }
        let held = self.told_list()?;
        // Each server of the list was seen by the phone, with another certificate than the list's.
        let each = held.tvs().all(|cert| {
            let address = World::address(cert.cluster, cert.node);
            let seen: Vec<_> = self.ends().filter(|(server, ..)| *server == address).collect();
            let is_wrong = |(_, presents, end): &&([u8; 4], Option<Cert>, TvsEnd)| {
                *end == TvsEnd::Refused && *presents != Some(cert)
            };
            !seen.is_empty() && seen.iter().all(is_wrong)
        });
        (!held.is_blank() && each && refused && !accepted).then_some(true)
    }

    fn failure(&self) -> Option<bool> {
        let says = self.has(|word| matches!(*word, Word::Says { phone } if phone == self.phone));
        let round = self.round();
        let only_ctl = round.failed_ctl && round.took_itl != Some(false) && round.took_config != Some(false);
        // A log besides may speak of another day.
        let logs = self.has(
            |word| matches!(*word, Word::Console { phone, .. } | Word::Status { phone, .. } if phone == self.phone),
        );
        (says && !only_ctl && !logs).then_some(round.failed)
    }

    fn backup(&self) -> Option<bool> {
        let backup = self.world.clusters[0].backup;
        let is_one = self.world.clusters.iter().all(|cluster| cluster.backup == backup);
        (is_one && self.has(|word| *word == Word::Backup)).then_some(backup)
    }

    /// All that the four conditions do not ask for is plain as well.
    fn is_plainly_stranded(&self) -> bool {
        let plan = &self.world.phones[self.phone];
        let cluster = &self.world.clusters[usize::from(plan.cluster)];
        let seconds = self.story.seconds();
        let up = (0..cluster.nodes).all(|node| self.world.tvs_state(plan.cluster, node, seconds) == TvsState::Up);
        cluster.ctl.is_none()
            && up
            && plan.came_with.is_some_and(|(from, _)| from == plan.cluster)
            && self.world.means(self.phone, &self.state, seconds).is_empty()
    }
}
