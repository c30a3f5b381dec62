//! One boot of a phone, looked at for what it did with its files.
//!
//! In: a [`Boot`]. Out: which list and which configuration it was served, and what it did then: went on, asked TVS, began again.
//! It refuses to say what that means: see [`super::wire`].
//!
//! Nobody sees a phone accept or refuse a list. What it does next tells, and that is an inference.

use crate::capture::{Clocks, Moment};
use crate::event::{Outcome, Service, SessionEnding, Side, Taken, TlsSession, TlsVersion, TvsAnswer};
use crate::phone::{Boot, DownloadRecord, FileKind};
use crate::trust::TrustList;
use crate::trust::compare::{is_certificate_of, is_same_signer};
use crate::trust::signature::{self, SignatureStatus};

use super::is_signed;

/// A phone that begins its files again within this time did not get on with them (domain.md 4.3: 15 s or 45 s), or was reset.
const AGAIN_WITHIN: u64 = 60_000_000_000;
/// A phone verifies a file when it is there; what it asks TVS later than this is about something else.
const AT_ONCE: u64 = 10_000_000_000;

/// The files of one boot, and what the phone did about them.
#[derive(Debug)]
pub struct Round<'a, 'b> {
    /// The boot.
    pub boot: &'b Boot<'a>,
    clocks: &'b Clocks,
    /// The last ITL that the phone was served, where it is whole.
    pub itl: Option<&'a DownloadRecord>,
    /// The same of its CTL.
    pub ctl: Option<&'a DownloadRecord>,
    /// The configuration that came last.
    pub config: Option<&'a DownloadRecord>,
    /// The first signed file beyond lists and configuration that was asked for when the configuration was there.
    went_on: Option<&'a DownloadRecord>,
    /// The first file of the next boot, where that began at once and this one did not get beyond the configuration.
    began_again: Option<&'a DownloadRecord>,
    /// TVS sessions after the ITL that are about files: not those that a web server's certificate was shown to.
    about_files: Vec<&'a TlsSession>,
}

/// What shows that a phone took its list.
#[derive(Debug)]
pub struct Acceptance<'a> {
    /// The TVS session in which it was vouched for, where it was.
    pub vouched: Option<&'a TlsSession>,
    /// The signed file that it went on to.
    pub went_on: &'a DownloadRecord,
}

impl<'a, 'b> Round<'a, 'b> {
    /// Looks at a boot, and at the one that followed it.
    pub fn new(boot: &'b Boot<'a>, next: Option<&Boot<'a>>, clocks: &'b Clocks) -> Self {
        let given = || boot.downloads.iter().copied().filter(|download| download.taken != Taken::Unasked);
        let itl = last_whole(given(), FileKind::Itl);
        let ctl = last_whole(given(), FileKind::Ctl);
        let is_config = |download: &&DownloadRecord| download.kind == FileKind::Config && !is_default(download);
        let config = given().rfind(is_config).or_else(|| given().rfind(|download| download.kind == FileKind::Config));
        let further = || given().filter(|download| download.kind == FileKind::Other && !is_failed_connection(download));
        let went_on = config.filter(|config| config.outcome() == Outcome::Complete).and_then(|config| {
            further().find(|download| {
                clocks.is_before(config.end(), download.span.first)
                    && download.asked_for.as_deref().is_some_and(is_signed)
            })
        });
        let began_again = next.and_then(|next| {
            let first = next.downloads.first()?;
            let last = boot.downloads.last()?.span.last;
            let at_once = clocks.is_before_by(last, first.span.first, AGAIN_WITHIN) == Some(false);
            (at_once && further().next().is_none()).then_some(*first)
        });
        let mut round = Self { boot, clocks, itl, ctl, config, went_on, began_again, about_files: Vec::new() };
        round.about_files = itl.map(|itl| round.tvs_after(itl.end())).unwrap_or_default();
        round
    }

