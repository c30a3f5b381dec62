//! What a phone is compared with, and what only the engineer knows.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::capture::{Loss, Moment, Span};
use crate::claim::{Evidence, Place};
use crate::digest::{Digests, Md5Sum, Sha1Sum};
use crate::phone::{FileKind, Phone, ServedList};
use crate::trust::{Reference, TrustList};
use crate::words::Told;

/// The whole case that a phone is assessed in.
#[derive(Debug, Default)]
pub struct Case {
    /// What the engineer gave with `-r`.
    pub references: Vec<Reference>,
    /// What only the engineer knows.
    pub told: Told,
    /// When frames of our own were lost.
    pub losses: Vec<Loss>,
    /// Whether frames come from several captures, so that their numbers need that of the capture.
    pub several_sources: bool,
    /// Distinct lists that were served in the capture.
    served: Vec<Arc<ServedList>>,
    served_bytes: usize,
    /// For each TFTP server, how many phones got which ITL last.
    peers: BTreeMap<IpAddr, BTreeMap<Digests, usize>>,
}

/// What one phone contributes to the comparison of phones with each other: the ITL that it got last, and from whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    server: IpAddr,
    list: Digests,
}

/// What came of [`Case::take`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// To be given back when the phone is taken again.
    pub share: Option<Share>,
    /// Whether the assessments of other phones may come out differently now.
    pub others_differ: bool,
}

/// Distinct lists of one capture that are kept to tell phones' own lists by their checksums; the oldest go first.
const MOST_SERVED: usize = 4096;
/// Bytes that they may take.
const MOST_SERVED_BYTES: usize = 24 << 20;

impl Case {
    /// A case with these references and what the engineer said, about these phones.
    pub fn new(references: Vec<Reference>, told: Told, phones: &[Phone]) -> Self {
        let mut case = Self { references, told, ..Self::default() };
        for phone in phones {
            case.take(phone, None);
        }
        case
    }

    /// Takes a phone, or what became of one: `before` is what this returned for it the last time.
    pub fn take(&mut self, phone: &Phone, before: Option<Share>) -> Taken {
        let mut others_differ = false;
        for list in phone.downloads.iter().filter_map(|download| download.list.as_ref()) {
            if !self.served.iter().any(|known| Arc::ptr_eq(known, list)) {
                self.served_bytes += list.list.weight() + list.content.bytes.len();
                while self.served.len() >= MOST_SERVED
                    || (self.served_bytes > MOST_SERVED_BYTES && !self.served.is_empty())
                {
                    let gone = self.served.remove(0);
                    self.served_bytes -= gone.list.weight() + gone.content.bytes.len();
                }
                self.served.push(Arc::clone(list));
                others_differ = true;
            }
        }
        let now = phone
            .last_list(FileKind::Itl)
            .and_then(|download| Some(Share { server: download.server.ip(), list: download.digests? }));
        if before != now {
            let standing = |case: &Self| [before, now].map(|share| share.map(|share| case.standing(share.server)));
            let standing_before = standing(self);
            if let Some(before) = before {
                self.forget(before);
            }
            if let Some(now) = now {
                *self.peers.entry(now.server).or_default().entry(now.list).or_default() += 1;
            }
            others_differ |= standing_before != standing(self);
        }
        Taken { share: now, others_differ }
    }

    /// Takes back what a phone that is gone contributed. Returns whether the assessments of others may come out differently now.
    pub fn give_back(&mut self, share: Share) -> bool {
        let before = self.standing(share.server);
        self.forget(share);
        before != self.standing(share.server)
    }

    fn forget(&mut self, share: Share) {
        let Some(lists) = self.peers.get_mut(&share.server) else { return };
        if let Some(count) = lists.get_mut(&share.list) {
            *count = count.saturating_sub(1);
        }
        lists.retain(|_, count| *count > 0);
        if lists.is_empty() {
            self.peers.remove(&share.server);
        }
    }

    /// What a phone's comparison with its peers hangs on. As long as all got one list, their number matters only from one to two.
    fn standing(&self, server: IpAddr) -> Vec<(Digests, usize)> {
        match self.peers(server)[..] {
            [(list, count)] => vec![(list, count.min(2))],
            ref several => several.to_vec(),
        }
    }

    /// The ITLs that this server handed out last, with the number of phones, the most frequent first.
    pub fn peers(&self, server: IpAddr) -> Vec<(Digests, usize)> {
        let mut peers: Vec<_> =
            self.peers.get(&server).into_iter().flatten().map(|(&list, &count)| (list, count)).collect();
        peers.sort_by_key(|&(list, count)| (std::cmp::Reverse(count), list.sha1));
        peers
    }

    /// References that speak of this TFTP server: those bound to it, else those bound to none.
    pub fn references_for(&self, server: IpAddr, suits: impl Fn(&Reference) -> bool) -> Vec<&Reference> {
        let bound: Vec<_> =
            self.references.iter().filter(|reference| suits(reference) && reference.server == Some(server)).collect();
        if !bound.is_empty() {
            return bound;
        }
        self.references.iter().filter(|reference| suits(reference) && reference.server.is_none()).collect()
    }

    /// Every list at hand: those of the references, then those served in the capture.
    pub fn lists(&self) -> impl Iterator<Item = &TrustList> {
        let references = self.references.iter().filter_map(|reference| reference.list.as_ref());
        let told = self.told.lists().iter().map(AsRef::as_ref);
        references.chain(told).chain(self.served.iter().map(|served| &served.list))
    }
}

impl Case {
    /// A frame as it is named to people: `frame 506`; where there are several captures `2:506`, frame 506 of the second.
    pub fn frame(&self, moment: Moment) -> String {
        let label = moment.frame.label(self.several_sources);
        if self.several_sources { label } else { format!("frame {label}") }
    }

    /// Whether frames of our own were lost around these, so that silence in them may be ours.
    pub fn lost_in(&self, span: &Span) -> bool {
        self.losses.iter().any(|loss| {
            loss.source == span.first.frame.source && loss.from <= span.last.time && span.first.time <= loss.to
        })
    }

    /// Where evidence can be looked up, in words.
    pub fn place(&self, evidence: &Evidence) -> String {
        match &evidence.place {
            Place::Frame(moment) => self.frame(*moment),
            Place::Line(path, 0) => path.to_string(),
            Place::Line(path, line) => format!("{path}, line {line}"),
        }
    }

    /// The list at hand with this checksum.
    pub(super) fn identify(&self, md5: Option<Md5Sum>, sha1: Option<Sha1Sum>) -> Option<&TrustList> {
        self.lists()
            .find(|list| (sha1.is_some() && list.sha1 == sha1) || (sha1.is_none() && md5.is_some() && list.md5 == md5))
    }
}
