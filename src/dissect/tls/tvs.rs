//! What a conversation with TVS was about, told from the lengths of its records (domain.md 5.2, 5.4).
//!
//! In: version, cipher suite, and the lengths of the application records of both sides. Out: a [`TvsExchange`]: an inference,
//! with its reason. It claims only what every plaintext of such a length would mean; where lengths allow two readings, it says
//! so.
//!
//! A request by name (QUERY) has ten bytes of header, the device's name, subject, issuer and serial: 153 and 180 bytes were
//! seen. A request by certificate (VERIFY) has the certificate instead. An answer to a QUERY carries the certificate, or is
//! tiny; an answer to a VERIFY has 14 bytes for no, and roles and a lifetime besides for yes.

use crate::event::{CipherSuite, TlsVersion, TvsAnswer, TvsExchange, TvsRequest};

/// Requests without a certificate are not longer, with subject and issuer of a hundred bytes and more.
const LONGEST_QUERY: usize = 380;
/// A certificate alone has more, even with a small key.
const SHORTEST_VERIFY: usize = 480;
/// Longer certificates are not in use; what is longer is something else.
const LONGEST_VERIFY: usize = 8 << 10;
/// Header, and one element of one byte.
const SHORTEST_MESSAGE: usize = 14;
/// The least that a yes to a VERIFY has: status, one role, a lifetime.
const SHORTEST_YES: usize = 25;
/// An answer that carries a certificate has at least so many: even a small one, with a key of 512 bits, has more.
const WITH_CERTIFICATE: usize = 300;
/// An answer to a VERIFY has no more.
const WITHOUT_CERTIFICATE: usize = 64;

/// No suite adds more to a record: a block before it, a MAC of 48 bytes, a block of padding.
const MOST_ADDED: usize = 16 + 48 + 16;

/// What encryption adds to a record's plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overhead {
    /// So many bytes.
    Fixed(usize),
    /// So many bytes, and padding up to a whole block: from one byte to a block of this length.
    Padded { fixed: usize, block: usize },
    /// From nothing to [`MOST_ADDED`].
    Unknown,
}

/// The lengths of plaintext that records of these lengths can carry together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plaintext {
    least: usize,
    most: usize,
}

impl Overhead {
    /// By version and suite (RFC 5246 6.2.3, RFC 5288, RFC 7905, RFC 8446 5.2); `None` where the suite is not known.
    fn of(version: TlsVersion, cipher: CipherSuite) -> Option<Self> {
        use tls_parser::{TlsCipherEnc, TlsCipherEncMode, TlsCipherSuite};
        let suite = TlsCipherSuite::from_id(cipher.0)?;
        let tag = if suite.name.contains("CCM_8") { 8 } else { 16 };
        if version >= TlsVersion::TLS_1_3 {
            // The type of the record is encrypted with it.
            return Some(Self::Fixed(1 + tag));
        }
        let mac = usize::from(suite.mac_size) / 8;
        Some(match (suite.enc, suite.enc_mode) {
            (TlsCipherEnc::Chacha20_Poly1305, _) => Self::Fixed(tag),
            (_, TlsCipherEncMode::Gcm | TlsCipherEncMode::Ccm) => Self::Fixed(8 + tag),
            (_, TlsCipherEncMode::Cbc) => {
                let block = match suite.enc {
                    TlsCipherEnc::Des | TlsCipherEnc::TripleDes | TlsCipherEnc::Rc2 | TlsCipherEnc::Idea => 8,
                    _ => 16,
                };
                // From TLS 1.1 on every record begins with a block of its own (RFC 4346 6.2.3.2).
                let start = if version.0 >= 0x0302 { block } else { 0 };
                Self::Padded { fixed: start + mac, block }
            }
            (TlsCipherEnc::Rc4 | TlsCipherEnc::Null, TlsCipherEncMode::Null) => Self::Fixed(mac),
            _ => return None,
        })
    }

    /// Empty records, which TLS 1.0 puts before others, carry nothing.
    fn plaintext(self, records: &[usize]) -> Plaintext {
        let (least, most) = match self {
            Self::Fixed(fixed) => (fixed, fixed),
            Self::Padded { fixed, block } => (fixed + block, fixed + 1),
            Self::Unknown => (MOST_ADDED, 0),
        };
        Plaintext {
            least: records.iter().map(|record| record.saturating_sub(least)).sum(),
            most: records.iter().map(|record| record.saturating_sub(most)).sum(),
        }
    }
}

