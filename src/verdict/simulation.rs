//! The phone's own decision about the list that it was served, simulated (domain.md 6).

use super::matter::Matter;
use crate::claim::{Holding, Judgement, Known};
use crate::event::{Service, TlsSession};
use crate::trust::TrustList;
use crate::trust::compare::is_certificate_of;
use crate::trust::predict::{self, Prediction, TVS_CACHE_SECONDS, Tvs, TvsCertificate};
use crate::witness::wire::Observation;

/// The phone's decision about the served list, simulated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulation {
    /// The list that the phone is taken to hold, in words.
    pub relation: String,
    /// Whether that is the phone's own list, or one of unknown relation to it.
    pub own: bool,
    /// What it does, and its steps.
    pub prediction: Prediction,
}

pub(super) fn simulate(matter: &Matter<'_>) -> Option<Simulation> {
    let (_, served) = matter.served?;
    let offer = predict::Offer::list(&served.list, Some(&served.content.bytes));
    let at_offer = &matter.testimony.itl_at_offer;
    let (itl, relation, own) = match at_offer {
        Known::Settled { value: Holding::Nothing, .. } => {
            (None, "no list (as the phone reports or the engineer says)".to_owned(), true)
        }
        Known::Settled { .. } => (Some(matter.at_hand(at_offer)?), matter.relation(at_offer).to_owned(), true),
        Known::Unknown | Known::Disputed(..) => {
            let (path, list) = matter.unrelated_list()?;
            (Some(list), format!("{path}, a list of unknown relation to the phone"), false)
        }
    };
    let ctl = matter.at_hand(&matter.testimony.ctl);
    let servers = &matter.testimony.servers;
    let presented = servers.iter().filter_map(|server| server.certificate.as_ref());
    let certificates: Vec<TvsCertificate> =
        presented.map(|(certificate, _)| TvsCertificate::from(certificate.as_ref())).collect();
    let tvs = if certificates.is_empty() {
        if !servers.is_empty() && servers.iter().all(|server| server.silent.is_some()) {
            Tvs::Unreachable
        } else {
            Tvs::Unknown
        }
    } else if itl.is_none_or(|list| saw_all_tvs(matter, list)) {
        Tvs::Presents(&certificates)
    } else {
        Tvs::PresentsAtLeast(&certificates)
    };
    let cached = cached_answer(matter);
    let mut prediction = predict::predict(predict::Held { ctl, itl, cached: cached.as_deref() }, &offer, tvs);
    if matter.testimony.ctl == Known::Unknown && !matter.testimony.is_without_ctl {
        prediction.steps.insert(0, "whether the phone holds a CTL is not known; taken to hold none".to_owned());
    }
    Some(Simulation { relation, own, prediction })
}

/// Why the phone may have had an answer of TVS in its cache when the list was served: it had talked to a TVS server less
/// than a day before (domain.md 5.3).
fn cached_answer(matter: &Matter<'_>) -> Option<String> {
    let (download, _) = matter.served?;
    let asked = |session: &&TlsSession| {
        session.service == Service::Tvs
            && session.milestones.server_data.is_some_and(|answer| {
                matter.phone.clocks.is_before(answer, download.span.first)
                    && matter.phone.clocks.is_before_by(answer, download.span.first, TVS_CACHE_SECONDS * 1_000_000_000)
                        == Some(false)
            })
    };
    let session = matter.phone.sessions.iter().rev().map(AsRef::as_ref).find(asked)?;
    let frame = matter.case.frame(session.milestones.server_data?);
    Some(format!("TVS {} answered it in {frame}, less than a day before", session.server))
}

/// Whether each TVS record of a list was matched to a server of the last boot that showed its certificate: by the name in the
/// certificate, or by the certificate itself. What a configuration says of the group adds nothing: every record counts.
pub(super) fn saw_all_tvs(matter: &Matter<'_>, list: &TrustList) -> bool {
    list.tvs_records().all(|record| {
        matter.testimony.servers.iter().any(|server| {
            server.certificate.as_ref().is_some_and(|(certificate, _)| {
                let same_name = record.subject.as_ref().zip(Some(&certificate.subject)).is_some_and(|(one, other)| {
                    let (one, other) = (one.common_name_folded(), other.common_name_folded());
                    one.is_some() && one == other
                });
                same_name || is_certificate_of(record, certificate) == Some(true)
            })
        })
    })
}

/// Where the phone did what one that holds the reference would not do: then it holds another list, or what was inferred is
/// wrong. That decides nothing, but the engineer is to see it.
pub(super) fn acts_otherwise(matter: &Matter<'_>) -> Option<Observation> {
    let simulation = matter.simulation.as_ref().filter(|simulation| !simulation.own)?;
    let list = &matter.testimony.list;
    let (by_rule, seen) = match (simulation.prediction.outcome, list.settled()?) {
        (predict::Outcome::Accepted, Judgement::Refused) => ("accepts", "refused"),
        (predict::Outcome::Rejected, Judgement::Accepted) => ("rejects", "accepted"),
        _ => return None,
    };
    let text = format!(
        "a phone with the list of {} {by_rule} the served one by its own rules, but this phone {seen} it: it holds another \
         list, or one of the two inferences is wrong",
        simulation.relation
    );
    Some(Observation { id: "unlike_reference", text, evidence: matter.evidence(list) })
}
