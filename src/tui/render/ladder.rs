//! The boot as a sequence of messages between the phone and its servers.
//!
//! ```text
//!                     phone              TFTP               TVS
//!                                        14.48.44.80        14.48.44.80
//! 14:20:28.848     26  │─ ITL….tlv ──────>│                  │
//! 14:20:28.901     48  │<─ 5438 bytes ────│                  │
//! ```

use std::net::SocketAddr;

use unicode_width::UnicodeWidthStr;

use super::sheet::{Sheet, cut, shown};
use crate::capture::{FrameId, Moment};
use crate::dissect::event::{
    Alert, CertificateStatus, Outcome, ReportedList, SelfReport, Service, SessionOutcome, Side, TlsSession, Transport,
};
use crate::phone::{DownloadRecord, Phone};
use crate::trust::signature::SignatureStatus;
use crate::tui::clock::Clock;
use crate::tui::theme::{Paint, Theme};
use crate::watch::Detail;

/// Cells for time and frame number.
const GUTTER: usize = 22;
/// Cells between two lines of life: at least, at most.
const SPACING: (usize, usize) = (14, 46);
/// Beside the lines of life, notes need so many cells; where there are fewer, they get lines of their own.
const NOTE: usize = 30;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    moment: Moment,
    server: usize,
    from: Side,
    label: String,
    /// Goes on from the label, where there is room, else it stands in the note.
    more: String,
    paint: Paint,
    /// Whether it never arrived, as far as anybody knows.
    lost: bool,
    note: Option<String>,
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
struct Server {
    role: &'static str,
    address: String,
}

/// What a ladder is made of.
#[derive(Debug, Default)]
struct Ladder {
    servers: Vec<Server>,
    steps: Vec<Step>,
    several_sources: bool,
    device: Option<String>,
    /// Stands where something was left out.
    dots: &'static str,
}

/// The ladder of a phone; the names of the servers stay on top. Returns the line at which its last boot begins.
pub(super) fn sheet(detail: &Detail, clock: &Clock, sheet: &mut Sheet) -> usize {
    let ladder = Ladder::new(&detail.phone, sheet.theme());
    let boots: Vec<Moment> = detail.phone.boots().iter().map(|boot| boot.started).collect();
    let places = Places::new(ladder.servers.len(), sheet.width());
    if ladder.steps.is_empty() {
        sheet.line(&[("Nothing was seen of this phone but who it is.", Paint::Dim)]);
        return 0;
    }
    heads(&ladder, &places, sheet);
    sheet.pin();
    let mut begun = 0;
    let mut last_boot = 0;
    for step in &ladder.steps {
        while boots.get(begun).is_some_and(|boot| *boot <= step.moment) {
            if boots.len() > 1 {
                last_boot = sheet.scrolled();
                let text = format!(" boot {} of {}, {} ", begun + 1, boots.len(), clock.date(step.moment.time));
                let dash = sheet.theme().glyph("──", "--");
                let rest = sheet.theme().glyph("─", "-").repeat(sheet.width().saturating_sub(text.width() + 2));
                sheet.line(&[(dash, Paint::Dim), (&text, Paint::Bold), (&rest, Paint::Dim)]);
            }
            begun += 1;
        }
        draw(step, &ladder, &places, clock, sheet);
    }
    last_boot
}

