//! Packets of a world: TFTP, HTTP, TLS, SIP, DHCP.
//!
//! In: what hosts say to each other. Out: [`Packet`]s, each with what recorders go by, and a table of what truly went over the
//! wire. It refuses to know why anybody says anything.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use itlscope::testkit::{ACK, FIN, RST, SYN, ip, tcp, tls, udp};

use super::pki::{Cert, hex, sha1};
use super::world::{MILLISECOND, Refusal, SECOND, START, Tls};

/// An IP packet on its way.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    /// Nanoseconds.
    pub(crate) time: i64,
    pub(crate) bytes: Vec<u8>,
    /// Destination and source.
    pub(crate) macs: [[u8; 6]; 2],
    pub(crate) from_client: bool,
    pub(crate) is_udp: bool,
    pub(crate) whose: Whose,
}

/// Whose conversation a packet belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Of a phone, in its so-many-th round.
    Phone {
        phone: usize,
        round: usize,
    },
    Host,
}

/// A file that a server truly sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SentFile {
    pub(crate) client: IpAddr,
    pub(crate) server: IpAddr,
    pub(crate) name: String,
    pub(crate) sha1: String,
    pub(crate) length: u64,
}

/// A TLS session that truly was.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Nanoseconds.
    pub(crate) at: i64,
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) presents: Option<Cert>,
    /// The server gave a sign of life.
    pub(crate) answered: bool,
    /// The handshake went through on both sides.
    pub(crate) completed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) packets: Vec<Packet>,
    pub(crate) files: Vec<SentFile>,
    pub(crate) sessions: Vec<Session>,
    /// Requests that truly got no answer: client, server, name.
    pub(crate) silent: Vec<(IpAddr, IpAddr, String)>,
    /// Requests that were truly refused.
    pub(crate) refused: Vec<(IpAddr, IpAddr, String)>,
    sent: u16,
}

/// One host's place on the wire.
#[derive(Debug)]
pub(crate) struct Line<'w> {
    pub(crate) wire: &'w mut Wire,
    /// Nanoseconds.
    pub(crate) now: i64,
    pub(crate) address: [u8; 4],
    pub(crate) mac: [u8; 6],
    pub(crate) whose: Whose,
    pub(crate) port: u16,
    /// Every so-many-th datagram is sent twice.
    pub(crate) repeats: Option<u8>,
    /// What another host answers to requests for lists as well.
    pub(crate) rival: Option<Arc<Vec<u8>>>,
}

/// Where a rival of a TFTP server stands.
const RIVAL: [u8; 4] = [10, 20, 0, 66];

/// What a server has to say to a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply<'f> {
    File(&'f [u8]),
    NotFound,
    Silence,
}

const SERVER_MAC: [u8; 6] = [0, 0x1b, 0x54, 1, 2, 3];
/// Between two packets of one exchange.
const STEP: i64 = 900_000;

