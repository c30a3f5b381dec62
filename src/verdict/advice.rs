//! What to do instead of deleting the ITL.
//!
//! One table: every rule with its words, its source, and the question whether it applies. In the order of effort, the faults of
//! servers first, because nothing else helps before they are repaired.

use super::matter::Matter;
use super::ways::{self, CtlRenewal};
use super::{Answer, Checks, Conditions, Deletion};
use crate::capture::Timestamp;
use crate::claim::{Holding, Judgement};
use crate::event::{AlertCode, Outcome, Service};
use crate::phone::{DownloadRecord, FileKind};
use crate::trust::TrustList;
use crate::trust::signature::{self, SignatureStatus};
use crate::witness::round::is_unreachable;
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
    pub(super) matter: &'f Matter<'a>,
    pub(super) checks: &'f Checks,
    pub(super) conditions: &'f Conditions,
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
        short: "repair the list",
        comes_first: true,
        text: "Repair the server first: regenerate CallManager.pem on it, restart TVS and TFTP, and compare 'show itl' with the \
               certificates in OS Administration (CSCtn50405). Deleting the list on phones helps nothing.",
        source: SBD,
        applies: corrupt_list,
    },
    Rule {
        id: "tftp_silent",
        short: "repair TFTP",
        comes_first: true,
        text: "Let Cisco TFTP answer: check that the service runs on that node, and that nothing blocks UDP 69 and the ports from \
               which it answers. Then reset the phone.",
        source: SBD,
        applies: tftp_silent,
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
        text: "Repair the TLS settings, not the trust list: phone and server have no version or cipher suite in common. Look at \
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
        id: "config_signer",
        short: "let TVS vouch",
        comes_first: false,
        text: "The configuration is signed by a key that the phone does not know: see that TVS is reachable and trusted and has that \
               certificate. Do not restart TFTP before: it would serve a list signed by a key that the phone cannot verify either.",
        source: SBD,
        applies: config_signer,
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
        let refuted = situation.conditions.all().into_iter().find(|condition| condition.holds == Answer::No);
        let because = refuted.map_or_else(|| "deletion is not needed".to_owned(), |condition| condition.why.clone());
        // Where something is wrong all the same, nothing cheaper is known than to ask.
        let id = if situation.has_trouble() { "previous_list" } else { NOTHING };
        advice.extend(RULES.iter().find(|rule| rule.id == id).map(|rule| rule.advice(because)));
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
    /// The list that stands for the phone's: its own, else one of unknown relation, with words for which.
    fn held_list(&self) -> Option<(&'a TrustList, String)> {
        let own = self.matter.held().map(|(known, list)| (list, self.matter.relation(known).to_owned()));
        own.or_else(|| {
            let (path, list) = self.matter.unrelated_list()?;
            Some((list, format!("{path}, a list of unknown relation to the phone")))
        })
    }

    /// Whether the phone holds what its server serves; `None` where that is not known.
    fn is_up_to_date(&self) -> Option<bool> {
        let served = self.matter.wire.itl.and_then(|download| download.digests).map(Holding::of)?;
        self.matter.testimony.itl.settled()?.is(&served)
    }

    /// Whether anything that was seen speaks for trouble.
    fn has_trouble(&self) -> bool {
        let matter = self.matter;
        let testimony = &matter.testimony;
        let refused = |known: &crate::claim::Known<Judgement>| known.is(&Judgement::Refused) || known.is_disputed();
        (self.checks.any_mismatch() && self.is_up_to_date() != Some(true))
            || refused(&testimony.list)
            || refused(&testimony.config)
            || testimony
                .servers
                .iter()
                .any(|server| refused(&server.judged) || server.silent.is_some() || server.vouched.is(&false))
            || matter.tvs.iter().any(|session| session.is_broken_off())
            || matter.web_sessions().any(crate::event::TlsSession::is_broken_off)
            || self.conditions.phone_reports_failure.holds == Answer::Yes
            || matter.downloads().any(is_spoiled)
            || matter.broken_list().is_some()
            || matter.unanswered().is_some()
            || matter.served.is_some_and(|(_, served)| is_bad(served))
            || ways::config_by_unknown(self.matter, self.conditions).is_some()
            || super::decision::disagreement(matter).is_some()
            || !matter.contradictions().is_empty()
    }

    /// The time to judge validity by: that of the phone's last frame.
    fn now(&self) -> Option<Timestamp> {
        let downloads = self.matter.phone.downloads.last().map(|download| download.span.last.time);
        let sessions = self.matter.phone.sessions.last().map(|session| session.span.last.time);
        downloads.max(sessions)
    }
}

