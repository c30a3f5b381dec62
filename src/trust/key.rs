//! Public keys of records and certificates.
//!
//! In: the PUBLICKEY field of a record, or a certificate in DER. Out: [`PublicKey`], which can try a signature. It refuses
//! to know whose key it is.

use std::cell::RefCell;
use std::fmt;

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_parser::der_parser::oid;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::RSAPublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::header::DigestAlgorithm;
use super::rsa::Modulus;
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
    static MODULI: RefCell<Memo<Vec<u8>, Option<Modulus>, 8>> = const { RefCell::new(Memo::new()) };
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
    pub(super) fn of(self, message: Message<'_>) -> Vec<u8> {
        fn digest<D: sha2::Digest>(Message([first, second]): Message<'_>) -> Vec<u8> {
            D::new().chain_update(first).chain_update(second).finalize().to_vec()
        }
        match self {
            Self::Sha1 => digest::<sha1::Sha1>(message),
            Self::Sha256 => digest::<sha2::Sha256>(message),
            Self::Sha384 => digest::<sha2::Sha384>(message),
            Self::Sha512 => digest::<sha2::Sha512>(message),
        }
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
        if let Self::Rsa { bits, .. } = self {
            rsa_algorithm(*bits, digest)?;
        }
        let is_same = |known: &Trial| {
            known.signature == signature && known.digest == digest && known.key == *self && message.is(&known.message)
        };
        TRIALS.with_borrow_mut(|known| {
            if let Some(&verified) = known.get(is_same) {
                return Ok(verified);
            }
            let verified = match self {
                Self::Rsa { der, bits } => {
                    proves(der, &digest.of(message), signature, digest)
                        || UnparsedPublicKey::new(rsa_algorithm(*bits, digest)?, der)
                            .verify(&message.0.concat(), signature)
                            .is_ok()
                }
                Self::Ec { curve, point } => curve.verifies(point, &digest.of(message), signature),
            };
            if message.len().max(signature.len()) <= LONGEST_REMEMBERED && was_tried_before(signature) {
                let (signature, message) = (signature.to_vec(), message.0.concat());
                known.put(Trial { key: self.clone(), digest, signature, message }, verified);
            }
            Ok(verified)
        })
    }
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

/// Whether the fast way proves that this RSA key made the signature over what has this hash.
fn proves(der: &[u8], hash: &[u8], signature: &[u8], digest: Digest) -> bool {
    MODULI.with_borrow_mut(|known| {
        if let Some(modulus) = known.get(|known| known == der) {
            return modulus.as_ref().is_some_and(|modulus| modulus.proves(hash, signature, digest));
        }
        let modulus = modulus_of(der);
        let proven = modulus.as_ref().is_some_and(|modulus| modulus.proves(hash, signature, digest));
        known.put(der.to_vec(), modulus);
        proven
    })
}

/// How `ring` checks an RSA signature; `Err` where it cannot.
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

impl Curve {
    /// Bytes of a coordinate, and of the number that a digest is taken for.
    const fn length(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Whether `signature` (DER) over `digest` is that of the key with this uncompressed point.
    fn verifies(self, point: &[u8], digest: &[u8], signature: &[u8]) -> bool {
        // A short digest is a number with zeros in front (SEC 1, 4.1.4); a long one is cut by the libraries.
        let zeros = self.length().saturating_sub(digest.len());
        let number = [&vec![0; zeros], digest].concat();
        macro_rules! verifies {
            ($curve:ident) => {{
                use $curve::ecdsa::signature::hazmat::PrehashVerifier;
                let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(point);
                let signature = $curve::ecdsa::Signature::from_der(signature);
                key.ok()
                    .zip(signature.ok())
                    .is_some_and(|(key, signature)| key.verify_prehash(&number, &signature).is_ok())
            }};
        }
        match self {
            Self::P256 => verifies!(p256),
            Self::P384 => verifies!(p384),
            Self::P521 => verifies!(p521),
        }
    }
}

/// The modulus of a PKCS#1 key whose exponent is 65537.
fn modulus_of(der: &[u8]) -> Option<Modulus> {
    let (_, key) = RSAPublicKey::from_der(der).ok()?;
    let modulus = key.modulus.iter().position(|&byte| byte != 0).and_then(|first| key.modulus.get(first..))?;
    if key.try_exponent().ok() == Some(65537) { Modulus::new(modulus) } else { None }
}
