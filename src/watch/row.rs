//! One phone as a line of the dashboard: everything that the table, its sorting and its filter need, and nothing more.

use std::sync::Arc;

use crate::capture::Timestamp;
use crate::phone::{Phone, PhoneKey};
use crate::report::{Brief, ConfigBrief};
use crate::verdict::Assessment;

/// Beginnings of boots that are remembered of one phone.
const MOST_BOOTS: usize = 64;

/// One phone in a line. It is replaced when the phone changes, never altered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Which phone.
    pub key: PhoneKey,
    /// What the line says.
    pub brief: Brief,
    /// The model, as it stood on the wire.
    pub model: Option<String>,
    /// When it was seen last.
    pub last_seen: Timestamp,
    /// What is wrong with it, the gravest first.
    pub causes: Vec<Arc<Cause>>,
    /// When it began its last boots.
    pub boots: Vec<Timestamp>,
    /// What the filter looks in, in lower case.
    pub search: String,
}

/// Something wrong, shared by the phones that have it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause {
    /// For machines.
    pub id: &'static str,
    /// In words.
    pub text: String,
}

impl Row {
    /// The line of this phone. `share` gives one cause for all that are equal.
    pub fn new(
        key: PhoneKey,
        phone: &Phone,
        assessment: &Assessment,
        mut share: impl FnMut(&'static str, &str) -> Arc<Cause>,
    ) -> Self {
        let brief = Brief::new(phone, assessment);
        let causes: Vec<_> =
            assessment.findings.iter().map(|finding| share(finding.id.name(), finding.text.as_str())).collect();
        let boots = phone.boots();
        let boots = boots.iter().rev().take(MOST_BOOTS).rev().map(|boot| boot.started.time).collect();
        let model = phone.model().map(str::to_owned);
        let search = search(phone, &brief, model.as_deref(), &causes);
        Self { key, brief, model, last_seen: last_seen(phone), causes, boots, search }
    }

    /// What to call it in a sentence.
    pub fn label(&self) -> String {
        match &self.key {
            PhoneKey::Device(name) => name.to_string(),
            PhoneKey::Address(address) => address.to_string(),
        }
    }
}

fn last_seen(phone: &Phone) -> Timestamp {
    let downloads = phone.downloads.iter().map(|download| download.span.last.time);
    let sessions = phone.sessions.iter().map(|session| session.span.last.time);
    let reports = phone.reports.iter().map(|report| report.moment.time);
    downloads.chain(sessions).chain(reports).max().unwrap_or_default()
}

fn search(phone: &Phone, brief: &Brief, model: Option<&str>, causes: &[Arc<Cause>]) -> String {
    let mut text = brief.name.clone();
    let mut add = |more: &str| {
        text.push(' ');
        text.push_str(more);
    };
    for address in &phone.addresses {
        add(&address.to_string());
    }
    for device in &phone.shared_by {
        add(device.as_str());
    }
    add(model.unwrap_or_default());
    if let Some(tftp) = brief.tftp {
        add(&tftp.to_string());
    }
    if let Some(sha1) = brief.itl_sha1 {
        add(&sha1.to_string());
    }
    if let Some(serial) = &brief.tvs_serial {
        add(&serial.to_string());
    }
    add(brief.deletion_words());
    add(&brief.instead);
    add(brief.config.map(ConfigBrief::words).unwrap_or_default());
    for cause in causes {
        add(&cause.id.replace('_', " "));
    }
    text.to_lowercase()
}
