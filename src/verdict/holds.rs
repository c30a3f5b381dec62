//! What a phone holds, and how that is known, in words.

use super::matter::Matter;
use crate::claim::{Evidence, Holding, Known, Place, Source};
use crate::digest::Sha1Sum;
use crate::trust::ListKind;

/// What a phone holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds {
    /// SHA-1 of its ITL.
    pub itl_sha1: Option<Sha1Sum>,
    /// SHA-1 of its CTL.
    pub ctl_sha1: Option<Sha1Sum>,
    /// How that is known; `None` where it is not.
    pub source: Option<Source>,
    /// In words.
    pub why: String,
    /// Where it can be looked up.
    pub evidence: Vec<Evidence>,
}

/// What the phone holds now, else what it reported last, as history.
pub(super) fn holds(matter: &Matter<'_>) -> Holds {
    let testimony = &matter.testimony;
    let known = [&testimony.itl, &testimony.ctl].into_iter().find(|known| known.settled().is_some());
    let known = known.filter(|_| !testimony.itl.is_disputed());
    let sha1 = |known: &Known<Holding>| {
        let (md5, sha1) = match known.settled()? {
            Holding::Nothing => return None,
            Holding::File(md5, sha1) => (*md5, *sha1),
        };
        sha1.or_else(|| matter.case.identify(md5, None).and_then(|list| list.sha1))
    };
    if let Some(known) = known {
        let mut evidence = matter.evidence(&testimony.itl);
        evidence.extend(
            matter.evidence(&testimony.ctl).into_iter().filter(|one| !matter.evidence(&testimony.itl).contains(one)),
        );
        return Holds {
            itl_sha1: sha1(&testimony.itl),
            ctl_sha1: sha1(&testimony.ctl),
            source: matter.strongest(known).map(|(source, _)| source),
            why: why(matter, known),
            evidence,
        };
    }
    if testimony.itl.is_disputed() {
        let (why, evidence) = matter.contradictions().into_iter().next().unwrap_or_default();
        return Holds { why, evidence, ..Holds::default() };
    }
    let before = &testimony.itl_at_offer;
    if before.settled().is_some() {
        let why = format!("what the phone holds now is not known; before its last list, {}", why(matter, before));
        let source = matter.strongest(before).map(|(source, _)| source);
        return Holds { source, why, evidence: matter.evidence(before), ..Holds::default() };
    }
    Holds { why: "what the phone holds is not known".to_owned(), ..Holds::default() }
}

/// How it is known, in half a sentence.
pub(super) fn why(matter: &Matter<'_>, known: &Known<Holding>) -> String {
    let kind = if std::ptr::eq(known, &raw const matter.testimony.ctl) { ListKind::Ctl } else { ListKind::Itl };
    let what = match known.settled() {
        None => return "what the phone holds is not known".to_owned(),
        Some(Holding::Nothing) => format!("no {}", kind.name()),
        Some(Holding::File(md5, sha1)) => match (matter.label(*md5, *sha1), sha1, md5) {
            (Some(label), ..) => format!("the list of {label}"),
            (None, Some(sha1), _) => format!("the list with SHA-1 {sha1}"),
            (None, None, Some(md5)) => format!("the list with MD5 {md5}"),
            (None, None, None) => "a list".to_owned(),
        },
    };
    let place = || {
        let evidence = matter.evidence(known);
        evidence.first().map_or_else(String::new, |evidence| format!(", {}", matter.case.place(evidence)))
    };
    match matter.strongest(known).map(|(source, _)| source) {
        Some(Source::Told) => format!("the phone holds {what} (said by option)"),
        Some(Source::ListAlarm) => format!("the phone reports to hold {what}{}", place()),
        Some(Source::Log) => format!("the phone holds {what} (by its log){}", place()),
        Some(Source::Wire) | None => format!("inferred: the phone accepted {what}{}", place()),
    }
}

/// Who says it, for what no packet shows.
pub(super) fn source_of<T>(matter: &Matter<'_>, known: &Known<T>) -> String {
    let evidence = matter.evidence(known);
    match evidence.first() {
        Some(Evidence { place: Place::Line(path, line), text }) if *line > 0 => format!("{path}, line {line}: {text}"),
        Some(Evidence { place: Place::Line(path, _), .. }) => path.to_string(),
        _ => "said by option".to_owned(),
    }
}

impl Matter<'_> {
    /// What to call a list at hand, where it was given and not merely served.
    fn label(&self, md5: Option<crate::digest::Md5Sum>, sha1: Option<Sha1Sum>) -> Option<String> {
        let is = |list: &crate::trust::TrustList| {
            (sha1.is_some() && list.sha1 == sha1) || (sha1.is_none() && md5.is_some() && list.md5 == md5)
        };
        let given = self.case.references.iter().find(|reference| reference.list.as_ref().is_some_and(is));
        let about = self.case.told.about(self.phone.name.as_ref(), &self.phone.addresses);
        let mut told =
            [ListKind::Itl, ListKind::Ctl].into_iter().flat_map(|kind| about.holdings(kind).collect::<Vec<_>>());
        let told = told.find(|told| told.list.as_ref().and_then(|list| list.list.as_deref()).is_some_and(is));
        told.map(|told| told.source.to_string()).or_else(|| given.map(|given| given.path.clone()))
    }
}
