//! What the rules look at, gathered once for each phone.

use super::checks;
use super::held::{self, Held, HeldList};
use super::observed::{self, Inference, Observed};
use super::{BootSummary, Case};
use crate::event::{CertificateStatus, Service, SessionOutcome, TlsSession};
use crate::phone::{Boot, DownloadRecord, FileKind, Phone, ServedList, TvsMember};
use crate::trust::predict::{self, Prediction, TVS_CACHE_SECONDS, Tvs, TvsCertificate};
use crate::trust::{ReferenceKind, TrustList};

/// One phone in its case.
pub(super) struct Facts<'a> {
    pub(super) phone: &'a Phone,
    pub(super) case: &'a Case,
    pub(super) boots: Vec<Boot<'a>>,
    /// What each boot shows, the last one last.
    pub(super) observed: Vec<Observed<'a>>,
    pub(super) held: Held<'a>,
    /// The last complete ITL that was served to the phone.
    pub(super) served: Option<(&'a DownloadRecord, &'a ServedList)>,
    /// The last session with each TVS server in the last boot that had any.
    pub(super) tvs: Vec<&'a TlsSession>,
    pub(super) simulation: Option<Simulation>,
}

/// The phone's decision about the served list, simulated (domain.md 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// The list that the phone is taken to hold, in words.
    pub relation: String,
    /// Whether that is the phone's own list, or one of unknown relation to it.
    pub own: bool,
    /// What it does, and its steps.
    pub prediction: Prediction,
}

/// What the engineer or a log says of the phone's screen.
pub(super) struct ToldFailure {
    pub(super) failed: bool,
    /// Whether a log says it, whose time is not the capture's.
    pub(super) is_logged: bool,
    pub(super) source: String,
}

impl<'a> Facts<'a> {
    pub(super) fn new(phone: &'a Phone, case: &'a Case) -> Self {
        let boots = phone.boots();
        let observed = observed::observe(phone, &boots);
        let held = held::held(phone, &boots, &observed, case);
        let served = phone.last_list(FileKind::Itl).and_then(|download| Some((download, download.list.as_deref()?)));
        let tvs = boots
            .iter()
            .rev()
            .map(|boot| checks::last_of_each_server(boot.sessions.iter().copied()))
            .find(|sessions| !sessions.is_empty())
            .unwrap_or_default();
        let mut facts = Self { phone, case, boots, observed, held, served, tvs, simulation: None };
        facts.simulation = facts.simulate();
        facts
    }

    /// A list that stands for the phone's own where that is not known: a reference for its TFTP server.
    pub(super) fn unrelated_list(&self) -> Option<(&'a str, &'a TrustList)> {
        let (download, _) = self.served?;
        let references = self.case.references_for(download.server.ip(), |reference| {
            reference.kind == ReferenceKind::Itl && reference.list.is_some()
        });
        references.first().and_then(|reference| Some((reference.path.as_str(), reference.list.as_ref()?)))
    }

    fn simulate(&self) -> Option<Simulation> {
        let (_, served) = self.served?;
        let offer = predict::Offer::list(&served.list, Some(&served.content.bytes));
        let (itl, relation, own) = match &self.held.itl_before {
            HeldList::Nothing => (None, "no list (as the phone reports or the engineer says)".to_owned(), true),
            HeldList::Known(known) => (Some(known.list?), held::relation(&self.held).to_owned(), true),
            HeldList::Unknown => {
                let (path, list) = self.unrelated_list()?;
                (Some(list), format!("{path}, a list of unknown relation to the phone"), false)
            }
        };
        let ctl = self.held.ctl.list();
        let certificates: Vec<TvsCertificate> =
            self.tvs.iter().filter_map(|session| session.certificate.as_deref()).map(TvsCertificate::from).collect();
        let tvs = if certificates.is_empty() {
            if !self.tvs.is_empty() && self.tvs.iter().all(|session| is_unreachable(session)) {
                Tvs::Unreachable
            } else {
                Tvs::Unknown
            }
        } else if itl.is_none_or(|list| self.saw_all_tvs(list)) {
            Tvs::Presents(&certificates)
        } else {
            Tvs::PresentsAtLeast(&certificates)
        };
        let cached = self.cached_answer();
        let mut prediction = predict::predict(predict::Held { ctl, itl, cached: cached.as_deref() }, &offer, tvs);
        if matches!(self.held.ctl, HeldList::Unknown) {
            prediction.steps.insert(0, "whether the phone holds a CTL is not known; taken to hold none".to_owned());
        }
        Some(Simulation { relation, own, prediction })
    }

    /// Why the phone may have had an answer of TVS in its cache when the list was served: it had talked to a TVS server less
    /// than a day before (domain.md 5.3).
    fn cached_answer(&self) -> Option<String> {
        let (download, _) = self.served?;
        let asked = |session: &&std::sync::Arc<TlsSession>| {
            session.service == Service::Tvs
                && session.milestones.server_data.is_some_and(|answer| {
                    answer < download.span.first
                        && download.span.first.time.nanos_since(answer.time) / 1_000_000_000 < TVS_CACHE_SECONDS
                })
        };
        let session = self.phone.sessions.iter().rev().find(asked)?;
        let frame = session.milestones.server_data?.frame;
        Some(format!("TVS {} answered it in frame {}, less than a day before", session.server, frame.number))
    }

