//! Every statement of a report that can be false, held against the truth.
//!
//! In: a world, its story, the JSON report. Out: how much was checked, and each [`Falsehood`]. It refuses to know how the program
//! comes to its statements, and what it might have known: a statement is true in its world, or false.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::Value;

use super::pki::{Cert, List, hex};
use super::story::Story;
use super::truth::{Means, Round, State, TvsEnd, verifies};
use super::words;
use super::world::{Deed, TvsState, Word, World};

/// A statement that is not true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Falsehood {
    /// The statement's kind, the same for all of it.
    pub(crate) kind: String,
    pub(crate) said: String,
    pub(crate) truth: String,
}

#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) statements: usize,
    pub(crate) falsehoods: Vec<Falsehood>,
    /// Why the program took the words for none.
    pub(crate) refused: Option<String>,
    /// Questions that are decided, and what was said.
    pub(crate) asked: Vec<super::rates::Asked>,
}

impl Checked {
    fn that(&mut self, kind: impl Into<String>, is_true: bool, said: impl Into<String>, truth: impl Into<String>) {
        self.statements += 1;
        if !is_true {
            self.falsehoods.push(Falsehood { kind: kind.into(), said: said.into(), truth: truth.into() });
        }
    }
}

pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Checks a whole report.
pub(crate) fn check(world: &World, story: &Story, report: &Value) -> Checked {
    let mut checked = Checked::default();
    for entry in items(report, "phones") {
        for download in items(entry, "downloads") {
            downloaded(world, story, download, &mut checked);
        }
        for session in items(entry, "tls") {
            connected(story, session, &mut checked);
        }
        match whose(world, story, entry) {
            Some(phone) => Witness::new(world, story, phone, entry).check(&mut checked),
            None => stranger(entry, &mut checked),
        }
    }
    checked
}

/// The phone that an entry is about; `None` where it is about no phone, or nobody can say which.
pub(crate) fn whose(world: &World, story: &Story, entry: &Value) -> Option<usize> {
    let name = text(entry, "name");
    if !name.is_empty() {
        return world.phones.iter().position(|plan| super::phone::name(plan) == name);
    }
    let addresses: Vec<IpAddr> =
        items(entry, "addresses").iter().filter_map(|address| address.as_str()?.parse().ok()).collect();
    let used = |index: usize| {
        let plan = &world.phones[index];
        let moved = plan.boots.iter().filter_map(|boot| boot.moves_to);
        std::iter::once(plan.address).chain(moved).any(|address| addresses.contains(&IpAddr::from(address)))
    };
    let shared = world.hosts.iter().any(|host| {
        let shares = matches!(host.does, Deed::SharesAddress | Deed::Leases);
        (shares && used(host.phone)) || addresses.contains(&IpAddr::from(host.address))
    });
    let mut users = (0..world.phones.len()).filter(|&index| used(index) && !story.state(index).rounds.is_empty());

    users.next().filter(|_| users.next().is_none() && !shared)
}

/// No phone, or nobody knows which: nothing can be said of its list.
fn stranger(entry: &Value, checked: &mut Checked) {
    let who = format!("{} {:?}", text(entry, "name"), entry.get("addresses"));
    let verdict = entry.get("verdict").unwrap_or(&Value::Null);
    let deletion = text(verdict, "itl_deletion");
    let is_open = matches!(deletion, "undetermined" | "");
    checked.that("stranger.deletion", is_open, format!("{who}: {deletion}"), "no phone, or nobody knows which");
}

