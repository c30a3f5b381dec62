//! Builds trust lists and signed files for tests.
//!
//! In: names, keys, certificates, and a function that signs. Out: bytes of a file as CUCM lays it out (domain.md 2). Not a
//! part of the public surface: it exists so that tests of every room can make the lists that they need.

#![allow(missing_docs, reason = "for tests only; names say it")]

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};

/// A list under construction.
#[derive(Debug, Clone)]
pub struct ListBuilder {
    pub version: (u8, u8),
    pub signer_version: Option<(u8, u8)>,
    pub signer: Option<(String, Vec<u8>, String)>,
    pub digest: u8,
    pub file_name: String,
    pub timestamp: u32,
    pub records: Vec<Vec<u8>>,
    /// What follows the header instead of records: the body of a signed file.
    pub body: Vec<u8>,
}

/// A record under construction.
#[derive(Debug, Clone, Default)]
pub struct RecordBuilder {
    fields: Vec<(u8, Vec<u8>)>,
}

/// A key pair for signing: P-256, because it is made in an instant.
pub struct TestKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

fn field(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    [&[tag][..], &length.to_be_bytes(), value].concat()
}

fn with_nul(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

impl ListBuilder {
    /// A list that was signed under `file_name`.
    pub fn new(file_name: &str) -> Self {
        Self {
            version: (1, 2),
            signer_version: None,
            signer: None,
            digest: 1,
            file_name: file_name.to_owned(),
            timestamp: 1_311_776_184,
            records: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn itl() -> Self {
        Self::new("ITLFile.tlv")
    }

    pub fn ctl() -> Self {
        Self::new("CTLFile.tlv")
    }

    /// A signed file of version 1.0.
    pub fn signed_file(file_name: &str, body: &[u8]) -> Self {
        Self { version: (1, 0), body: body.to_vec(), ..Self::new(file_name) }
    }

    #[must_use]
    pub fn signer(mut self, name: &str, serial: &[u8], issuer: &str) -> Self {
        self.signer = Some((name.to_owned(), serial.to_vec(), issuer.to_owned()));
        self
    }

    #[must_use]
    pub fn record(mut self, record: &RecordBuilder) -> Self {
        self.records.push(record.build());
        self
    }

    #[must_use]
    pub fn digest(mut self, number: u8) -> Self {
        self.digest = number;
        self
    }

    /// The file, with a signature of `length` bytes that `sign` makes over the bytes to be signed.
    pub fn build(&self, length: usize, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let mut before = [field(1, &[self.version.0, self.version.1]), field(2, &[0, 0])].concat();
        if let Some((major, minor)) = self.signer_version {
            before.extend(field(28, &[major, minor]));
        }
        if let Some((name, serial, issuer)) = &self.signer {
            let inner = [field(4, &with_nul(name)), field(5, serial), field(6, &with_nul(issuer))].concat();
            before.extend(field(3, &inner));
        }
        let modulus = [64, 128, 256, 512].iter().position(|&size| size == length).unwrap_or(0);
        let algorithm = [field(10, &[0]), field(11, &[u8::try_from(modulus).unwrap_or(0)])].concat();
        before.extend(field(7, &[field(8, &[self.digest]), field(9, &algorithm)].concat()));
        let mut after = field(14, &with_nul(&self.file_name));
        after.extend(field(15, &self.timestamp.to_be_bytes()));
        while !(before.len() + 3 + length + after.len()).is_multiple_of(4) {
            after.push(13);
        }
        let header_length = u16::try_from(before.len() + 3 + length + after.len()).unwrap_or(u16::MAX);
        if let Some(place) = before.get_mut(8..10) {
            place.copy_from_slice(&header_length.to_be_bytes());
        }
        after.extend(self.records.concat());
        after.extend(&self.body);
        let mut signature = sign(&[before.as_slice(), &after].concat());
        signature.resize(length, 0);
        [before, field(12, &signature), after].concat()
    }

    /// The file, signed with `key`. ECDSA signatures vary in length, so this tries until one has the length announced.
    pub fn build_signed(&self, key: &TestKey) -> Vec<u8> {
        loop {
            let mut made = 0;
            let file = self.build(71, |message| {
                let signature = key.sign(message);
                made = signature.len();
                signature
            });
            if made == 71 {
                return file;
            }
        }
    }

    /// The file with a signature of `length` bytes that nothing verifies.
    pub fn build_unsigned(&self, length: usize) -> Vec<u8> {
        self.build(length, |_| vec![0x5A; length])
    }
}

impl RecordBuilder {
    /// A record with a function; every further field is added in the order of the calls.
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn raw(mut self, tag: u8, value: &[u8]) -> Self {
        self.fields.push((tag, value.to_vec()));
        self
    }

    #[must_use]
    pub fn blank_dns(self) -> Self {
        self.raw(2, &[0, 0])
    }

    #[must_use]
    pub fn dns(self, name: &str) -> Self {
        self.raw(2, &with_nul(name))
    }

    #[must_use]
    pub fn function(self, number: u16) -> Self {
        self.raw(4, &number.to_be_bytes())
    }

    #[must_use]
    pub fn subject(self, name: &str) -> Self {
        self.raw(3, &with_nul(name))
    }

    #[must_use]
    pub fn issuer(self, name: &str) -> Self {
        self.raw(5, &with_nul(name))
    }

    #[must_use]
    pub fn serial(self, bytes: &[u8]) -> Self {
        self.raw(6, bytes)
    }

    #[must_use]
    pub fn public_key(self, bytes: &[u8]) -> Self {
        self.raw(7, bytes)
    }

    #[must_use]
    pub fn signature(self, length: usize) -> Self {
        self.raw(8, &vec![0xA5; length])
    }

    #[must_use]
    pub fn certificate(self, der: &[u8]) -> Self {
        self.raw(9, der)
    }

    #[must_use]
    pub fn address(self, bytes: [u8; 4]) -> Self {
        self.raw(10, &bytes)
    }

    #[must_use]
    pub fn hash(self, sha1: [u8; 20]) -> Self {
        self.raw(11, &sha1).raw(12, &[1])
    }

    /// The whole identity of a certificate that only its hash stands for, with the layout of CUCM's ITLs.
    #[must_use]
    pub fn hashed(self, function: u16, name: &str, serial: &[u8], key: &[u8], sha1: [u8; 20]) -> Self {
        self.blank_dns()
            .subject(name)
            .function(function)
            .issuer(name)
            .serial(serial)
            .public_key(key)
            .signature(128)
            .hash(sha1)
    }

    /// The bytes of the record.
    pub fn build(&self) -> Vec<u8> {
        let fields: Vec<_> = self.fields.iter().flat_map(|(tag, value)| field(*tag, value)).collect();
        let length = u16::try_from(fields.len() + 5).unwrap_or(u16::MAX);
        [field(1, &length.to_be_bytes()), fields].concat()
    }
}

impl std::fmt::Debug for TestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TestKey")
    }
}

impl TestKey {
    /// A new key pair.
    #[expect(clippy::expect_used, reason = "for tests only, and it fails only where the system has no randomness")]
    pub fn generate() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a new key");
        Self { pair, random: SystemRandom::new() }
    }

    /// The public key as records hold it: an uncompressed point.
    pub fn point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// An ECDSA signature with SHA-256 over `message`.
    #[expect(clippy::expect_used, reason = "for tests only, and it fails only where the system has no randomness")]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(&self.random, message).expect("a signature").as_ref().to_vec()
    }
}
