//! TLS sessions, seen from outside.
//!
//! In: the two byte streams of a connection. Out: a [`TlsSession`]: version, cipher suite, certificates, alerts, how far it got
//! and how it ended. SSL 3.0 to TLS 1.3. It refuses to judge certificates, and never guesses one: where none was seen, the
//! session says why.

mod handshake;
mod record;
#[cfg(test)]
mod tests;
mod tvs;

use std::net::SocketAddr;
use std::sync::Arc;

use super::model;
use super::reader::{ConnectionFacts, Piece, Shared, StreamReader};
use crate::capture::{Moment, Span};
use crate::event::{
    Alert, AlertCode, CertificateStatus, CipherSuite, Event, How, Identity, IdentitySource, Milestones, Service,
    SessionEnding, SessionGap, SessionOutcome, Side, Stage, TlsSession, TlsVersion, TvsAnswer, TvsExchange, TvsRequest,
};
use crate::x509::Certificate;

use handshake::Handshake;
use record::{LONGEST_MESSAGE, Record, RecordLayer};

/// Lengths of application records that are kept a side.
const MOST_LENGTHS: usize = 8;
/// Alerts that end a session without a fault (RFC 5246 7.2.1, RFC 8446 6.1).
const CLOSE_NOTIFY: u8 = 0;
const USER_CANCELED: u8 = 90;
/// Alerts that are kept a session.
const MOST_ALERTS: usize = 8;
/// One session while it goes on.
#[derive(Debug)]
pub(super) struct TlsDissector {
    session: TlsSession,
    client: Direction,
    server: Direction,
    /// The server said that its flight is over although it showed no certificate: the suite uses none.
    no_certificate: bool,
    /// The client's records of a TLS 1.3 session cannot be told apart: some may be early data.
    early_data: bool,
    /// What one side sent instead of TLS.
    not_tls: Option<(Side, String)>,
    unreadable: bool,
    /// The session ID that the client offered (RFC 5246 7.4.1.2); none where it offered none.
    offered_id: Vec<u8>,
    /// Records of the client behind its Finished in TLS 1.3 that may be data, or alerts with padding.
    unproved: Vec<(Moment, usize)>,
    announced: Option<(SessionOutcome, CertificateStatus)>,
}

#[derive(Debug, Default)]
struct Direction {
    records: RecordLayer,
    changed_cipher: bool,
    /// Its encrypted Finished.
    finished: Option<Moment>,
    /// Its Finished was seen, and its records behind that are all known.
    whole_behind_finished: bool,
    /// Something shows that its side of the handshake is over: its Finished, or encrypted data.
    done: Option<Moment>,
    conflict: bool,
    any: bool,
    /// Holes in the stream.
    gaps: u32,
    /// Bytes of the stream so far, those that are missing among them.
    position: u64,
    /// Where the stream stood when the handshake was complete: what differs behind it does not matter.
    handshake_end: Option<u64>,
}

impl Direction {
    const fn is_broken(&self) -> bool {
        self.records.handshake_broken || self.records.resynchronised
    }

    /// Everything that it sent in the handshake is known.
    const fn is_whole(&self) -> bool {
        self.any && !self.is_broken() && !self.conflict
    }
}

impl StreamReader for TlsDissector {
    fn held(&self) -> usize {
        // A certificate that only this session, what was told of it and the cache know.
        let own = |certificate: &&Arc<Certificate>| Arc::strong_count(certificate) <= 3;
        let certificates = self.session.certificate.iter().chain(&self.session.client_certificate).filter(own);
        let certificates: usize = certificates.map(|certificate| certificate.der.len()).sum();
        self.client.records.held() + self.server.records.held() + certificates
    }

    fn begin_in_the_middle(&mut self, side: Side) {
        self.direction(side).records.begin_in_the_middle();
    }

    fn piece(&mut self, side: Side, piece: Piece<'_>, moment: Moment, shared: &mut Shared<'_>) {
        let mut records = std::mem::take(&mut self.direction(side).records);
        match piece {
            Piece::Data(bytes) => {
                let direction = self.direction(side);
                direction.any = true;
                direction.position += bytes.len() as u64;
                records.data(bytes, &mut |record| self.record(side, record, moment, shared));
            }
            Piece::Gap(length) => {
                let direction = self.direction(side);
                direction.position = direction.position.saturating_add(length);
                direction.gaps += 1;
                records.gap(length, &mut |record| self.record(side, record, moment, shared));
                if records.is_lost() {
                    self.direction(side).whole_behind_finished = false;
                }
            }
            Piece::Conflict(at) => self.conflict(side, at),
        }
        if side == Side::Server && self.server.changed_cipher {
            self.detect_resumption(&records);
        }
        if self.session.milestones.established.is_some() {
            records.release();
            let direction = self.direction(side);
            direction.handshake_end.get_or_insert(direction.position);
        }
        self.direction(side).records = records;
        self.session.span.extend(self.session.span.last.max(moment));
        self.announce(shared.events);
    }

