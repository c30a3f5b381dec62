//! Checksums of lists as tools print them.
//!
//! In: the output of md5sum, sha1sum, openssl or certutil. Out: [`Sum`]s with the kind of list that the file's name tells. It
//! refuses text in which any line is something else than a checksum: then it is no such output.

use super::list::ListKind;
use crate::digest::{Md5Sum, Sha1Sum};

/// One checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) kind: Option<ListKind>,
    pub(super) md5: Option<Md5Sum>,
    pub(super) sha1: Option<Sha1Sum>,
}

/// More lines than anybody's list of checksums has.
const MOST: usize = 4096;

/// Every checksum in a text; none where it is something else.
pub(super) fn read(text: &str) -> Vec<Sum> {
    let mut sums = Vec::new();
    let mut file: Option<&str> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).take(MOST) {
        let lower = line.to_ascii_lowercase();
        // certutil: the file on one line, its checksum on the next.
        if let Some(at) = lower.find("hash of ") {
            file = line.get(at + "hash of ".len()..).map(|file| file.trim_end_matches(':'));
            continue;
        }
        if lower.starts_with("certutil") || lower.contains("md5sum ") || lower.contains("sha1sum ") {
            continue;
        }
        let (digits, name) = split(line).unwrap_or((line, file.take().unwrap_or_default()));
        let (md5, sha1) = (digits.parse().ok(), digits.parse().ok());
        if md5.is_none() && sha1.is_none() {
            return Vec::new();
        }
        sums.push(Sum { kind: kind(name), md5, sha1 });
    }
    sums
}

/// `<sum>  <file>`, `<sum> *<file>`, `MD5 (<file>) = <sum>`, `MD5(<file>)= <sum>`: the checksum and the file.
pub(crate) fn split(line: &str) -> Option<(&str, &str)> {
    if let Some((before, sum)) = line.rsplit_once('=')
        && let Some((algorithm, file)) = before.split_once('(')
        && ["MD5", "SHA1", "SHA-1"].contains(&algorithm.trim().to_ascii_uppercase().as_str())
    {
        return Some((sum.trim(), file.trim_end().trim_end_matches(')')));
    }
    let (sum, file) = line.split_once(char::is_whitespace)?;
    let is_sum = matches!(sum.len(), 32 | 40) && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    let file = file.trim_start().trim_start_matches('*').trim();
    (is_sum && !file.is_empty() && !file.starts_with('(')).then_some((sum, file))
}

/// The kind of list that a file is, by its name.
pub(crate) fn kind(path: &str) -> Option<ListKind> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_uppercase();
    match (name.contains("ITL"), name.contains("CTL")) {
        (true, false) => Some(ListKind::Itl),
        (false, true) => Some(ListKind::Ctl),
        _ if name.starts_with("ITL") => Some(ListKind::Itl),
        _ if name.starts_with("CTL") => Some(ListKind::Ctl),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "0e0f593da04840e24621e19a50541e3b";
    const SHA1: &str = "90c37eebeb6c09b20463ffbfd7edc1f47c1dc971";

    #[test]
    fn outputs_of_every_tool() {
        for (text, kind) in [
            (format!("{MD5}  ITLFile.tlv\n"), Some(ListKind::Itl)),
            (format!("{MD5} *CTLFile.tlv\r\n"), Some(ListKind::Ctl)),
            (format!("MD5 (ITLFile.tlv) = {MD5}\n"), Some(ListKind::Itl)),
            (format!("MD5(ITLFile.tlv)= {MD5}\n"), Some(ListKind::Itl)),
            (
                format!("MD5 hash of ITLFile.tlv:\n{MD5}\nCertUtil: -hashfile command completed successfully.\n"),
                Some(ListKind::Itl),
            ),
            (format!("$ md5sum x\n{MD5}  x\n"), None),
            (format!("{MD5}\n"), None),
        ] {
            let expected = Sum { kind, md5: MD5.parse().ok(), sha1: None };
            assert_eq!(read(&text), [expected], "{text}");
        }
        assert_eq!(read(&format!("{SHA1}  a\n{MD5}  b\n")).len(), 2);
        for text in ["", "hello\n", &format!("{MD5}  ITLFile.tlv\nhello\n")] {
            assert_eq!(read(text), [], "{text}");
        }
    }
}
