//! What is wrong with a phone, in words that phones with the same cause share, so that a thousand of them read as one line.

use super::advice::is_bad;
use super::matter::Matter;
use super::{Check, Checks, Conditions};
use crate::claim::{Evidence, Holding, Judgement, Source};
use crate::event::SessionEnding;
use crate::phone::FileKind;
use crate::trust::signature::SignatureStatus;
use crate::witness::wire::{file_name, shown_at};

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub id: FindingId,
    /// The cause in words, the same for all phones that have it.
    pub text: String,
    /// Where it shows in this phone.
    pub evidence: Vec<Evidence>,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingId {
    /// No phone can take the list that is served.
    CorruptList,
    /// It is empty.
    EmptyList,
    /// It is another than the reference.
    ItlMismatch,
    /// The CTL is another than that of the reference.
    CtlMismatch,
    /// The phone holds another.
    HoldsAnotherList,
    /// TVS presents another certificate than is expected.
    TvsMismatch,
    /// The same, with an equal serial number.
    TvsSameSerial,
    /// TVS gave no sign of life.
    TvsUnreachable,
    /// A session with TVS was broken off.
    TvsRefused,
    /// One with a web server was.
    WebRefused,
    /// TVS does not vouch for what it was asked about.
    TvsDoesNotVouch,
    /// The phone began its files again at once.
    BeginsAgain,
    /// TFTP does not answer.
    TftpUnanswered,
    /// The signature of a file other than the list is not good.
    InvalidSignature,
    /// The configuration is signed by a key that the phone cannot be seen to know.
    UnknownConfigSigner,
    /// The phone's own rules and what it did contradict each other.
    Disagreement,
    /// Two who know say different things.
    Contradiction,
}

impl FindingId {
    /// For machines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CorruptList => "corrupt_list",
            Self::EmptyList => "empty_list",
            Self::ItlMismatch => "itl_mismatch",
            Self::CtlMismatch => "ctl_mismatch",
            Self::HoldsAnotherList => "holds_another_list",
            Self::TvsMismatch => "tvs_mismatch",
            Self::TvsSameSerial => "tvs_same_serial",
            Self::TvsUnreachable => "tvs_unreachable",
            Self::TvsRefused => "tvs_refused",
            Self::WebRefused => "web_refused",
            Self::TvsDoesNotVouch => "tvs_does_not_vouch",
            Self::BeginsAgain => "begins_again",
            Self::TftpUnanswered => "tftp_unanswered",
            Self::InvalidSignature => "invalid_signature",
            Self::UnknownConfigSigner => "unknown_config_signer",
            Self::Disagreement => "disagreement",
            Self::Contradiction => "contradiction",
        }
    }

    /// Whether it says no more than that something differs from a reference, which may be the one that is old.
    pub const fn is_of_reference(self) -> bool {
        matches!(self, Self::ItlMismatch | Self::CtlMismatch | Self::TvsMismatch | Self::TvsSameSerial)
    }
}

/// Everything wrong, the gravest first.
pub(super) fn findings(matter: &Matter<'_>, checks: &Checks, conditions: &Conditions) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |id, text: String, evidence: Vec<Evidence>| findings.push(Finding { id, text, evidence });
    list(matter, checks, &mut add);
    if let Some(checked) = super::checks::ctl_checksum(matter.phone, matter.case)
        && checked.result == Check::Mismatch
    {
        add(FindingId::CtlMismatch, checked.why, checked.evidence);
    }
    for checked in [&checks.tvs_serial, &checks.tvs_certificate] {
        if checked.result == Check::Mismatch {
            let same_serial = checks.tvs_serial.result == Check::Match;
            let id = if same_serial { FindingId::TvsSameSerial } else { FindingId::TvsMismatch };
            let note = if same_serial { " (the same serial number, but another certificate)" } else { "" };
            add(id, format!("TVS on {}{note}", checked.why), checked.evidence.clone());
            break;
        }
    }
    servers(matter, &mut add);
    if let Some(session) = matter.web_sessions().find(|session| session.is_broken_off()) {
        let reason = session.reason().unwrap_or_default();
        let text = format!("{} on {}: {reason}", session.service.words(), session.server);
        add(FindingId::WebRefused, text, vec![Evidence::new(shown_at(session), reason)]);
    }
    if !matter.wire.began_again.is_empty() {
        let text = "phones begin their files again and again".to_owned();
        add(FindingId::BeginsAgain, text, matter.wire.began_again.clone());
    }
    downloads(matter, &mut add);
    if let Some((config, signer)) = super::ways::config_by_unknown(matter, conditions) {
        let text = format!("{} serves configurations signed by {signer}, which phones do not know", config.server.ip());
        let shown = format!("{}, signed by {signer}", file_name(config));
        add(FindingId::UnknownConfigSigner, text, vec![Evidence::new(config.end(), shown)]);
    }
    if let Some(text) = super::decision::disagreement(matter) {
        add(FindingId::Disagreement, text, matter.evidence(&matter.testimony.list));
    }
    for (text, evidence) in matter.contradictions() {
        add(FindingId::Contradiction, text, evidence);
    }
    findings
}

