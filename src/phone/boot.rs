//! Boots: where one round of files ends and the next begins.
//!
//! A phone asks for its trust lists once a boot, or once an attempt: one that rejects what it gets begins its short round of
//! files again every fifteen seconds or so (domain.md 4.3). The order of files differs between models, so a round is told by a
//! list that is asked for again after it was answered.

use std::sync::Arc;

use super::record::{DownloadRecord, Phone};
use crate::capture::{Moment, Span};
use crate::event::{ListAlarm, Outcome, TlsSession};

/// One round of a phone: its files, its TLS sessions, what it said.
#[derive(Debug, Clone)]
pub struct Boot<'a> {
    /// Its first frame.
    pub started: Moment,
    /// Downloads in the order of their first frames.
    pub downloads: &'a [Arc<DownloadRecord>],
    /// TLS sessions in the order of their first frames.
    pub sessions: Vec<&'a TlsSession>,
    /// What it said of the lists that it holds.
    pub reports: Vec<&'a ListAlarm>,
}

impl Boot<'_> {
    /// From its first frame to the last frame of what began in it.
    pub fn span(&self) -> Span {
        let downloads = self.downloads.iter().map(|download| download.span.last);
        let sessions = self.sessions.iter().map(|session| session.span.last);
        let reports = self.reports.iter().map(|report| report.moment);
        let last = downloads.chain(sessions).chain(reports).fold(self.started, Moment::max);
        Span { first: self.started, last }
    }
}

impl Phone {
    /// The phone's boots in order; at least one where anything was recorded of it.
    pub fn boots(&self) -> Vec<Boot<'_>> {
        let mut starts = vec![0];
        let mut answered: Vec<&DownloadRecord> = Vec::new();
        for (index, download) in self.downloads.iter().enumerate() {
            if !download.kind.is_list() {
                continue;
            }
            let again = answered.iter().any(|earlier| is_same_request(earlier, download));
            if again {
                starts.push(index);
                answered.clear();
            }
            answered.push(download);
        }
        let ends = starts.iter().skip(1).copied().chain([self.downloads.len()]);
        let mut boots: Vec<Boot<'_>> = starts
            .iter()
            .zip(ends)
            .map(|(&start, end)| {
                let downloads = self.downloads.get(start..end).unwrap_or_default();
                let started = downloads.first().map_or_else(Moment::default, |download| download.span.first);
                Boot { started, downloads, sessions: Vec::new(), reports: Vec::new() }
            })
            .collect();
        for session in &self.sessions {
            if let Some(boot) = current(&mut boots, session.span.first) {
                boot.sessions.push(session);
            }
        }
        for report in &self.reports {
            if let Some(boot) = current(&mut boots, report.moment) {
                boot.reports.push(report);
            }
        }
        if let Some(first) = boots.first_mut()
            && first.downloads.is_empty()
        {
            let moments = first.sessions.iter().map(|session| session.span.first);
            first.started = moments.chain(first.reports.iter().map(|report| report.moment)).min().unwrap_or_default();
        }
        boots
    }
}

/// The boot that goes on at this moment: the last one begun before it, else the first.
fn current<'a, 'b>(boots: &'b mut [Boot<'a>], moment: Moment) -> Option<&'b mut Boot<'a>> {
    let index = boots.iter().rposition(|boot| boot.started.time <= moment.time).unwrap_or(0);
    boots.get_mut(index)
}

/// Whether `later` asks again for a file that `earlier` was answered about. Falling back from HTTP to TFTP is no new round, nor
/// is a request that is repeated because nobody answered.
fn is_same_request(earlier: &DownloadRecord, later: &DownloadRecord) -> bool {
    let same_file = match (&earlier.file, &later.file) {
        (Some(earlier), Some(later)) => earlier.eq_ignore_ascii_case(later),
        _ => false,
    };
    same_file
        && match earlier.outcome {
            Outcome::Complete => true,
            Outcome::Refused => earlier.transport == later.transport,
            Outcome::Pending | Outcome::Incomplete | Outcome::Unanswered => false,
        }
}