/// What these records were about; `None` where the client sent none.
pub(super) fn infer(
    version: Option<TlsVersion>,
    cipher: Option<CipherSuite>,
    client: &[usize],
    server: &[usize],
) -> Option<TvsExchange> {
    if client.is_empty() {
        return None;
    }
    let unknown = |why: &str| {
        let why = why.to_owned();
        Some(TvsExchange { request: TvsRequest::Unknown, answer: TvsAnswer::Unknown, why })
    };
    let is_1_3 = version.is_some_and(|version| version >= TlsVersion::TLS_1_3);
    let known = version.zip(cipher).and_then(|(version, cipher)| Overhead::of(version, cipher));
    if is_1_3 && known.is_none() {
        return unknown("what this cipher suite adds to a record is not known");
    }
    // Where the suite is not known, what any may add is left open; the lengths may decide all the same.
    let overhead = known.unwrap_or(Overhead::Unknown);
    // In TLS 1.3 the client's farewell looks like data.
    let client = match client.split_last() {
        Some((&last, before)) if is_1_3 && !before.is_empty() && overhead.plaintext(&[last]).most == 2 => before,
        _ => client,
    };
    let asked = overhead.plaintext(client);
    let request = match asked {
        Plaintext { least, most } if least >= 40 && most <= LONGEST_QUERY => TvsRequest::Query,
        Plaintext { least, most } if least >= SHORTEST_VERIFY && most <= LONGEST_VERIFY => TvsRequest::Verify,
        _ => TvsRequest::Unknown,
    };
    let asked = bytes(asked);
    let what = match request {
        TvsRequest::Query => format!("the request has {asked}: too few for a certificate, so it names one (QUERY)"),
        TvsRequest::Verify => format!("the request has {asked}: it carries a certificate (VERIFY)"),
        TvsRequest::Unknown => format!("the request has {asked}, which is like neither kind"),
    };
    let tell = |answer, said: &str| Some(TvsExchange { request, answer, why: format!("{what}; {said}") });
    if server.is_empty() {
        return tell(TvsAnswer::Unknown, "no answer was seen");
    }
    if is_1_3 {
        return tell(TvsAnswer::Unknown, "in TLS 1.3 session tickets look like answers");
    }
    let answered = overhead.plaintext(server);
    let said = format!("the answer has {}", bytes(answered));
    match (request, answered) {
        (TvsRequest::Query, Plaintext { least, .. }) if least >= WITH_CERTIFICATE => {
            tell(TvsAnswer::Yes, &format!("{said}: it carries the certificate"))
        }
        (TvsRequest::Query, Plaintext { most, .. }) if (SHORTEST_MESSAGE..WITH_CERTIFICATE).contains(&most) => {
            tell(TvsAnswer::No, &format!("{said}: too few for the certificate"))
        }
        (TvsRequest::Verify, Plaintext { least, most })
            if least > SHORTEST_MESSAGE && (SHORTEST_YES..=WITHOUT_CERTIFICATE).contains(&most) =>
        {
            tell(TvsAnswer::Yes, &format!("{said}: more than a no has"))
        }
        (TvsRequest::Verify, Plaintext { most, .. }) if (SHORTEST_MESSAGE..SHORTEST_YES).contains(&most) => {
            tell(TvsAnswer::No, &format!("{said}: too few for the roles and the lifetime of a yes"))
        }
        (TvsRequest::Verify, Plaintext { most, .. }) if (SHORTEST_YES..=WITHOUT_CERTIFICATE).contains(&most) => {
            tell(TvsAnswer::Unknown, &format!("{said}: with this cipher suite yes and no look alike"))
        }
        _ => tell(TvsAnswer::Unknown, &format!("{said}, which is like no answer to it")),
    }
}