    /// The boots in short.
    pub(super) fn boot_summaries(&self) -> Vec<BootSummary> {
        let summary = |(boot, observed): (&Boot<'_>, &Observed<'_>)| BootSummary {
            span: boot.span(),
            itl_sha1: observed.itl.and_then(|download| download.digests).map(|digests| digests.sha1),
            observed: observed.inferences.iter().map(|inference| inference.id).collect(),
        };
        self.boots.iter().zip(&self.observed).map(summary).collect()
    }

    /// Whether every TVS server that a phone with this list may ask presented its certificate: as many as the list names, or
    /// each that the configuration names by its address.
    pub(super) fn saw_all_tvs(&self, list: &TrustList) -> bool {
        let presented: Vec<_> = self.tvs.iter().filter(|session| session.certificate.is_some()).collect();
        let of_config = self.phone.config().map(|config| &config.tvs[..]).unwrap_or_default();
        let seen = |member: &TvsMember| {
            let address = member.address.parse().ok();
            presented.iter().any(|session| Some(session.server.ip()) == address && session.server.port() == member.port)
        };
        !presented.is_empty()
            && (presented.len() >= list.tvs_records().count() || (!of_config.is_empty() && of_config.iter().all(seen)))
    }

    /// Whether the phone's own rules and what it was seen to do contradict each other.
    pub(super) fn disagreement(&self) -> Option<String> {
        let simulation = self.simulation.as_ref().filter(|simulation| simulation.own)?;
        let observed = self.observed.last()?;
        match simulation.prediction.outcome {
            predict::Outcome::Accepted if observed.refused_list().is_some() => Some(
                "by its own rules the phone accepts the served list, but the wire suggests that it refused it"
                    .to_owned(),
            ),
            predict::Outcome::Rejected if observed.accepted().is_some() => Some(
                "by its own rules the phone rejects the served list, but the wire suggests that it accepted it"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Where the phone did what one that holds the reference would not do: then it holds another list, or what was inferred is
    /// wrong. That decides nothing, but the engineer is to see it.
    pub(super) fn acts_otherwise(&self) -> Option<Inference> {
        let simulation = self.simulation.as_ref().filter(|simulation| !simulation.own)?;
        let observed = self.observed.last()?;
        let (by_rule, seen, evidence) = match simulation.prediction.outcome {
            predict::Outcome::Accepted => ("accepts", "refused", observed.refused_list()?),
            predict::Outcome::Rejected => ("rejects", "accepted", observed.accepted()?.1),
            predict::Outcome::AcceptedByTvs | predict::Outcome::Unknown => return None,
        };
        let text = format!(
            "a phone with the list of {} {by_rule} the served one by its own rules, but this phone {seen} it: it holds another \
             list, or one of the two inferences is wrong",
            simulation.relation
        );
        Some(Inference { id: "unlike_reference", text, evidence })
    }

    /// Whether the phone refused a session that showed it a certificate.
    pub(super) fn sessions_refused(&self, session: &TlsSession) -> bool {
        let same_server = self.tvs.iter().filter(|other| other.server == session.server);
        same_server.into_iter().any(|session| {
            matches!(session.outcome(), SessionOutcome::Refused | SessionOutcome::Reset)
                && session.milestones.certificate.is_some()
        })
    }

    pub(super) fn why_no_tvs_certificate(&self) -> String {
        checks::why_no_certificate(&self.tvs)
    }

    pub(super) fn told_failure(&self) -> Option<ToldFailure> {
        let name = self.phone.name.as_ref()?;
        let told = &self.case.told;
        if let Some(&failed) = told.says_failed.get(name) {
            return Some(ToldFailure { failed, is_logged: false, source: "said by option".to_owned() });
        }
        let logged = told.logged.get(name)?;
        Some(ToldFailure { failed: logged.failed, is_logged: true, source: logged.source.clone() })
    }

    /// What TVS's own log says of this phone. Its clock is not the capture's, so it proves nothing about this capture.
    pub(super) fn logged_handshake(&self) -> Option<Inference> {
        let source = self.phone.addresses.iter().find_map(|address| self.case.told.tvs_handshakes.get(address))?;
        Some(Inference {
            id: "tvs_log_handshake",
            text: format!("TVS completed a TLS handshake with this phone, at a time that its log tells ({source})"),
            evidence: Vec::new(),
        })
    }
}

/// Whether TVS gave no sign of life.
pub(super) fn is_unreachable(session: &TlsSession) -> bool {
    let milestones = &session.milestones;
    session.service == Service::Tvs
        && session.certificate_status == CertificateStatus::NotCaptured
        && milestones.client_hello.is_none()
        && milestones.server_hello.is_none()
        && milestones.server_data.is_none()
        && milestones.client_data.is_none()
        && matches!(session.outcome(), SessionOutcome::Incomplete | SessionOutcome::Reset)
}
