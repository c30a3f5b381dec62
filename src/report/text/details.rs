//! One phone in detail: the answer first, then what it rests on.

use std::io;

use super::layout::{Paint, Printer};
use super::{check_words, deletion_paint};
use crate::capture::{FrameId, Span};
use crate::claim::{Evidence, Place};
use crate::event::{CertificateStatus, Outcome, SessionOutcome, TlsSession, Transport};
use crate::phone::{DownloadRecord, Phone};
use crate::report::{Report, deletion_words};
use crate::trust::signature::SignatureStatus;
use crate::verdict::{Answer, Assessment};

/// How much is written of a phone.
pub(super) struct Amount<'a> {
    /// With earlier boots, checksums of all files, and the steps of the simulated decision.
    pub(super) all: bool,
    /// The names of phones of which the same would be written.
    pub(super) others: &'a [&'a str],
}

/// Writes what is known of one phone.
pub(super) fn section(
    report: &Report<'_>,
    phone: &Phone,
    assessment: &Assessment,
    amount: &Amount<'_>,
    out: &mut Printer<'_>,
) -> io::Result<()> {
    let mut writer = Writer { out, several: report.sources.len() > 1, all: amount.all };
    writer.title(phone)?;
    writer.others(amount.others)?;
    writer.answer(assessment)?;
    writer.holds(assessment)?;
    writer.checks(assessment)?;
    writer.conditions(assessment)?;
    writer.instead(assessment)?;
    writer.traffic(phone)?;
    writer.observed(assessment)
}

struct Writer<'p, 'o> {
    out: &'p mut Printer<'o>,
    /// Whether frames need the number of their capture.
    several: bool,
    all: bool,
}

impl Writer<'_, '_> {
    fn frame(&self, frame: FrameId) -> String {
        frame.label(self.several)
    }

    fn frames(&self, span: Span) -> String {
        if span.first.frame == span.last.frame {
            return self.frame(span.first.frame);
        }
        format!("{}–{}", self.frame(span.first.frame), self.frame(span.last.frame))
    }

    /// ` (frames 101, 104)`, or with what was seen there.
    fn evidence(&self, evidence: &[Evidence]) -> String {
        let place = |evidence: &Evidence| match &evidence.place {
            Place::Frame(moment) => self.frame(moment.frame),
            Place::Line(path, 0) => path.to_string(),
            Place::Line(path, line) => format!("{path}, line {line}"),
        };
        let frames: Vec<_> = evidence.iter().map(place).collect();
        if self.all {
            let texts: Vec<_> = frames
                .iter()
                .zip(evidence)
                .map(|(frame, evidence)| format!("frame {frame}: {}", evidence.text))
                .collect();
            return if texts.is_empty() { String::new() } else { format!(" ({})", texts.join("; ")) };
        }
        match &frames[..] {
            [] => String::new(),
            [frame] => format!(" (frame {frame})"),
            frames => format!(" (frames {})", frames.join(", ")),
        }
    }

    fn title(&mut self, phone: &Phone) -> io::Result<()> {
        let addresses = phone.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let model = phone.model().map(|model| format!(", {model}")).unwrap_or_default();
        let text = match &phone.name {
            Some(name) => format!("{name} ({addresses}{model})"),
            None => addresses,
        };
        self.out.heading(&text)?;
        if !phone.shared_by.is_empty() {
            let names = phone.shared_by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let text = format!("this address is shared by {names}: whose these are cannot be said");
            self.out.wrapped(&[("  ", Paint::None), (&text, Paint::Warn)], 2)?;
        }
        Ok(())
    }

    /// The phones that this section speaks for as well.
    fn others(&mut self, others: &[&str]) -> io::Result<()> {
        const NAMED: usize = 12;
        if others.is_empty() {
            return Ok(());
        }
        let noun = if others.len() == 1 { "phone" } else { "phones" };
        let names = others.get(..NAMED.min(others.len())).unwrap_or_default().join(", ");
        let more = if others.len() > NAMED { ", …" } else { "" };
        let text = format!("the same of {} more {noun}: {names}{more}", others.len());
        self.out.wrapped(&[("  ", Paint::None), (&text, Paint::Bold)], 4)
    }

    /// What it holds, where that is known: else the first condition says so.
    fn holds(&mut self, assessment: &Assessment) -> io::Result<()> {
        let holds = &assessment.holds;
        if holds.source.is_none() {
            return Ok(());
        }
        let list = holds.itl_sha1.map(|sha1| format!(", SHA-1 {sha1}")).unwrap_or_default();
        let text = format!("{}{list}", holds.why);
        self.out.wrapped(&[(&format!("  {:<36}", "The list on the phone"), Paint::None), (&text, Paint::None)], 38)
    }

