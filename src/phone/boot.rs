//! Boots: where one round of files ends and the next begins, and which of them is today's.
//!
//! A phone asks for its trust lists once a boot, or once an attempt: one that rejects what it gets begins its short round of
//! files again every fifteen seconds or so (domain.md 4.3). The order of files differs between models, so a round is told by a
//! file that is asked for again after it was answered.
//!
//! Boots are of one address, as one clock saw it. Today's are those that no other boot is known to follow: one, unless two
//! recorders or two addresses leave it open which came last.

use super::attribution::{Attributed, Attribution};
use super::files::FileKind;
use super::record::{DownloadRecord, Phone};
use crate::capture::{Clocks, Moment, Span};
use crate::event::{ListAlarm, Outcome, Taken, TlsSession};

/// A configuration that is asked for again later than this was not asked for in the same boot.
const ANOTHER_BOOT_AFTER: u64 = 120_000_000_000;

/// One round of a phone: its files, its TLS sessions, what it said.
#[derive(Debug, Clone)]
pub struct Boot<'a> {
    /// Its first frame.
    pub started: Moment,
    /// Whether no other boot is known to have followed it.
    pub is_last: bool,
    /// Downloads in the order of their first frames.
    pub downloads: Vec<&'a DownloadRecord>,
    /// Its own TLS sessions in the order of their first frames.
    pub sessions: Vec<&'a TlsSession>,
    /// TLS sessions at its address of which nobody knows whether they are its own.
    pub doubtful: Vec<&'a TlsSession>,
    /// What the phone said of the lists that it holds.
    pub reports: Vec<&'a ListAlarm>,
    address: (std::net::IpAddr, u16),
}

impl Boot<'_> {
    /// The address at which it took its files.
    pub const fn address(&self) -> std::net::IpAddr {
        self.address.0
    }

    /// Whether it is the next at the same address.
    pub fn is_after(&self, other: &Self, clocks: &Clocks) -> bool {
        self.address == other.address && clocks.is_before(other.started, self.started)
    }

    /// The last complete ITL that came in it.
    pub fn last_itl(&self) -> Option<&DownloadRecord> {
        let given =
            |download: &&&DownloadRecord| download.is_complete(FileKind::Itl) && download.taken != Taken::Unasked;
        self.downloads.iter().rev().find(given).copied()
    }

    /// From its first frame to the last frame of what began in it.
    pub fn span(&self) -> Span {
        let downloads = self.downloads.iter().map(|download| download.span.last);
        let sessions = self.sessions.iter().map(|session| session.span.last);
        let reports = self.reports.iter().map(|report| report.moment);
        Span { first: self.started, last: downloads.chain(sessions).chain(reports).fold(self.started, Moment::later) }
    }
}