    fn tvs_after(&self, moment: Moment) -> Vec<&'a TlsSession> {
        let tvs = self.boot.sessions.iter().copied().filter(|session| session.service == Service::Tvs);
        let after = tvs.filter(|session| self.clocks.is_before(moment, session.span.first));
        after.filter(|session| !webs(self.boot).any(|web| self.is_beside(session, web))).collect()
    }

    /// Whether a TVS session began while the handshake with a web server waited for it: the phone asked about that server's
    /// certificate (domain.md 6).
    pub fn is_beside(&self, tvs: &TlsSession, web: &TlsSession) -> bool {
        // TLS 1.3 hides the certificate, but not the hello before it.
        let milestones = &web.milestones;
        let Some(certificate) = milestones.certificate.or(milestones.server_hello) else { return false };
        let answered = milestones.key_exchange.or(milestones.established).or(web.ending.at());
        self.clocks.is_before(certificate, tvs.span.first)
            && answered.is_none_or(|answered| self.clocks.is_before(tvs.span.first, answered))
    }

    /// Whether the phone has the list that it was served, as far as packets tell: it asked for it or acknowledged it, and did not
    /// end the transfer.
    pub fn took_itl(&self) -> Option<&'a DownloadRecord> {
        self.itl.filter(|itl| match itl.taken {
            Taken::Acknowledged => true,
            Taken::Open => itl.client_seen,
            Taken::Refused | Taken::Unasked => false,
        })
    }

    /// The first file of the next boot, where that began at once.
    pub const fn began_again(&self) -> Option<&'a DownloadRecord> {
        self.began_again
    }

    /// The last TVS session between the list and the configuration, where the phone did not get what it needed in any.
    pub fn failed_for_list(&self) -> Option<&'a TlsSession> {
        self.took_itl()?;
        let until = self.config.map(|config| config.span.first);
        self.failed(|session| until.is_none_or(|until| self.clocks.is_before(session.span.first, until)))
    }

    /// The same right behind the configuration. Later ones may be about anything, such as a server whose port is not known here.
    pub fn failed_for_config(&self) -> Option<&'a TlsSession> {
        let config = self.config.filter(|config| config.outcome() == Outcome::Complete)?;
        let until = self.went_on.map(|download| download.span.first);
        self.failed(|session| {
            let first = session.span.first;
            self.clocks.is_before(config.end(), first)
                && self.clocks.is_before_by(config.end(), first, AT_ONCE) == Some(false)
                && until.is_none_or(|until| self.clocks.is_before(first, until))
        })
    }

    fn failed(&self, is_meant: impl Fn(&TlsSession) -> bool) -> Option<&'a TlsSession> {
        let meant = || self.about_files.iter().copied().filter(|session| is_meant(session));
        if meant().any(may_have_vouched) {
            return None;
        }
        meant().rfind(|session| has_failed(session))
    }

    /// Whether the phone went on to a further signed file without failing at TVS about anything before.
    pub fn goes_on(&self) -> bool {
        self.went_on.is_some_and(|went_on| {
            let before =
                self.about_files.iter().filter(|session| self.clocks.is_before(session.span.first, went_on.span.first));
            !before.into_iter().any(|session| has_failed(session))
        })
    }

    /// When the phone had taken the list that it was served, where it can be seen to have done so.
    pub fn taken_at(&self) -> Option<Moment> {
        let acceptance = self.accepted()?;
        acceptance.vouched.and_then(|session| session.milestones.established).or_else(|| Some(self.itl?.end()))
    }

    /// What shows that the phone took the ITL; `None` where a phone that refused it might have done the same.
    ///
    /// A stuck phone goes on with the configuration that it has stored (domain.md 6), and asks for the files which that names.
    /// But it verifies each of them too, so it asks TVS about each, and fails. What counts is therefore a phone that took a list
    /// and a configuration of one origin, went on to another signed file, and had no trouble with TVS, in a boot that shows
    /// sessions with TVS; and that thinks of TVS what one with that list would think.
    pub fn accepted(&self) -> Option<Acceptance<'a>> {
        let acknowledged = |download: &&DownloadRecord| download.taken == Taken::Acknowledged;
        let itl = self.itl.filter(acknowledged)?;
        let config = self.config.filter(acknowledged)?;
        let went_on = self.went_on?;
        let list = itl.list.as_deref().map(|served| &served.list)?;
        let tvs = || self.boot.sessions.iter().filter(|session| session.service == Service::Tvs);
        let vouched = self.about_files.iter().copied().find(|session| has_vouched(session));
        let taken_at = vouched.and_then(|session| session.milestones.established).unwrap_or(itl.end());
        let is_consistent = |session: &TlsSession| match (accepts(session), session.certificate.as_deref()) {
            (Some(judged), Some(certificate)) => {
                let has = list.tvs_records().any(|record| is_certificate_of(record, certificate) == Some(true));
                !self.clocks.is_before(taken_at, session.span.first) || judged == has
            }
            _ => true,
        };
        // It goes on as soon as one server vouched; what fails later fails for it.
        let asked = |from: Option<Moment>, until: Option<Moment>| {
            self.about_files.iter().filter(move |session| {
                from.is_none_or(|from| self.clocks.is_before(from, session.span.first))
                    && until.is_none_or(|until| self.clocks.is_before(session.span.first, until))
            })
        };
        let came_through = asked(None, Some(config.span.first)).next_back().is_none_or(|session| has_vouched(session))
            && asked(Some(config.span.first), Some(went_on.span.first))
                .next_back()
                .is_none_or(|session| has_vouched(session))
            && asked(Some(went_on.span.first), None).all(|session| has_vouched(session));
        let configs = self.boot.downloads.iter().filter(|other| {
            other.asked_for == config.asked_for && other.outcome() == Outcome::Complete && other.taken != Taken::Unasked
        });
        let is_in_order = self.began_again.is_none()
            && configs.count() == 1
            && tvs().next().is_some()
            && !self.boot.doubtful.iter().any(|session| session.service == Service::Tvs)
            && self.clocks.is_before(itl.end(), config.span.first)
            && config.asked_for.as_deref().is_some_and(is_signed)
            && !is_default(config)
            && came_through
            && tvs().all(|session| is_consistent(session))
            && is_of_one_origin(itl, config);
        is_in_order.then_some(Acceptance { vouched, went_on })
    }
}

