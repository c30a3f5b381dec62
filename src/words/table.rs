//! The table of wordings: what is looked for, what it says, what it proves and what not, and where that is from.
//!
//! In: one statement's text. Out: what it says. It refuses to look at the statements around it. `docs/words.md` prints this
//! table, and a test compares the two.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex_lite::{Captures, Regex};

use super::statement::{Lists, Object, Says};

/// One wording.
#[derive(Debug)]
pub struct Row {
    /// A name for it.
    pub id: &'static str,
    /// A line that has it; a test reads it.
    pub example: &'static str,
    /// What it proves.
    pub proves: &'static str,
    /// What it does not prove.
    pub not: &'static str,
    /// Where that is from.
    pub source: &'static str,
    /// Words of which one stands in every such text, in lower case.
    keys: &'static [&'static str],
    pattern: &'static str,
    read: fn(&Groups<'_>) -> Option<Heard>,
}

/// What a wording comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Heard {
    /// A statement by itself.
    Says(Says),
    /// A part of a conversation with TVS, by TVS's log.
    Tvs(TvsLine),
    /// The role that the phone looks for in its list.
    Role(u16),
    /// The certificate that the phone looks at is in its list.
    CertificateValid,
}

/// A line of TVS's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TvsLine {
    Phone(std::net::IpAddr),
    Request,
    Subject(String),
    Issuer(String),
    Serial(String),
    Found,
    NotFound,
    Role(u16),
    Answered,
}

pub(super) struct Groups<'a> {
    found: Captures<'a>,
    text: &'a str,
}

impl<'a> Groups<'a> {
    fn text(&self, at: usize) -> Option<&'a str> {
        self.found.get(at).map(|group| group.as_str())
    }

    fn owned(&self, at: usize) -> Option<String> {
        self.text(at).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    fn file(&self, at: usize) -> Option<String> {
        let text = self.text(at)?.trim_end_matches(['.', ',', ';', ':', ')', ']', '>']);
        (!text.is_empty() && text.len() <= 256).then(|| text.to_owned())
    }

    fn address(&self, at: usize) -> Option<std::net::IpAddr> {
        let text = self.text(at)?.trim_matches(['[', ']', '<', '>', '.', ',', ':']);
        let text = text.strip_prefix("::ffff:").unwrap_or(text);
        text.parse().ok()
    }

    /// "CTL and ITL", "Trust List" and so on.
    fn lists(&self, at: usize) -> Lists {
        let text = self.text(at).unwrap_or_default().to_ascii_uppercase();
        match (text.contains("ITL"), text.contains("CTL")) {
            (true, true) => Lists::Both,
            (true, false) => Lists::Itl,
            (false, true) => Lists::Ctl,
            (false, false) => Lists::Unsaid,
        }
    }

    /// The file in this group; unnamed where there is none, or its end is lost.
    fn object(&self, at: usize) -> Object {
        let is_cut = self.text.rfind('<').is_some_and(|open| self.text.rfind('>').is_none_or(|close| close < open));
        if is_cut {
            return Object::Unnamed;
        }
        self.file(at).map_or(Object::Unnamed, |file| Object::of_file(&file))
    }

    /// What the words before and behind say was verified.
    fn object_of_words(&self) -> Object {
        let upper = self.text.to_ascii_uppercase();
        match (has_word(&upper, "ITL"), has_word(&upper, "CTL"), upper.contains("TRUST LIST")) {
            (true, true, _) => Object::List(Lists::Both),
            (true, false, _) => Object::List(Lists::Itl),
            (false, true, _) => Object::List(Lists::Ctl),
            (false, false, true) => Object::List(Lists::Unsaid),
            (false, false, false) if upper.contains("CONFIG") || upper.contains(".CNF.XML") => Object::Configuration,
            (false, false, false) => Object::Unnamed,
        }
    }
}

/// Whether it stands there as a word, or at the head of a file's name.
fn has_word(upper: &str, word: &str) -> bool {
    upper.match_indices(word).any(|(at, _)| {
        let before = upper.get(..at).and_then(|before| before.chars().next_back());
        let after = upper.get(at + word.len()..).unwrap_or_default();
        !before.is_some_and(|c| c.is_ascii_alphanumeric())
            && (!after.starts_with(|c: char| c.is_ascii_alphanumeric())
                || after.starts_with("FILE")
                || after.starts_with("SEP"))
    })
}

#[expect(clippy::unnecessary_wraps, reason = "rows read what may be missing")]
fn says(says: Says) -> Option<Heard> {
    Some(Heard::Says(says))
}

#[expect(clippy::unnecessary_wraps, reason = "rows read what may be missing")]
fn tvs(line: TvsLine) -> Option<Heard> {
    Some(Heard::Tvs(line))
}

