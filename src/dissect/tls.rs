//! TLS sessions, seen from outside.
//!
//! In: the two byte streams of a connection. Out: a [`TlsSession`]: version, cipher suite, certificates, alerts, how far it got
//! and how it ended. SSL 3.0 to TLS 1.3. It refuses to judge certificates, and never guesses one: where none was seen, the
//! session says why.

mod handshake;
mod record;

use std::net::SocketAddr;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt};

use super::event::{
    Alert, CertificateStatus, CipherSuite, Event, Milestones, Service, SessionOutcome, Side, TlsSession, TlsVersion,
};
use super::tcp::{ConnectionFacts, Piece, Shared, StreamReader};
use crate::capture::{Moment, Span};
use crate::x509::Certificate;

use handshake::Handshake;
use record::{Record, RecordLayer};

/// Lengths of application records that are kept a side.
const MOST_LENGTHS: usize = 8;
/// Alerts that are kept a session.
const MOST_ALERTS: usize = 8;
/// Certificates kept for comparison with those that come.
const MOST_CERTIFICATES: usize = 1024;
/// In TLS 1.3 a client's first encrypted record is its Finished, of 53 bytes or more, or an alert, of 19 (RFC 8446 4.4.4, 5.2).
const SHORTEST_FINISHED_1_3: usize = 50;

/// Parses each certificate once, however often it is presented.
#[derive(Debug, Default)]
pub(super) struct CertificateCache {
    known: HashMap<Box<[u8]>, Arc<Certificate>>,
}

impl CertificateCache {
    fn get(&mut self, der: &[u8]) -> Option<Arc<Certificate>> {
        if let Some(known) = self.known.get(der) {
            return Some(Arc::clone(known));
        }
        let certificate = Arc::new(Certificate::from_der(der).ok()?);
        if self.known.len() >= MOST_CERTIFICATES {
            self.known = HashMap::new();
        }
        self.known.insert(der.into(), Arc::clone(&certificate));
        Some(certificate)
    }
}

/// One session while it goes on.
#[derive(Debug)]
pub(super) struct TlsDissector {
    session: TlsSession,
    client: Direction,
    server: Direction,
    /// The session that the client offered to resume.
    offered: Vec<u8>,
    resumed_by_id: bool,
    /// What one side sent instead of TLS.
    not_tls: Option<(Side, String)>,
    unreadable: bool,
    announced: Option<(SessionOutcome, CertificateStatus)>,
}

#[derive(Debug, Default)]
struct Direction {
    records: RecordLayer,
    changed_cipher: bool,
    finished: bool,
    conflict: bool,
    any: bool,
}

impl StreamReader for TlsDissector {
    fn held(&self) -> usize {
        self.client.records.held() + self.server.records.held()
    }

    fn begin_in_the_middle(&mut self, side: Side) {
        self.direction(side).records.begin_in_the_middle();
    }

    fn piece(&mut self, side: Side, piece: Piece<'_>, moment: Moment, shared: &mut Shared<'_>) {
        let mut records = std::mem::take(&mut self.direction(side).records);
        match piece {
            Piece::Data(bytes) => {
                self.direction(side).any = true;
                records.data(bytes, &mut |record| self.record(side, record, moment, shared));
            }
            Piece::Gap(length) => records.gap(length),
            Piece::Conflict => self.conflict(side),
        }
        if self.session.milestones.established.is_some() {
            records.release();
        }
        self.direction(side).records = records;
        self.session.span.extend(self.session.span.last.max(moment));
        self.announce(shared.events);
    }

    fn conclude(&mut self, facts: &ConnectionFacts, span: Span, shared: &mut Shared<'_>) {
        self.session.span = span;
        if self.session.milestones.established.is_none() && self.is_tls_1_3() {
            self.infer_refusal_1_3(facts);
        }
        let (outcome, reason) = self.outcome(facts);
        self.session.outcome = outcome;
        self.session.reason = reason;
        if self.session.service != Service::Other || self.is_tls() {
            shared.events.push(Event::Tls(Box::new(self.session.clone())));
        }
    }
}

