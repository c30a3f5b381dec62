//! What is told of phones beside the captures: by options and in texts.
//!
//! In: readings of texts, and values of options that were read elsewhere. Out: [`Told`]: of each phone or address what it
//! holds, what its screen says, what was heard. Statements that contradict each other are all kept. It refuses to open files,
//! and to decide whom to believe.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::reading::Reading;
use super::screen::{self, LastWord, Screen};
use super::statement::{Heard, Says, Whose};
use crate::digest::{Md5Sum, Sha1Sum};
use crate::event::Holding;
use crate::phone::DeviceName;
use crate::trust::{ListKind, TrustList};

/// Everything told.
#[derive(Debug, Default, Clone)]
pub struct Told {
    /// Whether a backup of the old `CallManager` or ITLRecovery key exists.
    pub old_key_backup: Option<bool>,
    /// The release of the cluster, as (major, minor).
    pub cucm_release: Option<(u16, u16)>,
    /// Which phone had an address.
    pub phone_at: BTreeMap<IpAddr, DeviceName>,
    /// What is to be said of the texts: what they were taken for, and what was left out.
    pub notes: Vec<String>,
    of: BTreeMap<Whose, Of>,
    lists: Vec<Arc<TrustList>>,
}

/// What is told of one phone or address.
#[derive(Debug, Default, Clone)]
pub struct Of {
    /// What it is said to hold.
    pub holds: Vec<ToldHolding>,
    /// What the engineer says that its screen shows.
    pub shows: Vec<Shown>,
    /// What texts say of it, in the order in which they were read.
    pub heard: Vec<Heard>,
}

/// Words on a phone's screen, by option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What they say.
    pub says: Says,
    /// The words.
    pub words: String,
}

/// One statement of what a phone holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldHolding {
    /// Which list.
    pub kind: ListKind,
    /// The list; `None` where the phone holds none.
    pub list: Option<ToldList>,
    /// Who says it.
    pub by: By,
    /// The text, or the value of the option.
    pub source: Arc<str>,
    /// The line in it.
    pub line: Option<usize>,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// The engineer.
    Option,
    /// The phone, in an alarm.
    Alarm,
}

/// A list that is said to be on a phone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToldList {
    /// MD5, where that was given or can be computed.
    pub md5: Option<Md5Sum>,
    /// SHA-1, where that was given or can be computed.
    pub sha1: Option<Sha1Sum>,
    /// The list, where a file was given.
    pub list: Option<Arc<TrustList>>,
}

/// What the statements of one list on a phone come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held<'a> {
    /// Nothing is said.
    Unsaid,
    /// All say the same; the one that tells most.
    One(&'a ToldHolding),
    /// They contradict each other.
    Disputed(&'a ToldHolding, &'a ToldHolding),
}

impl ToldList {
    /// Whether it may be the same list as far as both are known.
    pub fn may_be(&self, other: &Self) -> bool {
        let sha1 = self.sha1.zip(other.sha1).map(|(one, other)| one == other);
        let md5 = self.md5.zip(other.md5).map(|(one, other)| one == other);
        sha1.or(md5).unwrap_or(true)
    }
}

impl fmt::Display for ToldHolding {
    /// "the list of old.tlv", "no CTL".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.list {
            None => write!(f, "no {}", self.kind.name())?,
            Some(list) if list.list.is_some() => write!(f, "the list of {}", self.source)?,
            Some(ToldList { sha1: Some(sha1), .. }) => write!(f, "the {} with the checksum {sha1}", self.kind.name())?,
            Some(ToldList { md5: Some(md5), .. }) => write!(f, "the {} with the checksum {md5}", self.kind.name())?,
            Some(_) => write!(f, "an {}", self.kind.name())?,
        }
        match (self.by, self.line) {
            (By::Alarm, Some(line)) => write!(f, ", reported in {}, line {line}", self.source),
            (_, Some(line)) => write!(f, ", {}, line {line}", self.source),
            _ => Ok(()),
        }
    }
}

impl Of {
    /// Whether anything is of the phone itself, and not of a server that it talked to.
    pub fn is_of_a_phone(&self) -> bool {
        let is_of_server = |heard: &Heard| {
            matches!(
                heard.statement.says,
                Says::TvsHandshake
                    | Says::TvsRequest(_)
                    | Says::TvsRefreshed
                    | Says::TftpAsked { .. }
                    | Says::Requests { .. }
                    | Says::Names
            )
        };
        !self.holds.is_empty() || !self.shows.is_empty() || !self.heard.iter().all(is_of_server)
    }
}