impl Ladder {
    fn new(phone: &Phone, theme: Theme) -> Self {
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

    fn server(&mut self, role: &'static str, address: SocketAddr, usual: &[u16]) -> usize {
        let address = if usual.contains(&address.port()) { address.ip().to_string() } else { address.to_string() };
        let server = Server { role, address };
        self.servers.iter().position(|known| *known == server).unwrap_or_else(|| {
            self.servers.push(server);
            self.servers.len() - 1
        })
    }

    /// The name of a file without that of the phone, which stands above.
    fn file_name(&self, download: &DownloadRecord) -> String {
        let Some(file) = download.file.as_deref() else { return "(request not captured)".to_owned() };
        let Some(device) = &self.device else { return file.to_owned() };
        let at = file.to_ascii_uppercase().find(device.as_str());
        match at.and_then(|at| Some((file.get(..at)?, file.get(at + device.len()..)?))) {
            Some((before, after)) => format!("{before}{}{after}", self.dots),
            None => file.to_owned(),
        }
    }

    fn download(&mut self, download: &DownloadRecord) {
        let (role, usual) = match download.transport {
            Transport::Tftp => ("TFTP", &[69][..]),
            Transport::Http => ("HTTP", &[6970][..]),
        };
        let server = match download.transport {
            // Without its request, the port is one of those that servers answer from.
            Transport::Tftp => SocketAddr::new(download.server.ip(), 69),
            Transport::Http => download.server,
        };
        let server = self.server(role, server, usual);
        let name = self.file_name(download);
        let (first, last) = (download.span.first, download.span.last);
        let again = (download.retransmits > 0).then(|| format!("{} sent again", download.retransmits));
        let lost = download.outcome == Outcome::Unanswered;
        let mut request = Step::new(first, server, Side::Client, name, if lost { Paint::Bad } else { Paint::Plain });
        request.lost = lost;
        let reason = download.reason.clone();
        let mut answer = None;
        match download.outcome {
            Outcome::Unanswered => request.note = Some(reason.unwrap_or_else(|| "no answer".to_owned())),
            Outcome::Pending => request.note = again,
            Outcome::Complete => {
                let label = download.length.map_or_else(|| "complete".to_owned(), |bytes| format!("{bytes} bytes"));
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
        let (role, usual) = match session.service {
            Service::Tvs => ("TVS", &[2445][..]),
            Service::Tomcat => ("Tomcat", &[8443][..]),
            Service::Https => ("HTTPS", &[6971, 6972][..]),
            Service::Other => ("TLS", &[][..]),
        };
        let server = self.server(role, session.server, usual);
        let seen = session.milestones;
        let silent = seen.client_hello.is_none() && seen.server_hello.is_none();
        let unanswered = silent && session.outcome != SessionOutcome::Established && seen.certificate.is_none();
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

    fn report(&mut self, report: &SelfReport) {
        let server = self.server("SIP", report.server, &[5060]);
        let list = |kind: &str, reported: Option<ReportedList>| match reported {
            Some(ReportedList::Installed(sha1)) => {
                let text = sha1.to_string();
                Some(format!("{kind} {}", text.get(..8).unwrap_or(&text)))
            }
            Some(ReportedList::NotInstalled) => Some(format!("no {kind}")),
            None => None,
        };
        let lists: Vec<_> = [list("ITL", report.itl), list("CTL", report.ctl)].into_iter().flatten().collect();
        let label = format!("holds {}", lists.join(", "));
        let step = Step::new(report.moment, server, Side::Client, label, Paint::Bold);
        self.steps.push(step.note(Some("the phone's own alarm (DeviceTLInfo)".to_owned())));
    }

    fn frame(&self, frame: FrameId) -> String {
        if self.several_sources { format!("{}:{}", frame.source + 1, frame.number) } else { frame.number.to_string() }
    }
}

/// Adds why a session was not established, where no alert says it.
fn with_end(mut steps: Vec<Step>, session: &TlsSession, server: usize, unanswered: bool) -> Vec<Step> {
    let failed =
        matches!(session.outcome, SessionOutcome::Refused | SessionOutcome::Reset | SessionOutcome::Incomplete);
    let told = session.alerts.iter().any(Alert::is_fatal);
    if let Some(reason) = &session.reason
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

/// Where the lines of life stand.
struct Places {
    spacing: usize,
    servers: usize,
    note: usize,
}

impl Places {
    fn new(servers: usize, width: usize) -> Self {
        let room = width.saturating_sub(GUTTER + 1);
        let shown = servers.clamp(1, (room / SPACING.0).max(1));
        // Notes stand beside where that leaves enough for the lines.
        let beside = room.saturating_sub(NOTE) / shown;
        let spacing = if beside >= 24 { beside.min(SPACING.1) } else { (room / shown).min(SPACING.1) };
        let end = GUTTER + shown * spacing + 2;
        let note = if width.saturating_sub(end) >= NOTE - 2 { width - end } else { 0 };
        Self { spacing: spacing.max(4), servers: shown, note }
    }

    /// The lines of life from this server's on.
    fn bars(&self, server: usize, bar: &str) -> String {
        let gap = " ".repeat(self.spacing - 1);
        vec![bar; self.servers.saturating_sub(server)].join(&gap)
    }

    /// Where there are more servers than lines, the last ones share a line.
    fn server(&self, server: usize) -> usize {
        server.min(self.servers - 1)
    }
}

fn heads(ladder: &Ladder, places: &Places, sheet: &mut Sheet) {
    let theme = sheet.theme();
    for (first, role) in [("phone", true), ("", false)] {
        let mut line = format!("{:>1$}", "", GUTTER.saturating_sub(2));
        line.push_str(first);
        for at in 0..places.servers {
            let shared = at + 1 == places.servers && ladder.servers.len() > places.servers;
            let text = match (ladder.servers.get(at), role, shared) {
                (_, true, true) => "other servers".to_owned(),
                (_, false, true) => format!("{} of them", ladder.servers.len() - at),
                (Some(server), true, _) => server.role.to_owned(),
                (Some(server), false, _) => server.address.clone(),
                (None, ..) => String::new(),
            };
            let room = places.spacing - 1;
            let text = cut(&text, room.max(4), theme).into_owned();
            // Under the line of life, or a little to the left of it where the edge is near.
            let wanted = GUTTER + (at + 1) * places.spacing;
            let start = wanted.saturating_sub(text.width() / 2).min(sheet.width().saturating_sub(text.width()));
            let gap = start.saturating_sub(line.width()).max(1);
            line.push_str(&" ".repeat(gap));
            line.push_str(&text);
        }
        sheet.line(&[(&line, Paint::Bold)]);
    }
}

fn draw(step: &Step, ladder: &Ladder, places: &Places, clock: &Clock, sheet: &mut Sheet) {
    let theme = sheet.theme();
    let (bar, dash) = (theme.glyph("│", "|"), theme.glyph("─", "-"));
    let target = places.server(step.server);
    let gutter = format!("{:<12} {:>7} ", clock.precise(step.moment.time), ladder.frame(step.moment.frame));
    let gutter = cut(&gutter, GUTTER, theme).into_owned();
    let pad = " ".repeat(GUTTER.saturating_sub(gutter.width()));
    // Between the phone's line and the server's.
    let room = (target + 1) * places.spacing - 1;
    let most = room.saturating_sub(4);
    let name = shown(&step.label, theme);
    let whole = format!("{name}{}", shown(&step.more, theme));
    let fits = whole.width() <= most;
    let label = if fits { whole } else { cut(&name, most, theme).into_owned() };
    let label_width = label.width();
    let rest = room.saturating_sub(label_width + 4);
    // An arrow that nobody answered ends on its way.
    let (before, after, end, pad_after) = match (step.from, step.lost) {
        (Side::Client, false) => (format!("{dash} "), format!(" {}", dash.repeat(rest)), ">", 0),
        (Side::Client, true) => {
            (format!("{dash} "), format!(" {}", dash.repeat(rest / 2)), theme.glyph("✗", "X"), rest - rest / 2)
        }
        (Side::Server, _) => (format!("<{dash} "), format!(" {}", dash.repeat(rest)), "", 0),
    };
    let pad_after = " ".repeat(pad_after);
    let beyond = places.bars(target, bar);
    let mut note = String::new();
    if places.servers <= step.server {
        // Its line is shared: say who it is.
        let server = ladder.servers.get(step.server);
        note = server.map(|server| format!("{} {}  ", server.role, server.address)).unwrap_or_default();
    }
    // What was cut is repeated whole; what goes on from it is not.
    let cut_off = if name.width() > most { step.label.as_str() } else { "" };
    let rest = if fits { "" } else { step.more.trim_start_matches([',', ' ']) };
    let parts = [cut_off, rest, step.note.as_deref().unwrap_or_default()];
    note.push_str(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "));
    let beside = if note.width() <= places.note { note.as_str() } else { "" };
    sheet.line(&[
        (&gutter, Paint::Dim),
        (&pad, Paint::Plain),
        (bar, Paint::Dim),
        (&before, Paint::Dim),
        (&label, step.paint),
        (&after, Paint::Dim),
        (end, if step.lost { step.paint } else { Paint::Dim }),
        (&pad_after, Paint::Plain),
        (&beyond, Paint::Dim),
        (" ", Paint::Plain),
        (beside, Paint::Dim),
    ]);
    if beside.is_empty() && !note.is_empty() {
        below(&note, step, places, sheet);
    }
}

/// A note on a line of its own; the lines of life that it does not reach go on.
fn below(note: &str, step: &Step, places: &Places, sheet: &mut Sheet) {
    let theme = sheet.theme();
    let bar = theme.glyph("│", "|");
    let indent = " ".repeat(GUTTER);
    let note = shown(note, theme);
    let paint = if matches!(step.paint, Paint::Bad | Paint::Warn) { step.paint } else { Paint::Dim };
    let mut pieces = vec![(indent.as_str(), Paint::Plain), (bar, Paint::Dim), ("   ", Paint::Plain), (&*note, paint)];
    let beyond = (0..places.servers).find_map(|server| {
        // The bar itself, three blanks before the note and one after it.
        let pad = ((server + 1) * places.spacing).checked_sub(note.width() + 5)? + 1;
        Some(" ".repeat(pad) + &places.bars(server, bar))
    });
    match &beyond {
        Some(beyond) => {
            pieces.push((beyond, Paint::Dim));
            sheet.line(&pieces);
        }
        None => sheet.wrapped(&pieces, GUTTER + 4),
    }
}
