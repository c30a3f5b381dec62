//! What the wire shows of a phone.
//!
//! In: a [`Phone`] with what is its own. Out: claims, each with its frames; and for people, what each boot shows the phone doing
//! ([`Observation`]). It refuses to judge: what the claims come to is not its business.

use std::sync::Arc;

use super::is_signed;
use super::round::{self, Round, accepts, is_default, is_unreachable, webs};
use crate::capture::{Clocks, Moment};
use crate::claim::{Claim, Evidence, Fact, Holding, Judgement, Object, Source, Strength, When};
use crate::digest::Digests;
use crate::event::{
    self, IdentitySource, ListAlarm, Outcome, Service, SessionEnding, SessionOutcome, TlsSession, Transport, TvsAnswer,
};
use crate::phone::{Boot, DownloadRecord, FileKind, Phone};
use crate::trust::ListKind;

/// Something that a phone was seen to do: told, and no more than that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// For machines: `list_accepted`, `list_refused`, `holds_a_list`, …
    pub id: &'static str,
    /// In words.
    pub text: String,
    /// The frames that it rests on.
    pub evidence: Vec<Evidence>,
}

/// What the wire shows of one phone.
#[derive(Debug)]
pub struct Wire<'a> {
    /// Its boots.
    pub boots: Vec<Boot<'a>>,
    /// What each of them shows, in words.
    pub observed: Vec<Vec<Observation>>,
    /// The claims.
    pub claims: Vec<Claim>,
    /// The ITL that it was served last in its last boot.
    pub itl: Option<&'a DownloadRecord>,
    /// The same of its CTL.
    pub ctl: Option<&'a DownloadRecord>,
    /// The configuration that it was served last in its last boot.
    pub config: Option<&'a DownloadRecord>,
    /// The list that it was offered: that of `itl`, where it took it.
    pub offered: Option<Holding>,
    /// The last boots brought different lists, so that nobody knows which was the last.
    pub itls_differ: bool,
    /// In a last boot it went on to further signed files, without trouble with TVS about any.
    pub goes_on: bool,
    /// The frames at which the phone began its files again at once.
    pub began_again: Vec<Evidence>,
}

impl<'a> Wire<'a> {
    /// The boots that none is known to have followed.
    pub fn last_boots(&self) -> impl DoubleEndedIterator<Item = &Boot<'a>> {
        self.boots.iter().filter(|boot| boot.is_last)
    }
}

/// Looks at a phone.
pub fn testify(phone: &Phone) -> Wire<'_> {
    let boots = phone.boots();
    let clocks = &*phone.clocks;
    let mut claims = Vec::new();
    let mut observed = Vec::new();
    let mut last: Vec<Last<'_>> = Vec::new();
    let mut began_again = Vec::new();
    let mut goes_on = false;
    // The boot before came to nothing, and this one is its repetition: the list that it brought.
    let mut repeats: Option<(&Boot<'_>, Option<Digests>, &DownloadRecord)> = None;
    for (index, boot) in boots.iter().enumerate() {
        let next = boots.get(index + 1).filter(|next| next.is_after(boot, clocks));
        let round = Round::new(boot, next, clocks);
        let before = claims.len();
        Testimony { round: &round, clocks, claims: &mut claims }.all(phone);
        let said = claims.get(before..).unwrap_or_default();
        let list = round.itl.and_then(|itl| itl.digests);
        let repeated =
            repeats.filter(|(before, brought, _)| boot.is_after(before, clocks) && list.is_some() && *brought == list);
        let again = round.began_again().or(repeated.map(|(.., again)| again)).filter(|_| round.accepted().is_none());
        observed.push(observe(phone, boot, next, &round, (said, again)));
        if let Some(again) = again.filter(|_| boot.is_last) {
            began_again.push(Evidence::new(again.span.first, format!("asks for {} again", file_name(again))));
        }
        repeats = round.began_again().map(|again| (boot, list, again));
        if boot.is_last {
            goes_on |= round.goes_on();
            last.push(Last { itl: round.itl, ctl: round.ctl, config: round.config, took: round.took_itl() });
        }
    }
    unordered(phone, &mut claims);
    if is_at_several_addresses(phone, &boots) {
        drop_lone_acceptance(phone, &mut claims);
    }
    let digests = |last: &Last<'_>| last.itl.and_then(|itl| itl.digests);
    let newest = last.last().copied().unwrap_or_default();
    let itls_differ = last.iter().any(|one| digests(one) != digests(&newest));
    Wire {
        observed,
        claims,
        itl: newest.itl.filter(|_| !itls_differ),
        ctl: newest.ctl,
        config: newest.config,
        offered: newest.took.filter(|_| !itls_differ).and_then(|itl| itl.digests).map(Holding::of),
        itls_differ,
        goes_on,
        began_again,
        boots,
    }
}