fn downloaded(world: &World, story: &Story, download: &Value, checked: &mut Checked) {
    let address = |key: &str| text(download, key).parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let (Some(client), Some(server)) = (address("client"), address("server")) else { return };
    let file = text(download, "file");
    let said = || format!("{file} {client} from {server} frames {}", download.get("frames").unwrap_or(&Value::Null));
    if let Some(sha1) = download.get("sha1").and_then(Value::as_str) {
        let sent = story.wire.files.iter().any(|sent| {
            let signed_as = ["ITLFile.tlv", "CTLFile.tlv"].contains(&file);
            (sent.client, sent.server) == (client, server)
                && sent.sha1 == sha1
                && (file.is_empty() || file == sent.name || signed_as)
                && download.get("bytes").and_then(Value::as_u64).is_none_or(|bytes| bytes == sent.length)
        });
        // What was not signed has no name inside: only a signed file may be called by that.
        checked.that("download.sha1", sent, format!("{} SHA-1 {sha1}", said()), "no such file was sent");
    }
    if text(download, "outcome") == "unanswered" {
        let silent = story
            .wire
            .silent
            .iter()
            .any(|(from, to, name)| (*from, *to) == (client, server) && (file.is_empty() || name == file));
        let kind = if is_lossy(world) { "download.unanswered.lossy" } else { "download.unanswered" };
        checked.that(kind, silent, said(), "the server answered each such request");
    }
    if text(download, "outcome") == "refused" && !file.is_empty() {
        let refused =
            story.wire.refused.iter().any(|(from, to, name)| (*from, *to, &name[..]) == (client, server, file));
        checked.that("download.refused", refused, said(), "the server never refused it");
    }
}

/// Whether it is an address that the phone moves to.
fn is_moved(plan: &super::world::Phone, address: IpAddr) -> bool {
    plan.boots.iter().filter_map(|boot| boot.moves_to).any(|moved| IpAddr::from(moved) == address)
}

/// Whether frames may be missing that nobody can know of.
fn is_lossy(world: &World) -> bool {
    world.end.is_some()
        || world
            .recorders
            .iter()
            .any(|recorder| recorder.loses.is_some() || recorder.from.is_some() || recorder.snaps.is_some())
}

fn connected(story: &Story, said: &Value, checked: &mut Checked) {
    let socket = |key: &str| text(said, key).parse::<SocketAddr>().ok();
    let (Some(client), Some(server)) = (socket("client"), socket("server")) else { return };
    let Some(truth) = story.wire.sessions.iter().find(|session| (session.client, session.server) == (client, server))
    else {
        return;
    };
    let label = || format!("{client} to {server} frames {}", said.get("frames").unwrap_or(&Value::Null));
    if let Some(certificate) = said.get("certificate").filter(|value| value.is_object()) {
        let is_true = truth.presents.is_some_and(|cert| {
            hex(&cert.sha1()) == text(certificate, "sha1")
                && hex(&cert.serial()).to_uppercase() == text(certificate, "serial")
        });
        let told = format!("{} presents {}", label(), text(certificate, "serial"));
        checked.that("tls.certificate", is_true, told, format!("{:?}", truth.presents));
    }
    match text(said, "outcome") {
        "established" => {
            checked.that("tls.established", truth.completed, label(), "the handshake did not go through");
        }
        "refused" | "reset" => checked.that("tls.refused", !truth.completed, label(), "the handshake went through"),
        _ => {}
    }
    let reason = text(said, "reason");
    if reason.contains("no answer") || reason.contains("unanswered") || reason.contains("gave no") {
        checked.that("tls.unanswered", !truth.answered, format!("{}: {reason}", label()), "the server answered");
    }
}

/// One entry of the report that is about a phone, and the truth of that phone.
struct Witness<'a> {
    world: &'a World,
    story: &'a Story,
    phone: usize,
    entry: &'a Value,
    verdict: &'a Value,
    state: State,
    /// What it can do when it was seen last, and at the end: servers change behind its back.
    means: [Vec<Means>; 2],
    /// When it was seen last; seconds.
    seconds: i64,
    /// Its rounds that may be the last one to whoever looks at the captures.
    rounds: Vec<Round>,
    name: String,
}

impl<'a> Witness<'a> {
    fn new(world: &'a World, story: &'a Story, phone: usize, entry: &'a Value) -> Self {
        let state = story.state(phone);
        let seconds = story.last_of(phone);
        let means = [seconds, story.seconds()].map(|seconds| world.means(phone, &state, seconds));
        let seen = story.seen[phone].iter().copied().max().unwrap_or(0);
        let rounds = state.rounds.get(seen..).unwrap_or_default().to_vec();
        let name = super::phone::name(&world.phones[phone]);
        let verdict = entry.get("verdict").unwrap_or(&Value::Null);
        Self { world, story, phone, entry, verdict, state, means, seconds, rounds, name }
    }

    fn last(&self) -> Option<&Round> {
        self.rounds.last()
    }

