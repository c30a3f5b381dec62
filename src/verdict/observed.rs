//! What the wire shows a phone doing in one boot.
//!
//! Nobody sees a phone accept or refuse a list. What it does next tells, and that is an inference: each names its frames and
//! says that it is one.

use super::Evidence;
use super::checks::{file_name, last_of_each_server};
use super::facts::is_unreachable;
use crate::event::{IdentitySource, Outcome, Service, SessionOutcome, TlsSession, Transport};
use crate::phone::{Boot, DownloadRecord, FileKind, Phone};
use crate::trust::compare::is_same_signer;
use crate::trust::signature::{self, SignatureStatus};

/// A phone that begins its files again within this time did not get on with them (domain.md 4.3: 15 s or 45 s).
const AGAIN_WITHIN: u64 = 120_000_000_000;
/// A phone verifies a file when it is there; what it asks TVS later than this is about something else.
const AT_ONCE: u64 = 10_000_000_000;

/// What one boot shows.
#[derive(Debug, Clone)]
pub(super) struct Observed<'a> {
    /// The last complete ITL.
    pub(super) itl: Option<&'a DownloadRecord>,
    /// What the phone did that a phone which refused the list would not have done.
    accepted: Option<Vec<Evidence>>,
    /// What suggests that it refused the list.
    refused_list: Vec<Evidence>,
    /// What suggests that it refused the configuration.
    refused_config: Vec<Evidence>,
    /// That the phone began the same files again at once: in the next round, or with this one.
    began_again: Option<Evidence>,
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

/// Looks at a phone's boots, the last one last.
pub(super) fn observe<'a>(phone: &'a Phone, boots: &[Boot<'a>]) -> Vec<Observed<'a>> {
    let mut before: Option<Round<'a>> = None;
    let mut observed = Vec::new();
    for (index, boot) in boots.iter().enumerate() {
        let next = boots.get(index + 1);
        let round = Round::new(phone, boot, next);
        observed.push(Observed::new(phone, boot, next, &round, before.as_ref()));
        before = Some(round);
    }
    observed
}

impl<'a> Observed<'a> {
    fn new(
        phone: &'a Phone,
        boot: &Boot<'a>,
        next: Option<&Boot<'a>>,
        round: &Round<'a>,
        before: Option<&Round<'a>>,
    ) -> Self {
        // The last round is followed by none, but may be itself the repetition of one that came to nothing.
        let repeats = before.filter(|before| before.is_same_list(round)).and_then(Round::came_to_nothing);
        let mut observed = Self {
            itl: round.itl,
            accepted: round.accepted(),
            refused_list: round.tvs_failed_for_list().map(failed_at_tvs).into_iter().collect(),
            refused_config: round.tvs_failed_for_config().map(failed_at_tvs).into_iter().collect(),
            began_again: round
                .came_to_nothing()
                .or(repeats)
                .map(|again| Evidence::new(again.span.first, format!("asks for {} again", file_name(again)))),
            inferences: Vec::new(),
        };
        let files = files(boot, round, &observed);
        observed.inferences = files
            .into_iter()
            .chain(falls_back_to_tftp(boot))
            .chain(tvs(boot))
            .chain(web(boot))
            .chain(registration(phone, boot, next))
            .collect();
        observed
    }

    /// The ITL that the phone was seen to accept, with the frames that show it.
    pub(super) fn accepted(&self) -> Option<(&'a DownloadRecord, Vec<Evidence>)> {
        self.itl.zip(self.accepted.clone())
    }

    /// What suggests that the phone refused the list or the configuration: it failed at TVS after it, or began its files again.
    pub(super) fn refused(&self) -> Option<Vec<Evidence>> {
        self.itl?;
        let again = self.began_again();
        let evidence: Vec<_> = self.refused_list.iter().chain(&self.refused_config).chain(again).cloned().collect();
        (!evidence.is_empty()).then_some(evidence)
    }

    /// What of that is about the list: where TVS failed about the configuration only, the list is not what the phone minds.
    pub(super) fn refused_list(&self) -> Option<Vec<Evidence>> {
        let is_about_config = self.refused_list.is_empty() && !self.refused_config.is_empty();
        self.refused().filter(|_| !is_about_config)
    }

    /// That the phone began its files again at once, and did not get on with them this time either.
    pub(super) fn began_again(&self) -> Option<&Evidence> {
        self.began_again.as_ref().filter(|_| self.accepted.is_none())
    }
}

fn failed_at_tvs(session: &TlsSession) -> Evidence {
    let reason = session.reason();
    let reason = reason.as_deref().unwrap_or("it did not complete");
    Evidence::new(session.span.last, format!("TVS {}: {reason}", session.server))
}

/// The files of one boot, and what the phone asked TVS about them.
struct Round<'a> {
    /// The last complete ITL.
    itl: Option<&'a DownloadRecord>,
    /// The configuration that was asked for last.
    config: Option<&'a DownloadRecord>,
    /// How many complete configurations of that name the boot has.
    configs: usize,
    /// The first signed file beyond lists and configuration that was asked for when the configuration was there.
    went_on: Option<&'a DownloadRecord>,
    /// Whether any file beyond them was asked for.
    has_further: bool,
    /// The first file of the next boot, where that began at once.
    began_again: Option<&'a DownloadRecord>,
    /// TVS sessions after the ITL that are about files: not those that a web server's certificate was shown to.
    tvs: Vec<&'a TlsSession>,
    /// Whether this capture shows sessions of this phone on 2445 at all. Where it shows none, a phone that failed there
    /// would look as one that did not have to ask.
    sees_tvs: bool,
}