/// Whether files of the phone were taken at several addresses, and nothing says which of them is its.
fn is_at_several_addresses(phone: &Phone, boots: &[Boot<'_>]) -> bool {
    let mut addresses: Vec<_> = boots.iter().filter(|boot| boot.is_last).map(Boot::address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.len() > 1 && !addresses.iter().all(|address| phone.certain.contains(address))
}

/// What was accepted at one of several addresses may have been accepted by whoever fetches the phone's files for it: where TVS was
/// refused at another, it counts for nothing.
fn drop_lone_acceptance(phone: &Phone, claims: &mut Vec<Claim>) {
    let refuses = |session: &TlsSession| session.service == Service::Tvs && accepts(session) == Some(false);
    if phone.sessions.iter().any(|session| refuses(session)) {
        claims.retain(|claim| !(claim.when.is_now() && matches!(claim.says, Fact::Judged(_, Judgement::Accepted))));
    }
}

/// What the last boot of one address brought.
#[derive(Debug, Clone, Copy, Default)]
struct Last<'a> {
    itl: Option<&'a DownloadRecord>,
    ctl: Option<&'a DownloadRecord>,
    config: Option<&'a DownloadRecord>,
    took: Option<&'a DownloadRecord>,
}

/// Alarms of the phone whose place among its boots nobody knows: another recorder saw them.
fn unordered(phone: &Phone, claims: &mut Vec<Claim>) {
    for report in phone.reports.iter().filter(|report| report.how == crate::phone::Attribution::AtItsAddress) {
        claims.extend(of_alarm(report, When::Standing));
    }
}

/// What an alarm says of both lists.
fn of_alarm(report: &ListAlarm, when: When) -> impl Iterator<Item = Claim> {
    let words = |holding: Option<event::Holding>| match holding {
        None => "not told".to_owned(),
        Some(event::Holding::Nothing) => "not installed".to_owned(),
        Some(event::Holding::List(sha1)) => format!("SHA-1 {sha1}"),
    };
    let text = format!("DeviceTLInfo: ITL {}, CTL {}", words(report.itl), words(report.ctl));
    let evidence = vec![Evidence::new(report.moment, text)];
    [(ListKind::Itl, report.itl), (ListKind::Ctl, report.ctl)].into_iter().filter_map(move |(kind, holding)| {
        let holding = match holding? {
            event::Holding::Nothing => Holding::Nothing,
            event::Holding::List(sha1) => Holding::File(None, Some(sha1)),
        };
        Some(Claim {
            says: Fact::Holds(kind, holding),
            when,
            by: Source::ListAlarm,
            strength: Strength::Stated,
            evidence: evidence.clone(),
        })
    })
}

/// Makes the claims of one boot.
struct Testimony<'r, 'a, 'b> {
    round: &'r Round<'a, 'b>,
    clocks: &'r Clocks,
    claims: &'r mut Vec<Claim>,
}