    fn answer(&mut self, assessment: &Assessment) -> io::Result<()> {
        let (word, paint) = (deletion_words(assessment.deletion), deletion_paint(assessment.deletion));
        let because = format!(": {}", assessment.because);
        self.out.wrapped(&[("  ITL deletion ", Paint::Bold), (word, paint), (&because, Paint::None)], 4)
    }

    fn checks(&mut self, assessment: &Assessment) -> io::Result<()> {
        let checks = &assessment.checks;
        for (label, checked) in [
            ("ITL checksum", &checks.itl_checksum),
            ("TVS serial", &checks.tvs_serial),
            ("TVS certificate", &checks.tvs_certificate),
        ] {
            let (word, paint) = check_words(checked.result);
            let evidence = self.evidence(&checked.evidence);
            self.out.wrapped(
                &[
                    (&format!("  {label:<27}"), Paint::None),
                    (&format!("{word:<9}"), paint),
                    (&checked.why, Paint::None),
                    (&evidence, Paint::Dim),
                ],
                38,
            )?;
        }
        Ok(())
    }

    fn conditions(&mut self, assessment: &Assessment) -> io::Result<()> {
        self.out.line(&[("  Deletion is needed only if all four of these hold:", Paint::Dim)])?;
        for (number, condition) in (1..).zip(assessment.conditions.all()) {
            let (word, paint) = match condition.holds {
                Answer::Yes => ("yes", Paint::Bad),
                Answer::No => ("no", Paint::Good),
                Answer::Unknown => ("unknown", Paint::Warn),
            };
            let evidence = self.evidence(&condition.evidence);
            self.out.wrapped(
                &[
                    (&format!("  {number} {:<25}", condition.id.words()), Paint::None),
                    (&format!("{word:<9}"), paint),
                    (&condition.why, Paint::None),
                    (&evidence, Paint::Dim),
                ],
                38,
            )?;
        }
        Ok(())
    }

    fn instead(&mut self, assessment: &Assessment) -> io::Result<()> {
        if !assessment.advice.is_empty() {
            self.out.line(&[("  What to do, in the order of effort:", Paint::Dim)])?;
        }
        for advice in &assessment.advice {
            let because = format!(" Here: {}.", advice.because);
            self.out.wrapped(&[("  - ", Paint::Bold), (advice.text, Paint::None), (&because, Paint::Dim)], 4)?;
        }
        if !assessment.collect.is_empty() {
            self.out.line(&[("  To decide it, collect:", Paint::Dim)])?;
        }
        for wanted in &assessment.collect {
            self.out.wrapped(&[("  - ", Paint::Bold), (wanted, Paint::None)], 4)?;
        }
        Ok(())
    }

    /// Files and sessions: of the last boot, unless all are wanted.
    fn traffic(&mut self, phone: &Phone) -> io::Result<()> {
        let boots = phone.boots();
        let shown = if self.all { 0 } else { boots.len().saturating_sub(1) };
        self.out.line(&[("  What was seen:", Paint::Dim)])?;
        if let Some((first, last)) = boots.first().zip(boots.get(shown.wrapping_sub(1))) {
            let end = last.downloads.last().map_or(last.started.frame, |download| download.span.last.frame);
            let text = format!(
                "    {shown} earlier rounds of files in frames {}–{}; --details all shows them",
                self.frame(first.started.frame),
                self.frame(end)
            );
            self.out.line(&[(&text, Paint::Dim)])?;
        }
        for boot in boots.get(shown..).unwrap_or_default() {
            // One after the other as they began, whatever they are.
            let mut items: Vec<Item<'_>> = boot.downloads.iter().map(|download| Item::Download(download)).collect();
            items.extend(boot.sessions.iter().map(|session| Item::Session(session)));
            items.sort_by_key(|item| item.span().first);
            for item in items {
                match item {
                    Item::Download(download) => self.download(download)?,
                    Item::Session(session) => self.session(session)?,
                }
            }
        }
        Ok(())
    }