impl<'a> Round<'a> {
    fn new(phone: &'a Phone, boot: &Boot<'a>, next: Option<&Boot<'a>>) -> Self {
        let downloads = || boot.downloads.iter().map(AsRef::as_ref);
        let itl: Option<&DownloadRecord> = downloads().rev().find(|download| download.is_complete(FileKind::Itl));
        let config: Option<&DownloadRecord> = downloads().rev().find(|download| download.kind == FileKind::Config);
        let complete = config.filter(|config| config.outcome == Outcome::Complete);
        let configs = complete.map_or(0, |config| {
            downloads().filter(|other| other.file == config.file && other.outcome == Outcome::Complete).count()
        });
        let further =
            || downloads().filter(|download| download.kind == FileKind::Other && !is_failed_connection(download));
        let went_on = complete.and_then(|config| {
            further().find(|download| download.span.first >= config.span.last && is_signed(file_name(download)))
        });
        let began_again = next.and_then(|next| {
            let first = next.downloads.first()?;
            let last = boot.downloads.last()?.span.last;
            (first.span.first.time.nanos_since(last.time) <= AGAIN_WITHIN).then_some(first.as_ref())
        });
        let tvs = itl.map_or_else(Vec::new, |itl| {
            let about_files = |session: &&TlsSession| {
                session.service == Service::Tvs
                    && session.span.first >= itl.span.last
                    && !webs(boot).any(|web| is_beside(session, web))
            };
            boot.sessions.iter().copied().filter(about_files).collect()
        });
        let sees_tvs = phone.sessions.iter().any(|session| session.service == Service::Tvs);
        Self { itl, config, configs, went_on, has_further: further().next().is_some(), began_again, tvs, sees_tvs }
    }

