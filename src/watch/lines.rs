//! Events as lines: text for people and logs, JSON for programs (`docs/events.md`).
//!
//! In: what happened, and how things stand. Out: one line each, handed on at once. It refuses to choose what is worth telling.

// Writing to a string cannot fail.
use std::fmt::Write as _;
use std::io::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;

use super::happenings::{Happening, What, Who};
use super::message::{Drops, Status};
use super::session::wall_clock;
use crate::capture::{SourceSummary, Timestamp};
use crate::digest::Sha1Sum;
use crate::escape;
use crate::event::{Holding, ListAlarm, Side, TlsSession};
use crate::phone::{DownloadRecord, FileKind};
use crate::report::{deletion_words, parts};
use crate::trust::Reference;
use crate::verdict::{Assessment, Check, Summary};

/// The schema of the lines: fields may be added, none is renamed or removed without a new one.
const SCHEMA: &str = "itlscope.event/1";

/// How events are written.
pub enum Form {
    /// Text; a time is put into words by this.
    Text(Box<dyn Fn(Timestamp) -> String>),
    /// One JSON object a line.
    Json,
}

/// Writes events.
pub struct Lines<W> {
    out: W,
    form: Form,
}

/// How it begins.
#[derive(Debug)]
pub struct Begun<'a> {
    /// How things stand at the beginning.
    pub status: &'a Status,
    /// What phones are compared with.
    pub references: &'a [Reference],
}

/// How it ended.
#[derive(Debug)]
pub struct Over<'a> {
    /// `end_of_input`, `signal` or `fault`.
    pub reason: &'static str,
    /// What went wrong, where something did.
    pub fault: Option<&'a str>,
    /// What was read.
    pub sources: &'a [SourceSummary],
    /// Counts of phones.
    pub summary: Summary,
}

/// What all lines have in common.
#[derive(Serialize)]
struct Line<'a, T> {
    schema: &'static str,
    event: &'static str,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a Who>,
    #[serde(flatten)]
    more: T,
}

#[derive(Serialize)]
struct Named<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<T>,
}

#[derive(Serialize)]
struct BegunView<'a, T, R> {
    tool: T,
    source: &'a str,
    live: bool,
    references: Vec<R>,
    recording: Option<&'a str>,
    privileges: Option<&'a str>,
}

#[derive(Serialize)]
struct SelfReportView {
    client: SocketAddr,
    server: SocketAddr,
    frame: u64,
    source: u16,
    itl: Option<ReportedView>,
    ctl: Option<ReportedView>,
}

#[derive(Serialize)]
struct ReportedView {
    installed: bool,
    sha1: Option<Sha1Sum>,
}

#[derive(Serialize)]
struct StatusView<'a> {
    frames: u64,
    rate: u64,
    phones: usize,
    drops: Drops,
    recording: Option<&'a str>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct OverView<'a, S> {
    reason: &'static str,
    fault: Option<&'a str>,
    summary: Summary,
    sources: Vec<S>,
}

impl<W: Write> Lines<W> {
    /// Lines of this form.
    pub const fn new(out: W, form: Form) -> Self {
        Self { out, form }
    }

    /// It begins.
    ///
    /// # Errors
    /// When the line cannot be written, as with all of them.
    pub fn begun(&mut self, begun: &Begun<'_>) -> io::Result<()> {
        let &Begun { status, references } = begun;
        let time = wall_clock();
        if let Form::Json = self.form {
            let more = BegunView {
                tool: parts::tool(),
                source: &status.source,
                live: status.live,
                references: references.iter().map(parts::reference).collect(),
                recording: status.recording.as_deref(),
                privileges: status.privileges.as_deref(),
            };
            return self.json("begun", time, None, more);
        }
        let against = match &status.references[..] {
            [] => "no reference: phones are compared with each other".to_owned(),
            references => format!("compared with {}", references.join(", ")),
        };
        let mut text = format!("begun: {}; {against}", status.source);
        for more in [&status.recording, &status.privileges].into_iter().flatten() {
            text.push_str("; ");
            text.push_str(more);
        }
        self.text(time, None, &text)
    }