    fn era(&self) -> usize {
        self.world.clusters[usize::from(self.world.phones[self.phone].cluster)].era_at(self.seconds)
    }

    /// What its server served it last.
    fn served(&self) -> List {
        let plan = &self.world.phones[self.phone];
        let got = self.last().and_then(|round| round.got.as_ref()).map(|(list, _)| list.clone());
        got.unwrap_or_else(|| self.world.served(plan.cluster, plan.node, self.era()))
    }

    /// Whether it has no means but deletion, at one of the two moments.
    fn is_stranded(&self) -> bool {
        self.means.iter().any(Vec::is_empty)
    }

    /// Whether it holds what is served, and yet cannot take what its server will serve: neither answer is plain then.
    fn is_on_a_stale_list(&self) -> bool {
        let plan = &self.world.phones[self.phone];
        let fresh = self.world.itl(plan.cluster, plan.node, self.era());
        let held = self.state.itl.as_ref();
        self.means[0] == [Means::UpToDate] && held.is_some_and(|held| *held != fresh && !held.signs(fresh.signer))
    }

    fn check(&self, checked: &mut Checked) {
        self.deletion(checked);
        self.conditions(checked);
        self.checks(checked);
        self.holds(checked);
        self.observed(checked);
        self.findings(checked);
        self.advice(checked);
    }

    fn deletion(&self, checked: &mut Checked) {
        let because = format!("{}: {}", self.name, text(self.verdict, "because"));
        let truth = format!("{:?}", self.means);
        match text(self.verdict, "itl_deletion") {
            "needed" => checked.that("deletion.needed", self.is_stranded(), because, truth),
            "not_needed" => {
                // Whose screen shows nothing is not deleted, whatever it would come to.
                let by_screen =
                    because.contains("shows no verification failure") && self.shows_failure() == Some(false);
                let has_means = self.means.iter().any(|means| !means.is_empty());
                let is_true = has_means || self.is_on_a_stale_list() || by_screen;
                checked.that("deletion.not_needed", is_true, because, truth);
            }
            _ => {}
        }
    }

    fn conditions(&self, checked: &mut Checked) {
        for condition in items(self.verdict, "conditions") {
            let (id, holds) = (text(condition, "id"), text(condition, "holds"));
            if holds == "unknown" {
                continue;
            }
            let yes = holds == "yes";
            let said = format!("{}: {holds}: {}", self.name, text(condition, "why"));
            let truth = match id {
                "itl_signer_differs" => self.signer_differs(),
                "tvs_certificate_differs" => self.tvs_differs(),
                "phone_reports_failure" => self.shows_failure(),
                "no_old_key_backup" => Some(!self.world.clusters.iter().any(|cluster| cluster.backup)),
                _ => None,
            };
            if let Some(truth) = truth {
                checked.that(format!("condition.{id}.{holds}"), yes == truth, said, format!("{truth}"));
            }
        }
    }

    /// Whether the phone's ITL does not know the signer of the served one; `None` where the question has two answers.
    fn signer_differs(&self) -> Option<bool> {
        let served = self.served();
        let Some(held) = self.state.itl.as_ref().filter(|itl| !itl.is_blank()) else { return Some(false) };
        if *held == served {
            return Some(false);
        }
        // What a list with a fault, or none, would come to, and what a CTL knows, is no plain matter.
        let plan = &self.world.phones[self.phone];
        let era = &self.world.clusters[usize::from(plan.cluster)];
        let serves = era.eras[self.era()].has_lists;
        let by_ctl = self.state.ctl.as_ref().is_some_and(|ctl| verifies(ctl, &served));
        if served.fault.is_some() || !serves || by_ctl {
            return None;
        }
        Some(!verifies(held, &served))
    }

    /// Whether no TVS that the phone may ask presents a certificate of its list.
    fn tvs_differs(&self) -> Option<bool> {
        let seconds = [self.seconds, self.story.seconds()];
        let presented = |list: &List| seconds.map(|seconds| list.tvs().any(|cert| self.is_presented(cert, seconds)));
        let now = self.state.itl.as_ref().map(presented);
        let before = self.last().and_then(|round| round.held_before.as_ref()).map(presented);
        let completed =
            self.rounds.iter().any(|round| round.tvs.iter().any(|(.., end)| matches!(end, TvsEnd::Yes | TvsEnd::No)));
        match (now, before) {
            (None, _) => None,
            _ if self.state.itl.as_ref().is_some_and(List::is_blank) => None,
            // It took a list in between, or the service was changed: one answer for each moment.
            (Some([now, end]), before) => {
                let differs = now != end || before.is_some_and(|before| before != [now, end]);
                (!differs && (!completed || now)).then_some(!now)
            }
        }
    }