impl Testimony<'_, '_, '_> {
    fn when(&self, moment: Moment) -> When {
        if !self.round.boot.is_last {
            return When::Earlier;
        }
        match self.round.itl {
            Some(itl) if !self.clocks.is_before(self.round.taken_at().unwrap_or(itl.end()), moment) => {
                When::BeforeOffer
            }
            None if !self.has_begun_list() => When::BeforeOffer,
            _ => When::AfterOffer,
        }
    }

    /// Whether a list came that is not whole: then nobody knows what the phone holds behind it.
    fn has_begun_list(&self) -> bool {
        let incomplete = |download: &&&DownloadRecord| {
            download.kind == FileKind::Itl && matches!(download.outcome(), Outcome::Incomplete | Outcome::Pending)
        };
        self.round.boot.downloads.iter().any(|download| incomplete(&download))
    }

    fn claim(&mut self, says: Fact, at: Moment, strength: Strength, evidence: Vec<Evidence>) {
        let when = self.when(at);
        self.claims.push(Claim { says, when, by: Source::Wire, strength, evidence });
    }

    fn all(&mut self, phone: &Phone) {
        for report in &self.round.boot.reports {
            let when = self.when(report.moment);
            self.claims.extend(of_alarm(report, when));
        }
        self.files(phone);
        self.lists();
        for session in self.round.boot.sessions.iter().copied() {
            self.session(session, true);
        }
        // What a server shows needs no phone.
        for session in self.round.boot.doubtful.iter().copied() {
            self.session(session, false);
        }
    }

    /// What the names of the files tell (domain.md 4.2).
    fn files(&mut self, phone: &Phone) {
        let asked = |kind: FileKind| {
            let downloads = self.round.boot.downloads.iter().copied();
            downloads.filter(move |download| download.kind == kind && download.asked_for.is_some())
        };
        let mut configs: Vec<&DownloadRecord> = asked(FileKind::Config).filter(|config| !is_default(config)).collect();
        if configs.is_empty() {
            configs = asked(FileKind::Config).collect();
        }
        let signed = configs.iter().find(|config| is_signed(file_name(config)));
        if let Some(config) = signed.or(configs.first()) {
            let signed = is_signed(file_name(config));
            self.claim(Fact::AsksSigned(signed), config.span.first, Strength::Inferred, asks(config));
        }
        let refused: Vec<&DownloadRecord> =
            asked(FileKind::Ctl).filter(|ctl| ctl.outcome() == Outcome::Refused).collect();
        let any_came = self.round.boot.downloads.iter().any(|download| {
            download.kind == FileKind::Ctl && !matches!(download.outcome(), Outcome::Refused | Outcome::Unanswered)
        });
        let is_common = |download: &&&DownloadRecord| file_name(download).eq_ignore_ascii_case("CTLFile.tlv");
        let own = refused.iter().find(|download| !is_common(download));
        let common = refused.iter().find(is_common);
        // A phone without a name of its own in the request asks for the common list alone.
        let both = common.zip(own).or_else(|| common.filter(|_| phone.name.is_none()).map(|one| (one, one)));
        if let (Some((common, own)), false) = (both, any_came) {
            let evidence = [own, common].map(|download| {
                let text = format!("{}: {}", file_name(download), download.reason().unwrap_or_default());
                Evidence::new(download.span.last, text)
            });
            self.claim(Fact::NotServed(ListKind::Ctl), common.span.last, Strength::Shown, evidence.to_vec());
        }
    }

    /// What the phone made of its list and its configuration.
    fn lists(&mut self) {
        let itl = Object::List(ListKind::Itl);
        if let Some(acceptance) = self.round.accepted() {
            let mut evidence = Vec::new();
            if let Some(itl) = self.round.itl {
                evidence.push(Evidence::new(itl.end(), format!("{} is complete", file_name(itl))));
            }
            evidence.extend(acceptance.vouched.and_then(|session| {
                let text = format!("the TLS handshake with TVS {} completes, and it answers", session.server);
                Some(Evidence::new(session.milestones.established?, text))
            }));
            let went_on = acceptance.went_on;
            evidence.push(Evidence::new(went_on.span.first, format!("asks for {}", file_name(went_on))));
            for object in [itl, Object::Config] {
                let says = Fact::Judged(object, Judgement::Accepted);
                self.claim(says, went_on.span.first, Strength::Inferred, evidence.clone());
            }
        }
        let failed = [(itl, self.round.failed_for_list()), (Object::Config, self.round.failed_for_config())];
        for (object, session) in failed {
            let Some(session) = session else { continue };
            let evidence =
                vec![Evidence::new(shown_at(session), format!("TVS {}: {}", session.server, what_failed(session)))];
            let says = Fact::Judged(object, Judgement::Refused);
            self.claim(says, session.span.first, Strength::Inferred, evidence);
        }
    }

    fn session(&mut self, session: &TlsSession, is_own: bool) {
        if session.service != Service::Tvs {
            return;
        }
        let server = session.server;
        if let (Some(certificate), Some(moment)) = (&session.certificate, session.milestones.certificate) {
            let text = format!("{server} presents serial {}, SHA-1 {}", certificate.serial, certificate.sha1);
            let evidence = vec![Evidence::new(moment, text)];
            self.claim(Fact::Presented(server, Arc::clone(certificate)), moment, Strength::Shown, evidence);
        }
        if !is_own {
            return;
        }
        if is_unreachable(session) {
            let text = format!("connects to {server}: {}", session.reason().unwrap_or_default());
            self.claim(
                Fact::Silent(server),
                session.span.first,
                Strength::Shown,
                vec![Evidence::new(shown_at(session), text)],
            );
        }
        let object = Object::Tvs(server);
        match accepts(session) {
            Some(true) => {
                let milestones = &session.milestones;
                let evidence = [
                    (milestones.established, "the handshake is complete"),
                    (milestones.client_data, "the phone sends data"),
                ];
                let evidence = evidence.into_iter().filter_map(|(moment, text)| Some(Evidence::new(moment?, text)));
                let evidence = evidence.collect();
                self.claim(Fact::Judged(object, Judgement::Accepted), session.span.first, Strength::Shown, evidence);
            }
            Some(false) => {
                let evidence = vec![Evidence::new(shown_at(session), session.reason().unwrap_or_default())];
                let is_alert = session.alerts.iter().any(|alert| alert.from == event::Side::Client);
                let strength = if is_alert { Strength::Shown } else { Strength::Inferred };
                self.claim(Fact::Judged(object, Judgement::Refused), session.span.first, strength, evidence);
            }
            None => {}
        }
        let answer = match round::answer(session) {
            TvsAnswer::Yes => true,
            TvsAnswer::No => false,
            TvsAnswer::Unknown => return,
        };
        let why = session.tvs_exchange.as_ref().map(|exchange| exchange.why.clone()).unwrap_or_default();
        let moment = session.milestones.server_data.unwrap_or(session.span.last);
        self.claim(Fact::Vouched(Some(server), answer), moment, Strength::Inferred, vec![Evidence::new(moment, why)]);
    }
}

