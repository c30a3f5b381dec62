//! What a phone holds, and how that is known.
//!
//! In the order of trust: what the engineer says, what the phone itself reports (DeviceTLInfo), what it demonstrably accepted
//! earlier in the capture. Nothing else: a reference is a list of unknown relation to the phone (domain.md 7.1).

use super::observed::Observed;
use super::{Case, Evidence};
use crate::digest::{Digests, Md5Sum, Sha1Sum};
use crate::event::{Holding, ListAlarm};
use crate::phone::{Boot, DownloadRecord, Phone};
use crate::trust::{ListKind, TrustList};

/// How it is known what a phone holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldSource {
    /// The engineer said it.
    Option,
    /// The phone's alarm said it.
    DeviceTlInfo,
    /// The phone was seen to accept it.
    Inferred,
}

/// One list on a phone.
#[derive(Debug, Clone, Default)]
pub(super) enum HeldList<'a> {
    /// It is not known.
    #[default]
    Unknown,
    /// The phone holds none.
    Nothing,
    /// This one.
    Known(KnownList<'a>),
}

/// A list that is known by its checksum, and perhaps at hand.
#[derive(Debug, Clone)]
pub(super) struct KnownList<'a> {
    /// MD5 of the file.
    pub(super) md5: Option<Md5Sum>,
    /// SHA-1 of the file.
    pub(super) sha1: Option<Sha1Sum>,
    /// The list itself, where one with this checksum is at hand.
    pub(super) list: Option<&'a TrustList>,
}

/// What a phone holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Held<'a> {
    /// The ITL, now.
    pub(super) itl: HeldList<'a>,
    /// The CTL, now.
    pub(super) ctl: HeldList<'a>,
    /// How that is known.
    pub(super) source: Option<HeldSource>,
    /// The ITL that it held when it was offered the last one.
    pub(super) itl_before: HeldList<'a>,
    /// In words.
    pub(super) why: String,
    /// The frames that it rests on.
    pub(super) evidence: Vec<Evidence>,
    /// Whether the engineer and the phone say different things.
    pub(super) contradiction: Option<String>,
}

impl<'a> HeldList<'a> {
    /// The list itself, where it is at hand.
    pub(super) fn list(&self) -> Option<&'a TrustList> {
        match self {
            Self::Known(known) => known.list,
            Self::Unknown | Self::Nothing => None,
        }
    }

    /// Whether it is this file; `None` where that is not known.
    pub(super) fn is(&self, digests: Digests) -> Option<bool> {
        match self {
            Self::Known(KnownList { sha1: Some(sha1), .. }) => Some(*sha1 == digests.sha1),
            Self::Known(KnownList { md5: Some(md5), .. }) => Some(*md5 == digests.md5),
            Self::Nothing => Some(false),
            Self::Known(_) | Self::Unknown => None,
        }
    }

    /// SHA-1 of the file, where it is known.
    pub(super) const fn sha1(&self) -> Option<Sha1Sum> {
        match self {
            Self::Known(known) => known.sha1,
            Self::Unknown | Self::Nothing => None,
        }
    }

    /// Whether the phone takes whatever list comes next: it holds none, or an empty one (domain.md 6, state 1).
    pub(super) fn takes_any(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Known(KnownList { list: Some(list), .. }) => list.looks_rolled_back(),
            Self::Known(_) | Self::Unknown => false,
        }
    }

    const fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

impl Held<'_> {
    /// Whether the phone's own list is known well enough to compare with: by what the engineer or the phone itself says.
    pub(super) const fn is_identified(&self) -> bool {
        matches!(self.source, Some(HeldSource::Option | HeldSource::DeviceTlInfo))
    }
}

/// A list that the engineer says is on a phone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToldList {
    /// MD5, where that was given or can be computed.
    pub md5: Option<Md5Sum>,
    /// SHA-1, where that was given or can be computed.
    pub sha1: Option<Sha1Sum>,
    /// The list, where a file was given.
    pub list: Option<TrustList>,
    /// How it was given, for messages.
    pub label: String,
}

/// What the engineer says is on a phone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToldLists {
    /// The ITL; `Some(None)` where the phone holds none.
    pub itl: Option<Option<ToldList>>,
    /// The CTL; `Some(None)` where the phone holds none.
    pub ctl: Option<Option<ToldList>>,
}

/// Finds out what the phone holds. `boots` and `observed` are of the phone, the last one last.
pub(super) fn held<'a>(phone: &'a Phone, boots: &[Boot<'a>], observed: &[Observed<'a>], case: &'a Case) -> Held<'a> {
    let told = phone.name.as_ref().and_then(|name| case.told.holds.get(name));
    let reported = last_report(phone);
    let served = observed.last().and_then(|last| last.itl);
    let mut held = match (told, reported) {
        (Some(told), _) => from_option(told, case),
        (None, Some(report)) => from_report(report, case),
        (None, None) => from_observation(boots, observed),
    };
    if let (Some(told), Some(report)) = (told, reported) {
        held.contradiction = contradiction(told, report);
    }
    held.itl_before = before(phone, &held, served, boots, observed, case);
    held
}

fn last_report(phone: &Phone) -> Option<&ListAlarm> {
    phone.reports.iter().rev().find(|report| report.itl.is_some() || report.ctl.is_some()).map(AsRef::as_ref)
}