impl Phone {
    /// The phone's boots, those of one address in order; at least one where anything was recorded of it.
    pub fn boots(&self) -> Vec<Boot<'_>> {
        let clocks = &*self.clocks;
        let mut boots: Vec<Boot<'_>> = Vec::new();
        for &home in &self.homes {
            let at_home = |download: &&Attributed<DownloadRecord>| {
                (download.client.ip(), clocks.clock(download.span.first.frame.source)) == home
                    && download.how != Attribution::Shared
            };
            let mut current: Option<Boot<'_>> = None;
            let mut answered: Vec<&DownloadRecord> = Vec::new();
            for download in self.downloads.iter().filter(at_home).map(AsRef::as_ref) {
                let again = answered.iter().any(|earlier| is_same_request(earlier, download, clocks));
                if again {
                    boots.extend(current.take());
                    answered.clear();
                }
                answered.push(download);
                current.get_or_insert_with(|| Boot::new(download.span.first, home)).downloads.push(download);
            }
            boots.extend(current);
        }
        if boots.is_empty() {
            // Without a file, whatever is known happened in some boot.
            let sessions = self.sessions.iter().map(|session| session.span.first);
            let first = sessions.chain(self.reports.iter().map(|report| report.moment)).min();
            let nowhere = (std::net::IpAddr::from([0, 0, 0, 0]), 0);
            boots.push(Boot::new(first.unwrap_or_default(), nowhere));
        }
        for session in &self.sessions {
            let started = session.span.first;
            match of_moment(&mut boots, (session.client.ip(), started), clocks) {
                Some(boot) if session.how.is_own() => boot.sessions.push(session),
                Some(boot) => boot.doubtful.push(session),
                None => {}
            }
        }
        for report in self.reports.iter().filter(|report| report.how.is_own()) {
            if let Some(boot) = of_moment(&mut boots, (report.client.ip(), report.moment), clocks) {
                boot.reports.push(report);
            }
        }
        let followed: Vec<bool> = boots
            .iter()
            .map(|one| {
                let end = one.downloads.last().map_or(one.started, |download| download.span.first);
                // Whoever reads the phone's files from another address later may fetch them for it, or for himself.
                let may_follow =
                    |other: &Boot<'_>| other.address.0 == one.address.0 || self.certain.contains(&other.address.0);
                boots.iter().any(|other| may_follow(other) && clocks.is_before(end, other.started))
            })
            .collect();
        for (boot, followed) in boots.iter_mut().zip(followed) {
            boot.is_last = !followed;
        }
        boots
    }
}

impl Boot<'_> {
    const fn new(started: Moment, address: (std::net::IpAddr, u16)) -> Self {
        Self {
            started,
            is_last: false,
            downloads: Vec::new(),
            sessions: Vec::new(),
            doubtful: Vec::new(),
            reports: Vec::new(),
            address,
        }
    }
}

/// The boot that goes on at this moment at this address: the last one begun before it. What came before the first belongs to
/// none.
fn of_moment<'a, 'b>(
    boots: &'b mut [Boot<'a>],
    (address, moment): (std::net::IpAddr, Moment),
    clocks: &Clocks,
) -> Option<&'b mut Boot<'a>> {
    let goes_on = |boot: &Boot<'_>| {
        let is_alone = boot.downloads.is_empty();
        is_alone || (boot.address.0 == address && (boot.started == moment || clocks.is_before(boot.started, moment)))
    };
    let index = boots.iter().enumerate().filter(|(_, boot)| goes_on(boot)).map(|(index, _)| index).reduce(
        |one, other| match (boots.get(one), boots.get(other)) {
            (Some(earlier), Some(later)) if clocks.is_before(later.started, earlier.started) => one,
            _ => other,
        },
    )?;
    boots.get_mut(index)
}

/// Whether `later` asks again for a file that `earlier` was answered about. Falling back from HTTP to TFTP is no new round, nor
/// is a request that is repeated because nobody answered.
fn is_same_request(earlier: &DownloadRecord, later: &DownloadRecord, clocks: &Clocks) -> bool {
    let same_file = match (&earlier.asked_for, &later.asked_for) {
        (Some(earlier), Some(later)) => earlier.eq_ignore_ascii_case(later),
        // Two whole lists of one kind, neither with its request: nobody takes the same twice in a boot.
        (None, None) => later.kind.is_list() && earlier.kind == later.kind && earlier.server.ip() == later.server.ip(),
        _ => false,
    };
    if !same_file {
        return false;
    }
    let answered = match earlier.outcome() {
        Outcome::Complete => true,
        Outcome::Refused => earlier.transport == later.transport,
        Outcome::Pending | Outcome::Incomplete | Outcome::Unanswered => false,
    };
    let much_later = || clocks.is_before_by(earlier.span.first, later.span.first, ANOTHER_BOOT_AFTER).unwrap_or(false);
    match later.kind {
        FileKind::Itl | FileKind::Ctl => answered || much_later(),
        // A configuration is fetched anew also where it was changed.
        FileKind::Config => answered && much_later(),
        FileKind::Other => false,
    }
}