    /// Something happened to a phone.
    ///
    /// # Errors
    /// As [`Self::begun`].
    pub fn happening(&mut self, happening: &Happening) -> io::Result<()> {
        let Happening { time, who, what } = happening;
        let who = Some(who);
        match (&self.form, what) {
            (Form::Json, What::Download(download)) => {
                self.json("download", *time, who, Named { download: Some(parts::download(download)), tls: None })
            }
            (Form::Json, What::Session(session)) => {
                self.json("tls", *time, who, Named { download: None, tls: Some(parts::session(session)) })
            }
            (Form::Json, What::ListAlarm(report)) => {
                #[derive(Serialize)]
                struct Holds {
                    holds: SelfReportView,
                }
                self.json("holds", *time, who, Holds { holds: SelfReportView::from(report.as_ref()) })
            }
            (Form::Json, What::Verdict(assessment)) => self.json("verdict", *time, who, parts::assessment(assessment)),
            (Form::Text(_), What::Download(download)) => self.text(*time, who, &download_words(download)),
            (Form::Text(_), What::Session(session)) => self.text(*time, who, &session_words(session)),
            (Form::Text(_), What::ListAlarm(report)) => self.text(*time, who, &report_words(report)),
            (Form::Text(_), What::Verdict(assessment)) => {
                self.text(*time, who, &verdict_words(assessment))?;
                for finding in &assessment.findings {
                    self.text(*time, who, &format!("finding: {}", finding.text))?;
                }
                Ok(())
            }
        }
    }

    /// How things stand.
    ///
    /// # Errors
    /// As [`Self::begun`].
    pub fn status(&mut self, status: &Status, phones: usize) -> io::Result<()> {
        let Drops { kernel, interface, queue, unrecorded } = status.drops;
        let time = wall_clock();
        if let Form::Json = self.form {
            let more = StatusView {
                frames: status.frames,
                rate: status.rate,
                phones,
                drops: status.drops,
                recording: status.recording.as_deref(),
                warnings: &status.warnings,
            };
            return self.json("status", time, None, more);
        }
        let mut text = format!("status: {} frames, {}/s, {phones} phones", status.frames, status.rate);
        let drops = [(kernel, "by the kernel"), (interface, "by the interface"), (queue, "by this program")];
        for (frames, who) in drops.into_iter().filter(|&(frames, _)| frames > 0) {
            let _ = write!(text, "; {frames} dropped {who}");
        }
        if unrecorded > 0 {
            let _ = write!(text, "; {unrecorded} not recorded");
        }
        for warning in &status.warnings {
            text.push_str("; ");
            text.push_str(warning);
        }
        self.text(time, None, &text)
    }

    /// It is over.
    ///
    /// # Errors
    /// As [`Self::begun`].
    pub fn over(&mut self, over: &Over<'_>) -> io::Result<()> {
        let &Over { reason, fault, sources, summary } = over;
        let time = wall_clock();
        if let Form::Json = self.form {
            let sources = parts::sources(sources);
            return self.json("end", time, None, OverView { reason, fault, summary, sources });
        }
        let Summary { phones, deletion_needed, not_needed, undetermined, with_findings, .. } = summary;
        let why = match (reason, fault) {
            (_, Some(fault)) => fault,
            ("signal", None) => "a signal came",
            _ => "no more frames",
        };
        let frames: u64 = sources.iter().map(|source| source.frames).sum();
        let text = format!(
            "end: {why}; {frames} frames, {phones} phones, {with_findings} with findings; ITL deletion: {deletion_needed} needed, \
             {not_needed} not needed, {undetermined} undetermined"
        );
        self.text(time, None, &text)?;
        for (source, warning) in
            sources.iter().flat_map(|source| source.warnings.iter().map(move |text| (source, text)))
        {
            self.text(time, None, &format!("warning: {}: {warning}", source.path))?;
        }
        Ok(())
    }

    fn json(
        &mut self,
        event: &'static str,
        time: Timestamp,
        who: Option<&Who>,
        more: impl Serialize,
    ) -> io::Result<()> {
        let mut line = Vec::new();
        escape::json(&mut line, &Line { schema: SCHEMA, event, time, phone: who, more })?;
        line.push(b'\n');
        self.out.write_all(&line)?;
        self.out.flush()
    }

