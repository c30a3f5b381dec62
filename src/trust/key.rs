//! Public keys of records and certificates.
//!
//! In: the PUBLICKEY field of a record, or a certificate in DER. Out: [`PublicKey`], which can try a signature. It refuses
//! to know whose key it is.

use std::cell::RefCell;
use std::fmt;

use aws_lc_rs::digest as hash;
use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use x509_parser::der_parser::oid;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::header::DigestAlgorithm;
use crate::memo::Memo;

/// Longer messages are not kept to recognise them by: no list is longer.
const LONGEST_REMEMBERED: usize = 1 << 16;

/// What a signature is made over, in the two parts in which it stands in the file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a>(pub(super) [&'a [u8]; 2]);

impl Message<'_> {
    fn len(self) -> usize {
        self.0.iter().map(|part| part.len()).sum()
    }

    fn is(self, bytes: &[u8]) -> bool {
        let [first, second] = self.0;
        bytes.strip_prefix(first) == Some(second)
    }
}

/// A signature that was tried.
struct Trial {
    key: PublicKey,
    digest: Digest,
    signature: Vec<u8>,
    message: Vec<u8>,
}

thread_local! {
    static CERTIFICATES: RefCell<Memo<Vec<u8>, Result<PublicKey, String>, 16>> = const { RefCell::new(Memo::new()) };
    /// Keys as the library prepares them; `None` for what is no key.
    static PREPARED: RefCell<Memo<(PublicKey, Digest), Option<ParsedPublicKey>, 8>> = const { RefCell::new(Memo::new()) };
    /// Signatures that were tried once.
    static TRIED: RefCell<Memo<Vec<u8>, (), 16>> = const { RefCell::new(Memo::new()) };
    static TRIALS: RefCell<Memo<Trial, bool, 16>> = const { RefCell::new(Memo::new()) };
}

/// A public key in the two forms that lists hold (domain.md 2.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// PKCS#1 `RSAPublicKey` in DER.
    Rsa { der: Vec<u8>, bits: usize },
    /// Uncompressed X9.62 point.
    Ec { curve: Curve, point: Vec<u8> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

/// A digest that a signature was tried with. SHA-384 is not numbered in lists, but the number 3 was once taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        })
    }
}

impl Digest {
    /// The digest of a message.
    fn of(self, Message([first, second]): Message<'_>) -> hash::Digest {
        let mut context = hash::Context::new(match self {
            Self::Sha1 => &hash::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &hash::SHA256,
            Self::Sha384 => &hash::SHA384,
            Self::Sha512 => &hash::SHA512,
        });
        context.update(first);
        context.update(second);
        context.finish()
    }

    /// What a header's digest number may mean, most likely first. The number of SHA-512 is not beyond doubt (domain.md 10),
    /// and the signature itself tells which digest it is made over.
    pub(super) const fn candidates(named: Option<DigestAlgorithm>) -> &'static [Self] {
        match named {
            Some(DigestAlgorithm::Sha1) => &[Self::Sha1],
            Some(DigestAlgorithm::Sha256) => &[Self::Sha256],
            Some(DigestAlgorithm::Sha512) => &[Self::Sha512, Self::Sha384],
            Some(DigestAlgorithm::Unknown(_)) | None => &[Self::Sha1, Self::Sha256, Self::Sha512, Self::Sha384],
        }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits, .. } => write!(f, "RSA {bits} bits"),
            Self::Ec { curve: Curve::P256, .. } => f.write_str("EC P-256"),
            Self::Ec { curve: Curve::P384, .. } => f.write_str("EC P-384"),
            Self::Ec { curve: Curve::P521, .. } => f.write_str("EC P-521"),
        }
    }
}

impl PublicKey {
    /// Reads the PUBLICKEY field of a record: PKCS#1, or an X9.62 point. The form that certificates wrap keys in is taken
    /// too, since no genuine list with EC keys has been seen (domain.md 10).
    pub(super) fn from_record(bytes: &[u8]) -> Result<Self, String> {
        match bytes.first() {
            None => Err("its public key is empty".to_owned()),
            Some(0x30) => match SubjectPublicKeyInfo::from_der(bytes) {
                Ok((_, info)) => Self::from_info(&info),
                Err(_) => Self::rsa(bytes),
            },
            Some(_) => Self::point(bytes),
        }
    }

    fn point(bytes: &[u8]) -> Result<Self, String> {
        let curve = match (bytes.first(), bytes.len()) {
            (Some(0x04), 65) => Curve::P256,
            (Some(0x04), 97) => Curve::P384,
            (Some(0x04), 133) => Curve::P521,
            (first, length) => {
                let first = first.copied().unwrap_or_default();
                return Err(format!("its public key of {length} bytes, the first {first:02x}, has no known form"));
            }
        };
        Ok(Self::Ec { curve, point: bytes.to_vec() })
    }

