//! What to do instead of deleting the ITL.
//!
//! One table: every rule with its words, its source, and the question whether it applies. In the order of effort, the faults of
//! servers first, because nothing else helps before they are mended.

use super::conditions::{self, SignerKnown};
use super::facts::{Facts, is_unreachable};
use super::held::{HeldList, relation};
use super::{Answer, Checks, Condition, Deletion};
use crate::capture::Timestamp;
use crate::event::{Outcome, Service, TlsSession};
use crate::phone::{DownloadRecord, FileKind};
use crate::trust::compare::is_same_certificate;
use crate::trust::signature::{self, SignatureStatus};
use crate::trust::{Signer, TrustList};
use crate::x509::{self, Certificate};

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// For machines.
    pub id: &'static str,
    /// What to do, in two or three words.
    pub short: &'static str,
    /// What to do.
    pub text: &'static str,
    /// Whether nothing else helps before it is done: a fault of a server.
    pub comes_first: bool,
    /// Why it applies here.
    pub because: String,
    /// The document that it comes from.
    pub source: &'static str,
}

/// What a rule may look at.
pub(super) struct Situation<'a, 'f> {
    pub(super) facts: &'f Facts<'a>,
    pub(super) checks: &'f Checks,
    pub(super) conditions: &'f [Condition; 4],
    pub(super) deletion: Deletion,
}

/// A rule: when `applies` gives a reason, the advice applies.
struct Rule {
    id: &'static str,
    short: &'static str,
    comes_first: bool,
    text: &'static str,
    source: &'static str,
    applies: fn(&Situation<'_, '_>) -> Option<String>,
}

const SBD: &str = "Communications Manager Security By Default and ITL Operation and Troubleshooting";
const ITL_10: &str = "Unified Communications Manager ITL Enhancements in Version 10.0(1)";
const TOKENLESS: &str = "CUCM Mixed Mode with Tokenless CTL";

/// The advice to do nothing.
pub(super) const NOTHING: &str = "nothing";

