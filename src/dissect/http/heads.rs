//! What the heads of requests and answers say, read by `httparse`.

use super::message::Framing;

/// Fields in one head at most.
const MOST_FIELDS: usize = 64;
/// Longer names are no files.
const LONGEST_NAME: usize = 1024;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    /// The name in the request's target; `None` where the request is not known.
    pub(super) file: Option<String>,
    pub(super) is_get: bool,
    pub(super) is_head: bool,
}

impl Asked {
    /// What an answer answers whose request was not captured.
    pub(super) const fn unknown() -> Self {
        Self { file: None, is_get: true, is_head: false }
    }

    /// Reads a request's head, and how its body is framed; `None` where it is none.
    pub(super) fn parse(head: &[u8]) -> Option<(Self, Framing)> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        request.parse(head).ok()?.is_complete().then_some(())?;
        let method = request.method?;
        let framing = framing(request.headers).ok()?.unwrap_or(Framing::Length(0));
        let file = file_of_target(request.path?);
        let asked = Self { file: Some(file), is_get: method == "GET", is_head: method == "HEAD" };
        Some((asked, framing))
    }
}

/// How the body was coded besides its framing (RFC 9110 8.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Other,
}

/// The part of a file that a body is (RFC 9110 14.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) total: Option<u64>,
}

/// What an answer's head says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub(super) code: u16,
    pub(super) reason: String,
    pub(super) encoding: Encoding,
    pub(super) part: Option<Part>,
    /// What tells versions of the file apart: its entity tag, else when it was changed.
    pub(super) tag: Option<String>,
}

impl Status {
    /// Reads an answer's head, and how its body is framed if it has one; `None` where it is none.
    pub(super) fn parse(head: &[u8]) -> Option<(Self, Framing)> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        response.parse(head).ok()?.is_complete().then_some(())?;
        let framing = framing(response.headers).ok()?.unwrap_or(Framing::ToEnd);
        let coding = field(response.headers, "Content-Encoding").unwrap_or_default();
        let identity = coding.is_empty() || coding.eq_ignore_ascii_case("identity");
        let tag = field(response.headers, "ETag").or_else(|| field(response.headers, "Last-Modified"));
        let status = Self {
            code: response.code?,
            reason: response.reason.unwrap_or_default().to_owned(),
            encoding: if identity { Encoding::Identity } else { Encoding::Other },
            part: field(response.headers, "Content-Range").and_then(part),
            tag: tag.filter(|tag| tag.len() <= LONGEST_NAME).map(str::to_owned),
        };
        Some((status, framing))
    }
}

/// The head says two things of its body, or nothing that can be read.
struct Contradiction;

/// How a body is framed by its head (RFC 9112 6.3): `None` where the head does not say.
fn framing(fields: &[httparse::Header<'_>]) -> Result<Option<Framing>, Contradiction> {
    let all = |name: &'static str| fields.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
    let codings: Vec<&[u8]> = all("Transfer-Encoding").map(|field| field.value).collect();
    if let [only] = codings[..] {
        let chunked = only.trim_ascii().eq_ignore_ascii_case(b"chunked");
        return if chunked { Ok(Some(Framing::Chunked)) } else { Err(Contradiction) };
    }
    if !codings.is_empty() {
        return Err(Contradiction);
    }
    let mut length = None;
    for field in all("Content-Length") {
        let digits = field.value.trim_ascii();
        let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
        let value = plain.then(|| std::str::from_utf8(digits).ok()?.parse::<u64>().ok()).flatten();
        let value = value.ok_or(Contradiction)?;
        if length.is_some_and(|before| before != value) {
            return Err(Contradiction);
        }
        length = Some(value);
    }
    Ok(length.map(Framing::Length))
}

fn field<'a>(fields: &[httparse::Header<'a>], name: &str) -> Option<&'a str> {
    let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(field.value).ok().map(str::trim)
}

/// `bytes 0-1023/5438`; the total may be `*`.
fn part(text: &str) -> Option<Part> {
    let (range, total) = text.strip_prefix("bytes")?.trim_start().split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    let total = total.trim().parse().ok();
    let sound = first <= last && total.is_none_or(|total: u64| last < total);
    sound.then_some(Part { first, last, total })
}

/// The file's name in the target of a request: its path without the slash it begins with, percent-decoded.
fn file_of_target(target: &str) -> String {
    let path = target
        .strip_prefix("http://")
        .map_or(target, |rest| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or(""));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_start_matches('/');
    let path = path.get(..path.len().min(LONGEST_NAME)).unwrap_or(path);
    let mut name = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| after.get(at).and_then(|&digit| char::from(digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(0), digit(1)) {
            name.push(u8::try_from(high << 4 | low).unwrap_or(byte));
            rest = after.get(2..).unwrap_or_default();
        } else {
            name.push(byte);
            rest = after;
        }
    }
    String::from_utf8_lossy(&name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_targets() {
        for (target, name) in [
            ("/CTLSEP0011215A1AE3.tlv", "CTLSEP0011215A1AE3.tlv"),
            ("//ITLFile.tlv?x=1", "ITLFile.tlv"),
            ("http://cucm:6970/Desktops/320x212x12/List.xml#a", "Desktops/320x212x12/List.xml"),
            ("/English%5fUnited%20States/a%zz%4", "English_United States/a%zz%4"),
            ("/%e2%82%ac%ff", "\u{20ac}\u{fffd}"),
            ("*", "*"),
        ] {
            assert_eq!(file_of_target(target), name, "{target}");
        }
    }

    #[test]
    fn parts_of_files() {
        assert_eq!(part("bytes 0-9/10"), Some(Part { first: 0, last: 9, total: Some(10) }));
        assert_eq!(part("bytes 5-9/*"), Some(Part { first: 5, last: 9, total: None }));
        for text in ["", "bytes */10", "bytes 9-5/10", "bytes 0-10/10", "lines 0-9/10", "bytes -5/10"] {
            assert_eq!(part(text), None, "{text}");
        }
    }

    #[test]
    fn framing_that_contradicts_itself() {
        let parse = |fields: &str| {
            Status::parse(format!("HTTP/1.1 200 OK\r\n{fields}\r\n").as_bytes()).map(|(_, framing)| framing)
        };
        assert_eq!(parse(""), Some(Framing::ToEnd));
        assert_eq!(parse("Content-length: 5\r\n"), Some(Framing::Length(5)));
        assert_eq!(parse("Content-length: 5\r\ncontent-LENGTH: 5\r\n"), Some(Framing::Length(5)));
        assert_eq!(parse("Content-length: 5\r\nTransfer-Encoding: Chunked\r\n"), Some(Framing::Chunked));
        for fields in [
            "Content-Length: 5\r\nContent-Length: 6\r\n",
            "Content-Length: -5\r\n",
            "Content-Length: \r\n",
            "Transfer-Encoding: gzip, chunked\r\n",
        ] {
            assert_eq!(parse(fields), None, "{fields}");
        }
    }
}