    fn conclude(&mut self, facts: &ConnectionFacts, span: Span, shared: &mut Shared<'_>) {
        self.session.span = span;
        // Whether something is missing on either side is known only now.
        self.detect_completion();
        self.session.ending = self.ending(facts);
        self.session.server_answered = facts.server_answered || self.server.any;
        self.session.hardware = facts.hardware.one();
        if self.session.service == Service::Tvs && self.session.outcome() == SessionOutcome::Established {
            self.session.tvs_exchange = self.exchange();
        }
        if self.session.service != Service::Other || self.is_tls() {
            shared.events.push(Event::Tls(Box::new(self.session.clone())));
        }
    }
}

impl TlsDissector {
    pub(super) fn new(id: u64, service: Service, client: SocketAddr, server: SocketAddr, moment: Moment) -> Self {
        Self {
            session: TlsSession::begun(id, service, client, server, moment),
            client: Direction::default(),
            server: Direction::default(),
            no_certificate: false,
            early_data: false,
            not_tls: None,
            unreadable: false,
            offered_id: Vec::new(),
            unproved: Vec::new(),
            announced: None,
        }
    }

    /// What the conversation with TVS was about; unknown where records are missing or too many.
    fn exchange(&self) -> Option<TvsExchange> {
        let TlsSession { version, cipher, client_data, server_data, .. } = &self.session;
        let whole = [&self.client, &self.server]
            .iter()
            .all(|side| !side.conflict && if self.is_tls_1_3() { side.is_whole() } else { side.whole_behind_finished });
        let few = client_data.len() < MOST_LENGTHS && server_data.len() < MOST_LENGTHS;
        if !whole || !few {
            let why =
                if whole { "there are too many records" } else { "part of the session is missing from the capture" };
            let (request, answer) = (TvsRequest::Unknown, TvsAnswer::Unknown);
            return (!client_data.is_empty()).then(|| TvsExchange { request, answer, why: why.to_owned() });
        }
        tvs::infer(*version, *cipher, client_data, server_data)
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

    /// What this side sent in its handshake cannot be trusted, and nothing that was read from it is told.
    fn conflict(&mut self, side: Side, at: u64) {
        let direction = self.direction(side);
        if direction.handshake_end.is_some_and(|end| at >= end) {
            return;
        }
        direction.conflict = true;
        match side {
            Side::Client => self.session.client_certificate = None,
            Side::Server => {
                self.session.certificate = None;
                self.session.certificate_status = CertificateStatus::NotCaptured;
                self.session.version = None;
                self.session.cipher = None;
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
                if side == Side::Client {
                    self.detect_resumption_by_client();
                }
            }
            Record::EncryptedHandshake => {
                let direction = self.direction(side);
                if direction.changed_cipher {
                    direction.finished.get_or_insert(moment);
                    direction.done.get_or_insert(moment);
                    direction.whole_behind_finished = true;
                }
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
        self.detect_completion();
    }

    fn handshake(&mut self, side: Side, message: Handshake<'_>, moment: Moment, shared: &mut Shared<'_>) {
        let milestones = &mut self.session.milestones;
        match (side, message) {
            // A handshake after the first is encrypted; what looks like its hello in clear is chance.
            (_, Handshake::ClientHello { .. } | Handshake::ServerHello { .. }) if milestones.established.is_some() => {}
            (Side::Client, Handshake::ClientHello { server_name, session_id }) => {
                milestones.client_hello.get_or_insert(moment);
                self.session.server_name = server_name;
                self.offered_id = session_id.to_vec();
            }
            (Side::Server, Handshake::ServerHello { version, cipher, resumes, session_id })
                if !self.server.conflict =>
            {
                milestones.server_hello.get_or_insert(moment);
                self.session.version = Some(TlsVersion(version));
                self.session.cipher = Some(CipherSuite(cipher));
                if self.is_tls_1_3() {
                    self.session.certificate_status =
                        if resumes { CertificateStatus::Resumed } else { CertificateStatus::Encrypted };
                    self.read_again_1_3(resumes);
                } else if !session_id.is_empty() && session_id == self.offered_id {
                    // A server repeats the session ID where it resumes that session (RFC 5246 7.3), in TLS 1.3 always.
                    self.resumed();
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
                if self.session.client_certificate.is_some() {
                    self.session.milestones.client_certificate.get_or_insert(moment);
                }
                self.identify(moment, shared.events);
            }
            (Side::Server, Handshake::ServerHelloDone) => {
                self.no_certificate = self.session.certificate_status == CertificateStatus::NotCaptured;
            }
            (Side::Client, Handshake::ClientKeyExchange) => {
                milestones.key_exchange.get_or_insert(moment);
                // What looked like a resumption was none.
                if self.session.certificate_status == CertificateStatus::Resumed {
                    self.session.certificate_status = CertificateStatus::NotCaptured;
                }
            }
            (Side::Server, Handshake::Unreadable(11)) => self.unreadable = true,
            _ => {}
        }
    }

    /// A phone's certificate names its model and its MAC address (domain.md 5.2).
    fn identify(&self, moment: Moment, events: &mut Vec<Event>) {
        let Some(certificate) = &self.session.client_certificate else { return };
        let name = model::of_common_name(certificate.subject.short());
        if let Some((model, device)) = name {
            events.push(Event::Identity(Box::new(Identity {
                source: IdentitySource::Certificate,
                address: Some(self.session.client.ip()),
                device: Some(device),
                model,
                software: None,
                tftp_servers: Vec::new(),
                moment,
            })));
        }
    }

    /// The server changes to encryption without having shown a certificate: it resumed an earlier session (RFC 5246 7.3,
    /// RFC 5077 3.1), if nothing before it is missing. In a full handshake the client's key exchange comes first.
    fn detect_resumption(&mut self, records: &RecordLayer) {
        let seen_from_the_start = self.session.milestones.server_hello.is_some()
            && !records.handshake_broken
            && !records.resynchronised
            && !self.server.conflict;
        if seen_from_the_start {
            self.resumed();
        }
    }

    /// The client changes to encryption without a key exchange: so it does only in a session that is resumed.
    fn detect_resumption_by_client(&mut self) {
        let up_to_1_2 = self.session.version.is_some() && !self.is_tls_1_3();
        // Its record layer is with whoever reads it just now, so what is known of it stands in what came of it.
        if up_to_1_2 && self.session.milestones.client_hello.is_some() && self.client.gaps == 0 && !self.client.conflict
        {
            self.resumed();
        }
    }

    /// No certificate is sent, unless one was, or the client's key exchange shows that one should have been.
    fn resumed(&mut self) {
        let full = self.session.milestones.key_exchange.is_some() || self.no_certificate || self.unreadable;
        if !full && self.session.certificate_status == CertificateStatus::NotCaptured {
            self.session.certificate_status = CertificateStatus::Resumed;
        }
    }

    fn alert(&mut self, from: Side, clear: Option<(u8, u8)>, moment: Moment) {
        if self.session.alerts.len() < MOST_ALERTS {
            self.session.alerts.push(Alert { from, clear, moment });
        }
    }

    fn application_data(&mut self, side: Side, length: usize, moment: Moment) {
        if self.is_tls_1_3() {
            return self.record_1_3(side, length, moment);
        }
        // Up to TLS 1.2 data is encrypted: what comes before the change of cipher is none (RFC 5246 7.1), whatever it calls
        // itself. Where records are missing, the change may be among them.
        let direction = self.direction(side);
        let in_clear = !direction.changed_cipher && direction.gaps == 0;
        let began = self.session.milestones.client_hello.is_some() && self.session.version.is_some();
        if in_clear && began && self.has_begun(side) {
            return;
        }
        self.direction(side).done.get_or_insert(moment);
        self.data(side, length, moment);
    }

    /// Whether this side's hello was read, and so its stream from the beginning.
    const fn has_begun(&self, side: Side) -> bool {
        match side {
            Side::Client => self.session.milestones.client_hello.is_some(),
            Side::Server => self.session.milestones.server_hello.is_some(),
        }
    }

    fn data(&mut self, side: Side, length: usize, moment: Moment) {
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

    /// TLS 1.3 hides the rest of the handshake in records of application data, but not their lengths. A client's Finished is
    /// as long as a hash of the suite and what encryption adds; an alert is shorter than any message of the handshake
    /// (RFC 8446 4.4.4, 5.2, 6).
    fn record_1_3(&mut self, side: Side, length: usize, moment: Moment) {
        let (finished, alert) = lengths_1_3(self.session.cipher);
        let established = self.session.milestones.established.is_some();
        if length == alert {
            self.alert(side, None, moment);
        }
        match side {
            Side::Client if established => self.perhaps_data_1_3(length, alert, moment),
            Side::Client if length == finished && !self.client.conflict && !self.early_data => self.establish(moment),
            Side::Server if established && length != alert => self.data(side, length, moment),
            _ => {}
        }
    }

    /// A record of the client behind its Finished: data, or an alert, which padding may make as long as data (RFC 8446 5.4). An
    /// alert that refuses is the last record. So what is followed by a record of another length is data, unless it has the
    /// length of an alert without padding.
    fn perhaps_data_1_3(&mut self, length: usize, alert: usize, moment: Moment) {
        let proves = self.unproved.iter().any(|&(_, before)| before != length);
        if length != alert && self.unproved.len() < MOST_LENGTHS {
            self.unproved.push((moment, length));
        }
        if !proves && self.session.milestones.client_data.is_none() {
            return;
        }
        for (moment, length) in std::mem::take(&mut self.unproved) {
            self.data(Side::Client, length, moment);
        }
    }

    /// Records of the client that came before the ServerHello: the capture changed the order, or they are early data, which
    /// only a resumed session may have (RFC 8446 4.2.10).
    fn read_again_1_3(&mut self, resumes: bool) {
        let Some(moment) = self.session.milestones.client_data.take() else { return };
        let lengths = std::mem::take(&mut self.session.client_data);
        if resumes {
            self.early_data = true;
            return;
        }
        for length in lengths {
            self.record_1_3(Side::Client, length, moment);
        }
    }

    /// Whether the handshake is complete. Up to TLS 1.2 both sides show it: each sends a change of cipher and an encrypted
    /// Finished, the client first, or the server first in a resumed session (RFC 5246 7.3). Where one side is not whole in the
    /// capture, what the other side does behind it stands for it.
    fn detect_completion(&mut self) {
        if self.session.milestones.established.is_some() || self.is_tls_1_3() {
            return;
        }
        let milestones = &self.session.milestones;
        // These messages do not exist in clear in TLS 1.3.
        let up_to_1_2 =
            self.session.version.is_some() || milestones.key_exchange.is_some() || milestones.certificate.is_some();
        if !up_to_1_2 {
            return;
        }
        let full = milestones.certificate.is_some() || milestones.key_exchange.is_some();
        let resumed = self.session.certificate_status == CertificateStatus::Resumed;
        let server_unseen = !self.server.any || self.server.records.resynchronised;
        let at = match (self.client.done, self.server.done) {
            (Some(client), Some(server)) => Some(client.max(server)),
            // The server finishes behind the client in a full handshake, and sends data behind both.
            (None, Some(server)) if !self.client.is_whole() && (full || milestones.server_data.is_some()) => {
                Some(server)
            }
            // The client of a resumed session finishes behind the server.
            (Some(client), None) if resumed && self.server.changed_cipher => Some(client),
            // A client sends data behind the server's Finished; it may do so before (RFC 7918), so a server that was seen is
            // waited for.
            (Some(_), None) if server_unseen => milestones.client_data,
            _ => None,
        };
        if let Some(at) = at {
            self.establish(at);
        }
    }

    /// Whether the client had a certificate of the server to judge in this session: in a full handshake it has.
    fn is_judged(&self) -> bool {
        match self.session.certificate_status {
            CertificateStatus::Seen => true,
            // In TLS 1.3 an alert may follow that is as long as data.
            CertificateStatus::Encrypted => self.session.milestones.client_data.is_some(),
            CertificateStatus::Resumed => false,
            CertificateStatus::NotCaptured => {
                self.session.milestones.key_exchange.is_some() && !self.no_certificate && !self.is_tls_1_3()
            }
        }
    }

    fn establish(&mut self, moment: Moment) {
        self.session.milestones.established = Some(moment);
        self.session.ending = SessionEnding::Established { at: moment, judged: self.is_judged() };
    }

    /// How far the handshake got.
    const fn stage(&self) -> Stage {
        let milestones = &self.session.milestones;
        if milestones.key_exchange.is_some() {
            Stage::KeyExchange
        } else if milestones.certificate.is_some() {
            Stage::Certificate
        } else if milestones.server_hello.is_some() {
            Stage::ServerHello
        } else if milestones.client_hello.is_some() {
            Stage::ClientHello
        } else {
            Stage::Connected
        }
    }

    fn ending(&self, facts: &ConnectionFacts) -> SessionEnding {
        let session = &self.session;
        if let Some(at) = session.milestones.established {
            return SessionEnding::Established { at, judged: self.is_judged() };
        }
        let refused = |by, how, at| SessionEnding::Refused { by, how, at };
        let fatal = session.alerts.iter().find(|alert| alert.is_fatal());
        match (&self.not_tls, fatal) {
            (Some((_, what)), Some(alert)) => return refused(alert.from, How::NotTls(what.clone()), alert.moment),
            (Some((side, what)), None) => return SessionEnding::Unseen(SessionGap::NotTls(*side, what.clone())),
            (None, Some(Alert { from, clear: Some((_, code)), moment })) => {
                return refused(*from, How::Fatal(AlertCode(*code)), *moment);
            }
            (None, _) => {}
        }
        if facts.reset_answers_syn {
            let at = facts.reset.map(|(_, at)| at).unwrap_or_default();
            return SessionEnding::Silent { syns: facts.syns, reset: true, at };
        }
        let stage = self.stage();
        // A warning need not end anything; one that is followed by the end of the connection did, and so did one that says
        // so. One that cannot be read ends the handshake only if nothing shows that it may have come later.
        let ended_by = |from| facts.closed_by() == Some(from) || facts.reset_by() == Some(from);
        let whole = self.client.is_whole() && self.server.is_whole();
        let ends = |alert: &&Alert| match alert.clear {
            Some((_, CLOSE_NOTIFY | USER_CANCELED)) => true,
            Some(_) => ended_by(alert.from),
            None => whole && !self.early_data,
        };
        if let Some(alert) = session.alerts.iter().find(ends) {
            return refused(alert.from, How::Alert(alert.code(), stage), alert.moment);
        }
        if let Some((side, at)) = facts.reset {
            return refused(side, How::Reset(stage), at);
        }
        let reads_client = !self.client.is_broken() && !self.client.conflict && self.client.any;
        if let (Some((Side::Client, at)), Stage::Certificate, true) = (facts.closed, stage, reads_client) {
            return refused(Side::Client, How::Closed(stage), at);
        }
        if !self.client.any && !self.server.any && facts.syns > 0 && !facts.server_answered {
            return SessionEnding::Silent { syns: facts.syns, reset: false, at: facts.syn_at.unwrap_or_default() };
        }
        SessionEnding::Unseen(self.why_unseen(facts, stage))
    }

    fn why_unseen(&self, facts: &ConnectionFacts, stage: Stage) -> SessionGap {
        if !self.client.any && !self.server.any {
            return if facts.syn_acked {
                SessionGap::NothingSent
            } else if facts.syns > 0 {
                SessionGap::OneSide(Side::Client)
            } else {
                SessionGap::NoData
            };
        }
        if self.client.conflict || self.server.conflict {
            return SessionGap::CopiesDiffer;
        }
        if let Some(length) = [&self.client, &self.server].iter().find_map(|side| side.records.too_long) {
            return SessionGap::TooLong { length, most: LONGEST_MESSAGE };
        }
        if self.unreadable {
            return SessionGap::Unreadable;
        }
        let client_seen = self.client.any || facts.syns > 0 || facts.client_seen;
        let server_seen = self.server.any || facts.syn_acked || facts.closed_by() == Some(Side::Server);
        if !client_seen || !server_seen {
            return SessionGap::OneSide(if client_seen { Side::Client } else { Side::Server });
        }
        if self.client.is_broken() || self.server.is_broken() {
            return if facts.syns == 0 && !self.is_tls() { SessionGap::BeginsLate } else { SessionGap::Missing };
        }
        match facts.closed {
            Some((by, at)) => SessionGap::Closed { by, stage, at },
            None => SessionGap::Cut(stage),
        }
    }

    /// Tells what is new, if it is worth telling before the end.
    fn announce(&mut self, events: &mut Vec<Event>) {
        let news = (self.session.outcome(), self.session.certificate_status);
        let nothing = (SessionOutcome::Pending, CertificateStatus::NotCaptured);
        if news != self.announced.unwrap_or(nothing) {
            self.announced = Some(news);
            events.push(Event::Tls(Box::new(self.session.clone())));
        }
    }
}

/// The lengths that a Finished and an alert have on the wire in TLS 1.3: the message, a byte for its type, and the suite's tag
/// (RFC 8446 5.2, B.4). Where the suite is not known, those of the usual ones.
const fn lengths_1_3(cipher: Option<CipherSuite>) -> (usize, usize) {
    let (hash, tag) = match cipher {
        Some(CipherSuite(0x1302)) => (48, 16),
        Some(CipherSuite(0x1305)) => (32, 8),
        _ => (32, 16),
    };
    (4 + hash + 1 + tag, 2 + 1 + tag)
}