const RULES: &[Rule] = &[
    Rule {
        id: NOTHING,
        short: "nothing",
        comes_first: false,
        text: "Nothing has to be done about this phone's ITL.",
        source: SBD,
        applies: nothing,
    },
    Rule {
        id: "corrupt_list",
        short: "mend the server's list",
        comes_first: true,
        text: "Mend the server first: regenerate CallManager.pem on it, restart TVS and TFTP, and compare 'show itl' with the \
               certificates in OS Administration (CSCtn50405). Deleting the list on phones helps nothing.",
        source: SBD,
        applies: corrupt_list,
    },
    Rule {
        id: "tvs_unreachable",
        short: "make TVS reachable",
        comes_first: true,
        text: "Make TVS reachable: check that the Trust Verification Service runs on the nodes of the phone's CallManager group \
               and that nothing blocks TCP 2445, then reset the phone.",
        source: "Host Not Found (118699)",
        applies: tvs_unreachable,
    },
    Rule {
        id: "tls_mismatch",
        short: "align TLS settings",
        comes_first: true,
        text: "Mend the TLS settings, not the trust list: phone and server have no version or cipher suite in common. Look at \
               the minimum TLS version and the cipher management of the server and at the phone's firmware (CSCua65618).",
        source: "Host Not Found (118699)",
        applies: tls_mismatch,
    },
    Rule {
        id: "expired_certificate",
        short: "renew certificate",
        comes_first: true,
        text: "Renew the certificate that expired, one certificate and one node at a time, and let all phones take the new list \
               before the next one.",
        source: SBD,
        applies: expired_certificate,
    },
    Rule {
        id: "large_list",
        short: "shrink the list",
        comes_first: true,
        text: "Make the list smaller: phones fail to load lists of more than 64 KB. Delete certificates of nodes that are gone, \
               then restart TVS and TFTP.",
        source: "Default Security Setup, CUCM 14 security guide",
        applies: large_list,
    },
    Rule {
        id: "reset_phone",
        short: "reset phone",
        comes_first: false,
        text: "Restart TVS and TFTP on the nodes and reset the phone: it takes the new list by itself.",
        source: SBD,
        applies: reset_phone,
    },
    Rule {
        id: "other_tvs",
        short: "use another TVS",
        comes_first: false,
        text: "Let another TVS server vouch: one in the phone's CallManager group that still presents a certificate of the \
               phone's list. Leave that one's TVS.pem as it is until the phone has the new list.",
        source: SBD,
        applies: other_tvs,
    },
    Rule {
        id: "itl_recovery",
        short: "utils itl reset",
        comes_first: false,
        text: "Sign the list with the ITLRecovery key that the phone's list holds: 'utils itl reset localkey' on the publisher, \
               or 'utils itl reset remotekey' with a saved ITLRecovery.p12 where the publisher's key is another. Then reset the \
               phones: the list stays signed so until TFTP is restarted next. The cluster's security password must be what it \
               was.",
        source: ITL_10,
        applies: itl_recovery,
    },
    Rule {
        id: "renew_ctl",
        short: "renew CTL",
        comes_first: false,
        text: "Renew the CTL: run the CTL client with the same eTokens, or 'utils ctl update CTLFile' in a tokenless cluster, \
               restart TFTP and CallManager, and reset the phone. It then trusts the new CallManager key through its CTL.",
        source: TOKENLESS,
        applies: renew_ctl,
    },
    Rule {
        id: "restore_key",
        short: "restore old key",
        comes_first: false,
        text: "Restore the old CallManager key from the backup (DRS) on the TFTP server, let the phone take the list signed \
               with it, then change certificates one at a time.",
        source: SBD,
        applies: restore_key,
    },
    Rule {
        id: "rollback_list",
        short: "end the rollback",
        comes_first: false,
        text: "The empty list of 'Prepare Cluster for Rollback to pre 8.0' is in use: phones that took it accept any list. Set \
               the parameter back, restart TVS and TFTP, and reset the phones.",
        source: SBD,
        applies: rollback_list,
    },
    Rule {
        id: "other_cluster",
        short: "let old TVS vouch",
        comes_first: false,
        text: "The phone came from another cluster: import the new cluster's CallManager and ITLRecovery certificates into the \
               old one's Phone-SAST-trust and let its TVS vouch, or consolidate the clusters' certificates.",
        source: "Migrate Phones Between Secure Clusters (213407)",
        applies: other_cluster,
    },
    Rule {
        id: "central_tftp",
        short: "align TFTP servers",
        comes_first: false,
        text: "The central TFTP server hands out its own ITLFile.tlv: run the same generation of CUCM everywhere, or set the \
               rollback parameter on the clusters from 8.0 on and use HTTP URLs (CSCto87262).",
        source: SBD,
        applies: central_tftp,
    },
    Rule {
        id: "delete_ctl",
        short: "delete CTL",
        comes_first: false,
        text: "This model does not know TVS and takes no ITL: where the publisher's CallManager certificate of a tokenless CTL \
               changed, delete the CTL on the device (its ITL is no matter, it has none).",
        source: TOKENLESS,
        applies: delete_ctl,
    },
    Rule {
        id: "previous_list",
        short: "ask TAC",
        comes_first: false,
        text: "Before any list is deleted by hand, ask Cisco TAC whether the server still keeps the list that it served before \
               and can serve it again (CSCts01319).",
        source: SBD,
        applies: previous_list,
    },
    Rule {
        id: "delete_itl",
        short: "delete ITL",
        comes_first: false,
        text: "Delete the ITL on the phone (Settings, Security Configuration, Trust List), and only there.",
        source: SBD,
        applies: |situation| {
            (situation.deletion == Deletion::Needed).then(|| "all four conditions are known to hold".to_owned())
        },
    },
];

/// The whole table: id, what to do, the document that it comes from.
pub fn advice_table() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    RULES.iter().map(|rule| (rule.id, rule.text, rule.source))
}