const SBD: &str = "Security By Default and ITL Operation and Troubleshooting";
const ITL10: &str = "ITL Enhancements in Version 10.0(1)";
const TOKENLESS: &str = "CUCM Mixed Mode with Tokenless CTL";
const MIGRATE: &str = "Migrate Phones Between Secure Clusters";
const EMCC: &str = "Troubleshoot Extension Mobility Cross Cluster";
const GUIDE: &str = "administration guides of the 7800 and 8800 series";
const DX: &str = "administration guide of the DX series";
const COMMUNITY: &str = "posts of the community";
const LOGS: &str = "public logs";
const UNSEEN: &str = "original not seen";

/// Every wording. The first that fits counts: what failed stands before what succeeded, because a failure may name a success
/// that it undoes.
pub static ROWS: &[Row] = &[
    Row {
        id: "requests",
        example: "846: NOT 09:13:17.670439 TFTP: [27]:Requesting CTLSEP0011215A1AE3.tlv from 14.48.44.80",
        proves: "whose log it is; which file is spoken of next",
        not: "that the file came",
        source: SBD,
        keys: &["requesting "],
        pattern: r"(?i)Requesting\s+(\S+)(?:\s+from\s+([0-9A-Fa-f.:]+))?",
        read: |groups| says(Says::Requests { file: groups.file(1)?, server: groups.address(2) }),
    },
    Row {
        id: "requests_list",
        example: "837: NOT 09:13:17.561856 SECD: tlRequestFile: Request CTLSEP0011215A1AE3.tlv",
        proves: "whose log it is; which file is spoken of next",
        not: "that the file came",
        source: SBD,
        keys: &["requestfile:"],
        pattern: r"(?i)RequestFile:\s+Request\s+(\S+)",
        read: |groups| says(Says::Requests { file: groups.file(1)?, server: None }),
    },
    Row {
        id: "requests_src",
        example: "2101 NOT Oct 30 16:20:01.100001 dgetfile(612)-GETXXTP [GT612][src=ITLSEP0011215A1AE3.tlv][dest=/tmp/ITLFile.tlv]",
        proves: "whose log it is; which file is spoken of next",
        not: "that the file came",
        source: MIGRATE,
        keys: &["[src="],
        pattern: r"(?i)\[src=([^\]\s]+)\]",
        read: |groups| says(Says::Requests { file: groups.file(1)?, server: None }),
    },
    Row {
        id: "requests_argument",
        example: "698 NOT Oct 30 16:20:09.900001 (401:1900) downd-XXX arg[4] SEP0011215A1AE3.cnf.xml.sgn",
        proves: "whose log it is; which file is spoken of next",
        not: "that the file came",
        source: EMCC,
        keys: &["arg[4]"],
        pattern: r"(?i)arg\[4\][\s:=]+(\S+)",
        read: |groups| says(Says::Requests { file: groups.file(1)?, server: None }),
    },
    Row {
        id: "requests_client",
        example: "917: NOT 09:13:18.433411 tftpClient: tftp request rcv'd from /usr/tmp/tftp, srcFile = SEP0011215A1AE3.cnf.xml, dstFile = /usr/ram/x",
        proves: "whose log it is; which file is spoken of next",
        not: "that the file came",
        source: SBD,
        keys: &["srcfile"],
        pattern: r"(?i)srcFile\s*=\s*([^,\s]+)",
        read: |groups| says(Says::Requests { file: groups.file(1)?, server: None }),
    },
    Row {
        id: "requests_provision",
        example: "provision_download_file 1702: HTTP server=14.48.44.80 filename=CTLSEP0011215A1AE3.tlv",
        proves: "whose log it is; who is asked",
        not: "that the file came",
        source: "public console log of an 8945",
        keys: &["filename="],
        pattern: r"(?i)server=(\S+)\s+filename=(\S+)",
        read: |groups| says(Says::Requests { file: groups.file(2)?, server: groups.address(1) }),
    },
    Row {
        id: "received",
        example: "847: NOT 09:13:17.685264 TFTP: [27]:Finished --> rcvd 4762 bytes",
        proves: "the file came, and its length",
        not: "that it was verified",
        source: SBD,
        keys: &["rcvd"],
        pattern: r"(?i)Finished\s+-->\s+rcvd\s+(\d+)\s+bytes",
        read: |groups| says(Says::Received { bytes: groups.text(1)?.parse().ok()? }),
    },
    Row {
        id: "authenticated_fail",
        example: "08:31:05, 10/30/2026 : invalid file SEP0011215A1AE3.cnf.xml.sgn, authenticated fail. Reason:14.",
        proves: "that file could not be verified; its name is the phone's",
        not: "why: the numbers of reasons are not published",
        source: COMMUNITY,
        keys: &["authenticated fail"],
        pattern: r"(?i)(?:invalid file\s+(\S+?),?\s+)?authenticated fail",
        read: |groups| says(Says::VerificationFailed(groups.object(1))),
    },
    Row {
        id: "file_auth_error",
        example: "9:30:44a File auth error : SEP0011215A1AE3.cnf.xml.sgn",
        proves: "the signature of that file was not accepted: of a list or configuration, verification failed",
        not: "with firmware anything of lists; without a name which file it was",
        source: COMMUNITY,
        keys: &["auth error", "authentication error"],
        pattern: r"(?i)file auth(?:entication)? error(?:\s*[:(]?\s*([\w./-]*\w\.\w[\w.-]*))?",
        read: |groups| {
            let object = groups.object(1);
            says(Says::VerificationFailed(if object == Object::Unnamed { Object::AnyFile } else { object }))
        },
    },
    Row {
        id: "verify_fail",
        example: "422: ERR 07:22:41.007716 SECD: EROR:verifyFile: verify FAIL </usr/tmp/ITLFile.tlv>",
        proves: "that file could not be verified",
        not: "why",
        source: UNSEEN,
        keys: &["verify fail", "verify err"],
        pattern: r"(?i)verify (?:FAIL|ERR)\w*(?:[\s:;]+<?([\w./-]*\w\.\w[\w.-]*)>?)?",
        read: |groups| says(Says::VerificationFailed(groups.object(1))),
    },
    Row {
        id: "certificate_verification",
        example: "2150 DEB Oct 30 16:20:01.900004 SECUREAPP-SSL session setup Cert Verification - Role is = 21",
        proves: "for which role the phone looks the server's certificate up: 21 is TVS",
        not: "the result: it stands behind it",
        source: MIGRATE,
        keys: &["role is ="],
        pattern: r"(?i)Role is\s*=\s*(\d+)",
        read: |groups| Some(Heard::Role(groups.text(1)?.parse().ok()?)),
    },
    Row {
        id: "certificate_valid",
        example: "2153 INF Oct 30 16:20:01.900505 SECUREAPP-SSL session setup Cert Verification - Certificate is valid.",
        proves: "behind role 21: TVS's certificate is in the phone's list",
        not: "what TVS answers",
        source: MIGRATE,
        keys: &["certificate is valid"],
        pattern: r"(?i)\bCertificate is valid",
        read: |_| Some(Heard::CertificateValid),
    },
    Row {
        id: "verification_failed",
        example: "[6:31:02pm 10/29/26] Trust List Verification Failed",
        proves: "verification failed",
        not: "of which list, where it is not named",
        source: SBD,
        keys: &["verification"],
        pattern: r"(?i)(?:certificate|cert)?[\s-]*verification[\s,:-]+fail|signature verif\w*[\s,:-]+fail",
        read: |groups| {
            let lower = groups.text.to_ascii_lowercase();
            // Certificates of servers are another matter.
            let is_of_certificate = lower.contains("cert verification") || lower.contains("certificate verification");
            (!is_of_certificate).then(|| Heard::Says(Says::VerificationFailed(groups.object_of_words())))
        },
    },
    Row {
        id: "update_failed",
        example: "7:15:09p Trust List Update Failed",
        proves: "the update failed: the network, a server that is down, or a signer that is not known",
        not: "which of these; health neither",
        source: ITL10,
        keys: &["update"],
        pattern: r"(?i)\b(CTL and ITL|ITL and CTL|Trust[ -]?List|CTL|ITL)(?: file)? update\w*[\s:,-]+fail",
        read: |groups| says(Says::UpdateFailed(groups.lists(1))),
    },
    Row {
        id: "hashes_match",
        example: "4938 NOT Mar 09 18:32:40.184220 (346:1810) SECUREAPP-AUTH: Hashes match... authentication successful",
        proves: "a list or file was verified",
        not: "which, without the request before it",
        source: MIGRATE,
        keys: &["hashes match"],
        pattern: r"(?i)Hashes match.*authentication successful",
        read: |_| says(Says::Verified(Object::Unnamed)),
    },
    Row {
        id: "list_verified",
        example: "2180 DEB Oct 30 16:20:02.700008 SECUREAPP-TL file verified successfully.",
        proves: "the list was verified",
        not: "which of the two",
        source: MIGRATE,
        keys: &["file verified successfully"],
        pattern: r"(?i)\b(TL|ITL|CTL) file verified successfully",
        read: |groups| says(Says::Verified(Object::List(groups.lists(1)))),
    },
    Row {
        id: "list_updated",
        example: "2181 INF Oct 30 16:20:02.700109 SECUREAPP-TL file updated.",
        proves: "the list was taken",
        not: "that later ones were",
        source: MIGRATE,
        keys: &["tl file updated"],
        pattern: r"(?i)\b(TL|ITL|CTL) file updated",
        read: |groups| says(Says::Taken(groups.lists(1))),
    },
    Row {
        id: "sign_verify_success",
        example: "877: NOT 09:13:17.925249 SECD: validate_file_envelope: File sign verify SUCCESS; header length <296>",
        proves: "a list or file was verified",
        not: "which, without the request before it",
        source: SBD,
        keys: &["sign verify success"],
        pattern: r"(?i)sign verify SUCCESS",
        read: |_| says(Says::Verified(Object::Unnamed)),
    },
    Row {
        id: "verify_success",
        example: "851: NOT 05:30:03.110000 SECD: verifyFile: verify SUCCESS </usr/ram/SEP0011215A1AE3.cnf.xml>",
        proves: "that file was verified",
        not: "that others were",
        source: SBD,
        keys: &["verify success"],
        pattern: r"(?i)verify SUCCESS(?:[\s:;]+<?([\w./-]*\w\.\w[\w.-]*)>?)?",
        read: |groups| says(Says::Verified(groups.object(1))),
    },
    Row {
        id: "not_installed",
        example: "[10:11:12am 10/30/26] No Trust List installed",
        proves: "that list is not there; without an ITL the next one is taken unverified",
        not: "success; failure",
        source: DX,
        keys: &["installed"],
        pattern: r"(?i)\bno (CTL (?:and|or) ITL|ITL (?:and|or) CTL|Trust[ -]?List|CTL|ITL)(?: file)?s? (?:is |are )?installed",
        read: |groups| says(Says::NotInstalled(groups.lists(1))),
    },
    Row {
        id: "not_installed_either",
        example: "10:11:12a ITL not installed",
        proves: "that list is not there",
        not: "success; failure",
        source: UNSEEN,
        keys: &["not installed"],
        pattern: r"(?i)(?:^|[^\w\[])(CTL and ITL|Trust[ -]?List|CTL|ITL)(?: file)?[\s:]+(?:is |are )?not installed",
        read: |groups| says(Says::NotInstalled(groups.lists(1))),
    },
    Row {
        id: "taken",
        example: "[1:15:20pm 10/30/26] Trust List updated",
        proves: "a list was taken then",
        not: "that later ones were",
        source: GUIDE,
        keys: &["installed", "updated"],
        pattern: r"(?i)(?:^|[^\w\[])(CTL and ITL|ITL and CTL|Trust[ -]?List|CTL|ITL)(?: file)?s? (?:was |were )?(?:installed|updated)\b",
        read: |groups| says(Says::Taken(groups.lists(1))),
    },
    Row {
        id: "erasing",
        example: "[10:11:12am 10/30/26] Erasing CTL and ITL files",
        proves: "somebody deletes the lists",
        not: "that a new one came",
        source: GUIDE,
        keys: &["eras"],
        pattern: r"(?i)\beras(?:ing|ed) (?:the )?(CTL and ITL|ITL and CTL|Trust[ -]?List|CTL|ITL)",
        read: |groups| says(Says::Erased(groups.lists(1))),
    },
    Row {
        id: "updating",
        example: "08:31:02, 10/30/2026 : SEP0011215A1AE3.cnf.xml.sgn updating",
        proves: "whose log it is; the file is asked for",
        not: "the result",
        source: "public console log of an 8945",
        keys: &[" updating"],
        pattern: r"(?i)(\S+\.(?:tlv|cnf\.xml\S*)) updating",
        read: |groups| says(Says::Requests { file: groups.file(1)?, server: None }),
    },
    Row {
        id: "tries",
        example: "16:02 Updating Trust List",
        proves: "it tries",
        not: "the result",
        source: COMMUNITY,
        keys: &["updating"],
        pattern: r"(?i)\bUpdating (?:Trust[ -]?List|CTL|ITL)",
        read: |_| says(Says::Names),
    },
    Row {
        id: "tftp_rrq",
        example: "Oct 30 16:20:01 tftp-a in.tftpd[811]: RRQ from 14.48.44.202 filename ITLSEP0011215A1AE3.tlv",
        proves: "who asked for what",
        not: "anything of verification",
        source: LOGS,
        keys: &["rrq from"],
        pattern: r"(?i)RRQ from (\S+) filename (\S+)",
        read: |groups| says(Says::TftpAsked { file: groups.file(2)?, is_missing: false }),
    },
    Row {
        id: "tftp_missing",
        example: "Oct 30 16:20:01 tftp-a in.tftpd[811]: Client 14.48.44.202 File not found CTLSEP0011215A1AE3.tlv",
        proves: "the server has no such file",
        not: "anything of verification",
        source: LOGS,
        keys: &["file not found"],
        pattern: r"(?i)Client (\S+) File not found (\S+)",
        read: |groups| says(Says::TftpAsked { file: groups.file(2)?, is_missing: true }),
    },
    Row {
        id: "tftp_serving",
        example: "Oct 30 16:20:01 tftp-b atftpd[77]: Serving ITLSEP0011215A1AE3.tlv to 14.48.44.202:49152",
        proves: "who asked for what; it is said before it is known whether the file exists",
        not: "that it was sent; anything of verification",
        source: LOGS,
        keys: &["serving "],
        pattern: r"(?i)\bServing (\S+) to (\S+):\d+",
        read: |groups| says(Says::TftpAsked { file: groups.file(1)?, is_missing: false }),
    },
    Row {
        id: "trouble_file",
        example: "2:10:20a TFTP Error : SEP0011215A1AE3.cnf.xml.sgn",
        proves: "that file did not come: the network or the server",
        not: "anything of verification",
        source: GUIDE,
        keys: &["tftp error", "file not found", " not found in ", "download"],
        pattern: r"(?i)(?:(?:TFTP error|file not found)\s*:?\s*(?:download )?([\w./-]*\w\.\w[\w.-]*)|([\w./-]*\w\.\w[\w.-]*) not found in )",
        read: |groups| says(Says::Trouble { file: groups.file(1).or_else(|| groups.file(2)) }),
    },
    Row {
        id: "trouble",
        example: "[2:00:01pm 10/30/26] TFTP timeout",
        proves: "the network or a server gave trouble",
        not: "anything of verification",
        source: GUIDE,
        keys: &["tftp", "file not found", "dns ", "dhcp ", "error update", "no default router", "download", "http/1."],
        pattern: r"(?i)TFTP (?:timeout|error|access error|authorization|not accessible|size)|file not found|DNS (?:timeout|unknown host|error)|no DNS server|DHCP timeout|error update|no default router|HTTP download error|get \[HTTP/1\.\d [45]\d\d|TFTPD-Timeout",
        read: |_| says(Says::Trouble { file: None }),
    },
    Row {
        id: "transfer_missing",
        example: "722 NOT Oct 30 16:20:10.601005 (401:1900) downd-XXTP complete - status = 2",
        proves: "the file is not there",
        not: "anything of verification",
        source: EMCC,
        keys: &["xxtp complete"],
        pattern: r"(?i)XXTP complete - status\s*=\s*(\d+)",
        read: |groups| says(if groups.text(1)? == "100" { Says::Names } else { Says::Trouble { file: None } }),
    },
    Row {
        id: "asks_tvs",
        example: "1230: NOT 15:20:59.460341 SECD: setupSocketToTvs: TVS server: IP: 14.48.44.80, port: 2445",
        proves: "which TVS is asked",
        not: "that it answers",
        source: SBD,
        keys: &["tvs server:"],
        pattern: r"(?i)TVS server:\s*IP:?\s*([0-9A-Fa-f.:]+)",
        read: |groups| says(Says::AsksTvs(groups.address(1))),
    },
    Row {
        id: "asks_tvs_newer",
        example: "2140 INF Oct 30 16:20:01.800002 SECUREAPP-Attempting connect to TVS server addr [14.48.44.80], mode [IPv4]",
        proves: "which TVS is asked",
        not: "that it answers",
        source: MIGRATE,
        keys: &["connect to tvs server"],
        pattern: r"(?i)connect to TVS server addr \[([^\]]+)\]",
        read: |groups| says(Says::AsksTvs(groups.address(1))),
    },
    Row {
        id: "tvs_in_list",
        example: "1240: NOT 15:20:59.487000 SECD: tvs_cert_vfy: TVS cert verified with hash from TL, <14.48.44.80>",
        proves: "TVS's certificate is in the phone's list",
        not: "what TVS answers",
        source: SBD,
        keys: &["tvs cert verified"],
        pattern: r"(?i)TVS cert verified(?:.*<([0-9A-Fa-f.:]+)>)?",
        read: |groups| says(Says::TvsInList(groups.address(1))),
    },
    Row {
        id: "tvs_answered",
        example: "1250: NOT 15:20:59.501111 SECD: processTvsSrvrResponse: Authentication Response received, status : 0",
        proves: "0: TVS vouches for the certificate; another number: it does not",
        not: "anything of lists",
        source: SBD,
        keys: &["response received"],
        pattern: r"(?i)Response received,\s*status\s*:\s*(\d+)",
        read: |groups| says(Says::TvsAnswered(groups.text(1)?.parse::<u64>().ok()? == 0)),
    },
    Row {
        id: "tvs_answer_kept",
        example: "1251: NOT 15:20:59.502222 SECD: saveCertToTvsCache: Saved certificate in TVS cache",
        proves: "TVS vouched for a certificate",
        not: "anything of lists",
        source: SBD,
        keys: &["savecerttotvscache"],
        pattern: r"(?i)saveCertToTvsCache",
        read: |_| says(Says::TvsAnswered(true)),
    },
    Row {
        id: "web_through_tvs",
        example: "1252: NOT 15:20:59.503333 SECD: clpSetupSsl: Authenticated the HTTPS conn via TVS",
        proves: "TVS vouched for the web server",
        not: "anything of lists",
        source: SBD,
        keys: &["https conn via tvs"],
        pattern: r"(?i)Authenticated the HTTPS conn via TVS",
        read: |_| says(Says::WebThroughTvs),
    },
    Row {
        id: "web_not_in_list",
        example: "1215: ERR 15:20:59.431314 SECD: EROR:https_cert_vfy: HTTPS cert not in CTL, <14.48.44.80>",
        proves: "a web certificate is in neither list; TVS is asked next",
        not: "a failure of lists",
        source: SBD,
        keys: &["https cert not in ctl"],
        pattern: r"(?i)HTTPS cert not in CTL(?:.*<([0-9A-Fa-f.:]+)>)?",
        read: |groups| says(Says::WebNotInList(groups.address(1))),
    },
    Row {
        id: "nonsecure",
        example: "89: WRN 02:14:09.121733 SECD: WARN:lookupCTL: ** no CTL, assume TFTP NONSECURE",
        proves: "the phone holds no list",
        not: "failure",
        source: LOGS,
        keys: &["nonsecure"],
        pattern: r"(?i)no CTL, assume TFTP NONSECURE|is a NONsecure server",
        read: |_| says(Says::AssumesNonsecure),
    },
    Row {
        id: "cache_flushed",
        example: "8075: NOT 23:00:22.336918 SECD: tvsReqFlushTvsCertCache: Sent Request to TVS proxy, len: 3708",
        proves: "the cache of TVS's answers is emptied",
        not: "yes or no",
        source: TOKENLESS,
        keys: &["cache flush", "flushtvscertcache", "flushcertcache"],
        pattern: r"(?i)cache\s+flush|FlushTvsCertCache|FlushCertCache",
        read: |_| says(Says::CacheFlushed),
    },
    Row {
        id: "turns_to_tvs",
        example: "1220: NOT 15:20:59.444517 SECD: processTvsClntReq: TVS Certificate Authentication request",
        proves: "a question for TVS is prepared or sent",
        not: "the answer",
        source: SBD,
        keys: &["processtvsclntreq", "tvs proxy", "tvs process request"],
        pattern: r"(?i)processTvsClntReq|TVS proxy|TVS process request",
        read: |_| says(Says::AsksTvs(None)),
    },
    Row {
        id: "host_not_found",
        example: "10:11:12a Host Not Found",
        proves: "a service's certificate or name was not accepted or not found",
        not: "which of these",
        source: ITL10,
        keys: &["host not found"],
        pattern: r"(?i)\bHost Not Found",
        read: |_| says(Says::HostNotFound),
    },
    Row {
        id: "tvs_log_handshake",
        example: "18:01:05.855 | debug 14.48.44.202: tvsSSLHandShake Session ciphers - AES256-SHA",
        proves: "that phone completed the handshake: it believes TVS",
        not: "when, by the capture's clock",
        source: SBD,
        keys: &["tvssslhandshake"],
        pattern: r"(?i)([0-9A-Fa-f.:]+)\s*:\s*tvsSSLHandShake Session ciphers",
        read: |groups| tvs(TvsLine::Phone(groups.address(1)?)),
    },
    Row {
        id: "tvs_log_request",
        example: "18:01:06.345 | debug MsgType : TVS_MSG_QUERY_CERT_REQ",
        proves: "TVS was asked about a certificate",
        not: "which: that stands behind it",
        source: SBD,
        keys: &["_req"],
        pattern: r"TVS_MSG_(?:QUERY_CERT|CERT_VERIFICATION)_REQ",
        read: |_| tvs(TvsLine::Request),
    },
    Row {
        id: "tvs_log_subject",
        example: "18:01:06.345 | debug tvsHandleQueryCertReq : Subject Name is: CN=cm-b.example.com;OU=Voice;O=Example;C=XX",
        proves: "what was asked about",
        not: "the answer",
        source: TOKENLESS,
        keys: &["subject name is:"],
        pattern: r"(?i)\bSubject Name is:\s*(.+)",
        read: |groups| tvs(TvsLine::Subject(groups.owned(1)?)),
    },
    Row {
        id: "tvs_log_issuer",
        example: "18:01:06.345 | debug tvsHandleQueryCertReq : Issuer Name is: CN=Example Issuing CA",
        proves: "what was asked about",
        not: "the answer",
        source: TOKENLESS,
        keys: &["issuer name is:", "issuername :"],
        pattern: r"(?i)\b(?:Issuer Name is|issuerName\s*):\s*(.+?)(?:\s+and Length: \d+)?$",
        read: |groups| tvs(TvsLine::Issuer(groups.owned(1)?)),
    },
    Row {
        id: "tvs_log_serial",
        example: "18:01:06.345 | debug tvsHandleQueryCertReq : Serial Number is: 4C0000002A5E19D07B33A8F1C600000000002A",
        proves: "what was asked about",
        not: "the answer",
        source: TOKENLESS,
        keys: &["serial number is:"],
        pattern: r"(?i)\bSerial Number is:\s*([0-9A-Fa-f]+)",
        read: |groups| tvs(TvsLine::Serial(groups.owned(1)?)),
    },
    Row {
        id: "tvs_log_not_found",
        example: "18:01:06.346 | debug ERROR:CertificateDBCache::getCertificateInformation - Cannot find the certificate in the cache",
        proves: "it is not in this cache; another may follow",
        not: "that it is not known at all, before the answer",
        source: TOKENLESS,
        keys: &["cannot find"],
        pattern: r"(?i)Cannot find\s+the certificate",
        read: |_| tvs(TvsLine::NotFound),
    },
    Row {
        id: "tvs_log_found",
        example: "18:01:06.346 | debug CertificateDBCache::getCertificateInformation - Found entry {rolecount : 1}",
        proves: "TVS knows the certificate",
        not: "that the phone's list is well",
        source: MIGRATE,
        keys: &["found and equal", "found entry"],
        pattern: r"(?i)Certificate found and equal|Found entry\s+\{rolecount",
        read: |_| tvs(TvsLine::Found),
    },
    Row {
        id: "tvs_log_role",
        example: "18:01:06.346 | debug CertificateDBCache::getCertificateInformation - {role : 0}",
        proves: "a role in which TVS knows the certificate",
        not: "anything of a phone",
        source: MIGRATE,
        keys: &["{role :"],
        pattern: r"(?i)\{role\s*:\s*(\d+)\}",
        read: |groups| tvs(TvsLine::Role(groups.text(1)?.parse().ok()?)),
    },
    Row {
        id: "tvs_log_answer",
        example: "18:01:06.347 | debug MsgType : TVS_MSG_QUERY_CERT_RES",
        proves: "the answer was sent: what no cache had until then is not known",
        not: "anything of the phone's lists",
        source: SBD,
        keys: &["_res"],
        pattern: r"TVS_MSG_(?:QUERY_CERT|CERT_VERIFICATION)_RES",
        read: |_| tvs(TvsLine::Answered),
    },
    Row {
        id: "tvs_log_refreshed",
        example: "17:10:35.825 | debug CertificateCache::localCTLCacheMonitor - CTLFile.tlv has been modified. Recaching CTL Certificate Cache",
        proves: "TVS reads its certificates anew",
        not: "anything of a phone",
        source: TOKENLESS,
        keys: &["has been modified", "refreshing"],
        pattern: r"(?i)has been modified|: Refreshing\b",
        read: |_| says(Says::TvsRefreshed),
    },
    Row {
        id: "names_configuration",
        example: "[1:15:20pm 10/30/26] SEP0011215A1AE3.cnf.xml.sgn(HTTP)",
        proves: "a signed configuration was asked for; the name is the phone's",
        not: "that it was verified",
        source: GUIDE,
        keys: &[".cnf.xml", ".tlv"],
        pattern: r"(?i)^\s*((?:CTL|ITL)?[A-Z]{3}[0-9A-F]{12}\.(?:tlv|cnf\.xml[\w.]*))\s*(?:\((?:HTTP|TFTP)\))?\s*$",
        read: |groups| says(Says::Requests { file: groups.file(1)?, server: None }),
    },
    Row {
        id: "names_phone",
        example: "2:10:20a 14: Name=SEP0011215A1AE3 Load= 9.4(2SR3.1S) Last=Initialized",
        proves: "the phone's name",
        not: "anything else",
        source: "readers of phones' pages",
        keys: &["name=sep", "certificate subject name", "devicename.ccm"],
        pattern: r"(?i)\bName=SEP[0-9A-F]{12}|Certificate subject name\s*=.*SEP[0-9A-F]{12}|devicename\.ccm\S*=",
        read: |_| says(Says::Names),
    },
];