impl TlsDissector {
    pub(super) fn new(id: u64, service: Service, client: SocketAddr, server: SocketAddr, moment: Moment) -> Self {
        Self {
            session: TlsSession {
                id,
                service,
                client,
                server,
                server_name: None,
                version: None,
                cipher: None,
                certificate: None,
                certificate_status: CertificateStatus::NotCaptured,
                client_certificate: None,
                outcome: SessionOutcome::Pending,
                reason: None,
                alerts: Vec::new(),
                milestones: Milestones::default(),
                client_data: Vec::new(),
                server_data: Vec::new(),
                span: Span::starting(moment),
            },
            client: Direction::default(),
            server: Direction::default(),
            offered: Vec::new(),
            resumed_by_id: false,
            not_tls: None,
            unreadable: false,
            announced: None,
        }
    }

    /// Whether anything was seen that only TLS says.
    fn is_tls(&self) -> bool {
        let Milestones { client_hello, server_hello, certificate, .. } = self.session.milestones;
        client_hello.is_some() || server_hello.is_some() || certificate.is_some()
    }

    fn is_tls_1_3(&self) -> bool {
        self.session.version == Some(TlsVersion::TLS_1_3)
    }

    const fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// What this side sent cannot be trusted, and nothing that was read from it is told.
    fn conflict(&mut self, side: Side) {
        self.direction(side).conflict = true;
        if self.session.milestones.established.is_some() {
            return;
        }
        match side {
            Side::Client => self.session.client_certificate = None,
            Side::Server => {
                self.session.certificate = None;
                self.session.certificate_status = CertificateStatus::NotCaptured;
            }
        }
    }

    fn record(&mut self, side: Side, record: Record<'_>, moment: Moment, shared: &mut Shared<'_>) {
        match record {
            Record::Handshake(message) => self.handshake(side, Handshake::parse(message), moment, shared),
            Record::OldClientHello(_) => {
                self.session.milestones.client_hello.get_or_insert(moment);
            }
            Record::ChangeCipherSpec => {
                self.direction(side).changed_cipher = true;
                if side == Side::Server {
                    self.detect_resumption();
                }
            }
            Record::EncryptedHandshake => {
                let direction = self.direction(side);
                direction.finished |= direction.changed_cipher;
            }
            Record::Alert(level, description) => self.alert(side, Some((level, description)), moment),
            Record::EncryptedAlert => self.alert(side, None, moment),
            Record::Data(length) => self.application_data(side, length, moment),
            Record::NotTls(bytes) => {
                let text = if bytes.starts_with(b"HTTP/") || bytes.starts_with(b"GET ") || bytes.starts_with(b"POST ") {
                    "plain HTTP, not TLS".to_owned()
                } else {
                    let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
                    format!("no TLS (it begins with {hex})")
                };
                self.not_tls.get_or_insert((side, text));
            }
        }
        self.detect_completion(moment);
    }

    fn handshake(&mut self, side: Side, message: Handshake<'_>, moment: Moment, shared: &mut Shared<'_>) {
        let milestones = &mut self.session.milestones;
        match (side, message) {
            (Side::Client, Handshake::ClientHello { session_id, server_name, .. }) => {
                milestones.client_hello.get_or_insert(moment);
                self.offered = session_id;
                self.session.server_name = server_name;
            }
            (Side::Server, Handshake::ServerHello { version, cipher, session_id }) => {
                milestones.server_hello.get_or_insert(moment);
                self.session.version = Some(TlsVersion(version));
                self.session.cipher = Some(CipherSuite(cipher));
                self.resumed_by_id = !session_id.is_empty() && session_id == self.offered;
                if self.is_tls_1_3() {
                    self.session.certificate_status = CertificateStatus::Encrypted;
                }
            }
            (Side::Server, Handshake::Certificate(chain)) => {
                // Only the first certificate is the server's own (RFC 5246 7.4.2); a later handshake does not change it.
                if self.session.certificate.is_some() || self.server.conflict {
                    return;
                }
                milestones.certificate.get_or_insert(moment);
                self.session.certificate = chain.first().and_then(|der| shared.certificates.get(der));
                self.unreadable = self.session.certificate.is_none();
                self.session.certificate_status =
                    if self.unreadable { CertificateStatus::NotCaptured } else { CertificateStatus::Seen };
            }
            (Side::Client, Handshake::Certificate(chain)) if !self.client.conflict => {
                self.session.client_certificate = chain.first().and_then(|der| shared.certificates.get(der));
            }
            (Side::Client, Handshake::ClientKeyExchange) => {
                milestones.key_exchange.get_or_insert(moment);
            }
            (Side::Server, Handshake::Unreadable(11)) => self.unreadable = true,
            _ => {}
        }
    }