/// Notes of one kind that are told one by one.
const MOST_NOTES: usize = 16;

impl Told {
    /// What was heard and is of no phone: questions to TVS, and words about verification that do not say whose they are.
    pub fn of_nobody(&self) -> Vec<String> {
        let all = || self.of.values().flat_map(|of| &of.heard);
        let requests: BTreeSet<String> = all()
            .filter(|heard| matches!(heard.statement.says, Says::TvsRequest(_)))
            .map(|heard| match &heard.statement.says {
                Says::TvsRequest(request) => format!("{}, line {}: {request}", heard.path, heard.statement.line),
                _ => String::new(),
            })
            .collect();
        let unnamed = self.of.get(&Whose::Unnamed).into_iter().flat_map(|of| &of.heard);
        let unnamed = unnamed.filter(|heard| heard.statement.says.is_of_screen());
        let unnamed = unnamed
            .map(|heard| format!("{heard}: it does not name its phone and is not used; give DEVICE={}", heard.path));
        let mut notes = Vec::new();
        for all in [requests.into_iter().collect::<Vec<_>>(), unnamed.collect()] {
            let more = all.len().saturating_sub(MOST_NOTES);
            notes.extend(all.into_iter().take(MOST_NOTES));
            if more > 0 {
                notes.push(format!("{more} more of these"));
            }
        }
        notes
    }
    /// The same with what is known of the cluster alone.
    pub fn new(
        old_key_backup: Option<bool>,
        cucm_release: Option<(u16, u16)>,
        phone_at: BTreeMap<IpAddr, DeviceName>,
    ) -> Self {
        Self { old_key_backup, cucm_release, phone_at, ..Self::default() }
    }

    /// Whether nothing is told of any phone.
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// Every device of which something is told.
    pub fn devices(&self) -> BTreeSet<&DeviceName> {
        let names = self.of.keys().filter_map(|whose| match whose {
            Whose::Device(name) => Some(name),
            Whose::Address(_) | Whose::Unnamed => None,
        });
        names.collect()
    }

    /// Every address of which something is told.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.of.keys().filter_map(|whose| match whose {
            Whose::Address(address) => Some(*address),
            Whose::Device(_) | Whose::Unnamed => None,
        })
    }

    /// What is told of a device, an address, or of nobody.
    pub fn of(&self, whose: &Whose) -> Option<&Of> {
        self.of.get(whose)
    }

    /// What is told of a phone by its name and its addresses.
    pub fn about<'a>(&'a self, name: Option<&DeviceName>, addresses: &[IpAddr]) -> About<'a> {
        let name = name.and_then(|name| self.of.get(&Whose::Device(name.clone())));
        let addresses = addresses.iter().filter_map(|address| self.of.get(&Whose::Address(*address)));
        About { parts: name.into_iter().chain(addresses).collect() }
    }

    /// Lists that were given as files or text with what phones hold.
    pub fn lists(&self) -> &[Arc<TrustList>] {
        &self.lists
    }

    /// Takes what a phone is said to hold.
    pub fn hold(&mut self, whose: Whose, holding: ToldHolding) {
        if let Some(list) = holding.list.as_ref().and_then(|list| list.list.as_ref())
            && !self.lists.iter().any(|known| Arc::ptr_eq(known, list) || known == list)
        {
            self.lists.push(Arc::clone(list));
        }
        let whose = self.settled(whose);
        let holds = &mut self.of.entry(whose).or_default().holds;
        // Of one text the later alarm counts: the phone took another list between.
        let before = holds.iter_mut().find(|before| {
            before.kind == holding.kind
                && ((before.by == By::Alarm && holding.by == By::Alarm && before.source == holding.source)
                    || (before.list == holding.list && before.by == holding.by))
        });
        match before {
            Some(before) => *before = holding,
            None => holds.push(holding),
        }
    }

    /// Takes what the engineer says that a phone's screen shows.
    pub fn show(&mut self, whose: Whose, shown: Shown) {
        let whose = self.settled(whose);
        let shows = &mut self.of.entry(whose).or_default().shows;
        if !shows.contains(&shown) {
            shows.push(shown);
        }
    }

    /// Takes what a text says.
    pub fn hear(&mut self, reading: Reading) {
        self.notes.push(reading.note());
        self.notes.extend(reading.notes.iter().map(|note| format!("{}: {note}", reading.path)));
        let path: Arc<str> = reading.path.into();
        let mut last_alarms: BTreeMap<Whose, Option<super::Stamp>> = BTreeMap::new();
        for statement in reading.statements {
            if let Says::Holds { itl, ctl } = statement.says {
                // Of two alarms in one text the later counts: by date where both have one, else by their order.
                let last = last_alarms.entry(statement.whose.clone()).or_insert(statement.stamp);
                if last.zip(statement.stamp).is_some_and(|(last, now)| now.is_before(last)) {
                    continue;
                }
                *last = statement.stamp;
                for (kind, list) in [(ListKind::Itl, itl), (ListKind::Ctl, ctl)] {
                    let Some(list) = list else { continue };
                    let list = match list {
                        Holding::Nothing => None,
                        Holding::List(sha1) => Some(ToldList { sha1: Some(sha1), ..ToldList::default() }),
                    };
                    let holding = ToldHolding {
                        kind,
                        list,
                        by: By::Alarm,
                        source: Arc::clone(&path),
                        line: Some(statement.line),
                    };
                    self.hold(statement.whose.clone(), holding);
                }
                continue;
            }
            let whose = self.settled(statement.whose.clone());
            let heard = &mut self.of.entry(whose).or_default().heard;
            heard.push(Heard { path: Arc::clone(&path), statement });
        }
    }

    /// The device that had an address, where the engineer says which.
    fn settled(&self, whose: Whose) -> Whose {
        match &whose {
            Whose::Address(address) => self.phone_at.get(address).cloned().map_or(whose, Whose::Device),
            Whose::Device(_) | Whose::Unnamed => whose,
        }
    }
}

