//! From what is recorded of a phone to the messages of its ladder.
//!
//! In: downloads, TLS sessions, the phone's own reports. Out: [`Ladder`]: servers in the order in which the phone first spoke to
//! them, and messages in the order of the capture, in words. It refuses to know where anything stands on a screen.

use std::net::SocketAddr;

use crate::capture::{FrameId, Moment};
use crate::event::{
    Alert, CertificateStatus, Holding, ListAlarm, Outcome, Service, SessionOutcome, Side, TlsSession, Transport,
};
use crate::phone::{DownloadRecord, Phone};
use crate::trust::signature::SignatureStatus;
use crate::tui::theme::{Paint, Theme};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) moment: Moment,
    pub(super) server: usize,
    pub(super) from: Side,
    pub(super) label: String,
    /// Goes on from the label, where there is room, else it stands in the note.
    pub(super) more: String,
    pub(super) paint: Paint,
    /// Whether it never arrived, as far as anybody knows.
    pub(super) lost: bool,
    pub(super) note: Option<String>,
}

impl Step {
    fn new(moment: Moment, server: usize, from: Side, label: impl Into<String>, paint: Paint) -> Self {
        Self { moment, server, from, label: label.into(), more: String::new(), paint, lost: false, note: None }
    }

    fn note(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }
}

/// A server in one of its roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) role: &'static str,
    pub(super) address: String,
}

/// What a ladder is made of.
#[derive(Debug, Default)]
pub(super) struct Ladder {
    pub(super) servers: Vec<Server>,
    pub(super) steps: Vec<Step>,
    several_sources: bool,
    device: Option<String>,
    /// Stands where something was left out.
    dots: &'static str,
}

impl Ladder {
    pub(super) fn new(phone: &Phone, theme: Theme) -> Self {
        let device = phone.name.as_ref().map(|name| name.as_str().to_owned());
        let mut ladder = Self { device, dots: theme.glyph("…", "~"), ..Self::default() };
        for download in &phone.downloads {
            ladder.download(download);
        }
        for session in &phone.sessions {
            ladder.session(session);
        }
        for report in &phone.reports {
            ladder.report(report);
        }
        ladder.steps.sort_by_key(|step| (step.moment.time, step.moment.frame));
        let source = ladder.steps.first().map(|step| step.moment.frame.source);
        ladder.several_sources = ladder.steps.iter().any(|step| Some(step.moment.frame.source) != source);
        ladder.order_servers();
        ladder
    }

    /// Servers stand in the order in which the phone first spoke to them.
    fn order_servers(&mut self) {
        let mut seen: Vec<usize> = Vec::new();
        for step in &mut self.steps {
            let place = seen.iter().position(|&server| server == step.server).unwrap_or_else(|| {
                seen.push(step.server);
                seen.len() - 1
            });
            step.server = place;
        }
        self.servers = seen.iter().filter_map(|&server| self.servers.get(server).cloned()).collect();
    }

    fn server(&mut self, service: Service, address: SocketAddr) -> usize {
        let role = service.words();
        let address = if service.usual_ports().contains(&address.port()) {
            address.ip().to_string()
        } else {
            address.to_string()
        };
        let server = Server { role, address };
        self.servers.iter().position(|known| *known == server).unwrap_or_else(|| {
            self.servers.push(server);
            self.servers.len() - 1
        })
    }

    /// The name of a file without that of the phone, which stands above.
    fn file_name(&self, download: &DownloadRecord) -> String {
        let Some(file) = download.file() else { return "(request not captured)".to_owned() };
        let Some(device) = &self.device else { return file.to_owned() };
        let at = file.to_ascii_uppercase().find(device.as_str());
        match at.and_then(|at| Some((file.get(..at)?, file.get(at + device.len()..)?))) {
            Some((before, after)) => format!("{before}{}{after}", self.dots),
            None => file.to_owned(),
        }
    }

    fn download(&mut self, download: &DownloadRecord) {
        let (service, server) = match download.transport {
            // Without its request, the port is one of those that servers answer from.
            Transport::Tftp => (Service::Tftp, SocketAddr::new(download.server.ip(), Service::Tftp.usual_port())),
            Transport::Http => (Service::Http, download.server),
        };
        let server = self.server(service, server);
        let name = self.file_name(download);
        let (first, last) = (download.span.first, download.span.last);
        let again = (download.retransmits > 0).then(|| format!("{} sent again", download.retransmits));
        let lost = download.outcome() == Outcome::Unanswered;
        let mut request = Step::new(first, server, Side::Client, name, if lost { Paint::Bad } else { Paint::Plain });
        request.lost = lost;
        let reason = download.reason();
        let mut answer = None;
        match download.outcome() {
            Outcome::Unanswered => request.note = Some(reason.unwrap_or_else(|| "no answer".to_owned())),
            Outcome::Pending => request.note = again,
            Outcome::Complete => {
                let label = download.length().map_or_else(|| "complete".to_owned(), |bytes| format!("{bytes} bytes"));
                let (more, paint) = match download.signature.as_ref().map(|found| found.status) {
                    Some(SignatureStatus::Valid) => (", signature ok", Paint::Good),
                    Some(SignatureStatus::Invalid) => (", WRONG SIGNATURE", Paint::Bad),
                    Some(SignatureStatus::Unknown) => (", signature ?", Paint::Warn),
                    None => ("", Paint::Good),
                };
                let step = Step::new(last, server, Side::Server, label, paint);
                answer = Some(Step { more: more.to_owned(), ..step }.note(again));
            }
            Outcome::Refused => {
                let reason = reason.unwrap_or_else(|| "refused".to_owned());
                // `ERROR 1 (File not found)`: the number first.
                let (label, more) = reason.split_at(reason.find(" (").unwrap_or(reason.len()));
                let step = Step::new(last, server, Side::Server, label, Paint::Warn);
                answer = Some(Step { more: more.to_owned(), ..step }.note(again));
            }
            Outcome::Incomplete => {
                let step = Step::new(last, server, Side::Server, "incomplete", Paint::Warn);
                answer = Some(step.note(reason.or(again)));
            }
        }
        self.steps.push(request);
        self.steps.extend(answer);
    }