type Add<'f> = dyn FnMut(FindingId, String, Vec<Evidence>) + 'f;

/// What is wrong with the list that is served.
fn list(matter: &Matter<'_>, checks: &Checks, add: &mut Add<'_>) {
    if let Some(download) = matter.broken_list() {
        let server = download.server.ip();
        let text = format!("what {server} serves under the name of a list is no trust list");
        let length = download.length().unwrap_or_default();
        let shown = format!("{} from {server}, {length} bytes", file_name(download));
        add(FindingId::CorruptList, text, vec![Evidence::new(download.end(), shown)]);
    }
    if let Some((download, served)) = matter.served {
        let server = download.server.ip();
        let evidence = || vec![Evidence::new(download.end(), format!("{} from {server}", file_name(download)))];
        if is_bad(served) {
            let why = if served.list.header.signature.is_none() {
                "carries no signature"
            } else {
                "does not verify with its own signer's key"
            };
            add(FindingId::CorruptList, format!("the list that {server} serves {why}"), evidence());
        }
        if served.list.looks_rolled_back() {
            add(FindingId::EmptyList, format!("the list that {server} serves is empty (rollback)"), evidence());
        }
        let reported = matter.strongest(&matter.testimony.itl).is_some_and(|(source, _)| source == Source::ListAlarm);
        if let (Some(digests), Some(held @ Holding::File(..)), true) =
            (download.digests, matter.testimony.itl.settled(), reported)
            && held.is(&Holding::of(digests)) == Some(false)
        {
            let mut evidence = evidence();
            evidence.extend(matter.evidence(&matter.testimony.itl));
            add(FindingId::HoldsAnotherList, format!("phones hold another list than {server} serves"), evidence);
        }
    }
    if checks.itl_checksum.result == Check::Mismatch {
        add(FindingId::ItlMismatch, checks.itl_checksum.why.clone(), checks.itl_checksum.evidence.clone());
    }
}

/// What became of the sessions with TVS.
fn servers(matter: &Matter<'_>, add: &mut Add<'_>) {
    for session in &matter.tvs {
        let server = session.server;
        if let SessionEnding::Silent { reset, .. } = session.ending
            && matter.server(server).is_some_and(|server| server.silent.is_some())
        {
            let reason = session.reason().unwrap_or_default();
            let evidence = vec![Evidence::new(shown_at(session), reason.clone())];
            let what = if reset { reason } else { "no answer".to_owned() };
            add(FindingId::TvsUnreachable, format!("TVS on {server}: {what}"), evidence);
        }
    }
    let mut refused: Vec<std::net::SocketAddr> = Vec::new();
    let tvs = matter.sessions().rev().filter(|session| session.service == crate::event::Service::Tvs);
    for session in tvs.filter(|session| session.is_broken_off()) {
        // What it refused before it took another list, and accepts since, is history.
        let accepts = matter.server(session.server).is_some_and(|server| server.judged.is(&Judgement::Accepted));
        if refused.contains(&session.server) || accepts {
            continue;
        }
        refused.push(session.server);
        let reason = session.reason().unwrap_or_default();
        let evidence = vec![Evidence::new(shown_at(session), reason.clone())];
        add(FindingId::TvsRefused, format!("TVS on {}: {reason}", session.server), evidence);
    }
    for server in matter.testimony.servers.iter().filter(|server| server.vouched.is(&false)) {
        let text = format!("TVS on {} does not vouch for what phones ask it about", server.address);
        add(FindingId::TvsDoesNotVouch, text, matter.evidence(&server.vouched));
    }
}

/// What went wrong with the files themselves, in the last boot.
fn downloads(matter: &Matter<'_>, add: &mut Add<'_>) {
    if let Some(download) = matter.unanswered() {
        let text = format!("TFTP server {} does not answer", download.server.ip());
        let reason = format!("{}: {}", file_name(download), download.reason().unwrap_or_default());
        add(FindingId::TftpUnanswered, text, vec![Evidence::new(download.span.first, reason)]);
    }
    for download in matter.downloads() {
        let Some(signature) = &download.signature else { continue };
        if signature.status == SignatureStatus::Invalid && download.kind != FileKind::Itl {
            let text = format!("{} serves a file whose signature is not good", download.server.ip());
            let evidence = vec![Evidence::new(download.end(), format!("{}: {}", file_name(download), signature.why))];
            add(FindingId::InvalidSignature, text, evidence);
            break;
        }
    }
}
