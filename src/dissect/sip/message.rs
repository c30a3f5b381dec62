//! SIP messages (RFC 3261 7), as far as phones' requests need them.

/// The head of a request: its method and its header fields.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) method: &'a str,
    fields: &'a str,
}

/// Longer heads than this do not belong to phones.
pub(super) const LONGEST_HEAD: usize = 16 << 10;

/// Whether a message could begin with these bytes, as far as they go.
pub(super) fn may_begin(bytes: &[u8]) -> bool {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    if line.len() < bytes.len() {
        return is_start_line(line.strip_suffix(b"\r").unwrap_or(line));
    }
    bytes.len() <= LONGEST_HEAD
        && bytes.iter().all(|&byte| (0x20..0x7f).contains(&byte) || byte == b'\r' || byte >= 0x80)
}

/// `REFER sip:192.0.2.1 SIP/2.0` or `SIP/2.0 200 OK`.
pub(super) fn is_start_line(line: &[u8]) -> bool {
    line.starts_with(b"SIP/2.0 ") || (line.ends_with(b" SIP/2.0") && line.first().is_some_and(u8::is_ascii_uppercase))
}

impl<'a> Head<'a> {
    /// Reads a whole head; `None` where it is no SIP message. A response has an empty method.
    pub(super) fn parse(head: &'a [u8]) -> Option<Self> {
        // Display names may be in any encoding; everything of interest is ASCII, so a head that is not UTF-8 is cut there.
        let text = match std::str::from_utf8(head) {
            Ok(text) => text,
            Err(error) => std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?,
        };
        let (line, fields) = text.split_once('\n')?;
        let line = line.trim_end_matches('\r');
        if !is_start_line(line.as_bytes()) {
            return None;
        }
        let method = if line.starts_with("SIP/2.0 ") { "" } else { line.split(' ').next().unwrap_or_default() };
        Some(Self { method, fields })
    }

    /// The value of the first field of this name or of its compact form (RFC 3261 7.3.3), continuation lines joined.
    pub(super) fn field(&self, name: &str, compact: &str) -> Option<String> {
        let mut lines = self.fields.lines().peekable();
        while let Some(line) = lines.next() {
            let Some((found, value)) = line.split_once(':') else { continue };
            let found = found.trim_end();
            if line.starts_with([' ', '\t'])
                || !(found.eq_ignore_ascii_case(name) || found.eq_ignore_ascii_case(compact))
            {
                continue;
            }
            let mut value = value.trim().to_owned();
            while let Some(more) = lines.next_if(|line| line.starts_with([' ', '\t'])) {
                value.push(' ');
                value.push_str(more.trim());
            }
            return Some(value);
        }
        None
    }

    /// The length of the body, where the head says it.
    pub(super) fn content_length(&self) -> Option<usize> {
        self.field("Content-Length", "l")?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_in_any_form() {
        let text = b"REFER sip:192.0.2.1 SIP/2.0\r\nl : 12\r\nSubject: a\r\n  b\r\n\tc\r\nCONTENT-TYPE:x/y\r\n\r\n";
        let head = Head::parse(text).unwrap();
        assert_eq!(head.method, "REFER");
        assert_eq!(head.content_length(), Some(12));
        assert_eq!(head.field("subject", "s").as_deref(), Some("a b c"));
        assert_eq!(head.field("Content-Type", "c").as_deref(), Some("x/y"));
        assert_eq!(head.field("Via", "v"), None);
        assert!(Head::parse(b"GET / HTTP/1.1\r\n\r\n").is_none());
        assert_eq!(Head::parse(b"SIP/2.0 200 OK\r\n\r\n").unwrap().method, "");
    }

    #[test]
    fn what_may_begin_a_message() {
        assert!(may_begin(b"REFER si"));
        assert!(may_begin(b"REFER sip:a SIP/2.0\r\nVia"));
        assert!(!may_begin(b"GET / HTTP/1.1\r\n"));
        assert!(!may_begin(&[22, 3, 1, 0, 5]));
    }
}
