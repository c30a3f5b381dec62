//! What logs say: the phone's console, its status messages, the TVS log of CUCM, and DeviceTLInfo alarms in CUCM's syslog.
//!
//! In: text as engineers collect it: wrapped, joined, with other lines between. Out: [`Log`]: what is understood, each with
//! its line; what is not is counted. It refuses to judge, and to trust clocks: the phone's and the server's differ
//! (domain.md 9), so order within one log is all that counts.

mod alarm;

use std::net::IpAddr;
use std::sync::LazyLock;

use regex_lite::Regex;

use crate::phone::DeviceName;

pub use alarm::{Alarm, AlarmList};

/// One log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// What is understood, in order.
    pub entries: Vec<Entry>,
    /// Lines in which nothing was understood.
    pub not_understood: usize,
    /// Lines.
    pub lines: usize,
}

/// Something that a log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// What it says.
    pub says: Says,
}

/// What logs say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// The phone asks for a file.
    Requests {
        /// The file.
        file: String,
        /// Who is asked, where that is said.
        server: Option<IpAddr>,
    },
    /// The phone received a file.
    Received {
        /// Its length.
        bytes: u64,
    },
    /// The phone verified a list or a file.
    Verified,
    /// The phone could not verify a list or a file.
    VerificationFailed(String),
    /// The phone says that its trust list was not updated: that may also be a matter of the network (domain.md 8).
    UpdateFailed(String),
    /// The phone says that it installed a list.
    Installed(String),
    /// The phone connects to TVS.
    ConnectsToTvs(IpAddr),
    /// The phone found TVS's certificate in its list.
    TvsVerified(Option<IpAddr>),
    /// TVS answered the phone: whether the certificate is good.
    TvsAnswers(bool),
    /// The phone did not find a web server's certificate in its lists.
    WebCertificateNotInList(Option<IpAddr>),
    /// The phone trusts a web server because TVS vouched for it.
    WebTrustedViaTvs,
    /// TVS completed a TLS handshake with this phone.
    TvsHandshake(IpAddr),
    /// TVS looked a certificate up: whether it knows it.
    TvsLookup(bool),
    /// The phone reports its lists (DeviceTLInfo).
    Alarm(Alarm),
}

/// Longer logs are read up to here; a phone's console log has a few megabytes.
const MOST_ENTRIES: usize = 1_000_000;

macro_rules! patterns {
    ($($name:ident = $pattern:literal;)*) => {
        $(static $name: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new($pattern).ok());)*

        /// Every pattern above, for the test that they are well-formed.
        #[cfg(test)]
        fn all_patterns() -> Vec<bool> {
            vec![$($name.is_some()),*]
        }
    };
}

patterns! {
    // `837: NOT 09:13:17.561856 SECD: …`, `4938 NOT Mar 09 18:32:40.184220 (346:1810) SECUREAPP-…`, several in one line.
    HEAD = r"(?:^|\s)\d+:?\s+(?:ERR|WRN|NOT|INF|DEB)\s+(?:[A-Z][a-z]{2}\s+\d{1,2}\s+)?\d{1,2}:\d{2}:\d{2}\.\d+";
    // `15:21:01.954 | debug …` of TVS, `20:16:01 …` and `[8:52:30am 10/01/19] …` of status messages.
    STAMP = r"^\s*\[?\d{1,2}:\d{2}:\d{2}";
    REQUESTS = r"(?i)Requesting\s+(\S+)(?:\s+from\s+([0-9.]+))?";
    REQUEST_FILE = r"(?i)RequestFile:\s+Request\s+(\S+)";
    RECEIVED = r"(?i)Finished\s+-->\s+rcvd\s+(\d+)\s+bytes";
    VERIFIED = r"(?i)sign verify SUCCESS|verifyFile: verify SUCCESS|Hashes match.*authentication successful";
    FAILED = r"(?i)verification[\s,]+fail|sign verify (?:FAIL|ERR)|verify FAIL|verification failure|authenticated fail|signature verif\w* fail";
    UPDATE_FAILED = r"(?i)(?:Trust List|CTL|ITL)\s+update failed";
    INSTALLED = r"(?i)(?:CTL and ITL|ITL|CTL) installed|Trust List updated";
    CONNECTS = r"(?i)TVS server:\s*IP:\s*([0-9.]+)";
    TVS_VERIFIED = r"(?i)TVS cert verified(?:.*<([0-9.]+)>)?";
    TVS_ANSWERS = r"(?i)Response received,\s*status\s*:\s*(\d+)";
    NOT_IN_LIST = r"(?i)HTTPS cert not in CTL(?:.*<([0-9.]+)>)?";
    VIA_TVS = r"(?i)Authenticated the HTTPS conn via TVS";
    TVS_HANDSHAKE = r"(?i)debug\s+([0-9.]+)\s*:\s*tvsSSLHandShake";
    TVS_FOUND = r"(?i)Certificate found and equal|Found entry \{rolecount";
    TVS_MISSING = r"(?i)Cannot find the certificate";
    SPACED_ADDRESS = r"(\d{1,3}) \. (\d{1,3}) \. (\d{1,3}) \. (\d{1,3})";
}