/// The advice that applies, in order.
pub(super) fn advise(situation: &Situation<'_, '_>) -> Vec<Advice> {
    let mut advice: Vec<Advice> =
        RULES.iter().filter_map(|rule| Some(rule.advice((rule.applies)(situation)?))).collect();
    if advice.is_empty() && situation.deletion == Deletion::NotNeeded {
        let refuted = situation.conditions.iter().find(|condition| condition.holds == Answer::No);
        let because = refuted.map_or_else(|| "deletion is not needed".to_owned(), |condition| condition.why.clone());
        advice.extend(RULES.first().map(|nothing| nothing.advice(because)));
    }
    advice
}

impl Rule {
    fn advice(&self, because: String) -> Advice {
        let Self { id, short, comes_first, text, source, .. } = *self;
        Advice { id, short, text, comes_first, because, source }
    }
}

impl<'a> Situation<'a, '_> {
    fn condition(&self, index: usize) -> Answer {
        self.conditions.get(index).map_or(Answer::Unknown, |condition| condition.holds)
    }

    /// The list that stands for the phone's: its own, else one of unknown relation, with words for which.
    fn held_list(&self) -> Option<(&'a TrustList, String)> {
        let held = &self.facts.held;
        let own = held.itl.list().or_else(|| held.itl_before.list()).map(|list| (list, relation(held).to_owned()));
        own.or_else(|| {
            let (path, list) = self.facts.unrelated_list()?;
            Some((list, format!("{path}, a list of unknown relation to the phone")))
        })
    }

    /// Whether the phone holds what its server serves: then a mismatch with a reference is the reference's.
    fn is_up_to_date(&self) -> bool {
        let served = self.facts.served.and_then(|(download, _)| download.digests);
        served.is_some_and(|digests| self.facts.held.itl.is(digests) == Some(true))
    }

    /// Whether the phone is known to hold another list than its server serves.
    fn is_behind(&self) -> bool {
        let served = self.facts.served.and_then(|(download, _)| download.digests);
        served.is_some_and(|digests| self.facts.held.itl.is(digests) == Some(false))
    }

    /// Whether anything that was seen speaks for trouble.
    fn has_trouble(&self) -> bool {
        let facts = self.facts;
        (self.checks.any_mismatch() && !self.is_up_to_date())
            || facts.observed.last().is_some_and(|observed| observed.refused().is_some())
            || facts.tvs.iter().any(|session| !session.alerts.is_empty() && session.milestones.established.is_none())
            || facts.tvs.iter().any(|session| is_unreachable(session))
            || self.condition(2) == Answer::Yes
            || facts.boots.last().is_some_and(|boot| boot.downloads.iter().any(|download| is_spoiled(download)))
            || facts.served.is_some_and(|(_, served)| served.verification.status() == SignatureStatus::Invalid)
            || facts.disagreement().is_some()
            || facts.held.contradiction.is_some()
    }

    /// The time to judge validity by: that of the phone's last frame.
    fn now(&self) -> Option<Timestamp> {
        let downloads = self.facts.phone.downloads.last().map(|download| download.span.last.time);
        let sessions = self.facts.phone.sessions.last().map(|session| session.span.last.time);
        downloads.max(sessions)
    }
}

/// Whether a file came whole, and its signature is not good.
fn is_spoiled(download: &DownloadRecord) -> bool {
    download.signature.as_ref().is_some_and(|signature| signature.status == SignatureStatus::Invalid)
}

fn nothing(situation: &Situation<'_, '_>) -> Option<String> {
    if situation.deletion != Deletion::NotNeeded || situation.has_trouble() || situation.is_behind() {
        return None;
    }
    Some(if situation.checks.any_mismatch() {
        "the phone took what its server serves; it is the reference that is another".to_owned()
    } else {
        "a condition for deletion is known not to hold, and nothing that was seen speaks for trouble".to_owned()
    })
}

