//! TFTP messages (RFC 1350 5) with their options (RFC 2347, 2348, 2349, 7440).

use crate::bytes::Reader;

/// One TFTP message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// A file is asked for (RRQ).
    Read(Request),
    /// A file is to be written (WRQ).
    Write,
    Data {
        block: u16,
        bytes: &'a [u8],
    },
    Ack {
        block: u16,
    },
    Error {
        code: u16,
        message: String,
    },
    /// The server says which options it accepts.
    OptionAck(Options),
}

/// What a read request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) file: String,
    pub(super) netascii: bool,
    pub(super) options: Options,
}

/// Options that change how a transfer is read; others are counted as present only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Options {
    /// Data bytes a block (RFC 2348).
    pub(super) block_size: Option<usize>,
    /// Length of the file (RFC 2349); 0 in a request.
    pub(super) transfer_size: Option<u64>,
    /// Blocks an acknowledgment (RFC 7440).
    pub(super) window_size: Option<u16>,
    /// Whether there is any option at all.
    pub(super) any: bool,
}

/// Requests are no longer than this (RFC 2347: "the maximum size of a request packet is 512 octets").
const LONGEST_REQUEST: usize = 512;
/// What is kept of the text of an error.
const LONGEST_TEXT: usize = 256;

impl<'a> Message<'a> {
    /// Reads a message; `None` where the bytes are none. `cut` says that the datagram's end is not in the capture.
    pub(super) fn parse(payload: &'a [u8], cut: bool) -> Option<Self> {
        let mut reader = Reader::new(payload);
        match reader.u16()? {
            1 if payload.len() <= LONGEST_REQUEST => Request::parse(&mut reader).map(Self::Read),
            2 if payload.len() <= LONGEST_REQUEST => Request::parse(&mut reader).map(|_| Self::Write),
            3 => Some(Self::Data { block: reader.u16()?, bytes: reader.rest() }),
            // Some servers pad acknowledgments; nothing legitimate is long.
            4 if payload.len() <= 64 => Some(Self::Ack { block: reader.u16()? }),
            5 => {
                let code = reader.u16()?;
                let text = reader.rest();
                // The text should end with a NUL; servers that forget it are understood all the same.
                let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
                let text = text.get(..LONGEST_TEXT).unwrap_or(text);
                (code <= 8 || payload.len() <= 512)
                    .then(|| Self::Error { code, message: String::from_utf8_lossy(text).trim().to_owned() })
            }
            6 if !cut => Options::parse(&mut reader).map(Self::OptionAck),
            _ => None,
        }
    }
}

impl Request {
    fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let file = reader.until(0)?;
        let mode = reader.until(0)?;
        if file.is_empty() {
            return None;
        }
        // Modes come in any case (RFC 1350 5): Cisco phones write OCTET (domain.md 4.3).
        let netascii = if mode.eq_ignore_ascii_case(b"netascii") {
            true
        } else if mode.eq_ignore_ascii_case(b"octet") || mode.eq_ignore_ascii_case(b"binary") {
            false
        } else {
            return None;
        };
        // Very old firmware appends one more NUL (domain.md 4.3); that is no option.
        let options = Options::parse(reader).unwrap_or_default();
        Some(Self { file: String::from_utf8_lossy(file).into_owned(), netascii, options })
    }
}

impl Options {
    /// Reads pairs of NUL-terminated name and value up to the end; `None` where they are no such pairs.
    fn parse(reader: &mut Reader<'_>) -> Option<Self> {
        let mut options = Self::default();
        while !reader.is_empty() {
            let name = reader.until(0)?;
            if name.is_empty() && reader.is_empty() {
                break;
            }
            let value = std::str::from_utf8(reader.until(0)?).ok()?.trim();
            options.any = true;
            if name.eq_ignore_ascii_case(b"blksize") {
                options.block_size = value.parse().ok().filter(|size| (1..=65464).contains(size));
            } else if name.eq_ignore_ascii_case(b"tsize") {
                options.transfer_size = value.parse().ok();
            } else if name.eq_ignore_ascii_case(b"windowsize") {
                options.window_size = value.parse().ok();
            }
        }
        Some(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_of_the_source_documents() {
        // domain.md 4.3: 31 bytes, mode in capitals, no options.
        let payload = b"\0\x01CTLSEP0011215A1AE3.tlv\0OCTET\0";
        assert_eq!(payload.len(), 31);
        let Some(Message::Read(request)) = Message::parse(payload, false) else { panic!() };
        assert_eq!(request.file, "CTLSEP0011215A1AE3.tlv");
        assert!(!request.netascii);
        assert_eq!(request.options, Options::default());
    }

    #[test]
    fn options_in_any_case_and_an_extra_nul() {
        let payload = b"\0\x01f\0NetASCII\0BLKSIZE\x001428\0tsize\x000\0windowsize\x0016\0x\0y\0";
        let Some(Message::Read(request)) = Message::parse(payload, false) else { panic!() };
        assert!(request.netascii);
        let expected = Options { block_size: Some(1428), transfer_size: Some(0), window_size: Some(16), any: true };
        assert_eq!(request.options, expected);
        let Some(Message::Read(request)) = Message::parse(b"\0\x01f\0octet\0\0", false) else { panic!() };
        assert!(!request.options.any);
    }

    #[test]
    fn what_is_no_message() {
        for payload in
            [&b""[..], b"\0", b"\0\x01", b"\0\x01\0octet\0", b"\0\x01f\0mail\0", b"\0\x01f", b"\0\x07ab", b"\0\x03\0"]
        {
            assert_eq!(Message::parse(payload, false), None, "{payload:?}");
        }
        assert_eq!(Message::parse(b"\0\x06blksize\x0051", true), None, "an option that is cut could be 512");
    }

    #[test]
    fn requests_are_short_and_so_is_what_is_kept_of_errors() {
        let request = |length: usize| [b"\0\x01", &vec![b'f'; length][..], b"\0octet\0"].concat();
        assert!(matches!(Message::parse(&request(503), false), Some(Message::Read(_))));
        assert_eq!(Message::parse(&request(504), false), None);
        let error = [b"\0\x05\0\x01", &[b'e'; 5000][..]].concat();
        assert!(matches!(Message::parse(&error, false), Some(Message::Error { message, .. }) if message.len() == 256));
    }

    #[test]
    fn errors_with_and_without_their_nul() {
        let expected = Message::Error { code: 1, message: "File not found".into() };
        assert_eq!(Message::parse(b"\0\x05\0\x01File not found\0", false), Some(expected.clone()));
        assert_eq!(Message::parse(b"\0\x05\0\x01File not found", false), Some(expected));
    }
}