    fn is_presented(&self, cert: Cert, seconds: i64) -> bool {
        let cluster = &self.world.clusters[usize::from(cert.cluster)];
        let era = &cluster.eras[cluster.era_at(seconds)];
        !(cluster.gone && cert.cluster > 0) && era.presents[usize::from(cert.node)] == cert.version
    }

    fn shows_failure(&self) -> Option<bool> {
        let round = self.state.rounds.last()?;
        let failed = round.failed;
        let only_ctl = round.failed_ctl && round.took_itl != Some(false) && round.took_config != Some(false);
        let shown = self.world.words.iter().any(|word| {
            matches!(*word, Word::Status { phone, dated } if phone == self.phone
                && words::status_fails(&words::status(self.world, self.story, phone, dated)))
        });
        // A message of an earlier boot stands in the list of messages still.
        let is_plain = !(shown && !failed || only_ctl);
        is_plain.then_some(failed)
    }

    fn checks(&self, checked: &mut Checked) {
        let details = self.entry.get("check_details").unwrap_or(&Value::Null);
        let checks = self.entry.get("checks").unwrap_or(&Value::Null);
        let why = |id: &str| format!("{}: {}", self.name, details.get(id).map_or("", |detail| text(detail, "why")));
        let got: Vec<_> = self.rounds.iter().filter_map(|round| round.offered.as_ref()).collect();
        let references = self.references();
        let compared: Vec<bool> = got
            .iter()
            .flat_map(|(list, server)| {
                let bound: Vec<_> = references.iter().filter(|(bound, _)| *bound == Some(*server)).collect();
                let free: Vec<_> = references.iter().filter(|(bound, _)| bound.is_none()).collect();
                let chosen = if bound.is_empty() { free } else { bound };
                chosen.into_iter().map(|(_, reference)| reference == list).collect::<Vec<_>>()
            })
            .collect();
        let truth = format!("{compared:?}");
        if why("itl_checksum").contains("no reference") {
            self.peers(text(checks, "itl_checksum"), &why("itl_checksum"), checked);
        } else {
            match text(checks, "itl_checksum") {
                "match" => {
                    checked.that("check.itl_checksum.match", compared.contains(&true), why("itl_checksum"), truth);
                }
                "mismatch" => {
                    checked.that("check.itl_checksum.mismatch", compared.contains(&false), why("itl_checksum"), truth);
                }
                _ => {}
            }
        }
        self.tvs_checks(checks, &why, checked);
    }

    /// Without references the phones of a server are compared with each other.
    fn peers(&self, result: &str, why: &str, checked: &mut Checked) {
        let others = (0..self.world.phones.len()).filter(|&index| index != self.phone);
        let others: Vec<_> =
            others.flat_map(|index| self.story.state(index).rounds).filter_map(|round| round.offered).collect();
        let own: Vec<_> = self.rounds.iter().filter_map(|round| round.offered.clone()).collect();
        let truth = "of the lists that the phones got";
        match result {
            "match" => {
                let is_true = own.iter().any(|own| others.contains(own));
                checked.that("check.itl_checksum.match.peers", is_true, why, truth);
            }
            "mismatch" => {
                let differs = |own: &(List, [u8; 4])| others.iter().any(|other| own.1 == other.1 && own.0 != other.0);
                checked.that("check.itl_checksum.mismatch.peers", own.iter().any(differs), why, truth);
            }
            _ => {}
        }
    }

    /// The lists of `-r`, each with the server that it is bound to.
    fn references(&self) -> Vec<(Option<[u8; 4]>, List)> {
        let last = |cluster: u8| self.world.clusters[usize::from(cluster)].era_at(self.story.seconds());
        let lists = self.world.words.iter().filter_map(|word| match *word {
            Word::Serves { cluster, node, bound, .. } => {
                let address = bound.then(|| World::address(cluster, node));
                Some((address, self.world.served(cluster, node, last(cluster))))
            }
            Word::OldList { cluster, node, era } => Some((None, self.world.itl(cluster, node, era))),
            _ => None,
        });
        lists.collect()
    }