    fn text(&mut self, time: Timestamp, who: Option<&Who>, text: &str) -> io::Result<()> {
        let Form::Text(clock) = &self.form else { return Ok(()) };
        let address = || who.and_then(|who| who.address).map(|address| address.to_string());
        let who = who.and_then(|who| who.name.clone()).or_else(address).unwrap_or_else(|| "-".to_owned());
        writeln!(self.out, "{} {} {}", clock(time), escape::line(&who), escape::line(text))?;
        self.out.flush()
    }
}

impl From<&ListAlarm> for SelfReportView {
    fn from(report: &ListAlarm) -> Self {
        let reported = |list: Holding| match list {
            Holding::List(sha1) => ReportedView { installed: true, sha1: Some(sha1) },
            Holding::Nothing => ReportedView { installed: false, sha1: None },
        };
        let ListAlarm { client, server, moment, itl, ctl, .. } = report;
        Self {
            client: *client,
            server: *server,
            frame: moment.frame.number,
            source: moment.frame.source,
            itl: itl.map(reported),
            ctl: ctl.map(reported),
        }
    }
}

fn download_words(download: &DownloadRecord) -> String {
    let what = match download.kind {
        FileKind::Itl => "ITL",
        FileKind::Ctl => "CTL",
        FileKind::Config => "config",
        FileKind::Other => "file",
    };
    let name = download.file().unwrap_or("of unknown name");
    let mut text = format!("{what} {name} from {}: {}", download.server.ip(), download.outcome().name());
    if let (Some(length), Some(digests)) = (download.length(), download.digests) {
        let _ = write!(text, ", {length} bytes, MD5 {}, SHA-1 {}", digests.md5, digests.sha1);
    }
    if let Some(signature) = &download.signature {
        let signer =
            signature.signer.as_deref().map_or_else(|| "an unknown signer".to_owned(), crate::trust::Signer::short);
        let _ = write!(text, ", signed by {signer} (signature {})", signature.status.name());
    }
    if let Some(reason) = download.reason() {
        let _ = write!(text, ", {reason}");
    }
    let span = download.span;
    let _ = write!(text, " [frames {}-{}]", span.first.frame.number, span.last.frame.number);
    text
}

fn session_words(session: &TlsSession) -> String {
    let mut text = format!("TLS with {} {}: {}", session.service.words(), session.server, session.outcome().name());
    if let Some(version) = session.version {
        let _ = write!(text, ", {version}");
    }
    if let Some(certificate) = &session.certificate {
        let _ = write!(text, ", certificate {} of {}", certificate.serial, certificate.subject.short());
    }
    for alert in &session.alerts {
        let from = if alert.from == Side::Client { "the phone" } else { "the server" };
        let what = alert.description().unwrap_or_else(|| "encrypted".to_owned());
        let _ = write!(text, ", alert {what} from {from} (frame {})", alert.moment.frame.number);
    }
    if let Some(reason) = &session.reason() {
        let _ = write!(text, ", {reason}");
    }
    let span = session.span;
    let _ = write!(text, " [frames {}-{}]", span.first.frame.number, span.last.frame.number);
    text
}

fn report_words(report: &ListAlarm) -> String {
    let list = |name: &str, list: Option<Holding>| match list {
        Some(Holding::List(sha1)) => format!("{name} {sha1}"),
        Some(Holding::Nothing) => format!("no {name}"),
        None => format!("{name} not told"),
    };
    let (itl, ctl) = (list("ITL", report.itl), list("CTL", report.ctl));
    format!("holds {itl}, {ctl}, as it says itself [frame {}]", report.moment.frame.number)
}

fn verdict_words(assessment: &Assessment) -> String {
    let check = |name: &str, result: Check| match result {
        Check::Match => format!("{name} match"),
        Check::Mismatch => format!("{name} MISMATCH"),
        Check::Unknown => format!("{name} unknown"),
    };
    let checks = &assessment.checks;
    let mut text = format!(
        "verdict: ITL deletion {}: {}; {}, {}, {}",
        deletion_words(assessment.deletion),
        assessment.because,
        check("ITL checksum", checks.itl_checksum.result),
        check("TVS serial", checks.tvs_serial.result),
        check("TVS certificate", checks.tvs_certificate.result),
    );
    if let Some(advice) = assessment.advice.first() {
        let _ = write!(text, "; first: {}", advice.text);
    }
    text
}