    /// The first file of the next round, where that began at once and this one did not get beyond the configuration. A phone
    /// that got further begins again to run new firmware, for one.
    fn came_to_nothing(&self) -> Option<&'a DownloadRecord> {
        self.began_again.filter(|_| !self.has_further)
    }

    /// Whether both rounds brought the same ITL.
    fn is_same_list(&self, other: &Self) -> bool {
        let list = |round: &Self| round.itl.and_then(|itl| itl.digests);
        list(self).is_some() && list(self) == list(other)
    }

    /// The TVS session between the list and the configuration that the phone did not get through, where none went through.
    fn tvs_failed_for_list(&self) -> Option<&'a TlsSession> {
        let until = self.config.map(|config| config.span.first);
        self.tvs_failed(|session| until.is_none_or(|until| session.span.first < until))
    }

    /// The same right behind the configuration. Later ones may be about anything, such as a server whose port is not known here.
    fn tvs_failed_for_config(&self) -> Option<&'a TlsSession> {
        let config = self.config?.span.last;
        let until = self.went_on.map(|download| download.span.first);
        self.tvs_failed(|session| {
            let first = session.span.first;
            first >= config && first.time.nanos_since(config.time) <= AT_ONCE && until.is_none_or(|until| first < until)
        })
    }

    fn tvs_failed(&self, is_meant: impl Fn(&TlsSession) -> bool) -> Option<&'a TlsSession> {
        let meant = || self.tvs.iter().copied().filter(|session| is_meant(session));
        if meant().any(|session| session.outcome() == SessionOutcome::Established) {
            return None;
        }
        meant().rfind(|session| session.outcome() != SessionOutcome::Pending)
    }

    /// What shows that the phone accepted the ITL; `None` where a phone that refused it might have done the same.
    ///
    /// A stuck phone goes on with the configuration that it has stored (domain.md 6), and asks for the files which that names.
    /// But it verifies each of them too, so it asks TVS about each, and fails. What counts is therefore a phone that took a list
    /// and a configuration of one origin, went on to another signed file, and had no trouble with TVS, in a capture that would
    /// show such trouble.
    fn accepted(&self) -> Option<Vec<Evidence>> {
        let (itl, config, went_on) = (self.itl?, self.config?, self.went_on?);
        let through = |session: &&&TlsSession| {
            session.outcome() == SessionOutcome::Established && session.milestones.client_data.is_some()
        };
        let vouched = self.tvs.iter().find(through);
        let is_in_order = self.began_again.is_none()
            && self.configs == 1
            && self.sees_tvs
            && config.span.first > itl.span.first
            && is_signed(file_name(config))
            && !is_default(file_name(config))
            && (self.tvs.is_empty() || vouched.is_some())
            && self.tvs_failed_for_list().is_none()
            && self.tvs_failed_for_config().is_none()
            && is_of_one_origin(itl, config);
        if !is_in_order {
            return None;
        }
        let mut evidence = vec![Evidence::new(itl.span.last, format!("{} is complete", file_name(itl)))];
        evidence.extend(vouched.and_then(|session| {
            let text = format!("the TLS handshake with TVS {} completes", session.server);
            Some(Evidence::new(session.milestones.established?, text))
        }));
        evidence.push(Evidence::new(went_on.span.first, format!("asks for {}", file_name(went_on))));
        Some(evidence)
    }
}

/// Whether a phone that accepts the list can verify the configuration with it, as far as the signers tell.
fn is_of_one_origin(itl: &DownloadRecord, config: &DownloadRecord) -> bool {
    let status = |download: &DownloadRecord| download.signature.as_ref().map(|signature| signature.status);
    if [itl, config].into_iter().any(|download| status(download) == Some(SignatureStatus::Invalid)) {
        return false;
    }
    let Some(list) = itl.list.as_deref().map(|served| &served.list) else { return false };
    let signer = config.signature.as_ref().and_then(|signature| signature.signer.as_deref());
    signer.is_none_or(|signer| {
        list.signer().is_some_and(|own| is_same_signer(own, signer))
            || list.records.iter().any(|record| signature::is_record_of(record, signer))
    })
}

/// Whether a file of this name comes in a signed envelope (domain.md 4.2).
fn is_signed(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("sgn"))
}