/// Whether a file came whole, and its signature is not good.
fn is_spoiled(download: &DownloadRecord) -> bool {
    download.signature.as_ref().is_some_and(|signature| signature.status == SignatureStatus::Invalid)
}

/// Whether no phone can take this list, whatever it holds.
pub(super) fn is_bad(served: &crate::phone::ServedList) -> bool {
    served.verification.status() == SignatureStatus::Invalid || served.list.header.signature.is_none()
}

fn nothing(situation: &Situation<'_, '_>) -> Option<String> {
    if situation.deletion != Deletion::NotNeeded || situation.has_trouble() || situation.is_up_to_date() == Some(false)
    {
        return None;
    }
    Some(if situation.checks.any_mismatch() {
        "the phone took what its server serves; it is the reference that is another".to_owned()
    } else {
        "a condition for deletion is known not to hold, and nothing that was seen speaks for trouble".to_owned()
    })
}

fn corrupt_list(situation: &Situation<'_, '_>) -> Option<String> {
    let matter = situation.matter;
    if let Some(download) = matter.broken_list() {
        return Some(format!(
            "what {} serves under the name of a list is none, {}: {} bytes",
            download.server.ip(),
            matter.case.frame(download.end()),
            download.length().unwrap_or_default()
        ));
    }
    let (download, served) = matter.served?;
    is_bad(served).then(|| {
        format!(
            "the list that {} serves cannot be verified with its own signer's key, {}: {}",
            download.server.ip(),
            matter.case.frame(download.end()),
            served.verification.why
        )
    })
}

fn tftp_silent(situation: &Situation<'_, '_>) -> Option<String> {
    let download = situation.matter.unanswered()?;
    Some(format!(
        "TFTP server {}: {}, {}",
        download.server.ip(),
        download.reason().unwrap_or_default(),
        situation.matter.case.frame(download.span.first)
    ))
}

fn tvs_unreachable(situation: &Situation<'_, '_>) -> Option<String> {
    let matter = situation.matter;
    let server = matter.testimony.servers.iter().rfind(|server| server.silent.is_some())?;
    let session = matter.tvs.iter().find(|session| session.server == server.address && is_unreachable(session))?;
    let reason = session.reason().unwrap_or_else(|| "nothing came back".to_owned());
    Some(format!("TVS {}: {reason}, {}", session.server, matter.case.frame(session.span.first)))
}

/// Alerts about versions and cipher suites (domain.md 5.4): `handshake_failure`, `protocol_version`, `insufficient_security`.
const OF_SETTINGS: [u8; 3] = [40, 70, 71];

fn tls_mismatch(situation: &Situation<'_, '_>) -> Option<String> {
    let matter = situation.matter;
    let is_of_settings = |code: AlertCode| OF_SETTINGS.contains(&code.0);
    // Before any certificate.
    let sessions = matter.tvs.iter().copied().chain(matter.web_sessions());
    let (session, alert) = sessions.filter(|session| session.milestones.certificate.is_none()).find_map(|session| {
        let alert = session.alerts.iter().find(|alert| alert.code().is_some_and(is_of_settings))?;
        Some((session, alert))
    })?;
    let description = alert.description().unwrap_or_default();
    let frame = matter.case.frame(alert.moment);
    Some(format!("the handshake with {} ended with {description}, {frame}", session.server))
}

