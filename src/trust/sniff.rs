//! What a file is when it is not what was asked for: for error messages that help.
//!
//! In: the first bytes of a file. Out: a few words. It refuses to be exact.

/// What the bytes look like, in words that follow "found".
pub fn what_is(bytes: &[u8]) -> String {
    let known: &[(&[u8], &str)] = &[
        (&[0xD4, 0xC3, 0xB2, 0xA1], "a pcap capture"),
        (&[0xA1, 0xB2, 0xC3, 0xD4], "a pcap capture"),
        (&[0x4D, 0x3C, 0xB2, 0xA1], "a pcap capture"),
        (&[0xA1, 0xB2, 0x3C, 0x4D], "a pcap capture"),
        (&[0x0A, 0x0D, 0x0D, 0x0A], "a pcapng capture"),
        (&[0x1F, 0x8B], "gzip data"),
        (&[0x28, 0xB5, 0x2F, 0xFD], "zstd data"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"%PDF", "a PDF document"),
        (&[0x7F, b'E', b'L', b'F'], "a program"),
        (b"<?xml", "XML"),
        (b"<device", "XML"),
        (&[0xFF, 0xFE], "UTF-16 text"),
        (&[0xFE, 0xFF], "UTF-16 text"),
        (&[0x30, 0x82], "DER"),
    ];
    if bytes.is_empty() {
        return "an empty file".to_owned();
    }
    if let Some((_, what)) = known.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return (*what).to_owned();
    }
    let start = bytes.get(..bytes.len().min(512)).unwrap_or_default();
    if start.iter().all(|&byte| byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r' | 0x1B | 0x08)) {
        return "text".to_owned();
    }
    if start.iter().all(|&byte| byte == 0) {
        return "zeros".to_owned();
    }
    let first: Vec<_> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("the bytes {}", first.join(" "))
}

#[cfg(test)]
mod tests {
    use super::what_is;

    #[test]
    fn says_what_people_mix_up() {
        assert_eq!(what_is(b""), "an empty file");
        assert_eq!(what_is(&[0xD4, 0xC3, 0xB2, 0xA1, 2, 0]), "a pcap capture");
        assert_eq!(what_is(b"hello\n"), "text");
        assert_eq!(what_is(&[1, 0, 3]), "the bytes 01 00 03");
    }
}
