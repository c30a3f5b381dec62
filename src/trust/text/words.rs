//! The words of a line, and where each begins.
//!
//! In: a logical line. Out: its words with their offsets in bytes. It refuses to know what they mean.

/// The words of a line with the offsets where they begin.
pub(super) fn words(line: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut rest = line;
    let mut at = 0;
    while let Some(begin) = rest.find(|c: char| !c.is_whitespace()) {
        let word = rest.get(begin..).unwrap_or_default();
        let length = word.find(char::is_whitespace).unwrap_or(word.len());
        words.push((at + begin, word.get(..length).unwrap_or_default()));
        rest = word.get(length..).unwrap_or_default();
        at += begin + length;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_know_where_they_stand() {
        assert_eq!(words("  a bc\té "), [(2, "a"), (4, "bc"), (7, "é")]);
        assert_eq!(words(" "), []);
    }
}