/// The frame that shows how a session ended, where one does.
pub fn shown_at(session: &TlsSession) -> Moment {
    session.ending.at().unwrap_or(session.span.last)
}

fn what_failed(session: &TlsSession) -> String {
    match session.reason() {
        Some(reason) => reason,
        None => session.tvs_exchange.as_ref().map_or_else(String::new, |exchange| exchange.why.clone()),
    }
}

/// The name to show for a download.
pub fn file_name(download: &DownloadRecord) -> &str {
    download.file().unwrap_or("a file whose request was not captured")
}

fn asks(download: &DownloadRecord) -> Vec<Evidence> {
    vec![Evidence::new(download.span.first, format!("asks for {}", file_name(download)))]
}

/// What a boot shows, for people.
fn observe(
    phone: &Phone,
    boot: &Boot<'_>,
    next: Option<&Boot<'_>>,
    round: &Round<'_, '_>,
    (said, again): (&[Claim], Option<&DownloadRecord>),
) -> Vec<Observation> {
    let mut observed = Vec::new();
    let mut add = |id, text: String, evidence| observed.push(Observation { id, text, evidence });
    for claim in said {
        let (id, text) = match claim.says {
            Fact::AsksSigned(true) => ("holds_a_list", "it asks for a signed configuration: it holds a trust list"),
            Fact::AsksSigned(false) => {
                ("holds_no_list", "it asks for its configuration unsigned: it holds no trust list, or an empty one")
            }
            Fact::Judged(Object::List(ListKind::Itl), Judgement::Accepted) => (
                "list_accepted",
                "it accepted the list: it went on to further signed files, and had no trouble with TVS",
            ),
            Fact::Judged(Object::List(ListKind::Itl), Judgement::Refused) => {
                ("list_refused", "it refused the list: it asked TVS about it and did not get through")
            }
            Fact::Judged(Object::Config, Judgement::Refused) => {
                ("config_refused", "it refused the configuration: it asked TVS about it and did not get through")
            }
            _ => continue,
        };
        add(id, text.to_owned(), claim.evidence.clone());
    }
    if let Some(config) = round.config.filter(|config| is_default(config)) {
        let text =
            "it falls back to the default configuration: the cluster does not know it, or it got none of its own";
        add("default_configuration", text.to_owned(), asks(config));
    }
    if let Some(again) = again {
        let text = "it began its files again at once: it did not get on with them, or was reset".to_owned();
        let evidence = vec![Evidence::new(again.span.first, format!("asks for {} again", file_name(again)))];
        add("asks_again", text, evidence);
    }
    for (download, name) in falls_back(boot) {
        let text = format!("it falls back to {name}: the server has no list under its own name");
        add("falls_back_to_common_list", text, asks(download));
    }
    // What a stuck phone asks for as well, with the configuration that it has stored: told, but no sign of trust.
    for (id, what, is_meant) in FURTHER {
        let meant = boot.downloads.iter().find(|download| {
            let name = download.asked_for.as_deref().unwrap_or_default().to_ascii_lowercase();
            download.kind == FileKind::Other && is_meant(&name)
        });
        if let Some(download) = meant {
            add(id, format!("it asks for {what}, as any phone with a configuration does"), asks(download));
        }
    }
    observed.extend(falls_back_to_tftp(boot));
    observed.extend(tvs(boot));
    observed.extend(web(boot, round));
    observed.extend(registration(phone, boot, next));
    observed
}