impl Line<'_> {
    pub(crate) fn seconds(&self) -> i64 {
        (self.now - START * SECOND).div_euclid(SECOND)
    }

    fn socket(&mut self) -> SocketAddr {
        self.port += 1;
        SocketAddr::from((self.address, self.port))
    }

    fn put(&mut self, from_client: bool, is_udp: bool, at: i64, ends: [SocketAddr; 2], payload: &[u8]) {
        self.wire.sent = self.wire.sent.wrapping_add(1);
        let protocol = if is_udp { 17 } else { 6 };
        let bytes = ip(ends[0].ip(), ends[1].ip(), protocol, self.wire.sent, payload);
        let macs = if from_client { [SERVER_MAC, self.mac] } else { [self.mac, SERVER_MAC] };
        self.wire.packets.push(Packet { time: at, bytes, macs, from_client, is_udp, whose: self.whose });
    }

    fn datagram(&mut self, from_client: bool, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        self.now += STEP;
        let bytes = udp(from.port(), to.port(), payload);
        self.put(from_client, true, self.now, [from, to], &bytes);
        if self.repeats.is_some_and(|every| self.wire.sent.is_multiple_of(u16::from(every))) {
            // On its way twice: the other side takes no notice.
            self.put(from_client, true, self.now + STEP / 2, [from, to], &bytes);
        }
    }

    fn sent(&mut self, server: [u8; 4], name: &str, file: &[u8]) {
        self.wire.files.push(SentFile {
            client: self.address.into(),
            server: server.into(),
            name: name.to_owned(),
            sha1: hex(&sha1(file)),
            length: file.len() as u64,
        });
    }

    /// A request over TFTP, as 7975-class phones make it (domain.md 4.3). The last block comes again `late_block` later.
    pub(crate) fn tftp(&mut self, server: [u8; 4], name: &str, reply: Reply<'_>, late_block: Option<i64>) {
        let client = self.socket();
        let asked = SocketAddr::from((server, 69));
        let from = SocketAddr::from((server, 32_768 + self.port % 20_000));
        let request = [b"\0\x01", name.as_bytes(), b"\0OCTET\0"].concat();
        self.datagram(true, client, asked, &request);
        match reply {
            Reply::NotFound => {
                self.datagram(false, from, client, b"\0\x05\0\x01File not found\0");
                self.wire.refused.push((client.ip(), asked.ip(), name.to_owned()));
            }
            Reply::Silence => {
                for _ in 0..2 {
                    self.now += 4 * SECOND;
                    self.datagram(true, client, asked, &request);
                }
                self.now += 4 * SECOND;
                self.wire.silent.push((client.ip(), asked.ip(), name.to_owned()));
            }
            Reply::File(file) => {
                self.sent(server, name, file);
                let mut last = Vec::new();
                for number in 1..=file.len() / 512 + 1 {
                    let block = &file[(number - 1) * 512..file.len().min(number * 512)];
                    let number = u16::try_from(number).unwrap().to_be_bytes();
                    last = [&[0, 3], &number[..], block].concat();
                    self.datagram(false, from, client, &last);
                    self.datagram(true, client, from, &[&[0, 4], &number[..]].concat());
                    if let Some(other) = self.rival.take_if(|_| name.starts_with("ITL")) {
                        self.rival_answers(client, name, &other);
                    }
                }
                if let Some(later) = late_block {
                    let bytes = udp(from.port(), client.port(), &last);
                    self.put(false, true, self.now + later * MILLISECOND, [from, client], &bytes);
                }
            }
        }
    }

    /// A second answer comes too late, in one block: the phone does not take it (RFC 1350, error 5).
    fn rival_answers(&mut self, client: SocketAddr, name: &str, file: &[u8]) {
        let from = SocketAddr::from((RIVAL, 51_111));
        self.sent(RIVAL, name, file);
        self.datagram(false, from, client, &[&[0, 3, 0, 1], file].concat());
        self.datagram(true, client, from, b"\0\x05\0\x05Unknown transfer ID\0");
    }

    /// Behind the last block of the last transfer the phone ends it: it has no room (RFC 1350, error 3).
    pub(crate) fn no_room(&mut self, server: [u8; 4]) {
        let from = SocketAddr::from((server, 32_768 + self.port % 20_000));
        let client = SocketAddr::from((self.address, self.port));
        self.datagram(true, client, from, b"\0\x05\0\x03Disk full\0");
    }

    /// Blocks of a file that nobody asked for, to a phone.
    pub(crate) fn inject(&mut self, to: [u8; 4], file: &[u8]) {
        let (from, client) = (self.socket(), SocketAddr::from((to, 49_152)));
        self.wire.files.push(SentFile {
            client: to.into(),
            server: self.address.into(),
            name: "ITLFile.tlv".to_owned(),
            sha1: hex(&sha1(file)),
            length: file.len() as u64,
        });
        for (number, block) in (1u16..).zip(file.chunks(512)) {
            self.datagram(false, from, client, &[&[0, 3], &number.to_be_bytes()[..], block].concat());
        }
    }

    /// A request over HTTP (domain.md 4.4).
    pub(crate) fn http(&mut self, server: [u8; 4], name: &str, reply: Reply<'_>) {
        let mut stream = Stream::new(self, SocketAddr::from((server, 6970)));
        if matches!(reply, Reply::Silence) {
            stream.syns(self, 2);
            self.wire.silent.push((self.address.into(), server.into(), name.to_owned()));
            return;
        }
        stream.open(self);
        stream.client(
            self,
            ACK,
            format!("GET /{name} HTTP/1.1\r\nHost: {}:6970\r\n\r\n", IpAddr::from(server)).as_bytes(),
        );
        stream.server(self, ACK, &[]);
        if let Reply::File(file) = reply {
            self.sent(server, name, file);
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-length: {}\r\nCache-Control: no-store\r\nContent-type: */*\r\n\r\n",
                file.len()
            );
            stream.from_server(self, &[head.as_bytes(), file].concat());
        } else {
            stream.from_server(self, b"HTTP/1.1 404 Not Found\r\nContent-length: 0\r\n\r\n");
            self.wire.refused.push((self.address.into(), server.into(), name.to_owned()));
        }
        stream.close(self);
    }

    /// A lease (RFC 2131): the server's ACK, with the phone's name as its host name.
    pub(crate) fn dhcp(&mut self, host_name: &str) {
        let mut message = vec![2, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0];
        message.extend(self.address);
        message.extend([0; 8]);
        message.extend(self.mac);
        message.resize(236, 0);
        message.extend([99, 130, 83, 99, 53, 1, 5, 54, 4, 10, 20, 0, 1, 51, 4, 0, 1, 0, 0, 12]);
        message.push(u8::try_from(host_name.len()).unwrap());
        message.extend(host_name.as_bytes());
        message.push(255);
        let (server, client) = (SocketAddr::from(([10, 20, 0, 1], 67)), SocketAddr::from((self.address, 68)));
        self.datagram(false, server, client, &message);
    }

    /// The alarm DeviceTLInfo in a REFER, and a REGISTER after it (domain.md 4.6).
    pub(crate) fn sip(&mut self, server: [u8; 4], over_tcp: bool, messages: &[String]) {
        let server = SocketAddr::from((server, 5060));
        if over_tcp {
            let mut stream = Stream::new(self, server);
            stream.open(self);
            for message in messages {
                stream.from_client(self, message.as_bytes());
                stream.from_server(self, b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
            stream.close(self);
        } else {
            let client = self.socket();
            for message in messages {
                self.datagram(true, client, server, message.as_bytes());
                self.datagram(false, server, client, b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
        }
    }
}

/// A TCP connection.
#[derive(Debug)]
pub(crate) struct Stream {
    client: SocketAddr,
    server: SocketAddr,
    seqs: [u32; 2],
}

impl Stream {
    pub(crate) fn new(line: &mut Line<'_>, server: SocketAddr) -> Self {
        let client = line.socket();
        Self { client, server, seqs: [7919, 104_729].map(|factor| u32::from(line.port).wrapping_mul(factor)) }
    }

    fn segment(&mut self, line: &mut Line<'_>, from_client: bool, flags: u8, payload: &[u8]) {
        line.now += STEP;
        let (own, other) = if from_client { (0, 1) } else { (1, 0) };
        let ends = if from_client { [self.client, self.server] } else { [self.server, self.client] };
        let ack = if flags & ACK == 0 { 0 } else { self.seqs[other] };
        let bytes = tcp(ends[0].port(), ends[1].port(), (self.seqs[own], ack), flags, payload);
        line.put(from_client, false, line.now, ends, &bytes);
        let taken = u32::try_from(payload.len()).unwrap() + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        self.seqs[own] = self.seqs[own].wrapping_add(taken);
    }

    fn client(&mut self, line: &mut Line<'_>, flags: u8, payload: &[u8]) {
        self.segment(line, true, flags, payload);
    }

    fn server(&mut self, line: &mut Line<'_>, flags: u8, payload: &[u8]) {
        self.segment(line, false, flags, payload);
    }

    fn open(&mut self, line: &mut Line<'_>) {
        self.client(line, SYN, &[]);
        self.server(line, SYN | ACK, &[]);
        self.client(line, ACK, &[]);
    }

    /// SYNs that nobody answers.
    fn syns(&mut self, line: &mut Line<'_>, count: i64) {
        for again in 1..=count {
            self.client(line, SYN, &[]);
            self.seqs[0] = self.seqs[0].wrapping_sub(1);
            line.now += again * SECOND;
        }
    }

    fn from_client(&mut self, line: &mut Line<'_>, bytes: &[u8]) {
        bytes.chunks(1400).for_each(|chunk| self.client(line, ACK, chunk));
        self.server(line, ACK, &[]);
    }

    fn from_server(&mut self, line: &mut Line<'_>, bytes: &[u8]) {
        bytes.chunks(1400).for_each(|chunk| self.server(line, ACK, chunk));
        self.client(line, ACK, &[]);
    }

    fn close(&mut self, line: &mut Line<'_>) {
        self.client(line, FIN | ACK, &[]);
        self.server(line, FIN | ACK, &[]);
        self.client(line, ACK, &[]);
    }
}

/// A TLS session in its course.
#[derive(Debug)]
pub(crate) struct Talk {
    stream: Stream,
    tls: Tls,
    resumes: bool,
    /// Its place among the true sessions.
    index: usize,
}

/// How a server that was called answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Presents(Cert),
    /// Takes up an earlier session, without showing its certificate.
    Resumes(Cert),
    Silence,
    Reset,
    HandshakeFailure,
}

fn filler(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from((n * 37 + 11) % 256).unwrap() | 0x80).collect()
}

impl Talk {
    /// Calls a server. What comes back is its flight, up to where the phone has to decide; `None` where it did not get so far.
    pub(crate) fn call(line: &mut Line<'_>, server: SocketAddr, tls: Tls, answer: Answer) -> Option<Self> {
        let mut stream = Stream::new(line, server);
        let (presents, resumes) = match answer {
            Answer::Presents(cert) => (Some(cert), false),
            Answer::Resumes(cert) => (Some(cert), true),
            _ => (None, false),
        };
        line.wire.sessions.push(Session {
            at: line.now,
            client: stream.client,
            server,
            presents,
            answered: answer != Answer::Silence,
            completed: false,
        });
        let index = line.wire.sessions.len() - 1;
        match answer {
            Answer::Silence => {
                stream.syns(line, 3);
                return None;
            }
            Answer::Reset => {
                stream.client(line, SYN, &[]);
                stream.server(line, RST | ACK, &[]);
                return None;
            }
            Answer::Presents(_) | Answer::Resumes(_) | Answer::HandshakeFailure => {}
        }
        stream.open(line);
        let hello = match tls {
            Tls::One => tls::client_hello(0x0301, &[]),
            Tls::OneTwo => tls::client_hello(0x0303, &[]),
            Tls::OneThree => tls::client_hello(0x0303, &[(43, &[2, 3, 4])]),
        };
        stream.from_client(line, &tls::record(22, &hello));
        let Some(cert) = presents else {
            stream.server(line, ACK, &tls::alert(2, 40));
            stream.server(line, FIN | ACK, &[]);
            stream.client(line, FIN | ACK, &[]);
            stream.server(line, ACK, &[]);
            return None;
        };
        let talk = Self { stream, tls, resumes, index };
        let flight = if resumes {
            let (version, suite) = if tls == Tls::One { (0x0301, 0x35) } else { (0x0303, 0x9c) };
            let hello = tls::record_of(22, version, &tls::server_hello(version, suite, &[]));
            [hello, tls::change_cipher_spec(), talk.record(22, 16)].concat()
        } else if tls == Tls::OneThree {
            let hello = tls::record_of(22, 0x0303, &tls::server_hello(0x0303, 0x1301, &[(43, &[3, 4])]));
            let length = cert.der().len();
            [
                hello,
                tls::change_cipher_spec(),
                talk.record(23, 6),
                talk.record(23, length + 13),
                talk.record(23, 264),
                talk.record(23, 36),
            ]
            .concat()
        } else {
            let (version, suite) = if tls == Tls::One { (0x0301, 0x35) } else { (0x0303, 0x9c) };
            let der = cert.der();
            let messages =
                [tls::server_hello(version, suite, &[]), tls::certificate(&[&der]), tls::server_hello_done()];
            tls::record_of(22, version, &messages.concat())
        };
        let mut talk = talk;
        talk.stream.from_server(line, &flight);
        Some(talk)
    }

    /// An encrypted record around so many bytes.
    fn record(&self, kind: u8, plain: usize) -> Vec<u8> {
        let (version, length) = match self.tls {
            Tls::One => (0x0301, (plain + 20 + 16) / 16 * 16),
            Tls::OneTwo => (0x0303, plain + 24),
            Tls::OneThree => (0x0303, plain + 17),
        };
        let kind = if self.tls == Tls::OneThree { 23 } else { kind };
        tls::record_of(kind, version, &filler(length))
    }

    /// The phone does not like the certificate.
    pub(crate) fn refuse(mut self, line: &mut Line<'_>, how: Refusal) {
        let description = match how {
            Refusal::UnknownCa => Some(48),
            Refusal::BadCertificate => Some(42),
            Refusal::Fin | Refusal::Rst => None,
        };
        if let Some(description) = description {
            let alert = if self.tls == Tls::OneThree { self.record(23, 2) } else { tls::alert(2, description) };
            self.stream.client(line, ACK, &alert);
        }
        if how == Refusal::Rst {
            self.stream.client(line, RST | ACK, &[]);
        } else {
            self.stream.close(line);
        }
    }

    /// The handshake goes through, so many bytes go to the server and back, and it ends.
    pub(crate) fn exchange(mut self, line: &mut Line<'_>, asks: usize, answers: usize) {
        line.wire.sessions[self.index].completed = true;
        if self.tls == Tls::OneThree {
            let finished = [tls::change_cipher_spec(), self.record(23, 36)].concat();
            self.stream.from_client(line, &finished);
        } else if self.resumes {
            let finished = [tls::change_cipher_spec(), self.record(22, 16)].concat();
            self.stream.from_client(line, &finished);
        } else {
            let finished = self.record(22, 16);
            let turn =
                [tls::record(22, &tls::client_key_exchange()), tls::change_cipher_spec(), finished.clone()].concat();
            self.stream.from_client(line, &turn);
            self.stream.from_server(line, &[tls::change_cipher_spec(), finished].concat());
        }
        if asks > 0 {
            let (request, reply) = (self.record(23, asks), self.record(23, answers));
            self.stream.from_client(line, &request);
            self.stream.from_server(line, &reply);
        }
        let farewell = self.record(21, 2);
        self.stream.from_client(line, &farewell);
        self.stream.from_server(line, &farewell);
        self.stream.close(line);
    }
}
