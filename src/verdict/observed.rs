//! What the wire shows a phone doing in one boot.
//!
//! Nobody sees a phone accept or refuse a list. What it does next tells, and that is an inference: each names its frames and
//! says that it is one.

use super::Evidence;
use super::checks::file_name;
use super::held::is_list;
use crate::dissect::event::{Outcome, Service, SessionOutcome, TlsSession, Transport};
use crate::phone::{Boot, DownloadRecord, FileKind};

/// A phone that begins its files again within this time did not get on with them (domain.md 4.3: 15 s or 45 s).
const AGAIN_WITHIN: u64 = 120_000_000_000;

/// What one boot shows.
#[derive(Debug, Clone)]
pub(super) struct Observed<'a> {
    /// The last complete ITL.
    pub(super) itl: Option<&'a DownloadRecord>,
    /// The configuration that was asked for last.
    pub(super) config: Option<&'a DownloadRecord>,
    /// The first file beyond lists and configuration that was asked for when the configuration was there.
    went_on: Option<&'a DownloadRecord>,
    /// The first file of the next boot, where that began at once.
    began_again: Option<&'a DownloadRecord>,
    /// TVS sessions after the ITL and before the phone went on.
    tvs_after_list: Vec<&'a TlsSession>,
    /// What it comes to, in words, with the frames.
    pub(super) inferences: Vec<Inference>,
}

/// Something inferred from what a phone did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    /// For machines: `list_accepted`, `list_refused`, `holds_a_list`, …
    pub id: &'static str,
    /// In words.
    pub text: String,
    /// The frames that it rests on.
    pub evidence: Vec<Evidence>,
}

/// Looks at a phone's boots.
pub(super) fn observe<'a>(boots: &[Boot<'a>]) -> Vec<Observed<'a>> {
    boots.iter().enumerate().map(|(index, boot)| Observed::new(boot, boots.get(index + 1))).collect()
}

impl<'a> Observed<'a> {
    fn new(boot: &Boot<'a>, next: Option<&Boot<'a>>) -> Self {
        let complete =
            |kind| boot.downloads.iter().rev().find(|download| download.is_complete(kind)).map(AsRef::as_ref);
        let itl: Option<&DownloadRecord> = complete(FileKind::Itl);
        let config: Option<&DownloadRecord> =
            boot.downloads.iter().rev().find(|download| download.kind == FileKind::Config).map(AsRef::as_ref);
        let went_on = config.filter(|config| config.outcome == Outcome::Complete).and_then(|config| {
            // A connection that failed was for no file in particular.
            let unreachable =
                |download: &DownloadRecord| download.transport == Transport::Http && download.file.is_none();
            let further = |download: &&std::sync::Arc<DownloadRecord>| {
                !unreachable(download)
                    && !is_list(download.kind)
                    && download.kind != FileKind::Config
                    && download.span.first >= config.span.last
            };
            boot.downloads.iter().find(further).map(AsRef::as_ref)
        });
        let began_again = next.and_then(|next| {
            let first = next.downloads.first()?;
            let last = boot.downloads.last()?.span.last;
            (first.span.first.time.nanos_since(last.time) <= AGAIN_WITHIN).then_some(first.as_ref())
        });
        let until = went_on.map(|download| download.span.first);
        let tvs_after_list = itl.map_or_else(Vec::new, |itl| {
            let after = |session: &&&TlsSession| {
                session.service == Service::Tvs
                    && session.span.first >= itl.span.last
                    && until.is_none_or(|until| session.span.first < until)
            };
            boot.sessions.iter().filter(after).copied().collect()
        });
        let mut observed = Self { itl, config, went_on, began_again, tvs_after_list, inferences: Vec::new() };
        observed.infer(boot);
        observed
    }

    /// The ITL that the phone was seen to accept, with the frames that show it: it went on to further files, began nothing
    /// again, and where it asked TVS meanwhile, TVS was believed. A stuck phone goes on with its old configuration too, but
    /// not without having failed at TVS first (domain.md 6).
    pub(super) fn accepted(&self) -> Option<(&'a DownloadRecord, Vec<Evidence>)> {
        let (itl, went_on) = (self.itl?, self.went_on?);
        if self.began_again.is_some() || self.tvs_failed().is_some() {
            return None;
        }
        let mut evidence = vec![
            Evidence::new(itl.span.last, format!("{} is complete", file_name(itl))),
            Evidence::new(went_on.span.first, format!("asks for {}", file_name(went_on))),
        ];
        if let Some(session) = self.tvs_after_list.first()
            && let Some(established) = session.milestones.established
        {
            evidence.insert(
                1,
                Evidence::new(established, format!("the TLS handshake with TVS {} completes", session.server)),
            );
        }
        Some((itl, evidence))
    }

    /// Whether the wire suggests that the phone refused the list: it failed at TVS after it, or began its files again.
    pub(super) fn refused(&self) -> Option<Vec<Evidence>> {
        self.itl?;
        let mut evidence = Vec::new();
        if let Some(session) = self.tvs_failed() {
            let reason = session.reason.as_deref().unwrap_or("it did not complete");
            evidence.push(Evidence::new(session.span.last, format!("TVS {}: {reason}", session.server)));
        }
        if let Some(again) = self.began_again
            && self.went_on.is_none()
        {
            evidence.push(Evidence::new(again.span.first, format!("asks for {} again", file_name(again))));
        }
        (!evidence.is_empty()).then_some(evidence)
    }