struct Compiled {
    row: &'static Row,
    keys: Vec<Finder<'static>>,
    pattern: Regex,
}

static COMPILED: LazyLock<Vec<Compiled>> = LazyLock::new(|| {
    let compile = |row: &'static Row| {
        let keys = row.keys.iter().map(|key| Finder::new(*key)).collect();
        Regex::new(row.pattern).ok().map(|pattern| Compiled { row, keys, pattern })
    };
    ROWS.iter().filter_map(compile).collect()
});

/// What a text says, and by which row. `lower` is the text in lower case of ASCII.
pub(super) fn read(text: &str, lower: &str) -> Option<(&'static Row, Heard)> {
    COMPILED.iter().find_map(|compiled| {
        if !compiled.keys.iter().any(|key| key.find(lower.as_bytes()).is_some()) {
            return None;
        }
        let found = compiled.pattern.captures(text)?;
        Some((compiled.row, (compiled.row.read)(&Groups { found, text })?))
    })
}

/// Words that phones show, and two that stand for any of their kind: what the option knows.
pub const SCREEN_WORDS: [&str; 13] = [
    "verification-failed",
    "ok",
    "Trust List Verification Failed",
    "Verification Failed",
    "Trust List Update Failed",
    "ITL update failed",
    "File auth error",
    "Trust List updated",
    "CTL and ITL installed",
    "ITL installed",
    "No Trust List installed",
    "TFTP timeout",
    "Host Not Found",
];