/// Whether this is the configuration for devices that the cluster does not know.
fn is_default(name: &str) -> bool {
    name.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("xmldefault"))
}

/// What the names of the files tell.
fn files(boot: &Boot<'_>, round: &Round<'_>, observed: &Observed<'_>) -> Vec<Inference> {
    let mut inferences = Vec::new();
    let mut add = |id, text: String, evidence| inferences.push(Inference { id, text, evidence });
    let asks = |download: &DownloadRecord| {
        vec![Evidence::new(download.span.first, format!("asks for {}", file_name(download)))]
    };
    if let Some(config) = round.config {
        // domain.md 4.2: the name that is asked for tells whether there is a list to verify with.
        let (id, text) = if is_signed(file_name(config)) {
            ("holds_a_list", "it asks for a signed configuration: it holds a trust list")
        } else {
            ("holds_no_list", "it asks for its configuration unsigned: it holds no trust list, or an empty one")
        };
        add(id, text.to_owned(), asks(config));
        if is_default(file_name(config)) {
            let text =
                "it falls back to the default configuration: the cluster does not know it, or it got none of its own";
            add("default_configuration", text.to_owned(), asks(config));
        }
    }
    if let Some(evidence) = &observed.accepted {
        let text = "it accepted the list: it went on to further signed files, and had no trouble with TVS";
        add("list_accepted", text.to_owned(), evidence.clone());
    }
    if !observed.refused_list.is_empty() {
        let text = "it refused the list: it asked TVS about it and did not get through";
        add("list_refused", text.to_owned(), observed.refused_list.clone());
    }
    if !observed.refused_config.is_empty() {
        let text = "it refused the configuration: it asked TVS about it and did not get through";
        add("config_refused", text.to_owned(), observed.refused_config.clone());
    }
    if let Some(again) = observed.began_again() {
        add(
            "asks_again",
            "it began its files again at once: it did not get on with them".to_owned(),
            vec![again.clone()],
        );
    }
    let common = |download: &&DownloadRecord| {
        ["ITLFile.tlv", "CTLFile.tlv"].iter().any(|name| file_name(download).eq_ignore_ascii_case(name))
    };
    for download in boot.downloads.iter().map(AsRef::as_ref).filter(common) {
        let name = file_name(download);
        let text = format!("it falls back to {name}: the server has no list under its own name");
        add("falls_back_to_common_list", text, asks(download));
    }
    // What a stuck phone asks for as well, with the configuration that it has stored: told, but no sign of trust.
    for (id, what, is_meant) in FURTHER {
        let mut meant = boot.downloads.iter().map(AsRef::as_ref).filter(|download: &&DownloadRecord| {
            download.kind == FileKind::Other && is_meant(&file_name(download).to_ascii_lowercase())
        });
        if let Some(download) = meant.next() {
            add(id, format!("it asks for {what}, as any phone with a configuration does"), asks(download));
        }
    }
    inferences
}