/// Reads a log.
pub fn read(text: &str) -> Log {
    let mut log = Log { lines: text.lines().count(), ..Log::default() };
    let mut understood = 0;
    for Statement { line, lines, text } in statements(text) {
        if log.entries.len() >= MOST_ENTRIES {
            break;
        }
        if let Some(says) = understand(&text) {
            log.entries.push(Entry { line, says });
            understood += lines;
        }
    }
    for (line, alarm) in alarm::find(text) {
        log.entries.push(Entry { line, says: Says::Alarm(alarm) });
    }
    log.entries.sort_by_key(|entry| entry.line);
    log.not_understood = log.lines.saturating_sub(understood);
    log
}

impl Log {
    /// The device whose log this is: the one in the names of the files that it asks for.
    pub fn device(&self) -> Option<DeviceName> {
        self.entries.iter().find_map(|entry| match &entry.says {
            Says::Requests { file, .. } => DeviceName::from_file(file),
            _ => None,
        })
    }

    /// What the log says of verification last: whether it failed, on which line, in which words.
    pub fn verification(&self) -> Option<(bool, usize, String)> {
        self.entries.iter().rev().find_map(|entry| match &entry.says {
            Says::VerificationFailed(text) => Some((true, entry.line, text.clone())),
            Says::Verified => Some((false, entry.line, "verification succeeded".to_owned())),
            Says::Installed(text) => Some((false, entry.line, text.clone())),
            _ => None,
        })
    }

    /// The alarms in which phones report their lists, the last of each device.
    pub fn alarms(&self) -> Vec<(usize, &Alarm)> {
        let mut last: Vec<(usize, &Alarm)> = Vec::new();
        for entry in &self.entries {
            let Says::Alarm(alarm) = &entry.says else { continue };
            match last.iter_mut().find(|(_, known)| known.device == alarm.device) {
                Some(known) => *known = (entry.line, alarm),
                None => last.push((entry.line, alarm)),
            }
        }
        last
    }
}

/// One statement of a log: a line with its wrapped rest, or one of several in a line.
struct Statement {
    line: usize,
    lines: usize,
    text: String,
}

/// A statement that goes on for longer than this is two texts that were pasted together.
const LONGEST: usize = 2000;

fn statements(text: &str) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    let mut open = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = join_addresses(line.trim_end());
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with("```") {
            open = false;
            continue;
        }
        let mut heads: Vec<usize> = matches(&HEAD, &line);
        if heads.is_empty() && is_match(&STAMP, &line) {
            heads.push(0);
        }
        // What stands before the first head goes on with the statement before; without one it is a statement of its own.
        let before = heads.first().copied().unwrap_or(line.len());
        let rest = line.get(..before).unwrap_or_default().trim();
        if !rest.is_empty() {
            match statements.last_mut().filter(|last| open && last.text.len() + rest.len() < LONGEST) {
                Some(last) => {
                    last.text.push(' ');
                    last.text.push_str(rest);
                    last.lines += 1;
                }
                None => statements.push(Statement { line: number, lines: 1, text: rest.to_owned() }),
            }
        }
        for (index, &start) in heads.iter().enumerate() {
            let end = heads.get(index + 1).copied().unwrap_or(line.len());
            let text = line.get(start..end).unwrap_or_default().trim().to_owned();
            statements.push(Statement { line: number, lines: usize::from(index == 0), text });
            open = true;
        }
    }
    statements
}

/// The source documents print addresses as `14 . 48 . 44 . 80` (domain.md 9).
fn join_addresses(line: &str) -> String {
    match SPACED_ADDRESS.as_ref() {
        Some(pattern) => pattern.replace_all(line, "$1.$2.$3.$4").into_owned(),
        None => line.to_owned(),
    }
}

