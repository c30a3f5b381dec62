//! The certificates that servers presented, against the lists.

use super::sheet::Sheet;
use crate::event::{CertificateStatus, Service, SessionOutcome};
use crate::tui::clock::Clock;
use crate::tui::theme::Paint;
use crate::watch::{CertificateDetail, Detail, Found};

pub(super) fn sheet(detail: &Detail, clock: &Clock, sheet: &mut Sheet) {
    if detail.certificates.is_empty() {
        sheet.line(&[("No certificate was seen.", Paint::Bold)]);
    }
    for certificate in &detail.certificates {
        one(certificate, clock, sheet);
    }
    let mut first = true;
    for session in detail.without_certificate() {
        if std::mem::take(&mut first) {
            sheet.heading("Sessions that show no certificate");
        }
        let reason = session.reason();
        let why = match session.certificate_status {
            CertificateStatus::Encrypted => "TLS 1.3 encrypts it",
            CertificateStatus::Resumed => "resumed, so none is sent",
            CertificateStatus::Seen | CertificateStatus::NotCaptured => {
                reason.as_deref().unwrap_or("it is not in the capture")
            }
        };
        let service = session.service.words();
        let frame = session.span.first.frame.number;
        sheet.wrapped(
            &[(&format!("? {service} {}, frame {frame}: ", session.server), Paint::Warn), (why, Paint::Plain)],
            2,
        );
    }
}

fn one(detail: &CertificateDetail, clock: &Clock, sheet: &mut Sheet) {
    let theme = sheet.theme();
    let certificate = &detail.certificate;
    let Some(session) = detail.sessions.first() else { return };
    if sheet.len() > 0 {
        sheet.blank();
    }
    let version = session.version.map(|version| format!(", {version}")).unwrap_or_default();
    sheet.wrapped(
        &[
            (&format!("{} {}", session.service.words(), session.server), Paint::Bold),
            (&format!("  serial {}", certificate.serial), Paint::Bold),
            (&version, Paint::Dim),
        ],
        2,
    );
    sheet.wrapped(&[("  subject ", Paint::Dim), (certificate.subject.as_str(), Paint::Plain)], 10);
    if certificate.subject == certificate.issuer {
        sheet.wrapped(&[("  issuer  ", Paint::Dim), ("itself (self-signed)", Paint::Plain)], 10);
    } else {
        sheet.wrapped(&[("  issuer  ", Paint::Dim), (certificate.issuer.as_str(), Paint::Plain)], 10);
    }
    let (from, to) = (clock.day(certificate.not_before), clock.day(certificate.not_after));
    let seen = session.span.first.time;
    let (validity, paint) = if seen > certificate.not_after {
        (" (expired when it was shown)", Paint::Bad)
    } else if seen < certificate.not_before {
        (" (not valid yet when it was shown)", Paint::Bad)
    } else {
        ("", Paint::Plain)
    };
    sheet.wrapped(&[("  valid   ", Paint::Dim), (&format!("{from} to {to}"), Paint::Plain), (validity, paint)], 10);
    sheet.wrapped(&[("  SHA-1   ", Paint::Dim), (&certificate.sha1.to_string(), Paint::Plain)], 10);
    for standing in &detail.standings {
        let (mark, paint, text) = match &standing.found {
            Found::Exactly(record) => (theme.glyph("✓", "="), Paint::Good, format!("is {record}")),
            Found::Serial(record) => {
                ("?", Paint::Warn, format!("has the serial of {record}, which does not tell its hash"))
            }
            Found::OtherHash(record) => {
                (theme.glyph("✗", "X"), Paint::Bad, format!("has the serial of {record}, but is another certificate"))
            }
            // Only where it is looked for does its absence mean anything.
            Found::Nowhere => (theme.glyph("✗", "X"), Paint::Bad, "not in it".to_owned()),
        };
        let paint = if session.service == Service::Tvs || paint == Paint::Good { paint } else { Paint::Warn };
        let list = if standing.own { Paint::Bold } else { Paint::Plain };
        sheet.wrapped(
            &[
                ("  ", Paint::Plain),
                (mark, paint),
                (" ", Paint::Plain),
                (&standing.list, list),
                (": ", Paint::Dim),
                (&text, paint),
            ],
            6,
        );
    }
    for session in &detail.sessions {
        let (word, paint) = match session.outcome() {
            SessionOutcome::Established => ("established", Paint::Good),
            SessionOutcome::Refused => ("refused", Paint::Bad),
            SessionOutcome::Reset => ("reset", Paint::Bad),
            SessionOutcome::Incomplete => ("incomplete", Paint::Warn),
            SessionOutcome::Pending => ("goes on", Paint::Dim),
        };
        let shown = session.milestones.certificate.unwrap_or(session.span.first);
        let reason = session.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        let when = format!("  {} frame {:<6} ", clock.precise(shown.time), shown.frame.number);
        sheet.wrapped(&[(&when, Paint::Dim), (word, paint), (&reason, Paint::Plain)], 6);
    }
}
