//! What is wrong with a phone, in words that phones with the same cause share, so that a thousand of them read as one line.

use super::checks::file_name;
use super::facts::{Facts, is_unreachable};
use super::held::HeldSource;
use super::{Check, Checks, Evidence};
use crate::event::{Outcome, SessionOutcome, Transport};
use crate::phone::FileKind;
use crate::trust::signature::SignatureStatus;

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// For machines.
    pub id: &'static str,
    /// The cause in words, the same for all phones that have it.
    pub text: String,
    /// The frames of this phone that show it.
    pub evidence: Vec<Evidence>,
}

impl Finding {
    /// Whether it says no more than that something differs from a reference, which may be the one that is old.
    pub(super) fn is_of_reference(&self) -> bool {
        matches!(self.id, "itl_mismatch" | "tvs_mismatch" | "tvs_same_serial")
    }
}

/// Everything wrong, the gravest first.
pub(super) fn findings(facts: &Facts<'_>, checks: &Checks) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |id, text: String, evidence: Vec<Evidence>| findings.push(Finding { id, text, evidence });
    if let Some((download, served)) = facts.served {
        let server = download.server.ip();
        let evidence = || vec![Evidence::new(download.span.first, format!("{} from {server}", file_name(download)))];
        if served.verification.status() == SignatureStatus::Invalid {
            add(
                "corrupt_list",
                format!("the list that {server} serves does not verify with its own signer's key"),
                evidence(),
            );
        }
        if served.list.looks_rolled_back() {
            add("empty_list", format!("the list that {server} serves is empty (rollback)"), evidence());
        }
        if checks.itl_checksum.result == Check::Mismatch {
            add("itl_mismatch", checks.itl_checksum.why.clone(), checks.itl_checksum.evidence.clone());
        }
        if let Some(digests) = download.digests
            && facts.held.source == Some(HeldSource::DeviceTlInfo)
            && facts.held.itl.is(digests) == Some(false)
        {
            let mut evidence = evidence();
            evidence.extend(facts.held.evidence.iter().cloned());
            add("holds_another_list", format!("phones hold another list than {server} serves"), evidence);
        }
    }
    for checked in [&checks.tvs_serial, &checks.tvs_certificate] {
        if checked.result == Check::Mismatch {
            let same_serial = checks.tvs_serial.result == Check::Match;
            let id = if same_serial { "tvs_same_serial" } else { "tvs_mismatch" };
            let note = if same_serial { " (the same serial number, but another certificate)" } else { "" };
            add(id, format!("TVS on {}{note}", checked.why), checked.evidence.clone());
            break;
        }
    }
    for session in &facts.tvs {
        let server = session.server;
        let evidence = vec![Evidence::new(session.span.last, session.reason().unwrap_or_default())];
        if is_unreachable(session) {
            let reason = session.reason();
            let reason = reason.as_deref().unwrap_or("nothing came back");
            let reason = if reason.contains("SYN") && !reason.contains("RST") { "no answer" } else { reason };
            add("tvs_unreachable", format!("TVS on {server}: {reason}"), evidence);
        } else if matches!(session.outcome(), SessionOutcome::Refused | SessionOutcome::Reset) {
            let reason = session.reason();
            let reason = reason.as_deref().unwrap_or("it was refused");
            add("tvs_refused", format!("TVS on {server}: {reason}"), evidence);
        }
    }
    if facts.observed.last().is_some_and(|observed| observed.began_again().is_some()) {
        let mut again: Vec<_> = facts.observed.iter().filter_map(|observed| observed.began_again().cloned()).collect();
        again.dedup();
        add("begins_again", "phones begin their files again and again".to_owned(), again);
    }
    downloads(facts, &mut add);
    if let Some(text) = facts.disagreement() {
        add("disagreement", text, Vec::new());
    }
    if let Some(text) = &facts.held.contradiction {
        add("contradiction", text.clone(), facts.held.evidence.clone());
    }
    findings
}

/// What went wrong with the files themselves, in the last boot.
fn downloads(facts: &Facts<'_>, add: &mut impl FnMut(&'static str, String, Vec<Evidence>)) {
    let Some(boot) = facts.boots.last() else { return };
    // Over HTTP it is no fault: phones fall back to TFTP.
    let unanswered = boot
        .downloads
        .iter()
        .find(|download| download.outcome == Outcome::Unanswered && download.transport == Transport::Tftp);
    if let Some(download) = unanswered {
        let text = format!("TFTP server {} does not answer", download.server.ip());
        let reason = format!("{}: {}", file_name(download), download.reason.as_deref().unwrap_or_default());
        add("tftp_unanswered", text, vec![Evidence::new(download.span.first, reason)]);
    }
    for download in boot.downloads {
        let Some(signature) = &download.signature else { continue };
        if signature.status == SignatureStatus::Invalid && download.kind != FileKind::Itl {
            let text = format!("{} serves a file whose signature is not good", download.server.ip());
            let evidence =
                vec![Evidence::new(download.span.first, format!("{}: {}", file_name(download), signature.why))];
            add("invalid_signature", text, evidence);
            break;
        }
    }
}