    /// The TVS session after the list that the phone did not get through, where none went through.
    fn tvs_failed(&self) -> Option<&'a TlsSession> {
        let established = |session: &&&TlsSession| session.outcome == SessionOutcome::Established;
        if self.tvs_after_list.iter().any(|session| established(&session)) {
            return None;
        }
        self.tvs_after_list.iter().rev().find(|session| session.outcome != SessionOutcome::Pending).copied()
    }

    fn infer(&mut self, boot: &Boot<'_>) {
        let mut inferences = Vec::new();
        if let Some(config) = self.config {
            let name = file_name(config).to_owned();
            let evidence = vec![Evidence::new(config.span.first, format!("asks for {name}"))];
            // domain.md 4.2: the name that is asked for tells whether there is a list to verify with.
            let lower = name.to_ascii_lowercase();
            let signed = std::path::Path::new(&lower).extension().is_some_and(|extension| extension == "sgn");
            let (id, text) = if signed {
                ("holds_a_list", "it asks for a signed configuration: it holds a trust list")
            } else {
                ("holds_no_list", "it asks for its configuration unsigned: it holds no trust list, or an empty one")
            };
            inferences.push(Inference { id, text: text.to_owned(), evidence });
            if lower.starts_with("xmldefault") {
                inferences.push(Inference {
                    id: "default_configuration",
                    text: "it falls back to the default configuration: the cluster does not know it, or it got none of its own"
                        .to_owned(),
                    evidence: vec![Evidence::new(config.span.first, format!("asks for {name}"))],
                });
            }
        }
        if let Some((_, evidence)) = self.accepted() {
            let text = "it accepted the list: it went on to further files".to_owned();
            inferences.push(Inference { id: "list_accepted", text, evidence });
        }
        if let Some(evidence) = self.refused() {
            let text = "it refused the list".to_owned();
            inferences.push(Inference { id: "list_refused", text, evidence });
        }
        for download in boot.downloads {
            let name = file_name(download);
            if name.eq_ignore_ascii_case("ITLFile.tlv") || name.eq_ignore_ascii_case("CTLFile.tlv") {
                inferences.push(Inference {
                    id: "falls_back_to_common_list",
                    text: format!("it falls back to {name}: the server has no list under its own name"),
                    evidence: vec![Evidence::new(download.span.first, format!("asks for {name}"))],
                });
            }
        }
        inferences.extend(falls_back_to_tftp(boot));
        inferences.extend(web(boot));
        self.inferences = inferences;
    }
}

/// Newer phones ask over HTTP first (domain.md 4.4). What they do not get there they ask for over TFTP.
fn falls_back_to_tftp(boot: &Boot<'_>) -> Option<Inference> {
    let mut downloads = boot.downloads.iter();
    while let Some(http) = downloads.next() {
        let failed = matches!(http.outcome, Outcome::Refused | Outcome::Unanswered | Outcome::Incomplete);
        if http.transport != Transport::Http || !failed {
            continue;
        }
        let is_same = |later: &&std::sync::Arc<DownloadRecord>| {
            let same_name = http.file.is_none() || http.file == later.file;
            later.transport == Transport::Tftp && same_name
        };
        if let Some(tftp) = downloads.clone().find(is_same) {
            let reason = http.reason.as_deref().unwrap_or("it did not complete");
            return Some(Inference {
                id: "falls_back_to_tftp",
                text: format!(
                    "it tried HTTP on {} first and fell back to TFTP for {}: {reason}",
                    http.server,
                    file_name(tftp)
                ),
                evidence: vec![
                    Evidence::new(http.span.first, "tries HTTP".to_owned()),
                    Evidence::new(tftp.span.first, format!("asks for {} over TFTP", file_name(tftp))),
                ],
            });
        }
    }
    None
}

/// What became of HTTPS sessions with a TVS session beside them (domain.md 6: an unknown certificate is shown to TVS).
fn web(boot: &Boot<'_>) -> Vec<Inference> {
    let mut inferences = Vec::new();
    for web in boot.sessions.iter().filter(|session| matches!(session.service, Service::Tomcat | Service::Https)) {
        let asked = boot.sessions.iter().find(|session| {
            session.service == Service::Tvs
                && session.span.first >= web.span.first
                && session.span.first <= web.span.last
        });
        let went_on = web.milestones.client_data.filter(|_| web.outcome == SessionOutcome::Established);
        let (id, text, moment) = match (went_on, web.outcome) {
            (Some(moment), _) => ("web_accepted", "it accepted the certificate of", moment),
            (None, SessionOutcome::Refused | SessionOutcome::Reset) => ("web_refused", "it gave up on", web.span.last),
            (None, _) => continue,
        };
        let how = match asked {
            Some(tvs) if tvs.outcome == SessionOutcome::Established => format!(" after asking TVS {}", tvs.server),
            Some(tvs) => format!(" when TVS {} did not help", tvs.server),
            None => String::new(),
        };
        let mut evidence = vec![Evidence::new(web.span.first, format!("connects to {}", web.server))];
        if let Some(tvs) = asked {
            evidence.push(Evidence::new(tvs.span.first, format!("connects to TVS {}", tvs.server)));
        }
        let reason = web.reason.clone().unwrap_or_else(|| "sends data".to_owned());
        evidence.push(Evidence::new(moment, reason));
        inferences.push(Inference { id, text: format!("{text} {}{how}", web.server), evidence });
    }
    inferences
}