    /// The certificates that TVS presented to the phone, against its lists and what was given.
    fn tvs_checks(&self, checks: &Value, why: &dyn Fn(&str) -> String, checked: &mut Checked) {
        let presented = self.presented();
        let given = self.world.words.iter().filter_map(|word| match *word {
            Word::TvsCertificate { cluster, node } => {
                let era = self.world.clusters[usize::from(cluster)].era_at(self.story.seconds());
                Some(self.world.cert(cluster, super::pki::Role::Tvs, node, era))
            }
            _ => None,
        });
        let given: Vec<Cert> = given.collect();
        let references = self.references();
        let mut bases: Vec<Vec<Cert>> = vec![given.clone()];
        bases.extend(references.iter().map(|(_, list)| list.tvs().collect()));
        bases.extend(self.state.itl.as_ref().map(|list| list.tvs().collect()));
        let held_before = self.rounds.iter().filter_map(|round| round.held_before.as_ref());
        bases.extend(held_before.map(|list| list.tvs().collect()));
        let matches = presented.iter().any(|cert| bases.iter().any(|base| base.contains(cert)));
        // The phone's own list alone may say that a certificate differs, where it is known.
        let own: Vec<_> =
            self.rounds.iter().filter_map(|round| round.held_before.as_ref()).chain(&self.state.itl).collect();
        let differs = presented.iter().any(|cert| {
            own.iter().any(|list| list.tvs().all(|of| of != *cert))
                || references.iter().any(|(_, list)| list.tvs().all(|of| of != *cert))
                || (!given.is_empty() && !given.contains(cert))
        });
        for id in ["tvs_serial", "tvs_certificate"] {
            let truth = format!("presented {presented:?}");
            match text(checks, id) {
                "match" => checked.that(format!("check.{id}.match"), matches, why(id), truth),
                "mismatch" => checked.that(format!("check.{id}.mismatch"), differs, why(id), truth),
                _ => {}
            }
        }
    }

    /// What TVS presented to the phone in its last rounds; to anybody, where it presents that still.
    fn presented(&self) -> Vec<Cert> {
        let own = self.rounds.iter().flat_map(|round| &round.tvs).filter_map(|(_, presents, _)| *presents);
        let sessions = self.story.wire.sessions.iter().filter(|session| session.server.port() == 2445);
        let still =
            |cert: &Cert| self.is_presented(*cert, self.seconds) || self.is_presented(*cert, self.story.seconds());
        own.chain(sessions.filter_map(|session| session.presents).filter(still)).collect()
    }

    /// Whether somebody truly found this kind of silence at a TVS that the words name, since the phone's last rounds began.
    fn found_at_tvs(&self, words: &str, is: impl Fn(&super::wire::Session) -> bool) -> bool {
        let since = self.rounds.first().map_or(i64::MIN, |round| round.began);
        self.story
            .wire
            .sessions
            .iter()
            .any(|session| session.at >= since && words.contains(&session.server.ip().to_string()) && is(session))
    }

    fn holds(&self, checked: &mut Checked) {
        let holds = self.entry.get("holds").unwrap_or(&Value::Null);
        let source = text(holds, "source");
        for (key, list) in [("itl_sha1", &self.state.itl), ("ctl_sha1", &self.state.ctl)] {
            if let Some(sha1) = holds.get(key).and_then(Value::as_str) {
                let truth = list.as_ref().map(List::sha1);
                let said = format!("{}: {sha1}: {}", self.name, text(holds, "why"));
                let is_true = truth.as_deref() == Some(sha1);
                checked.that(format!("holds.{key}.{source}"), is_true, said, format!("{truth:?}"));
            }
        }
        let boots = items(self.entry, "boots");
        for boot in boots {
            if let Some(sha1) = boot.get("itl_sha1").and_then(Value::as_str) {
                let plan = &self.world.phones[self.phone];
                let own = |client: IpAddr| {
                    let moved = plan.boots.iter().filter_map(|boot| boot.moves_to);
                    std::iter::once(plan.address).chain(moved).any(|address| client == IpAddr::from(address))
                };
                let cluster = IpAddr::from(World::address(plan.cluster, plan.node));
                // What it had no room for was downloaded all the same.
                let got = self
                    .story
                    .wire
                    .files
                    .iter()
                    .any(|sent| sent.sha1 == sha1 && sent.server == cluster && own(sent.client));
                checked.that("boot.itl_sha1", got, format!("{}: {sha1}", self.name), "it got no such list");
            }
        }
    }