fn corrupt_list(situation: &Situation<'_, '_>) -> Option<String> {
    let (download, served) = situation.facts.served?;
    (served.verification.status() == SignatureStatus::Invalid).then(|| {
        format!(
            "the list that {} serves does not verify with its own signer's key, frames {}–{}: {}",
            download.server.ip(),
            download.span.first.frame.number,
            download.span.last.frame.number,
            served.verification.why
        )
    })
}

fn tvs_unreachable(situation: &Situation<'_, '_>) -> Option<String> {
    let dead: Vec<_> = situation.facts.tvs.iter().filter(|session| is_unreachable(session)).collect();
    let session = dead.last()?;
    let reason = session.reason();
    let reason = reason.as_deref().unwrap_or("nothing came back");
    Some(format!("TVS {}: {reason}, frame {}", session.server, session.span.first.frame.number))
}

fn tls_mismatch(situation: &Situation<'_, '_>) -> Option<String> {
    let of_settings = |session: &&TlsSession| {
        // handshake_failure, protocol_version, insufficient_security, before any certificate (domain.md 5.4).
        session.milestones.certificate.is_none()
            && session.alerts.iter().any(|alert| matches!(alert.clear, Some((_, 40 | 70 | 71))))
    };
    let sessions = situation.facts.phone.sessions.iter().map(AsRef::as_ref);
    let session = sessions.filter(|session| session.service != Service::Other).rfind(of_settings)?;
    let alert = session.alerts.iter().find(|alert| matches!(alert.clear, Some((_, 40 | 70 | 71))))?;
    let description = alert.description().unwrap_or_default();
    Some(format!("the handshake with {} ended with {description}, frame {}", session.server, alert.moment.frame.number))
}

fn expired_certificate(situation: &Situation<'_, '_>) -> Option<String> {
    let now = situation.now()?;
    let facts = situation.facts;
    let is_expired = |certificate: &Certificate| certificate.not_after < now;
    let presented = facts.tvs.iter().find_map(|session| {
        let certificate = session.certificate.as_deref().filter(|certificate| is_expired(certificate))?;
        Some(format!("the certificate that TVS {} presents expired on {}", session.server, certificate.not_after))
    });
    let said = || {
        facts.phone.sessions.iter().find_map(|session| {
            let alert = session.alerts.iter().find(|alert| matches!(alert.clear, Some((_, 45))))?;
            let frame = alert.moment.frame.number;
            Some(format!("the session with {} ended with certificate_expired, frame {frame}", session.server))
        })
    };
    let signed = || {
        let (download, served) = facts.served?;
        let signer = served.list.signer()?;
        let record = served.list.records.iter().find(|record| signature::is_record_of(record, signer))?;
        let certificate = x509::remembered(record.certificate.as_deref()?)?;
        is_expired(&certificate).then(|| {
            format!(
                "the certificate that signs the list of {} expired on {}",
                download.server.ip(),
                certificate.not_after
            )
        })
    };
    presented.or_else(said).or_else(signed)
}

/// Lists may not be longer than a 16-bit length tells (domain.md 2.5).
const LARGEST_LIST: usize = 65_535;

fn large_list(situation: &Situation<'_, '_>) -> Option<String> {
    let (download, served) = situation.facts.served?;
    let length = served.list.length.filter(|&length| length > LARGEST_LIST)?;
    let frame = download.span.first.frame.number;
    Some(format!("the list that {} serves has {length} bytes, frame {frame}", download.server.ip()))
}

/// Models without Security By Default, by the numbers in their names (domain.md 7.2).
const WITHOUT_SBD: [&str; 2] = ["7940", "7960"];

fn delete_ctl(situation: &Situation<'_, '_>) -> Option<String> {
    let phone = situation.facts.phone;
    let model = phone.model().filter(|model| WITHOUT_SBD.iter().any(|number| model.contains(number)))?;
    let ctl = phone.downloads.iter().rev().find(|download| download.kind == FileKind::Ctl)?;
    let asks_for_itl = phone.downloads.iter().any(|download| download.kind == FileKind::Itl);
    let asks_tvs = phone.sessions.iter().any(|session| session.service == Service::Tvs);
    let frame = ctl.span.first.frame.number;
    (!asks_for_itl && !asks_tvs).then(|| {
        format!("it says that it is a {model}; it asked for a CTL, frame {frame}, for no ITL, and not for TVS")
    })
}

