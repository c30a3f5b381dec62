//! The heads of text messages: lines up to an empty one (RFC 9112 2.1, RFC 3261 7).

/// The length of the head that `bytes` begin with, the empty line included; `from` bytes were looked at before. `None` where
/// its end is not there yet.
pub(super) fn head_length(bytes: &[u8], from: usize) -> Option<usize> {
    // The end of the head may straddle the place where the last look ended.
    let mut at = from.saturating_sub(3);
    loop {
        let found = at + memchr::memchr(b'\n', bytes.get(at..)?)?;
        match bytes.get(found + 1..)? {
            [b'\n', ..] => return Some(found + 2),
            [b'\r', b'\n', ..] => return Some(found + 3),
            _ => at = found + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_with_an_empty_line() {
        assert_eq!(head_length(b"A\r\nB\r\n\r\nbody", 0), Some(8));
        assert_eq!(head_length(b"A\nB\n\nbody", 0), Some(5));
        assert_eq!(head_length(b"A\r\nB\r\n\r", 0), None);
        for cut in 0..8 {
            assert_eq!(head_length(b"A\r\nB\r\n\r\n", cut), Some(8), "looked at {cut} bytes before");
        }
    }
}