/// An HTTP connection that failed was for no file in particular.
fn is_failed_connection(download: &DownloadRecord) -> bool {
    download.transport == Transport::Http && download.file.is_none()
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

/// Files of a kind, by their names in small letters (domain.md 4.2).
type Further = (&'static str, &'static str, fn(&str) -> bool);

const FURTHER: [Further; 2] = [
    ("asks_for_locale", "files of its locale", |name| {
        let stem = name.trim_end_matches(".sgn");
        name.contains('/') && [".jar", ".xml"].iter().any(|end| stem.ends_with(end)) && !name.contains("desktops/")
    }),
    ("asks_for_firmware", "firmware", |name| {
        let stem = name.trim_end_matches(".sgn");
        [".loads", ".sbn", ".zz"].iter().any(|end| stem.ends_with(end))
    }),
];

/// What became of the sessions on 2445, the last with each server.
fn tvs(boot: &Boot<'_>) -> Vec<Inference> {
    let last = last_of_each_server(boot.sessions.iter().copied());
    let infer = |session: &TlsSession| {
        let server = session.server;
        let reason = || session.reason().unwrap_or_else(|| "it was refused".to_owned());
        let (id, text, moment, seen) = if is_unreachable(session) {
            let text = format!("TVS {server} gave no sign of life");
            ("tvs_unanswered", text, session.span.first, format!("connects to {server}: {}", reason()))
        } else {
            match (session.outcome(), session.milestones.client_data) {
                (SessionOutcome::Established, Some(data)) => (
                    "tvs_accepted",
                    format!("it got through to TVS {server} and sent data"),
                    data,
                    "sends data".to_owned(),
                ),
                (SessionOutcome::Refused | SessionOutcome::Reset, _) => {
                    let moment = session.alerts.first().map_or(session.span.last, |alert| alert.moment);
                    ("tvs_refused", format!("its session with TVS {server} was refused"), moment, reason())
                }
                _ => return None,
            }
        };
        Some(Inference { id, text, evidence: vec![Evidence::new(moment, seen)] })
    };
    last.into_iter().filter_map(infer).collect()
}

/// A registration in this boot: a phone that cannot verify registers all the same (domain.md 6).
fn registration(phone: &Phone, boot: &Boot<'_>, next: Option<&Boot<'_>>) -> Option<Inference> {
    let identity = phone.identities.iter().find(|identity| {
        matches!(identity.source, IdentitySource::SipRegister | IdentitySource::SccpRegister)
            && identity.moment >= boot.started
            && next.is_none_or(|next| identity.moment < next.started)
    })?;
    let text = "it registers, which stuck phones do as well: that says nothing of trust".to_owned();
    Some(Inference { id: "registers", text, evidence: vec![Evidence::new(identity.moment, "registers")] })
}

/// Sessions with web servers.
fn webs<'b, 'a>(boot: &'b Boot<'a>) -> impl Iterator<Item = &'a TlsSession> + use<'b, 'a> {
    boot.sessions.iter().copied().filter(|session| matches!(session.service, Service::Tomcat | Service::Https))
}

/// Whether a TVS session began while the one with a web server waited: the phone asked about that server's certificate.
fn is_beside(tvs: &TlsSession, web: &TlsSession) -> bool {
    tvs.span.first >= web.span.first && tvs.span.first <= web.span.last
}

/// What became of HTTPS sessions with a TVS session beside them (domain.md 6: an unknown certificate is shown to TVS).
fn web(boot: &Boot<'_>) -> Vec<Inference> {
    let mut inferences = Vec::new();
    for web in webs(boot) {
        let asked = boot.sessions.iter().find(|session| session.service == Service::Tvs && is_beside(session, web));
        let went_on = web.milestones.client_data.filter(|_| web.outcome() == SessionOutcome::Established);
        let (id, text, moment) = match (went_on, web.outcome()) {
            (Some(moment), _) => ("web_accepted", "it accepted the certificate of", moment),
            (None, SessionOutcome::Refused | SessionOutcome::Reset) => ("web_refused", "it gave up on", web.span.last),
            (None, _) => continue,
        };
        let how = match asked {
            Some(tvs) if tvs.outcome() == SessionOutcome::Established => format!(" after asking TVS {}", tvs.server),
            Some(tvs) => format!(" when TVS {} did not help", tvs.server),
            None => String::new(),
        };
        let mut evidence = vec![Evidence::new(web.span.first, format!("connects to {}", web.server))];
        if let Some(tvs) = asked {
            evidence.push(Evidence::new(tvs.span.first, format!("connects to TVS {}", tvs.server)));
        }
        let reason = web.reason().unwrap_or_else(|| "sends data".to_owned());
        evidence.push(Evidence::new(moment, reason));
        inferences.push(Inference { id, text: format!("{text} {}{how}", web.server), evidence });
    }
    inferences
}