    fn download(&mut self, download: &DownloadRecord) -> io::Result<()> {
        let over_http = download.transport == Transport::Http;
        let file = match (download.file(), download.outcome()) {
            (Some(file), _) => file,
            (None, Outcome::Unanswered) if over_http => "(no request: no connection)",
            (None, _) => "(request not captured)",
        };
        let transport = if over_http { " over HTTP" } else { "" };
        let paint = if download.outcome() == Outcome::Complete { Paint::None } else { Paint::Warn };
        let mut rest = String::new();
        if let Some(length) = download.length() {
            rest = format!(", {length} bytes");
            if let Some(digests) = download.digests.filter(|_| self.all || download.kind.is_list()) {
                rest = format!("{rest}, SHA-1 {}, MD5 {}", digests.sha1, digests.md5);
            }
        } else if let Some(reason) = download.reason() {
            rest = format!(": {reason}");
        }
        if download.retransmits > 0 {
            rest = format!("{rest}, {} retransmissions", download.retransmits);
        }
        let (signature, signature_paint) = match &download.signature {
            None => (String::new(), Paint::None),
            Some(found) if found.status == SignatureStatus::Valid && !self.all => {
                let signer = found.signer.as_deref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
                (format!(", signed by {signer}: valid"), Paint::None)
            }
            Some(found) => {
                let paint = if found.status == SignatureStatus::Invalid { Paint::Bad } else { Paint::Warn };
                (format!(", signature {}: {}", found.status, found.why), paint)
            }
        };
        self.out.wrapped(
            &[
                (&format!("    {:<9} ", self.frames(download.span)), Paint::Dim),
                (&format!("{file} from {}{transport}: ", download.server.ip()), Paint::None),
                (download.outcome().name(), paint),
                (&rest, Paint::None),
                (&signature, signature_paint),
            ],
            14,
        )
    }

    fn session(&mut self, session: &TlsSession) -> io::Result<()> {
        let version = session.version.map(|version| format!(" {version}")).unwrap_or_default();
        let certificate = match (&session.certificate, session.certificate_status) {
            (Some(certificate), _) => {
                let frame =
                    session.milestones.certificate.map(|moment| format!(" in frame {}", self.frame(moment.frame)));
                let name = certificate.subject.short();
                format!("certificate {name} serial {}{}", certificate.serial, frame.unwrap_or_default())
            }
            (None, CertificateStatus::Encrypted) => "certificate encrypted (TLS 1.3)".to_owned(),
            (None, CertificateStatus::Resumed) => "resumed, so no certificate is sent".to_owned(),
            (None, _) => "no certificate captured".to_owned(),
        };
        let paint = match session.outcome() {
            SessionOutcome::Established => Paint::None,
            SessionOutcome::Refused | SessionOutcome::Reset => Paint::Bad,
            SessionOutcome::Incomplete | SessionOutcome::Pending => Paint::Warn,
        };
        let mut reason = session.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        if let Some(alert) = session.alerts.iter().find(|alert| alert.is_fatal()) {
            reason = format!("{reason} in frame {}", self.frame(alert.moment.frame));
        }
        let service = session.service.words();
        self.out.wrapped(
            &[
                (&format!("    {:<9} ", self.frames(session.span)), Paint::Dim),
                (&format!("{service} {}{version}, {certificate}: ", session.server), Paint::None),
                (session.outcome().name(), paint),
                (&reason, Paint::None),
            ],
            14,
        )
    }

    fn observed(&mut self, assessment: &Assessment) -> io::Result<()> {
        if !assessment.observed.is_empty() {
            self.out.line(&[("  What that suggests (inferred):", Paint::Dim)])?;
        }
        for inference in &assessment.observed {
            let evidence = self.evidence(&inference.evidence);
            self.out.wrapped(&[("    ", Paint::None), (&inference.text, Paint::None), (&evidence, Paint::Dim)], 6)?;
        }
        let Some(simulation) = &assessment.simulation else { return Ok(()) };
        let outcome = simulation.prediction.outcome.name().replace('_', " ");
        let text = format!("  By its own rules, if it held {}: {outcome}", simulation.relation);
        self.out.wrapped(&[(&text, Paint::Dim)], 4)?;
        if self.all {
            for step in &simulation.prediction.steps {
                self.out.wrapped(&[("    - ", Paint::None), (step, Paint::None)], 6)?;
            }
        }
        self.out.wrapped(&[("    ", Paint::None), (&simulation.prediction.why, Paint::None)], 6)
    }
}

/// Something that was seen of a phone.
enum Item<'a> {
    Download(&'a DownloadRecord),
    Session(&'a TlsSession),
}

impl Item<'_> {
    const fn span(&self) -> Span {
        match self {
            Self::Download(download) => download.span,
            Self::Session(session) => session.span,
        }
    }
}