    /// Takes the key out of a certificate in DER.
    pub(super) fn from_certificate(der: &[u8]) -> Result<Self, String> {
        CERTIFICATES.with_borrow_mut(|known| {
            if let Some(key) = known.get(|known| known == der) {
                return key.clone();
            }
            let key = Self::out_of_certificate(der);
            if der.len() <= LONGEST_REMEMBERED {
                known.put(der.to_vec(), key.clone());
            }
            key
        })
    }

    fn out_of_certificate(der: &[u8]) -> Result<Self, String> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|_| "its certificate cannot be read".to_owned())?;
        Self::from_info(certificate.public_key())
    }

    fn from_info(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, String> {
        let algorithm = info.algorithm.oid();
        if *algorithm == oid!(1.2.840.113549.1.1.1) {
            return Self::rsa(&info.subject_public_key.data);
        }
        if *algorithm == oid!(1.2.840.10045.2.1) {
            return Self::point(&info.subject_public_key.data);
        }
        Err(format!("its key is of the kind {algorithm}, neither RSA nor EC"))
    }

    fn rsa(der: &[u8]) -> Result<Self, String> {
        let (_, key) = RSAPublicKey::from_der(der).map_err(|_| "its RSA key cannot be read".to_owned())?;
        let modulus = key.modulus.iter().position(|&byte| byte != 0);
        let modulus = modulus.and_then(|first| key.modulus.get(first..)).unwrap_or_default();
        let unused = modulus.first().map_or(0, |first| first.leading_zeros());
        let bits = modulus.len().saturating_mul(8).saturating_sub(usize::try_from(unused).unwrap_or(0));
        Ok(Self::Rsa { der: der.to_vec(), bits })
    }

    /// Whether the signature over `message` is this key's. `Err` says why that cannot be tried at all.
    pub(super) fn verifies(&self, message: Message<'_>, signature: &[u8], digest: Digest) -> Result<bool, String> {
        let algorithm = self.algorithm(digest)?;
        let is_same = |known: &Trial| {
            known.signature == signature && known.digest == digest && known.key == *self && message.is(&known.message)
        };
        TRIALS.with_borrow_mut(|known| {
            if let Some(&verified) = known.get(is_same) {
                return Ok(verified);
            }
            let verified = self.try_signature(algorithm, message, signature, digest);
            if message.len().max(signature.len()) <= LONGEST_REMEMBERED && was_tried_before(signature) {
                let (signature, message) = (signature.to_vec(), message.0.concat());
                known.put(Trial { key: self.clone(), digest, signature, message }, verified);
            }
            Ok(verified)
        })
    }

    /// Ten thousand configurations are signed by one key: it is prepared once.
    fn try_signature(
        &self,
        algorithm: &'static dyn VerificationAlgorithm,
        message: Message<'_>,
        signature: &[u8],
        digest: Digest,
    ) -> bool {
        let hash = digest.of(message);
        let number = if self.is_p384() && digest == Digest::Sha1 { as_sha256(&hash) } else { Some(hash) };
        let tried = |key: &Option<ParsedPublicKey>| {
            key.as_ref().zip(number).is_some_and(|(key, number)| key.verify_digest_sig(&number, signature).is_ok())
        };
        PREPARED.with_borrow_mut(|known| {
            if let Some(key) = known.get(|(key, with)| *with == digest && key == self) {
                return tried(key);
            }
            let key = ParsedPublicKey::new(algorithm, self.bytes()).ok();
            let verified = tried(&key);
            known.put((self.clone(), digest), key);
            verified
        })
    }

    fn is_p384(&self) -> bool {
        matches!(self, Self::Ec { curve: Curve::P384, .. })
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Rsa { der, .. } => der,
            Self::Ec { point, .. } => point,
        }
    }

    /// How signatures of this key over this digest are checked; `Err` where they cannot be.
    fn algorithm(&self, digest: Digest) -> Result<&'static dyn VerificationAlgorithm, String> {
        let curve = match self {
            Self::Rsa { bits, .. } => return rsa_algorithm(*bits, digest),
            Self::Ec { curve, .. } => curve,
        };
        Ok(match (curve, digest) {
            (Curve::P256, Digest::Sha1) => &signature::ECDSA_P256_SHA1_ASN1,
            (Curve::P256, Digest::Sha256) => &signature::ECDSA_P256_SHA256_ASN1,
            (Curve::P256, Digest::Sha384) => &signature::ECDSA_P256_SHA384_ASN1,
            (Curve::P256, Digest::Sha512) => &signature::ECDSA_P256_SHA512_ASN1,
            // With SHA-1 as well: see [`as_sha256`].
            (Curve::P384, Digest::Sha1 | Digest::Sha256) => &signature::ECDSA_P384_SHA256_ASN1,
            (Curve::P384, Digest::Sha384) => &signature::ECDSA_P384_SHA384_ASN1,
            (Curve::P384, Digest::Sha512) => &signature::ECDSA_P384_SHA512_ASN1,
            (Curve::P521, Digest::Sha1) => &signature::ECDSA_P521_SHA1_ASN1,
            (Curve::P521, Digest::Sha256) => &signature::ECDSA_P521_SHA256_ASN1,
            (Curve::P521, Digest::Sha384) => &signature::ECDSA_P521_SHA384_ASN1,
            (Curve::P521, Digest::Sha512) => &signature::ECDSA_P521_SHA512_ASN1,
        })
    }
}