    /// The server changes to encryption without having shown a certificate: it resumed an earlier session (RFC 5246 7.3,
    /// RFC 5077 3.1), if nothing before it is missing.
    fn detect_resumption(&mut self) {
        let seen_from_the_start = self.session.milestones.server_hello.is_some()
            && !self.server.records.handshake_broken
            && !self.server.records.resynchronised
            && !self.server.conflict;
        let status = self.session.certificate_status;
        if seen_from_the_start && status == CertificateStatus::NotCaptured && !self.unreadable {
            self.session.certificate_status = CertificateStatus::Resumed;
        }
    }

    fn alert(&mut self, from: Side, clear: Option<(u8, u8)>, moment: Moment) {
        if self.session.alerts.len() < MOST_ALERTS {
            self.session.alerts.push(Alert { from, clear, moment });
        }
    }

    fn application_data(&mut self, side: Side, length: usize, moment: Moment) {
        let milestones = &mut self.session.milestones;
        let (first, lengths) = match side {
            Side::Client => (&mut milestones.client_data, &mut self.session.client_data),
            Side::Server => (&mut milestones.server_data, &mut self.session.server_data),
        };
        first.get_or_insert(moment);
        if lengths.len() < MOST_LENGTHS {
            lengths.push(length);
        }
    }

    /// Whether the handshake is complete. Up to TLS 1.2 both sides show it: each sends a change of cipher and an encrypted
    /// Finished, the client first, or the server first in a resumed session (RFC 5246 7.3); so the second one's is enough. In
    /// TLS 1.3 the client's records show it by their lengths.
    fn detect_completion(&mut self, moment: Moment) {
        if self.session.milestones.established.is_some() {
            return;
        }
        let milestones = &self.session.milestones;
        let established = if self.is_tls_1_3() {
            self.session.client_data.len() > 1
                && self.session.client_data.first().is_some_and(|&first| first >= SHORTEST_FINISHED_1_3)
        } else {
            // These messages do not exist in clear in TLS 1.3.
            let up_to_1_2 =
                self.session.version.is_some() || milestones.key_exchange.is_some() || milestones.certificate.is_some();
            let full = milestones.certificate.is_some() || milestones.key_exchange.is_some();
            let resumed = self.session.certificate_status == CertificateStatus::Resumed;
            up_to_1_2
                && ((self.client.finished && self.server.finished)
                    || (self.server.finished && full)
                    || (self.client.finished && resumed)
                    || milestones.client_data.is_some()
                    || milestones.server_data.is_some())
        };
        if established {
            self.session.milestones.established = Some(moment);
            self.session.outcome = SessionOutcome::Established;
        }
    }

    /// In TLS 1.3 even the alert of a client that refuses is encrypted; it is the client's only record, and short.
    fn infer_refusal_1_3(&mut self, facts: &ConnectionFacts) {
        if let [only] = *self.session.client_data
            && only < SHORTEST_FINISHED_1_3
            && facts.closed_by == Some(Side::Client)
            && let Some(moment) = self.session.milestones.client_data
        {
            self.session.client_data.clear();
            self.session.milestones.client_data = None;
            self.alert(Side::Client, None, moment);
        }
    }