/// What is told of one phone, by its name and by its addresses.
#[derive(Debug, Clone, Default)]
pub struct About<'a> {
    parts: Vec<&'a Of>,
}

impl<'a> About<'a> {
    /// Whether nothing is told.
    pub const fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What is heard, in the order in which it was read.
    pub fn heard(&self) -> impl Iterator<Item = &'a Heard> + '_ {
        self.parts.iter().flat_map(|of| &of.heard)
    }

    /// Every statement about this list.
    pub fn holdings(&self, kind: ListKind) -> impl Iterator<Item = &'a ToldHolding> + '_ {
        self.parts.iter().flat_map(|of| &of.holds).filter(move |holding| holding.kind == kind)
    }

    /// What the statements about this list come to.
    pub fn held(&self, kind: ListKind) -> Held<'a> {
        let mut holdings = self.holdings(kind);
        let Some(mut best) = holdings.next() else { return Held::Unsaid };
        let detail = |holding: &ToldHolding| {
            holding
                .list
                .as_ref()
                .map_or(0, |list| 2 * usize::from(list.list.is_some()) + usize::from(list.sha1.is_some()))
        };
        for other in holdings {
            let same = match (&best.list, &other.list) {
                (None, None) => true,
                (Some(one), Some(two)) => one.may_be(two),
                _ => false,
            };
            if !same {
                return Held::Disputed(best, other);
            }
            if detail(other) > detail(best) {
                best = other;
            }
        }
        Held::One(best)
    }

    /// What the engineer says that the screen shows, word by word.
    pub fn shown(&self) -> impl Iterator<Item = Screen> + '_ {
        self.parts.iter().flat_map(|of| &of.shows).map(Shown::screen)
    }

    /// What the phone's screen says of verification: by the engineer, else by the last word of what was heard; and whether
    /// the engineer says it.
    pub fn screen(&self) -> (LastWord, bool) {
        let shows: Vec<&Shown> = self.parts.iter().flat_map(|of| &of.shows).collect();
        if shows.is_empty() {
            return (screen::last_word(&self.heard().collect::<Vec<_>>()), false);
        }
        let words = shows.iter().map(|shown| shown.screen());
        let (least, most) =
            words.fold((Screen::Failed, Screen::Silent), |(least, most), word| (least.min(word), most.max(word)));
        let quoted: Vec<String> = shows.iter().map(|shown| format!("\"{}\"", shown.words)).collect();
        let why = format!("said by option: {}", quoted.join(" and "));
        // Words that contradict each other settle nothing.
        let screen = if least == most || least != Screen::Well { most } else { Screen::Open };
        (LastWord { screen, why, stamp: None, place: None }, true)
    }
}