/// A SHA-1 digest with zeros in front, as long as one of SHA-256. The library pairs every curve with every digest but P-384 with
/// SHA-1. ECDSA signs the number that a digest's bytes are (SEC 1, 4.1.4), and zeros in front do not change a number.
fn as_sha256(sha1: &hash::Digest) -> Option<hash::Digest> {
    let number = [&[0; 12], sha1.as_ref()].concat();
    hash::Digest::import_less_safe(&number, &hash::SHA256).ok()
}

/// Whether the signature was tried a moment ago; it is remembered. That of a configuration comes once: only what comes again
/// is worth a copy of its message.
fn was_tried_before(signature: &[u8]) -> bool {
    TRIED.with_borrow_mut(|tried| {
        let before = tried.get(|tried| tried == signature).is_some();
        if !before {
            tried.put(signature.to_vec(), ());
        }
        before
    })
}

/// How RSA signatures over this digest are checked (RFC 8017 8.2.2); `Err` where they cannot be.
fn rsa_algorithm(bits: usize, digest: Digest) -> Result<&'static dyn VerificationAlgorithm, String> {
    if !(1024..=8192).contains(&bits) {
        return Err(format!("an RSA key of {bits} bits cannot be checked, only 1024 to 8192"));
    }
    Ok(match digest {
        Digest::Sha1 => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Digest::Sha256 => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        Digest::Sha512 => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        Digest::Sha384 if bits >= 2048 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Digest::Sha384 => return Err(format!("SHA-384 with an RSA key of {bits} bits cannot be checked")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::{TrustList, signature::signed_message};

    /// The signature of a list, its message, and the key of its signer.
    fn of_list(list: &[u8]) -> (Vec<u8>, PublicKey) {
        let parsed = TrustList::parse(list).unwrap();
        let signature = parsed.header.signature.clone().unwrap().bytes.unwrap();
        (signature, PublicKey::from_record(parsed.records[0].public_key.as_deref().unwrap()).unwrap())
    }

    fn message(list: &[u8]) -> Message<'_> {
        signed_message(&TrustList::parse(list).unwrap().header.signature.unwrap(), list).unwrap()
    }

    #[test]
    fn all_bits_of_a_signature_count() {
        let rsa = include_bytes!("../../tests/fixtures/trust/itl-10.tlv");
        let p384 = include_bytes!("../../tests/fixtures/trust/p384-sha1.tlv");
        for list in [&rsa[..], &p384[..]] {
            let (signature, key) = of_list(list);
            let message = message(list);
            assert_eq!(key.verifies(message, &signature, Digest::Sha1), Ok(true), "{key}");
            assert_eq!(key.verifies(message, &signature, Digest::Sha256), Ok(false), "{key}");
            assert_eq!(key.verifies(Message([&list[1..], &[]]), &signature, Digest::Sha1), Ok(false), "{key}");
            for index in 0..signature.len() * 8 {
                let mut changed = signature.clone();
                changed[index / 8] ^= 1 << (index % 8);
                assert_eq!(key.verifies(message, &changed, Digest::Sha1), Ok(false), "{key}, bit {index}");
            }
        }
    }

    #[test]
    fn keys_that_cannot_be_used() {
        let rsa = |bits| PublicKey::Rsa { der: Vec::new(), bits };
        for (key, digest, allowed) in [
            (rsa(1023), Digest::Sha1, false),
            (rsa(1024), Digest::Sha1, true),
            (rsa(8192), Digest::Sha512, true),
            (rsa(8193), Digest::Sha512, false),
            (rsa(1024), Digest::Sha384, false),
            (rsa(2048), Digest::Sha384, true),
        ] {
            // Where it may be tried, no bytes are no key, and no key made the signature.
            let tried = key.verifies(Message([b"", b""]), b"", digest);
            assert_eq!(tried.ok(), allowed.then_some(false), "{key}, {digest}");
        }
        let no_point = PublicKey::Ec { curve: Curve::P256, point: [&[4][..], &[1; 64]].concat() };
        assert_eq!(no_point.verifies(Message([b"", b""]), &[0x30, 0], Digest::Sha256), Ok(false));
    }
}