    fn outcome(&self, facts: &ConnectionFacts) -> (SessionOutcome, Option<String>) {
        use SessionOutcome::{Established, Incomplete, Refused, Reset};
        let session = &self.session;
        let milestones = &session.milestones;
        if milestones.established.is_some() {
            return (Established, None);
        }
        let name = |side| if side == Side::Client { "the phone" } else { "the server" };
        if let Some(alert) = session.alerts.iter().find(|alert| alert.is_fatal()) {
            let description = alert.description().unwrap_or_default();
            return (Refused, Some(format!("{} sent the fatal alert {description}", name(alert.from))));
        }
        if let Some((side, what)) = &self.not_tls {
            return (Incomplete, Some(format!("{} sent {what}", name(*side))));
        }
        if facts.reset_answers_syn {
            return (Reset, Some("the server refused the connection (RST in answer to the SYN)".to_owned()));
        }
        let after = if milestones.key_exchange.is_some() {
            "after its key exchange"
        } else if milestones.certificate.is_some() {
            "after the server's certificate"
        } else if milestones.server_hello.is_some() {
            "after the ServerHello"
        } else if milestones.client_hello.is_some() {
            "after the ClientHello"
        } else {
            "before any TLS was seen"
        };
        if let Some(side) = facts.reset_by {
            return (Reset, Some(format!("{} reset the connection {after}", name(side))));
        }
        if let Some(alert) = session.alerts.first() {
            let description = alert.description().unwrap_or_else(|| "an encrypted one".to_owned());
            return (Refused, Some(format!("{} ended the handshake with an alert: {description}", name(alert.from))));
        }
        let reads_client = !self.client.records.handshake_broken && !self.client.records.resynchronised;
        if facts.closed_by == Some(Side::Client)
            && milestones.certificate.is_some()
            && milestones.key_exchange.is_none()
            && reads_client
            && self.client.any
        {
            let reason = "the phone closed the connection after the server's certificate, without a key exchange";
            return (Refused, Some(reason.to_owned()));
        }
        (Incomplete, Some(self.why_incomplete(facts, after)))
    }

    fn why_incomplete(&self, facts: &ConnectionFacts, after: &str) -> String {
        let broken = |direction: &Direction| direction.records.handshake_broken || direction.records.resynchronised;
        if !self.client.any && !self.server.any {
            return match (facts.syns, facts.syn_acked) {
                (0, false) => "no data was captured".to_owned(),
                (_, true) => "TCP connected, but nothing was sent".to_owned(),
                (1, false) => "no answer to the SYN".to_owned(),
                (syns, false) => format!("no answer to {syns} SYNs"),
            };
        }
        if self.client.conflict || self.server.conflict {
            return "two copies of the same bytes differ".to_owned();
        }
        if self.unreadable {
            return "the server's certificate cannot be parsed".to_owned();
        }
        if broken(&self.client) || broken(&self.server) {
            return if facts.syns == 0 && !self.is_tls() {
                "the capture begins after the handshake".to_owned()
            } else {
                "part of the handshake is missing from the capture".to_owned()
            };
        }
        if !self.client.any || !self.server.any {
            let side = if self.client.any { "the phone's" } else { "the server's" };
            return format!("only {side} side was captured");
        }
        match facts.closed_by {
            Some(Side::Server) => format!("the server closed the connection {after}"),
            Some(Side::Client) => format!("the phone closed the connection {after}"),
            None => format!("nothing more was captured {after}"),
        }
    }

    /// Tells what is new, if it is worth telling before the end.
    fn announce(&mut self, events: &mut Vec<Event>) {
        let news = (self.session.outcome, self.session.certificate_status);
        let nothing = (SessionOutcome::Pending, CertificateStatus::NotCaptured);
        if news != self.announced.unwrap_or(nothing) {
            self.announced = Some(news);
            events.push(Event::Tls(Box::new(self.session.clone())));
        }
    }
}