impl Shown {
    fn screen(&self) -> Screen {
        match &self.says {
            Says::VerificationFailed(super::Object::AnyFile) | Says::UpdateFailed(_) => Screen::Open,
            Says::VerificationFailed(super::Object::Other) => Screen::Silent,
            Says::VerificationFailed(_) => Screen::Failed,
            Says::Verified(_) | Says::Taken(_) => Screen::Well,
            _ => Screen::Silent,
        }
    }
}

impl Reading {
    /// What is to be said of it: what it was taken for, and how much of it says nothing.
    pub fn note(&self) -> String {
        let Self { path, kind, lines, silent, .. } = self;
        match (lines, silent) {
            (0, _) => format!("{path}: is empty"),
            (lines, silent) if lines == silent => {
                format!("{path}: none of its {lines} lines says anything that is looked for")
            }
            (_, 0) => format!("{path}: read as {}", kind.words()),
            (lines, silent) => {
                format!("{path}: read as {}; {silent} of {lines} lines say nothing that is looked for", kind.words())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{of_screen, read};
    use super::*;

    const A: &str = "SEP0011215A1AE3";

    fn device() -> Whose {
        Whose::Device(DeviceName::new(A).unwrap())
    }

    fn name() -> DeviceName {
        DeviceName::new(A).unwrap()
    }

    fn checksum(kind: ListKind, digit: &str) -> ToldHolding {
        let list = Some(ToldList { sha1: digit.repeat(40).parse().ok(), ..ToldList::default() });
        ToldHolding { kind, list, by: By::Option, source: "--holds".into(), line: None }
    }

    #[test]
    fn contradicting_holdings_are_kept() {
        let mut told = Told::default();
        for digit in ["1", "1", "2"] {
            told.hold(device(), checksum(ListKind::Itl, digit));
        }
        told.hold(device(), checksum(ListKind::Ctl, "1"));
        let about = told.about(Some(&name()), &[]);
        assert_eq!(about.holdings(ListKind::Itl).count(), 2);
        assert!(matches!(about.held(ListKind::Itl), Held::Disputed(..)));
        assert!(matches!(about.held(ListKind::Ctl), Held::One(_)));
    }

    #[test]
    fn later_alarm_counts_in_any_order_of_lines() {
        let alarm = |day: u8, digit: &str| {
            format!("2026-10-{day:02} 10:00:00 cm-a : 57: [DeviceName={A}][ITL_Signature={}]\n", digit.repeat(40))
        };
        for text in [alarm(1, "A") + &alarm(2, "B"), alarm(2, "B") + &alarm(1, "A")] {
            let mut told = Told::default();
            for reading in read("x", text.as_bytes(), &Whose::Unnamed).0 {
                told.hear(reading);
            }
            let about = told.about(Some(&name()), &[]);
            let Held::One(holding) = about.held(ListKind::Itl) else { panic!() };
            assert_eq!(holding.list.as_ref().unwrap().sha1.unwrap().to_string(), "b".repeat(40));
        }
    }

    #[test]
    fn screen_by_option_goes_before_logs() {
        let mut told = Told::default();
        for reading in read("x", b"Trust List updated\n", &device()).0 {
            told.hear(reading);
        }
        let screen = |told: &Told| told.about(Some(&name()), &[]).screen().0.screen;
        assert_eq!(screen(&told), Screen::Well);
        for (words, expected) in [
            ("Trust List Update Failed", Screen::Open),
            ("verification-failed", Screen::Failed),
            ("Trust List updated", Screen::Open),
        ] {
            told.show(device(), Shown { says: of_screen(words).unwrap(), words: words.to_owned() });
            assert_eq!(screen(&told), expected, "{words}");
        }
    }

    #[test]
    fn address_is_the_phone_that_the_engineer_says() {
        let address = "192.0.2.7".parse().unwrap();
        let mut told = Told::default();
        told.phone_at.insert(address, name());
        told.hold(Whose::Address(address), checksum(ListKind::Itl, "1"));
        assert_eq!(told.devices().len(), 1);
    }
}