    fn observed(&self, checked: &mut Checked) {
        for observation in items(self.verdict, "observed") {
            let (id, words) = (text(observation, "id"), text(observation, "text"));
            let any = |is: &dyn Fn(&Round) -> bool| self.rounds.iter().any(is);
            let asked = |ends: &dyn Fn(TvsEnd) -> bool| {
                any(&|round| {
                    round
                        .tvs
                        .iter()
                        .any(|(server, _, end)| words.contains(&Ipv4Addr::from(*server).to_string()) && ends(*end))
                })
            };
            let truth = match id {
                "holds_a_list" => any(&|round| round.asked_signed == Some(true)),
                "holds_no_list" => any(&|round| round.asked_signed == Some(false)),
                "list_accepted" => any(&|round| round.took_itl == Some(true)),
                "list_refused" => any(&|round| round.took_itl == Some(false)),
                "config_refused" => any(&|round| round.took_config == Some(false)),
                "asks_again" => any(&|round| round.by_itself) || (words.contains("was reset") && self.begins_soon()),
                "tvs_accepted" => asked(&|end| matches!(end, TvsEnd::Yes | TvsEnd::No)),
                "tvs_refused" => asked(&|end| matches!(end, TvsEnd::Refused | TvsEnd::Closed | TvsEnd::Mismatch)),
                "tvs_unanswered" => self.found_at_tvs(words, |session| !session.answered),
                "web_accepted" => any(&|round| round.web.contains(&true)),
                "web_refused" => any(&|round| round.web.contains(&false)),
                "log_tvs_in_list" | "log_tvs_answered" => {
                    let reached =
                        |round: &Round| round.tvs.iter().any(|(.., end)| matches!(end, TvsEnd::Yes | TvsEnd::No));
                    self.state.rounds.iter().any(reached)
                }
                "registers" => any(&|round| round.registered) || self.is_relayed(),
                _ => continue,
            };
            checked.that(format!("observed.{id}"), truth, format!("{}: {words}", self.name), "it did not");
        }
    }

    /// Whether it began its last rounds within two minutes of those before, whoever was the cause.
    fn begins_soon(&self) -> bool {
        let soon = |pair: &[Round]| pair[1].began - pair[0].began < 130 * super::world::SECOND;
        self.state.rounds.windows(2).any(soon)
    }

    /// Whether a list that it holds has the signer of its configuration.
    fn knows_config_signer(&self) -> bool {
        let plan = &self.world.phones[self.phone];
        let signer = self.world.cert(plan.cluster, super::pki::Role::CallManager, plan.node, self.era());
        [&self.state.itl, &self.state.ctl].into_iter().flatten().any(|list| list.signs(signer))
    }

    /// Whether a relay forwards what the phone says.
    fn is_relayed(&self) -> bool {
        self.world.hosts.iter().any(|host| host.does == Deed::Relays && host.phone == self.phone)
    }