fn expired_certificate(situation: &Situation<'_, '_>) -> Option<String> {
    let now = situation.now()?;
    let matter = situation.matter;
    let is_expired = |certificate: &Certificate| certificate.not_after < now;
    let presented = matter.tvs.iter().find_map(|session| {
        let certificate = session.certificate.as_deref().filter(|certificate| is_expired(certificate))?;
        Some(format!("the certificate that TVS {} presents expired on {}", session.server, certificate.not_after))
    });
    let said = || {
        matter.tvs.iter().copied().chain(matter.web_sessions()).find_map(|session| {
            let alert = session.alerts.iter().find(|alert| alert.code().is_some_and(|code| code.0 == 45))?;
            let frame = matter.case.frame(alert.moment);
            Some(format!("the session with {} ended with certificate_expired, {frame}", session.server))
        })
    };
    let signed = || {
        let (download, served) = matter.served?;
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
    let (download, served) = situation.matter.served?;
    let length = served.list.length.filter(|&length| length > LARGEST_LIST)?;
    let frame = situation.matter.case.frame(download.span.first);
    Some(format!("the list that {} serves has {length} bytes, {frame}", download.server.ip()))
}

/// Models without Security By Default, by the numbers in their names (domain.md 7.2).
const WITHOUT_SBD: [&str; 2] = ["7940", "7960"];

fn delete_ctl(situation: &Situation<'_, '_>) -> Option<String> {
    let phone = situation.matter.phone;
    let model = phone.model().filter(|model| WITHOUT_SBD.iter().any(|number| model.contains(number)))?;
    let ctl = phone.downloads.iter().rev().find(|download| download.kind == FileKind::Ctl)?;
    let asks_for_itl = phone.downloads.iter().any(|download| download.kind == FileKind::Itl);
    let asks_tvs = phone.sessions.iter().any(|session| session.service == Service::Tvs);
    let frame = situation.matter.case.frame(ctl.span.first);
    (!asks_for_itl && !asks_tvs)
        .then(|| format!("it says that it is a {model}; it asked for a CTL, {frame}, for no ITL, and not for TVS"))
}

/// The last way before deletion, where nothing cheaper is known to work.
fn previous_list(situation: &Situation<'_, '_>) -> Option<String> {
    let conditions = situation.conditions;
    let is_stuck =
        conditions.itl_signer_differs.holds == Answer::Yes && conditions.tvs_certificate_differs.holds != Answer::No;
    let has_other_way = situation.deletion == Deletion::NotNeeded || conditions.no_old_key_backup.holds == Answer::No;
    (is_stuck && !has_other_way).then(|| "the phone does not know who signs the list that is served today".to_owned())
}

fn reset_phone(situation: &Situation<'_, '_>) -> Option<String> {
    let is_behind = situation.is_up_to_date() == Some(false);
    if situation.deletion != Deletion::NotNeeded || !(situation.has_trouble() || is_behind) {
        return None;
    }
    // What a restart of TFTP would serve has to be verified too.
    if ways::config_by_unknown(situation.matter, situation.conditions).is_some()
        || situation.matter.broken_list().is_some()
    {
        return None;
    }
    if situation.conditions.itl_signer_differs.holds == Answer::No {
        return Some("the phone can verify the list that is served: its signer is known to it".to_owned());
    }
    if situation.conditions.tvs_certificate_differs.holds == Answer::No {
        return Some(
            "the phone trusts a TVS server that answers, which can vouch for what it does not know".to_owned(),
        );
    }
    None
}

fn other_tvs(situation: &Situation<'_, '_>) -> Option<String> {
    let matter = situation.matter;
    let servers = &matter.testimony.servers;
    let is_trusted =
        |server: &&crate::claim::ServerSeen| server.judged.is(&Judgement::Accepted) && !server.vouched.is(&false);
    let failed = servers.iter().find(|server| !is_trusted(server))?;
    if let Some(good) = servers.iter().find(is_trusted) {
        return Some(format!("TVS {} failed, but the phone accepted TVS {}", failed.address, good.address));
    }
    let (list, relation) = situation.held_list()?;
    let records = list.tvs_records().count();
    let answered = servers.iter().filter(|server| server.silent.is_none()).count();
    (records > answered && failed.certificate.is_some())
        .then(|| format!("{relation} names {records} TVS servers, of which {answered} answered in this capture"))
}

fn itl_recovery(situation: &Situation<'_, '_>) -> Option<String> {
    let matter = situation.matter;
    if situation.conditions.itl_signer_differs.holds == Answer::No && situation.deletion == Deletion::NotNeeded {
        return None;
    }
    let (list, relation) = situation.held_list()?;
    let held = list.itl_recovery()?;
    let (download, served) = matter.served?;
    let frame = matter.case.frame(download.span.first);
    if let Some(why) = ways::recovery(matter) {
        return Some(format!("{} is in {relation}; {why} (localkey), {frame}", held.label()));
    }
    // Without the publisher's own key it takes a saved one, and that there is none was said.
    if situation.conditions.no_old_key_backup.holds == Answer::Yes {
        return None;
    }
    let now = match served.list.itl_recovery() {
        Some(_) => {
            "the list served today carries another ITLRecovery certificate, or is not known to be of the same cluster"
        }
        None => "the list served today carries none",
    };
    Some(format!("{} is in {relation}; {now} (remotekey, with the old ITLRecovery.p12), {frame}", held.label()))
}

fn renew_ctl(situation: &Situation<'_, '_>) -> Option<String> {
    let stuck = situation.conditions.itl_signer_differs.holds != Answer::No && situation.has_trouble();
    let matter = situation.matter;
    // That nobody knows of a CTL is no reason to renew one.
    let is_known_of = matter.wire.ctl.is_some() || matter.testimony.ctl.settled().is_some();
    match ways::ctl_renewal(matter) {
        CtlRenewal::Possible(because) | CtlRenewal::Perhaps(because) if stuck && is_known_of => Some(because),
        _ => None,
    }
}

fn restore_key(situation: &Situation<'_, '_>) -> Option<String> {
    let conditions = situation.conditions;
    let signer = conditions.itl_signer_differs.holds;
    let matter = situation.matter;
    // A key that was lost shows in a phone that refuses; that lists differ, or that one is broken, does not show it.
    let is_refused = matter.testimony.list.is(&Judgement::Refused) || matter.testimony.config.is(&Judgement::Refused);
    let is_good = matter.served.is_some_and(|(_, served)| !is_bad(served));
    let perhaps = signer == Answer::Unknown && is_refused && is_good;
    if conditions.tvs_certificate_differs.holds == Answer::No || !(signer == Answer::Yes || perhaps) {
        return None;
    }
    match conditions.no_old_key_backup.holds {
        Answer::No => Some("a backup of the old key exists".to_owned()),
        Answer::Unknown => {
            Some("whether a backup of the old key exists is not known; if it does, this is the way".to_owned())
        }
        Answer::Yes => None,
    }
}

fn config_signer(situation: &Situation<'_, '_>) -> Option<String> {
    let (config, signer) = ways::config_by_unknown(situation.matter, situation.conditions)?;
    let frame = situation.matter.case.frame(config.end());
    Some(format!(
        "the configuration, {frame}, is signed by {signer}, whom the phone does not know as far as can be told"
    ))
}

fn rollback_list(situation: &Situation<'_, '_>) -> Option<String> {
    let matter = situation.matter;
    if let Some((download, served)) = matter.served
        && served.list.looks_rolled_back()
    {
        let frame = matter.case.frame(download.span.first);
        return Some(format!("the list that {} serves is empty, {frame}", download.server.ip()));
    }
    let testimony = &matter.testimony;
    let held = [&testimony.itl, &testimony.itl_at_offer].into_iter().find_map(|known| matter.at_hand(known));
    held.filter(|list| list.looks_rolled_back()).map(|_| "the list that the phone holds is empty".to_owned())
}

fn other_cluster(situation: &Situation<'_, '_>) -> Option<String> {
    let matter = situation.matter;
    let (known, held) = matter.held()?;
    let (download, served) = matter.served?;
    ways::is_of_another_cluster(held, &served.list).then(|| {
        format!("{} and the list that {} serves have no name in common", matter.relation(known), download.server.ip())
    })
}

/// `ITLFile.tlv` from one signer, the configuration from another (domain.md 7.2).
fn central_tftp(situation: &Situation<'_, '_>) -> Option<String> {
    let matter = situation.matter;
    let (download, served) = matter.served?;
    let common = download.asked_for.as_deref().is_some_and(|file| file.eq_ignore_ascii_case("ITLFile.tlv"));
    let config = matter.wire.config.filter(|config| config.outcome() == Outcome::Complete)?;
    let signer = config.signature.as_ref()?.signer.as_deref()?;
    let known = served.list.records.iter().any(|record| signature::is_record_of(record, signer));
    (common && !known).then(|| {
        format!(
            "{} hands out ITLFile.tlv, {}, but the configuration, {}, is signed by {signer}, which that list does not have",
            download.server.ip(),
            matter.case.frame(download.span.first),
            matter.case.frame(config.span.first)
        )
    })
}