/// The last way before deletion, where nothing cheaper is known to work.
fn previous_list(situation: &Situation<'_, '_>) -> Option<String> {
    let is_stuck = situation.condition(0) == Answer::Yes && situation.condition(1) != Answer::No;
    let has_other_way = situation.deletion == Deletion::NotNeeded || situation.condition(3) == Answer::No;
    (is_stuck && !has_other_way).then(|| "the phone does not know who signs the list that is served today".to_owned())
}

fn reset_phone(situation: &Situation<'_, '_>) -> Option<String> {
    if situation.deletion != Deletion::NotNeeded || !(situation.has_trouble() || situation.is_behind()) {
        return None;
    }
    if situation.condition(0) == Answer::No {
        return Some("the phone can verify the list that is served: its signer is known to it".to_owned());
    }
    if situation.condition(1) == Answer::No {
        return Some(
            "the phone trusts a TVS server that answers, which can vouch for what it does not know".to_owned(),
        );
    }
    None
}

fn other_tvs(situation: &Situation<'_, '_>) -> Option<String> {
    let facts = situation.facts;
    let failed = facts.tvs.iter().find(|session| !conditions::completed(session))?;
    if let Some(good) = facts.tvs.iter().find(|session| conditions::completed(session)) {
        return Some(format!("TVS {} failed, but the phone accepted TVS {}", failed.server, good.server));
    }
    let (list, relation) = situation.held_list()?;
    let records = list.tvs_records().count();
    let answered = facts.tvs.iter().filter(|session| !is_unreachable(session)).count();
    (records > answered && failed.certificate.is_some())
        .then(|| format!("{relation} names {records} TVS servers, of which {answered} answered in this capture"))
}

fn itl_recovery(situation: &Situation<'_, '_>) -> Option<String> {
    if situation.condition(0) == Answer::No && situation.deletion == Deletion::NotNeeded {
        return None;
    }
    let (list, relation) = situation.held_list()?;
    let held = list.itl_recovery()?;
    let (download, served) = situation.facts.served?;
    let now = match served.list.itl_recovery() {
        Some(served) if is_same_certificate(held, served) => {
            "the list served today carries the same certificate (localkey)"
        }
        Some(_) => {
            "the list served today carries another ITLRecovery certificate (remotekey, with the old ITLRecovery.p12)"
        }
        None => "the list served today carries none (remotekey, with the old ITLRecovery.p12)",
    };
    Some(format!("{} is in {relation}; {now}, frame {}", held.label(), download.span.first.frame.number))
}

/// Whether the CTL on the phone can still be renewed in a way that it accepts.
pub(super) enum CtlRenewal {
    /// The phone holds a CTL, and its signer can still sign.
    Possible(String),
    /// A CTL is around, but whether the phone holds it, or who could sign, is not known.
    Perhaps(String),
    /// No CTL is known of.
    No,
}

pub(super) fn ctl_renewal(facts: &Facts<'_>) -> CtlRenewal {
    let served = facts.phone.last_list(FileKind::Ctl).and_then(|download| Some((download, download.list.as_deref()?)));
    match &facts.held.ctl {
        HeldList::Nothing => CtlRenewal::No,
        HeldList::Known(known) => {
            let Some(list) = known.list else {
                return CtlRenewal::Perhaps("the phone holds a CTL that is not at hand".to_owned());
            };
            if let Some(token) = list.signer().filter(|signer| is_etoken(signer)) {
                return CtlRenewal::Possible(format!("the phone's CTL is signed by the eToken {}", token.short()));
            }
            match served.map(|(_, served)| (conditions::signer_known(list, served), served)) {
                Some((SignerKnown::Verifies(record), _)) => {
                    CtlRenewal::Possible(format!("the CTL served today is signed by {record} of the phone's CTL"))
                }
                _ => CtlRenewal::Perhaps(
                    "the phone holds a CTL; whether its signer can still sign is not known".to_owned(),
                ),
            }
        }
        HeldList::Unknown => match served {
            Some((download, _)) => CtlRenewal::Perhaps(format!(
                "{} serves a CTL, frame {}; whether the phone holds one is not known",
                download.server.ip(),
                download.span.first.frame.number
            )),
            None => CtlRenewal::No,
        },
    }
}