    fn session(&mut self, session: &TlsSession) {
        let server = self.server(session.service, session.server);
        let seen = session.milestones;
        let silent = seen.client_hello.is_none() && seen.server_hello.is_none();
        let unanswered = silent && session.outcome() != SessionOutcome::Established && seen.certificate.is_none();
        let hello = if silent { "connects" } else { "ClientHello" };
        let start = seen.client_hello.unwrap_or(session.span.first);
        let mut step =
            Step::new(start, server, Side::Client, hello, if unanswered { Paint::Bad } else { Paint::Plain });
        step.lost = unanswered;
        let mut steps = vec![step];
        let mut add = |moment: Option<Moment>, from, label: String, paint, note| {
            steps.extend(moment.map(|moment| Step::new(moment, server, from, label, paint).note(note)));
        };
        let version = session.version.map(|version| version.to_string()).unwrap_or_default();
        let hidden = match session.certificate_status {
            CertificateStatus::Encrypted => Some("TLS 1.3 encrypts the certificate".to_owned()),
            CertificateStatus::Resumed => Some("resumed: no certificate is sent".to_owned()),
            CertificateStatus::Seen | CertificateStatus::NotCaptured => None,
        };
        let cipher = session.cipher.map(|cipher| cipher.to_string());
        let hello = format!("ServerHello {version}");
        add(seen.server_hello, Side::Server, hello, Paint::Plain, hidden.or(cipher));
        if let Some(certificate) = &session.certificate {
            let label = format!("certificate {}", certificate.serial);
            let subject = certificate.subject.short().to_owned();
            add(seen.certificate, Side::Server, label, Paint::Plain, Some(subject));
        }
        add(seen.established, Side::Client, "handshake complete".to_owned(), Paint::Good, None);
        let bytes = session.client_data.iter().sum::<usize>();
        add(seen.client_data, Side::Client, format!("data, {bytes} bytes"), Paint::Plain, None);
        let bytes = session.server_data.iter().sum::<usize>();
        add(seen.server_data, Side::Server, format!("data, {bytes} bytes"), Paint::Plain, None);
        for alert in &session.alerts {
            let label = match alert.description() {
                Some(description) => format!("alert {description}"),
                None => "alert (encrypted)".to_owned(),
            };
            let paint = if alert.is_fatal() { Paint::Bad } else { Paint::Dim };
            add(Some(alert.moment), alert.from, label, paint, None);
        }
        self.steps.extend(with_end(steps, session, server, unanswered));
    }

    fn report(&mut self, report: &ListAlarm) {
        let server = self.server(Service::Sip, report.server);
        let list = |kind: &str, reported: Option<Holding>| match reported {
            Some(Holding::List(sha1)) => {
                let text = sha1.to_string();
                Some(format!("{kind} {}", text.get(..8).unwrap_or(&text)))
            }
            Some(Holding::Nothing) => Some(format!("no {kind}")),
            None => None,
        };
        let lists: Vec<_> = [list("ITL", report.itl), list("CTL", report.ctl)].into_iter().flatten().collect();
        let label = format!("holds {}", lists.join(", "));
        let step = Step::new(report.moment, server, Side::Client, label, Paint::Bold);
        self.steps.push(step.note(Some("the phone's own alarm (DeviceTLInfo)".to_owned())));
    }

    pub(super) fn frame(&self, frame: FrameId) -> String {
        frame.label(self.several_sources)
    }
}

/// Adds why a session was not established, where no alert says it.
fn with_end(mut steps: Vec<Step>, session: &TlsSession, server: usize, unanswered: bool) -> Vec<Step> {
    let failed =
        matches!(session.outcome(), SessionOutcome::Refused | SessionOutcome::Reset | SessionOutcome::Incomplete);
    let told = session.alerts.iter().any(Alert::is_fatal);
    if let Some(reason) = &session.reason()
        && failed
        && (!told || unanswered)
    {
        let end = session.span.last;
        match steps.iter_mut().rev().find(|step| unanswered || step.moment == end) {
            Some(step) => step.note = Some(reason.clone()),
            None => steps.push(Step::new(end, server, Side::Client, "ends", Paint::Bad).note(Some(reason.clone()))),
        }
    }
    steps
}
