//! HTML and XML as lines of text.
//!
//! In: the text of a page. Out: lines as a person sees them: one for each row of a table, cells apart by tabs. It refuses to
//! know which page it is. Broken markup is read as far as it goes.

use std::borrow::Cow;

/// Elements that stand within a line.
const INLINE: [&str; 12] = ["b", "i", "u", "a", "em", "strong", "font", "span", "small", "tt", "code", "x"];

/// Whether the text is a page and no log that has a tag in it somewhere.
pub(super) fn is_markup(text: &str) -> bool {
    let start = text.trim_start();
    let second = start.get(1..2).and_then(|second| second.chars().next());
    if start.starts_with('<')
        && second.is_some_and(|second| second.is_ascii_alphabetic() || matches!(second, '?' | '!'))
    {
        return true;
    }
    let head: String = start.chars().take(4096).collect::<String>().to_ascii_lowercase();
    ["<html", "<body", "<table", "<td", "</tr>", "<status>"].into_iter().any(|tag| head.contains(tag))
}

/// The lines with the numbers of the lines of the file that they begin on, from 1. An empty one stands where an element ends.
pub(super) fn lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Lines { done: Vec::new(), number: 1, line: String::new(), begins: 1 };
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        lines.text(before);
        if let Some((name, length)) = tag(from) {
            let (whole, after) = from.split_at(length);
            match name.as_str() {
                "td" | "th" if whole.starts_with("</") => {}
                "td" | "th" => lines.push('\t'),
                // Ends a line, begins no element.
                "br" => lines.end(false),
                name if INLINE.contains(&name) => {}
                _ => lines.end(true),
            }
            lines.number += whole.matches('\n').count();
            rest = after;
        } else {
            lines.push('<');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    lines.text(rest);
    lines.end(false);
    lines.done
}

struct Lines {
    done: Vec<(usize, String)>,
    number: usize,
    line: String,
    begins: usize,
}

impl Lines {
    fn push(&mut self, character: char) {
        if self.line.is_empty() {
            self.begins = self.number;
        }
        self.line.push(character);
    }

    fn text(&mut self, text: &str) {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                self.end(false);
                self.number += 1;
            }
            if self.line.is_empty() {
                self.begins = self.number;
            }
            self.line.push_str(line);
        }
    }

    fn end(&mut self, of_element: bool) {
        let line = without_entities(self.line.trim());
        if !line.trim().is_empty() {
            self.done.push((self.begins, line.trim().to_owned()));
        }
        if of_element && self.done.last().is_some_and(|(_, line)| !line.is_empty()) {
            self.done.push((self.number, String::new()));
        }
        self.line.clear();
    }
}

/// The lower-case name of the tag or comment that the text begins with, and its length in bytes.
fn tag(text: &str) -> Option<(String, usize)> {
    if text.starts_with("<!--") {
        let end = text.find("-->").map_or(text.len(), |end| end + 3);
        return Some(("!".to_owned(), end));
    }
    let inside = text.get(1..)?;
    let name: String = inside
        .trim_start_matches('/')
        .chars()
        .take(32)
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '!' | '?' | '-' | '_' | ':'))
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '!' | '?')) {
        return None;
    }
    let end = inside.find('>')?;
    // A tag does not go on for pages; what does is a stray bracket.
    (end < 4096).then(|| (name.to_ascii_lowercase(), end + 2))
}

/// The text with entities replaced; what is none stays as it is.
pub(super) fn without_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        // The longest that is known has eight letters.
        let end = from.bytes().take(12).position(|byte| byte == b';');
        let entity = end.and_then(|end| from.get(..=end));
        if let Some((length, with)) = entity.and_then(|entity| Some((entity.len(), replaced(entity)?))) {
            out.push_str(&with);
            rest = from.get(length..).unwrap_or_default();
        } else {
            out.push('&');
            rest = from.get(1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    out
}

fn replaced(entity: &str) -> Option<Cow<'_, str>> {
    let known = |name: &str| match name {
        "nbsp" => Some(" "),
        name => quick_xml::escape::resolve_predefined_entity(name),
    };
    let value = quick_xml::escape::unescape_with(entity, known).ok()?;
    // Whatever a page hides as a number is escaped where it is shown; line ends must not be made of it.
    (!value.contains(char::is_control)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Vec<(usize, String)> {
        assert!(is_markup(text), "{text}");
        lines(text).into_iter().filter(|(_, line)| !line.is_empty()).collect()
    }

    #[test]
    fn rows_of_a_page_in_one_line_are_apart() {
        let page = "<HTML><TABLE><TR><TD><B>[08:52:30am 10&#x2F;01&#x2F;26] One</B></TD></TR><TR><TD>a&#x28;b&#x29;</TD><TD>c</TD></TR>";
        let expected = [(1, "[08:52:30am 10/01/26] One".to_owned()), (1, "a(b)\tc".to_owned())];
        assert_eq!(seen(page), expected);
    }

    #[test]
    fn lines_of_the_file_are_counted() {
        let page = "<?xml version=\"1.0\"?>\n<log>\n<status>one\ntwo</status>\n<status a=\"1\n2\">three</status>";
        let expected = [(3, "one".to_owned()), (4, "two".to_owned()), (6, "three".to_owned())];
        assert_eq!(seen(page), expected);
    }

    #[test]
    fn what_is_no_tag_stays() {
        assert_eq!(seen("<p>a < b <133>Oct &unknown; &amp;lt; &"), [(1, "a < b <133>Oct &unknown; &lt; &".to_owned())]);
        assert!(!is_markup("422: ERR 07:22:41.007716 SECD: EROR:verifyFile: verify FAIL </usr/tmp/ITLFile.tlv>"));
        assert!(!is_markup("<133>Oct 30 13:15:20 14.48.44.202 : ITL installed"));
    }

    proptest::proptest! {
        #[test]
        fn any_page_does_no_harm(text in "(<[a-z/!?]{0,6}>?|&#?[a-zA-Z0-9]{0,4};?|[ \\nÄx]){0,40}") {
            let count = text.matches('\n').count() + 1;
            for (number, _) in lines(&text) {
                proptest::prop_assert!(number <= count);
            }
        }
    }
}