fn bytes(Plaintext { least, most }: Plaintext) -> String {
    if least == most { format!("{least} bytes") } else { format!("{least} to {most} bytes") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AES256_SHA: u16 = 0x0035;
    const AES256_SHA256: u16 = 0x003d;
    const AES256_GCM: u16 = 0x009d;
    const CHACHA20: u16 = 0xcca8;
    const RC4_SHA: u16 = 0x0005;
    const TRIPLE_DES_SHA: u16 = 0x000a;
    const NULL_SHA: u16 = 0x0002;

    /// Lengths on the wire of records with this plaintext, by the book.
    fn wire(version: u16, cipher: u16, plaintext: usize) -> usize {
        let cbc = |mac: usize, block: usize| {
            let start = if version >= 0x0302 { block } else { 0 };
            start + (plaintext + mac + 1).div_ceil(block) * block
        };
        match (cipher, version) {
            (_, 0x0304) => plaintext + 17,
            (AES256_SHA, _) => cbc(20, 16),
            (AES256_SHA256, _) => cbc(32, 16),
            (TRIPLE_DES_SHA, _) => cbc(20, 8),
            (AES256_GCM, _) => plaintext + 24,
            (CHACHA20, _) => plaintext + 16,
            (RC4_SHA | NULL_SHA, _) => plaintext + 20,
            _ => unreachable!(),
        }
    }

    fn inferred(version: u16, cipher: u16, asked: usize, answered: &[usize]) -> (TvsRequest, TvsAnswer) {
        let server: Vec<_> = answered.iter().map(|&plaintext| wire(version, cipher, plaintext)).collect();
        let exchange =
            infer(Some(TlsVersion(version)), Some(CipherSuite(cipher)), &[wire(version, cipher, asked)], &server)
                .unwrap();
        (exchange.request, exchange.answer)
    }

    const SUITES: [(u16, u16); 9] = [
        (0x0301, AES256_SHA),
        (0x0302, AES256_SHA),
        (0x0303, AES256_SHA),
        (0x0303, AES256_SHA256),
        (0x0303, AES256_GCM),
        (0x0303, CHACHA20),
        (0x0300, RC4_SHA),
        (0x0301, TRIPLE_DES_SHA),
        (0x0303, NULL_SHA),
    ];

    #[test]
    fn the_source_documents_exchanges_in_every_suite() {
        use TvsAnswer::{No, Unknown, Yes};
        for (version, cipher) in SUITES {
            // domain.md 5.2: QUERY 153 bytes, answer 1480; W1 180 bytes; VERIFY 960 bytes.
            assert_eq!(inferred(version, cipher, 153, &[1480]), (TvsRequest::Query, Yes), "{version:x} {cipher:x}");
            assert_eq!(inferred(version, cipher, 180, &[0, 14]), (TvsRequest::Query, No), "{version:x} {cipher:x}");
            assert_eq!(inferred(version, cipher, 960, &[]), (TvsRequest::Verify, Unknown));
            let looks_alike = matches!(cipher, AES256_SHA);
            for yes in 25..=27 {
                let expected = if looks_alike { Unknown } else { Yes };
                assert_eq!(
                    inferred(version, cipher, 960, &[yes]),
                    (TvsRequest::Verify, expected),
                    "{version:x} {cipher:x} {yes}"
                );
            }
            let expected = if looks_alike { Unknown } else { No };
            assert_eq!(inferred(version, cipher, 960, &[14]), (TvsRequest::Verify, expected), "{version:x} {cipher:x}");
        }
    }

    #[test]
    fn never_a_wrong_answer() {
        for (version, cipher) in SUITES {
            for asked in 0..3000 {
                let (request, _) = inferred(version, cipher, asked, &[]);
                assert!(request != TvsRequest::Query || asked <= LONGEST_QUERY, "{asked}");
                assert!(request != TvsRequest::Verify || asked >= SHORTEST_VERIFY, "{asked}");
            }
            for (asked, no, yes) in [(153, 14..=40, 400..=2000), (960, 14..=14, 25..=27)] {
                for answered in no {
                    assert_ne!(
                        inferred(version, cipher, asked, &[answered]).1,
                        TvsAnswer::Yes,
                        "{cipher:x} {answered}"
                    );
                }
                for answered in yes {
                    assert_ne!(inferred(version, cipher, asked, &[answered]).1, TvsAnswer::No, "{cipher:x} {answered}");
                }
            }
        }
    }

    #[test]
    fn tls_1_3_tells_the_request_only() {
        let aes_128_gcm = Some(CipherSuite(0x1301));
        let client = [wire(0x0304, 0x1301, 153), wire(0x0304, 0x1301, 2)];
        let exchange = infer(Some(TlsVersion::TLS_1_3), aes_128_gcm, &client, &[250, 250, 31]).unwrap();
        assert_eq!((exchange.request, exchange.answer), (TvsRequest::Query, TvsAnswer::Unknown));
    }

    #[test]
    fn an_unknown_suite_leaves_what_lengths_decide() {
        let told = |asked, answered| {
            let exchange = infer(None, None, &[asked], &[answered]).unwrap();
            (exchange.request, exchange.answer)
        };
        assert_eq!(told(208, 48), (TvsRequest::Query, TvsAnswer::No), "no suite makes a certificate so short");
        assert_eq!(told(208, 1520), (TvsRequest::Query, TvsAnswer::Yes));
        assert_eq!(told(208, 340), (TvsRequest::Query, TvsAnswer::Unknown));
        assert_eq!(told(100, 48), (TvsRequest::Unknown, TvsAnswer::Unknown));
        assert_eq!(told(1008, 64), (TvsRequest::Verify, TvsAnswer::Unknown), "yes and no look alike");
    }

    #[test]
    fn what_lengths_cannot_tell() {
        assert_eq!(infer(None, None, &[], &[100]), None);
        let unknown = infer(None, Some(CipherSuite(AES256_SHA)), &[100], &[]).unwrap();
        assert_eq!(unknown.request, TvsRequest::Unknown);
        let odd = infer(Some(TlsVersion(0x0304)), Some(CipherSuite(0x5a5a)), &[100], &[]).unwrap();
        assert_eq!(odd.request, TvsRequest::Unknown);
    }
}