/// What the client showed of the certificate that it was shown: that it accepted it, or that it refused it. Only up to TLS 1.2
/// acceptance can be seen (domain.md 5.4, 7.1).
pub fn accepts(session: &TlsSession) -> Option<bool> {
    match &session.ending {
        SessionEnding::Established { judged: true, .. } => {
            let is_visible = session.version.is_some_and(|version| version < TlsVersion::TLS_1_3);
            (is_visible && session.certificate.is_some() && session.milestones.client_data.is_some()).then_some(true)
        }
        SessionEnding::Refused { by: Side::Client, how, .. } => {
            (session.milestones.certificate.is_some() || how.is_about_certificate()).then_some(false)
        }
        _ => None,
    }
}

/// Whether a TVS session ended so that the phone has no answer from it. One that is cut in the capture tells nothing.
fn has_failed(session: &TlsSession) -> bool {
    match &session.ending {
        SessionEnding::Refused { .. } | SessionEnding::Silent { .. } => true,
        SessionEnding::Established { .. } => answer(session) == TvsAnswer::No,
        SessionEnding::Open | SessionEnding::Unseen(_) => false,
    }
}

/// Whether TVS gave the phone the certificate that it asked for.
fn has_vouched(session: &TlsSession) -> bool {
    accepts(session) == Some(true) && answer(session) == TvsAnswer::Yes
}

/// Whether the phone may have got an answer in this session, as far as is known.
fn may_have_vouched(session: &TlsSession) -> bool {
    match &session.ending {
        SessionEnding::Established { .. } => answer(session) != TvsAnswer::No,
        SessionEnding::Open | SessionEnding::Unseen(_) => session.server_answered,
        SessionEnding::Refused { .. } | SessionEnding::Silent { .. } => false,
    }
}

/// What TVS answered, as far as lengths tell.
pub fn answer(session: &TlsSession) -> TvsAnswer {
    session.tvs_exchange.as_ref().map_or(TvsAnswer::Unknown, |exchange| exchange.answer)
}

/// Whether TVS gave no sign of life.
pub fn is_unreachable(session: &TlsSession) -> bool {
    session.service == Service::Tvs && matches!(session.ending, SessionEnding::Silent { .. })
}

/// Sessions with web servers.
pub fn webs<'b, 'a>(boot: &'b Boot<'a>) -> impl Iterator<Item = &'a TlsSession> + use<'b, 'a> {
    boot.sessions.iter().copied().filter(|session| session.service.is_secure_web())
}

/// The last list of a kind, where it is whole: one that is not leaves open what an earlier one said. What was refused or never
/// answered brought none.
fn last_whole<'a>(downloads: impl Iterator<Item = &'a DownloadRecord>, kind: FileKind) -> Option<&'a DownloadRecord> {
    let brought = |download: &&DownloadRecord| {
        download.kind == kind
            && matches!(download.outcome(), Outcome::Complete | Outcome::Incomplete | Outcome::Pending)
    };
    downloads.filter(brought).last().filter(|download| download.outcome() == Outcome::Complete)
}

/// Whether this is the configuration for devices that the cluster does not know.
pub fn is_default(download: &DownloadRecord) -> bool {
    let begins = |name: &str| name.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("xmldefault"));
    download.file().is_some_and(begins)
}

/// An HTTP connection that failed was for no file in particular.
fn is_failed_connection(download: &DownloadRecord) -> bool {
    download.transport == crate::event::Transport::Http && download.file().is_none()
}

/// Whether a phone that accepts the list can verify the configuration with it, as far as the signers tell.
fn is_of_one_origin(itl: &DownloadRecord, config: &DownloadRecord) -> bool {
    let status = |download: &DownloadRecord| download.signature.as_ref().map(|signature| signature.status);
    if [itl, config].into_iter().any(|download| status(download) == Some(SignatureStatus::Invalid)) {
        return false;
    }
    let Some(list) = itl.list.as_deref().map(|served| &served.list) else { return false };
    let signer = config.signature.as_ref().and_then(|signature| signature.signer.as_deref());
    signer.is_none_or(|signer| knows_signer(list, signer))
}

/// Whether a list has this signer, as its own or in a record.
pub fn knows_signer(list: &TrustList, signer: &crate::trust::Signer) -> bool {
    list.signer().is_some_and(|own| is_same_signer(own, signer))
        || list.records.iter().any(|record| signature::is_record_of(record, signer))
}