fn understand(text: &str) -> Option<Says> {
    let address = |text: Option<String>| text.and_then(|text| text.trim_end_matches('.').parse().ok());
    if let Some([file, server]) = captures(&REQUESTS, text) {
        return Some(Says::Requests { file: file?, server: address(server) });
    }
    if let Some([file]) = captures(&REQUEST_FILE, text) {
        return Some(Says::Requests { file: file?, server: None });
    }
    if let Some([bytes]) = captures(&RECEIVED, text) {
        return Some(Says::Received { bytes: bytes?.parse().ok()? });
    }
    // What failed comes before what succeeded: a failure may name a success that it undoes.
    if is_match(&FAILED, text) {
        return Some(Says::VerificationFailed(shorten(text)));
    }
    if is_match(&UPDATE_FAILED, text) {
        return Some(Says::UpdateFailed(shorten(text)));
    }
    if is_match(&VERIFIED, text) {
        return Some(Says::Verified);
    }
    if is_match(&INSTALLED, text) {
        return Some(Says::Installed(shorten(text)));
    }
    if let Some([server]) = captures(&CONNECTS, text) {
        return address(server).map(Says::ConnectsToTvs);
    }
    if let Some([server]) = captures(&TVS_VERIFIED, text) {
        return Some(Says::TvsVerified(address(server)));
    }
    if let Some([status]) = captures(&TVS_ANSWERS, text) {
        return Some(Says::TvsAnswers(status?.parse::<u64>().ok()? == 0));
    }
    if let Some([server]) = captures(&NOT_IN_LIST, text) {
        return Some(Says::WebCertificateNotInList(address(server)));
    }
    if is_match(&VIA_TVS, text) {
        return Some(Says::WebTrustedViaTvs);
    }
    if let Some([phone]) = captures(&TVS_HANDSHAKE, text) {
        return address(phone).map(Says::TvsHandshake);
    }
    if is_match(&TVS_FOUND, text) {
        return Some(Says::TvsLookup(true));
    }
    if is_match(&TVS_MISSING, text) {
        return Some(Says::TvsLookup(false));
    }
    None
}

/// A statement as it may be quoted.
fn shorten(text: &str) -> String {
    text.chars().take(160).collect()
}

type Pattern = LazyLock<Option<Regex>>;

fn is_match(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

fn matches(pattern: &Pattern, text: &str) -> Vec<usize> {
    pattern.as_ref().map(|pattern| pattern.find_iter(text).map(|found| found.start()).collect()).unwrap_or_default()
}

/// The groups of the first match; `None` where there is none.
fn captures<const N: usize>(pattern: &Pattern, text: &str) -> Option<[Option<String>; N]> {
    let found = pattern.as_ref()?.captures(text)?;
    Some(std::array::from_fn(|index| found.get(index + 1).map(|group| group.as_str().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_well_formed() {
        assert!(all_patterns().into_iter().all(|is_some| is_some));
    }

    fn says(text: &str) -> Vec<Says> {
        read(text).entries.into_iter().map(|entry| entry.says).collect()
    }

    #[test]
    fn a_wrapped_statement_is_one() {
        let text =
            "877: NOT 09:13:17.925249 SECD: validate_file_envelope:\nFile sign verify SUCCESS; header length <296>\n";
        let log = read(text);
        assert_eq!(log.entries, [Entry { line: 1, says: Says::Verified }]);
        assert_eq!((log.lines, log.not_understood), (2, 0));
    }

    #[test]
    fn several_statements_in_one_line() {
        let text = "846: NOT 09:13:17.670439 TFTP: [27]:Requesting CTLSEP0011215A1AE3.tlv from 14 . 48 . 44 . 80 \
                    847: NOT 09:13:17.685264 TFTP: [27]:Finished --> rcvd 4762 bytes";
        let server = Some("14.48.44.80".parse().unwrap());
        let file = "CTLSEP0011215A1AE3.tlv".to_owned();
        assert_eq!(says(text), [Says::Requests { file, server }, Says::Received { bytes: 4762 }]);
        assert_eq!(read(text).device().unwrap().as_str(), "SEP0011215A1AE3");
    }

    #[test]
    fn the_last_word_on_verification_counts() {
        let text = "10:00:00 Trust List Verification Failed\n10:05:00 ITL installed\n";
        assert_eq!(read(text).verification().map(|(failed, line, _)| (failed, line)), Some((false, 2)));
        let text = "[8:52:30am 10/01/19] ITL installed\n[8:53:30am 10/01/19] Trust List Verification Failed\n";
        assert_eq!(read(text).verification().map(|(failed, line, _)| (failed, line)), Some((true, 2)));
        let text = "invalid file SEPABCDEF123456.cnf.xml.sgn, authenticated fail. Reason:14.";
        assert_eq!(read(text).verification().map(|(failed, ..)| failed), Some(true));
    }

    #[test]
    fn an_update_that_failed_is_no_verification_that_failed() {
        // domain.md 8: the same message stands for a server that is down.
        let log = read("20:16:01 Trust List Update Failed");
        assert!(matches!(log.entries[0].says, Says::UpdateFailed(_)));
        assert_eq!(log.verification(), None);
    }

    #[test]
    fn newer_phones() {
        let text =
            "4938 NOT Mar 09 18:32:40.184220 (346:1810) SECUREAPP-AUTH: Hashes match... authentication successful";
        assert_eq!(says(text), [Says::Verified]);
    }

    #[test]
    fn what_is_not_understood_is_counted() {
        let log = read("hello\n\n917: NOT 09:13:18.433411 tftpClient: something else\n\u{1b}[2J\n");
        assert!(log.entries.is_empty());
        assert_eq!((log.lines, log.not_understood), (4, 4));
        assert_eq!(read(""), Log::default());
    }

    proptest::proptest! {
        #[test]
        fn any_text_does_no_harm(text in ".*") {
            let log = read(&text);
            proptest::prop_assert!(log.not_understood <= log.lines);
        }
    }
}