/// What the engineer says that a screen shows: words of phones, or `ok`.
pub fn of_words(words: &str) -> Option<Says> {
    let words = words.trim().trim_matches(['"', '\'']);
    if words.eq_ignore_ascii_case("ok") { Some(Says::Verified(Object::Unnamed)) } else { of_screen(words) }
}

/// What words on a phone's screen say; `None` for words that are none of a screen.
pub fn of_screen(words: &str) -> Option<Says> {
    let words = words.replace(['-', '_'], " ");
    match read(&words, &words.to_ascii_lowercase())? {
        (_, Heard::Says(says)) => Some(says),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> Option<(&'static str, Heard)> {
        read(text, &text.to_ascii_lowercase()).map(|(row, heard)| (row.id, heard))
    }

    #[test]
    fn every_row_reads_its_example() {
        assert_eq!(COMPILED.len(), ROWS.len(), "every pattern is well-formed");
        for row in ROWS {
            let message = row.example.trim_start_matches(|c: char| !c.is_alphabetic());
            let text =
                super::super::stamp::leading(row.example).map_or(row.example, |(_, at)| row.example.get(at..).unwrap());
            assert_eq!(heard(text).map(|(id, _)| id), Some(row.id), "{message}");
        }
    }

    #[test]
    fn failures_name_what_they_are_of() {
        let object = |text: &str| match heard(text) {
            Some((_, Heard::Says(Says::VerificationFailed(object)))) => object,
            other => panic!("{text}: {other:?}"),
        };
        for (text, expected) in [
            ("Trust List Verification Failed", Object::List(Lists::Unsaid)),
            ("ITL verification failed", Object::List(Lists::Itl)),
            ("Verification Failed", Object::Unnamed),
            ("Trust List update failed, verification failure", Object::List(Lists::Unsaid)),
            ("File auth error", Object::AnyFile),
            ("File auth error : SEP0011215A1AE3.cnf.xml.sgn", Object::Configuration),
            ("File auth error : term88.default.loads", Object::Other),
            ("SECD: EROR:verifyFile: verify FAIL </usr/tmp/ITLFile.tlv>", Object::List(Lists::Itl)),
            ("SECD: EROR:verifyFile: verify FAIL", Object::Unnamed),
            ("invalid file SEP0011215A1AE3.cnf.xml.sgn, authenticated fail. Reason:14.", Object::Configuration),
        ] {
            assert_eq!(object(text), expected, "{text}");
        }
    }

    #[test]
    fn words_of_the_option_are_understood() {
        for words in SCREEN_WORDS {
            assert!(of_words(words).is_some(), "{words}");
        }
        assert_eq!(of_words("verification-failed"), Some(Says::VerificationFailed(Object::Unnamed)));
        assert_eq!(of_words("fine, thank you"), None);
    }

    #[test]
    fn no_list_installed_is_no_success() {
        for (text, lists) in [
            ("No ITL installed", Lists::Itl),
            ("No CTL installed", Lists::Ctl),
            ("No Trust List installed", Lists::Unsaid),
        ] {
            assert_eq!(of_screen(text), Some(Says::NotInstalled(lists)));
        }
        assert_eq!(of_screen("CTL and ITL installed"), Some(Says::Taken(Lists::Both)));
        assert_eq!(of_screen("[CTL_Signature=Not Installed]"), None);
    }

    #[test]
    fn certificates_of_servers_are_another_matter() {
        for text in
            ["Cert Verification - failed", "certificate verification failed", "nothing", "Application installed"]
        {
            assert_eq!(of_screen(text), None, "{text}");
        }
    }
}