fn from_option<'a>(told: &'a ToldLists, case: &'a Case) -> Held<'a> {
    let list = |told: &'a Option<Option<ToldList>>| match told {
        None => HeldList::Unknown,
        Some(None) => HeldList::Nothing,
        Some(Some(told)) => {
            let list = told.list.as_ref().or_else(|| case.identify(told.md5, told.sha1));
            HeldList::Known(KnownList {
                md5: told.md5.or_else(|| list.and_then(|list| list.md5)),
                sha1: told.sha1.or_else(|| list.and_then(|list| list.sha1)),
                list,
            })
        }
    };
    let label = told.itl.iter().chain(&told.ctl).flatten().map(|told| told.label.as_str()).collect::<Vec<_>>();
    let label = if label.is_empty() { "no list".to_owned() } else { label.join(" and ") };
    Held {
        itl: list(&told.itl),
        ctl: list(&told.ctl),
        source: Some(HeldSource::Option),
        why: format!("the phone holds {label} (said by option)"),
        ..Held::default()
    }
}

fn reported_list(reported: Option<Holding>, case: &Case) -> HeldList<'_> {
    match reported {
        None => HeldList::Unknown,
        Some(Holding::Nothing) => HeldList::Nothing,
        Some(Holding::List(sha1)) => {
            let list = case.identify(None, Some(sha1));
            HeldList::Known(KnownList { md5: list.and_then(|list| list.md5), sha1: Some(sha1), list })
        }
    }
}

fn from_report<'a>(report: &ListAlarm, case: &'a Case) -> Held<'a> {
    let words = |reported: Option<Holding>| match reported {
        None => "not told".to_owned(),
        Some(Holding::Nothing) => "not installed".to_owned(),
        Some(Holding::List(sha1)) => format!("SHA-1 {sha1}"),
    };
    let text = format!("DeviceTLInfo: ITL {}, CTL {}", words(report.itl), words(report.ctl));
    Held {
        itl: reported_list(report.itl, case),
        ctl: reported_list(report.ctl, case),
        source: Some(HeldSource::DeviceTlInfo),
        why: format!("the phone reports what it holds, frame {}", report.moment.frame.number),
        evidence: vec![Evidence::new(report.moment, text)],
        ..Held::default()
    }
}

/// The last list that the phone was seen to accept.
fn from_observation<'a>(boots: &[Boot<'a>], observed: &[Observed<'a>]) -> Held<'a> {
    let accepted = boots.iter().zip(observed).rev().find_map(|(_, observed)| observed.accepted());
    let Some((download, evidence)) = accepted else {
        return Held { why: "what the phone holds is not known".to_owned(), ..Held::default() };
    };
    Held {
        itl: of_download(download),
        source: Some(HeldSource::Inferred),
        why: format!(
            "inferred: the phone accepted the list that it downloaded in frames {}–{}",
            download.span.first.frame.number, download.span.last.frame.number
        ),
        evidence,
        ..Held::default()
    }
}

/// A list as it was downloaded.
fn of_download(download: &DownloadRecord) -> HeldList<'_> {
    HeldList::Known(KnownList {
        md5: download.digests.map(|digests| digests.md5),
        sha1: download.digests.map(|digests| digests.sha1),
        list: download.list.as_deref().map(|served| &served.list),
    })
}

/// What the phone held when it was offered the last list.
fn before<'a>(
    phone: &'a Phone,
    held: &Held<'a>,
    served: Option<&DownloadRecord>,
    boots: &[Boot<'a>],
    observed: &[Observed<'a>],
    case: &'a Case,
) -> HeldList<'a> {
    let Some(served) = served else { return held.itl.clone() };
    if held.source == Some(HeldSource::Option) {
        return held.itl.clone();
    }
    let earlier = phone.reports.iter().rev().find(|report| report.moment < served.span.first && report.itl.is_some());
    if let Some(report) = earlier {
        return reported_list(report.itl, case);
    }
    // A list that it reports afterwards and that is not the one served is the one that it had kept.
    if held.source == Some(HeldSource::DeviceTlInfo)
        && served.digests.is_some_and(|digests| held.itl.is(digests) == Some(false))
    {
        return held.itl.clone();
    }
    let earlier = boots.len().saturating_sub(1);
    let accepted = observed.iter().take(earlier).rev().find_map(Observed::accepted);
    accepted.map_or(HeldList::Unknown, |(download, _)| of_download(download))
}

fn contradiction(told: &ToldLists, report: &ListAlarm) -> Option<String> {
    let differs = |told: &Option<Option<ToldList>>, reported: Option<Holding>| match (told, reported) {
        (Some(None), Some(Holding::List(_))) | (Some(Some(_)), Some(Holding::Nothing)) => true,
        (Some(Some(told)), Some(Holding::List(sha1))) => told.sha1.is_some_and(|told| told != sha1),
        _ => false,
    };
    let kind = if differs(&told.itl, report.itl) {
        ListKind::Itl
    } else if differs(&told.ctl, report.ctl) {
        ListKind::Ctl
    } else {
        return None;
    };
    Some(format!(
        "the {} said by option is not the one that the phone reports in frame {}",
        kind.name(),
        report.moment.frame.number
    ))
}

impl Case {
    /// The list at hand with this checksum.
    pub(super) fn identify(&self, md5: Option<Md5Sum>, sha1: Option<Sha1Sum>) -> Option<&TrustList> {
        self.lists()
            .find(|list| (sha1.is_some() && list.sha1 == sha1) || (sha1.is_none() && md5.is_some() && list.md5 == md5))
    }
}

/// The phone's own list in words: "its own ITL", and what stands for it where it is not known.
pub(super) const fn relation(held: &Held<'_>) -> &'static str {
    match held.source {
        Some(HeldSource::Option) => "the phone's list (said by option)",
        Some(HeldSource::DeviceTlInfo) => "the phone's list (identified by the hash that it reports)",
        Some(HeldSource::Inferred) => "the list that the phone was seen to accept",
        None => "a list of unknown relation to the phone",
    }
}

/// Whether anything at all is known of what the phone holds.
pub(super) const fn knows_anything(held: &Held<'_>) -> bool {
    held.itl.is_known() || held.ctl.is_known()
}
