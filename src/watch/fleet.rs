//! All phones together, for the fleet view: groups with the same cause, servers, boots per minute.
//!
//! In: lines of phones, and phones. Out: [`FleetView`]. Groups and words come from [`crate::verdict`].

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::row::{Cause, Row};
use crate::capture::Moment;
use crate::digest::Sha1Sum;
use crate::phone::Phone;
use crate::report::Severity;
use crate::verdict::{Case, Deletion, Fleet, Summary};
use crate::x509::Serial;

/// Minutes of boots that are shown at most.
const MOST_MINUTES: i64 = 24 * 60;

/// All phones together.
#[derive(Debug, Clone, Default)]
pub struct FleetView {
    /// Counts.
    pub summary: Summary,
    /// Phones with the same cause, the largest group first.
    pub groups: Vec<FleetGroup>,
    /// Phones of which nothing wrong is known.
    pub without_cause: usize,
    /// What TFTP servers handed out.
    pub lists: Vec<ServedLine>,
    /// What TVS servers presented.
    pub certificates: Vec<PresentedLine>,
    /// What servers did that endangers all phones.
    pub warnings: Vec<String>,
    /// Boots per minute up to the last one; the last minute last.
    pub boots: Vec<u64>,
    /// Minutes since 1970 of the last entry of `boots`.
    pub last_minute: i64,
}

/// Phones with the same cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetGroup {
    /// The cause.
    pub cause: Arc<Cause>,
    /// How many phones.
    pub phones: usize,
    /// What the worst of them is in: where all only differ from a reference, nothing is wrong.
    pub worst: Severity,
}

/// A list of a TFTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedLine {
    /// The server.
    pub server: IpAddr,
    /// Its checksum.
    pub sha1: Sha1Sum,
    /// Who signed it.
    pub signer: Option<String>,
    /// Phones that got it last.
    pub phones: usize,
    /// When it was first seen.
    pub first: Moment,
}

/// A certificate of a TVS server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedLine {
    /// The server.
    pub server: SocketAddr,
    /// Its subject.
    pub subject: String,
    /// Its serial number.
    pub serial: Serial,
    /// Phones that were shown it.
    pub phones: usize,
    /// When it was first seen.
    pub first: Moment,
}

impl FleetView {
    /// The view of these phones.
    pub fn new<'a>(rows: impl Iterator<Item = &'a Row>, phones: impl Iterator<Item = &'a Phone>, case: &Case) -> Self {
        let mut view = Self::default();
        let mut groups: BTreeMap<&Arc<Cause>, FleetGroup> = BTreeMap::new();
        let mut minutes: BTreeMap<i64, u64> = BTreeMap::new();
        for row in rows {
            view.count(row);
            for cause in &row.causes {
                let group = groups.entry(cause).or_insert_with(|| FleetGroup {
                    cause: Arc::clone(cause),
                    phones: 0,
                    worst: row.brief.severity,
                });
                group.phones += 1;
                group.worst = group.worst.min(row.brief.severity);
            }
            for boot in &row.boots {
                *minutes.entry(boot.nanos().div_euclid(60_000_000_000)).or_default() += 1;
            }
        }
        view.groups = groups.into_values().collect();
        view.groups.sort_by(|a, b| b.phones.cmp(&a.phones).then_with(|| a.cause.cmp(&b.cause)));
        view.take_boots(&minutes);
        let mut fleet = Fleet::default();
        phones.for_each(|phone| fleet.add_servers(phone));
        view.take_servers(&fleet, case);
        view
    }

    fn count(&mut self, row: &Row) {
        let brief = &row.brief;
        let wrong = !row.causes.is_empty();
        let summary = &mut self.summary;
        summary.phones += 1;
        let mismatch = crate::verdict::Check::Mismatch;
        summary.mismatched += usize::from(brief.itl == mismatch || brief.tvs == mismatch);
        summary.with_findings += usize::from(wrong);
        summary.needing_attention += usize::from(brief.severity.needs_attention());
        match brief.deletion {
            Deletion::Needed => summary.deletion_needed += 1,
            Deletion::NotNeeded => summary.not_needed += 1,
            Deletion::Undetermined => summary.undetermined += 1,
        }
        self.without_cause += usize::from(!wrong);
    }

    fn take_boots(&mut self, minutes: &BTreeMap<i64, u64>) {
        let (Some((&first, _)), Some((&last, _))) = (minutes.first_key_value(), minutes.last_key_value()) else {
            return;
        };
        let first = first.max(last - MOST_MINUTES);
        self.boots = (first..=last).map(|minute| minutes.get(&minute).copied().unwrap_or(0)).collect();
        self.last_minute = last;
    }

    fn take_servers(&mut self, fleet: &Fleet, case: &Case) {
        self.warnings = fleet.warnings(case);
        for (server, lists) in fleet.lists() {
            self.lists.extend(lists.into_iter().map(|(digests, served)| {
                let list = served.list.as_deref().map(|served| &served.list);
                let signer = list.and_then(|list| list.signer()).map(ToString::to_string);
                ServedLine { server, sha1: digests.sha1, signer, phones: served.phones, first: served.first }
            }));
        }
        for (server, certificates) in fleet.certificates() {
            self.certificates.extend(certificates.into_iter().map(|presented| PresentedLine {
                server,
                subject: presented.certificate.subject.short().to_owned(),
                serial: presented.certificate.serial.clone(),
                phones: presented.phones,
                first: presented.first,
            }));
        }
    }
}
