//! What of a phone's frames may be secret, and where it begins.
//!
//! In: a phone, and a frame. Out: whether the frame is one of the phone's, and from which byte on it is not for others: frames are
//! cut there, as a short snap length would, so that nobody takes what is left for a whole file. It decides by what was read and not
//! by names: configurations hold passwords, and come under any name, that of a trust list too. Only what was read as a trust
//! list stays, and heads of messages without their lines of credentials. It refuses to write.

use std::net::SocketAddr;

use crate::capture::Frame;
use crate::event::Transport;
use crate::packet::{self, Whereabouts};
use crate::phone::Phone;

/// Lines of heads of HTTP and SIP that tell what only both ends may know (RFC 9110 11, RFC 6265, RFC 3261 22).
const CREDENTIALS: [&str; 5] = ["authorization", "proxy-authorization", "authentication-info", "cookie", "set-cookie"];

/// Where a phone's frames are told by: its ends of conversations, and which of them carried trust lists when.
pub(super) struct Ends {
    clients: Vec<SocketAddr>,
    /// Ends that fetched a trust list, the source of its frames, and its first and last frame.
    lists: Vec<(SocketAddr, u16, u64, u64)>,
    http: Vec<SocketAddr>,
}

impl Ends {
    pub(super) fn of(phone: &Phone) -> Self {
        let downloads = phone.downloads.iter();
        let mut clients: Vec<SocketAddr> = downloads.clone().map(|download| download.client).collect();
        clients.extend(phone.sessions.iter().map(|session| session.client));
        clients.extend(phone.reports.iter().map(|report| report.client));
        clients.sort_unstable();
        clients.dedup();
        let lists = downloads
            .clone()
            .filter(|download| download.list.is_some())
            .map(|download| {
                let (first, last) = (download.span.first.frame, download.span.last.frame);
                (download.client, first.source, first.number, last.number)
            })
            .collect();
        let http = downloads.filter(|download| download.transport == Transport::Http);
        Self { clients, lists, http: http.map(|download| download.client).collect() }
    }

    /// Whether the frame is one of the phone's.
    pub(super) fn concern(&self, frame: &Frame<'_>) -> bool {
        match packet::whereabouts(frame) {
            Some(Whereabouts::Transport { src, dst, .. }) => {
                self.clients.binary_search(&src).is_ok() || self.clients.binary_search(&dst).is_ok()
            }
            Some(Whereabouts::Fragment { src, dst, .. }) => {
                self.clients.iter().any(|client| client.ip() == src || client.ip() == dst)
            }
            None => false,
        }
    }

    /// The byte of the frame from which on it may hold something secret.
    pub(super) fn hidden_from(&self, frame: &Frame<'_>) -> Option<usize> {
        match packet::whereabouts(frame)? {
            Whereabouts::Fragment { payload, first, .. } => {
                // Whose a fragment is, only its first one says. A datagram's header and TFTP's stay.
                let start = if first { payload.start.saturating_add(12) } else { payload.start };
                (start < payload.end).then_some(start)
            }
            Whereabouts::Transport { src, dst, tcp: false, payload } => {
                let bytes = frame.data.get(payload.clone())?;
                let hidden = match bytes {
                    [0, 3, _, _, _, ..] if !self.is_list(frame, src) && !self.is_list(frame, dst) => Some(4),
                    [0, 3, ..] => None,
                    _ => credentials(bytes),
                };
                Some(payload.start.saturating_add(hidden?))
            }
            Whereabouts::Transport { src, dst, payload, .. } => {
                let bytes = frame.data.get(payload.clone())?;
                let is_http = self.http.contains(&src) || self.http.contains(&dst);
                let hidden = if is_http && !self.is_list(frame, dst) { behind_head(bytes) } else { None };
                let hidden = [hidden, credentials(bytes)].into_iter().flatten().min();
                Some(payload.start.saturating_add(hidden?))
            }
        }
    }

    /// Whether the frame is of a trust list that went to this end.
    fn is_list(&self, frame: &Frame<'_>, client: SocketAddr) -> bool {
        let id = frame.id;
        self.lists.iter().any(|&(end, source, first, last)| {
            end == client && source == id.source && (first..=last).contains(&id.number)
        })
    }
}

/// Where a piece of an HTTP connection goes on behind the head of a message; from its beginning, where none begins there.
fn behind_head(bytes: &[u8]) -> Option<usize> {
    let start = if begins_message(bytes) { find(bytes, b"\r\n\r\n").map_or(bytes.len(), |at| at + 4) } else { 0 };
    (start < bytes.len()).then_some(start)
}

/// `HTTP/1.1 200 OK`, or a method.
fn begins_message(bytes: &[u8]) -> bool {
    let word = bytes.split(|&byte| byte == b' ').next().unwrap_or_default();
    bytes.starts_with(b"HTTP/1.")
        || (word.len() < bytes.len() && matches!(word.len(), 3..=16) && word.is_ascii())
            && word.iter().all(u8::is_ascii_uppercase)
}

/// Where the first line of credentials begins.
fn credentials(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    for line in bytes.split_inclusive(|&byte| matches!(byte, b'\r' | b'\n')) {
        let name = line.split(|&byte| byte == b':').next().unwrap_or_default().trim_ascii();
        // The second one is a line that began in an earlier segment.
        if CREDENTIALS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
            || find(line, b"Digest username").is_some()
        {
            return Some(at);
        }
        at += line.len();
    }
    None
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(bytes: &str, hidden: Option<usize>) -> &str {
        hidden.map_or(bytes, |at| bytes.get(..at).unwrap())
    }

    #[test]
    fn lines_of_credentials_are_found_in_any_spelling() {
        for (text, kept) in [
            ("GET /x HTTP/1.1\r\nHost: a\r\nAuthorization: Basic c2VjcmV0\r\n", "GET /x HTTP/1.1\r\nHost: a\r\n"),
            ("GET /x HTTP/1.1\nCOOKIE : secret", "GET /x HTTP/1.1\n"),
            ("REGISTER sip:a SIP/2.0\r\nAuthorization:Digest username=\"x\"", "REGISTER sip:a SIP/2.0\r\n"),
            ("ization: Digest username=\"x\", response=\"0\"", ""),
            ("GET / HTTP/1.1\r\nHost: Authorization\r\n\r\n", "GET / HTTP/1.1\r\nHost: Authorization\r\n\r\n"),
        ] {
            assert_eq!(left(text, credentials(text.as_bytes())), kept, "{text}");
        }
    }

    #[test]
    fn of_http_only_heads_stay() {
        for (text, kept) in [
            ("HTTP/1.1 200 OK\r\n\r\n<device>", "HTTP/1.1 200 OK\r\n\r\n"),
            ("POST /x HTTP/1.1\r\n\r\npassword", "POST /x HTTP/1.1\r\n\r\n"),
            ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("<sshPassword>secret", ""),
            ("SECRET", ""),
            ("a line of a head\r\n\r\n", ""),
        ] {
            assert_eq!(left(text, behind_head(text.as_bytes())), kept, "{text}");
        }
        assert_eq!(behind_head(b""), None);
    }
}