    fn findings(&self, checked: &mut Checked) {
        let got: Vec<_> = self.rounds.iter().filter_map(|round| round.offered.as_ref().map(|(list, _)| list)).collect();
        for finding in items(self.entry, "findings") {
            let (id, words) = (text(finding, "id"), text(finding, "text"));
            let tvs = |is: &dyn Fn(TvsEnd) -> bool| {
                self.rounds.iter().any(|round| round.tvs.iter().any(|(.., end)| is(*end)))
            };
            let truth =
                match id {
                    "corrupt_list" => got.iter().any(|list| list.fault.is_some() || list.key != list.signer.key()),
                    "empty_list" => got.iter().any(|list| list.is_blank()),
                    "holds_another_list" => self.state.rounds.iter().any(|round| {
                        round.offered.as_ref().is_some_and(|(list, _)| Some(list) != self.state.itl.as_ref())
                    }),
                    "tvs_unreachable" => self.found_at_tvs(words, |session| session.presents.is_none()),
                    "tvs_refused" => tvs(&|end| matches!(end, TvsEnd::Refused | TvsEnd::Closed | TvsEnd::Mismatch)),
                    "begins_again" => self.rounds.iter().any(|round| round.by_itself) || self.begins_soon(),
                    "tvs_does_not_vouch" => tvs(&|end| end == TvsEnd::No),
                    "web_refused" => self.rounds.iter().any(|round| round.web.contains(&false)),
                    "unknown_config_signer" => !self.knows_config_signer(),
                    "tvs_same_serial" => false,
                    "tftp_unanswered" => {
                        let address = |index: usize| IpAddr::from(self.world.phones[index].address);
                        self.story.wire.silent.iter().any(|(client, ..)| *client == address(self.phone))
                            || !self.world.clusters[0].eras.iter().all(|era| era.answers)
                    }
                    "invalid_signature" => got.iter().any(|list| list.fault.is_some() || list.key != list.signer.key()),
                    _ => continue,
                };
            let lossy = if id == "tftp_unanswered" && is_lossy(self.world) { ".lossy" } else { "" };
            checked.that(format!("finding.{id}{lossy}"), truth, format!("{}: {words}", self.name), "it is not so");
        }
    }

    fn advice(&self, checked: &mut Checked) {
        let served = self.served();
        let last = self.last().cloned().unwrap_or_default();
        let backup = self.world.words.contains(&Word::Backup);
        let held = self.state.itl.as_ref();
        let plan = &self.world.phones[self.phone];
        for advice in items(self.verdict, "advice") {
            let (id, because) = (text(advice, "id"), text(advice, "because"));
            let truth = match id {
                "nothing" => !last.failed && !self.is_on_a_stale_list(),
                "delete_itl" => self.is_stranded(),
                "config_signer" => last.took_config != Some(true),
                "tftp_silent" => {
                    let own = IpAddr::from(plan.address);
                    self.story.wire.silent.iter().any(|(client, ..)| *client == own || is_moved(plan, *client))
                }
                "reset_phone" => {
                    !self.is_on_a_stale_list()
                        && self.means.iter().flatten().any(|means| {
                            matches!(means, Means::Unbound | Means::UpToDate | Means::Signer | Means::Tvs | Means::Ctl)
                        })
                }
                "corrupt_list" => {
                    let got = self.rounds.iter().filter_map(|round| round.offered.as_ref());
                    got.map(|(list, _)| list).any(|list| list.fault.is_some() || list.key != list.signer.key())
                }
                "restore_key" if backup => self.world.clusters.iter().any(|cluster| cluster.backup),
                "renew_ctl" => {
                    let serves = self.world.clusters[usize::from(plan.cluster)].ctl.is_some();
                    self.state.ctl.is_some() || serves
                }
                // What rests on a list of unknown relation to the phone says so itself.
                "itl_recovery" if because.contains("unknown relation") => continue,
                "itl_recovery" => {
                    held.is_some_and(|held| held.signing().any(|cert| cert.role == super::pki::Role::Recovery))
                }
                "tvs_unreachable" => self.found_at_tvs(because, |session| session.presents.is_none()),
                "tls_mismatch" => {
                    let state = |node| self.world.tvs_state(plan.cluster, node, self.story.seconds());
                    (0..2).any(|node| state(node) == TvsState::Mismatch)
                        || self
                            .state
                            .rounds
                            .iter()
                            .any(|round| round.tvs.iter().any(|(.., end)| *end == TvsEnd::Mismatch))
                }
                "rollback_list" => {
                    let got = self.rounds.iter().filter_map(|round| round.offered.as_ref());
                    got.map(|(list, _)| list).chain(held).any(super::pki::List::is_blank)
                }
                "other_cluster" => held.is_some_and(|held| held.signer.cluster != served.signer.cluster),
                "expired_certificate" | "large_list" | "delete_ctl" | "central_tftp" => false,
                _ => continue,
            };
            let said = format!("{}: {because}", self.name);
            checked.that(
                format!("advice.{id}"),
                truth,
                said,
                format!("means {:?}, failed {}", self.means, last.failed),
            );
        }
    }
}