/// The common lists that were asked for after the server had none under the phone's own name.
fn falls_back<'a>(boot: &Boot<'a>) -> Vec<(&'a DownloadRecord, &'static str)> {
    let asked = |name: &str| {
        boot.downloads
            .iter()
            .copied()
            .find(|download| download.asked_for.as_deref().is_some_and(|asked| asked.eq_ignore_ascii_case(name)))
    };
    let common = [(FileKind::Itl, "ITLFile.tlv"), (FileKind::Ctl, "CTLFile.tlv")];
    let falls_back = |(kind, name): (FileKind, &'static str)| {
        let common = asked(name)?;
        let had_none = |download: &&&DownloadRecord| {
            download.kind == kind && download.id < common.id && download.outcome() == Outcome::Refused
        };
        boot.downloads.iter().find(had_none).map(|_| (common, name))
    };
    common.into_iter().filter_map(falls_back).collect()
}

/// Newer phones ask over HTTP first (domain.md 4.4). What they do not get there they ask for over TFTP.
fn falls_back_to_tftp(boot: &Boot<'_>) -> Option<Observation> {
    let mut downloads = boot.downloads.iter();
    while let Some(http) = downloads.next() {
        let failed = matches!(http.outcome(), Outcome::Refused | Outcome::Unanswered | Outcome::Incomplete);
        if http.transport != Transport::Http || !failed {
            continue;
        }
        let is_same = |later: &&&DownloadRecord| {
            let same_name = http.asked_for.is_none() || http.asked_for == later.asked_for;
            later.transport == Transport::Tftp && same_name
        };
        if let Some(tftp) = downloads.clone().find(is_same) {
            let reason = http.reason().unwrap_or_else(|| "it did not complete".to_owned());
            return Some(Observation {
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

/// Of TVS sessions, the last with each server that says something of its certificate, else the last at all.
pub fn last_of_each_server<'a>(sessions: impl Iterator<Item = &'a TlsSession>) -> Vec<&'a TlsSession> {
    let mut last: Vec<&TlsSession> = Vec::new();
    for session in sessions.filter(|session| session.service == Service::Tvs) {
        match last.iter_mut().find(|known| known.server == session.server) {
            Some(known) => {
                if session.certificate.is_some() || accepts(session).is_some() || known.certificate.is_none() {
                    *known = session;
                }
            }
            None => last.push(session),
        }
    }
    last
}

/// What became of the sessions on 2445: with each server, that the phone got through, that it was refused, and both where both
/// were seen.
fn tvs(boot: &Boot<'_>) -> Vec<Observation> {
    let mut observed: Vec<(std::net::SocketAddr, Observation)> = Vec::new();
    for session in boot.sessions.iter().copied().filter(|session| session.service == Service::Tvs) {
        let server = session.server;
        let reason = || session.reason().unwrap_or_else(|| "it was refused".to_owned());
        let (id, text, moment, seen) = if is_unreachable(session) {
            let (id, text) = match session.ending {
                SessionEnding::Silent { reset: true, .. } => {
                    ("tvs_closed", format!("TVS {server} refused the connection (RST)"))
                }
                _ => ("tvs_unanswered", format!("TVS {server} gave no sign of life")),
            };
            (id, text, session.span.first, format!("connects to {server}: {}", reason()))
        } else if accepts(session) == Some(true) {
            let data = session.milestones.client_data.unwrap_or(session.span.last);
            ("tvs_accepted", format!("it got through to TVS {server} and sent data"), data, "sends data".to_owned())
        } else if let SessionEnding::Refused { by, .. } = session.ending {
            let who = if by == event::Side::Client { "it refused" } else { "the server broke off" };
            ("tvs_refused", format!("{who} the session with TVS {server}"), shown_at(session), reason())
        } else {
            continue;
        };
        let observation = Observation { id, text, evidence: vec![Evidence::new(moment, seen)] };
        match observed.iter_mut().find(|(known, earlier)| *known == server && earlier.id == id) {
            Some((_, earlier)) => *earlier = observation,
            None => observed.push((server, observation)),
        }
    }
    observed.into_iter().map(|(_, observation)| observation).collect()
}

/// A registration in this boot: a phone that cannot verify registers all the same (domain.md 6).
fn registration(phone: &Phone, boot: &Boot<'_>, next: Option<&Boot<'_>>) -> Option<Observation> {
    let clocks = &*phone.clocks;
    let identity = phone.identities.iter().find(|identity| {
        matches!(identity.source, IdentitySource::SipRegister | IdentitySource::SccpRegister)
            && clocks.is_before(boot.started, identity.moment)
            && next.is_none_or(|next| clocks.is_before(identity.moment, next.started))
    })?;
    let text = "it registers, which stuck phones do as well: that says nothing of trust".to_owned();
    Some(Observation { id: "registers", text, evidence: vec![Evidence::new(identity.moment, "registers")] })
}

/// What became of HTTPS sessions with a TVS session beside them (domain.md 6: an unknown certificate is shown to TVS).
fn web(boot: &Boot<'_>, round: &Round<'_, '_>) -> Vec<Observation> {
    let mut observed = Vec::new();
    for web in webs(boot) {
        let mut tvs = boot.sessions.iter().filter(|session| session.service == Service::Tvs);
        let asked = tvs.find(|session| round.is_beside(session, web));
        let went_on = web.milestones.client_data.filter(|_| web.outcome() == SessionOutcome::Established);
        let (id, text, moment) = match (went_on, web.outcome()) {
            (Some(moment), _) => ("web_accepted", "it accepted the certificate of", moment),
            (None, SessionOutcome::Refused | SessionOutcome::Reset) => ("web_refused", "it gave up on", shown_at(web)),
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
        observed.push(Observation { id, text: format!("{text} {}{how}", web.server), evidence });
    }
    observed
}