/// Hardware tokens are issued by Cisco and named SAST (domain.md 1); their keys never change.
fn is_etoken(signer: &Signer) -> bool {
    let name = signer.name.as_ref().and_then(|name| name.common_name_folded());
    name.is_some_and(|name| name.starts_with("sast-"))
}

fn renew_ctl(situation: &Situation<'_, '_>) -> Option<String> {
    let stuck = situation.condition(0) != Answer::No && situation.has_trouble();
    match ctl_renewal(situation.facts) {
        CtlRenewal::Possible(because) | CtlRenewal::Perhaps(because) if stuck => Some(because),
        _ => None,
    }
}

fn restore_key(situation: &Situation<'_, '_>) -> Option<String> {
    let perhaps = situation.condition(0) == Answer::Unknown && situation.has_trouble();
    if situation.condition(1) == Answer::No || !(situation.condition(0) == Answer::Yes || perhaps) {
        return None;
    }
    match situation.condition(3) {
        Answer::No => Some("a backup of the old key exists".to_owned()),
        Answer::Unknown => {
            Some("whether a backup of the old key exists is not known; if it does, this is the way".to_owned())
        }
        Answer::Yes => None,
    }
}

fn rollback_list(situation: &Situation<'_, '_>) -> Option<String> {
    let facts = situation.facts;
    if let Some((download, served)) = facts.served
        && served.list.looks_rolled_back()
    {
        let frame = download.span.first.frame.number;
        return Some(format!("the list that {} serves is empty, frame {frame}", download.server.ip()));
    }
    facts
        .held
        .itl
        .list()
        .filter(|list| list.looks_rolled_back())
        .map(|_| "the list that the phone holds is empty".to_owned())
}

/// Nothing in the phone's own list is of this cluster: no certificate and no name in common.
fn other_cluster(situation: &Situation<'_, '_>) -> Option<String> {
    let held = situation.facts.held.itl.list()?;
    let (download, served) = situation.facts.served?;
    let common = held.records.iter().any(|old| {
        served.list.records.iter().any(|new| {
            is_same_certificate(old, new)
                || (old.subject.is_some() && old.subject == new.subject && old.issuer == new.issuer)
        })
    });
    (!common && !held.records.is_empty() && !served.list.records.is_empty()).then(|| {
        format!(
            "{} and the list that {} serves have no name in common",
            relation(&situation.facts.held),
            download.server.ip()
        )
    })
}

/// `ITLFile.tlv` from one signer, the configuration from another (domain.md 7.2).
fn central_tftp(situation: &Situation<'_, '_>) -> Option<String> {
    let facts = situation.facts;
    let (download, served) = facts.served?;
    let common = download.file.as_deref().is_some_and(|file| file.eq_ignore_ascii_case("ITLFile.tlv"));
    let config = facts
        .phone
        .downloads
        .iter()
        .rev()
        .find(|download| download.kind == FileKind::Config && download.outcome == Outcome::Complete)?;
    let signer = config.signature.as_ref()?.signer.as_deref()?;
    let known = served.list.records.iter().any(|record| signature::is_record_of(record, signer));
    (common && !known).then(|| {
        format!(
            "{} hands out ITLFile.tlv, frame {}, but the configuration, frame {}, is signed by {signer}, which that list does \
             not have",
            download.server.ip(),
            download.span.first.frame.number,
            config.span.first.frame.number
        )
    })
}
