//! Keys, certificates and trust lists of a world.
//!
//! In: who a certificate is of, what stands in a list. Out: bytes as CUCM lays them out (domain.md 2), really signed. The same
//! question has the same answer in every world, so each is made once. It refuses to know phones.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, LazyLock, Mutex};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair};
use itlscope::trust::testkit::{ListBuilder, RecordBuilder};
use serde::{Deserialize, Serialize};

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Role {
    CallManager,
    Tvs,
    Recovery,
    Capf,
    Tomcat,
    Token,
    /// Of a host that belongs to no cluster.
    Stranger,
}

/// One certificate: every renewal makes another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Cert {
    pub(crate) cluster: u8,
    pub(crate) role: Role,
    pub(crate) node: u8,
    pub(crate) version: u8,
}

/// A signing key: an index into the fixture.
pub(crate) type Key = usize;

/// The key of nobody in a cluster.
pub(crate) const FORGER: Key = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    Itl,
    Ctl,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// A byte differs behind the signature.
    Corrupt,
    /// The list ends in the middle of a record.
    Short,
}

/// A record of a list: functions are domain.md 2.5's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) function: u16,
    pub(crate) of: Cert,
}

/// All that makes a list the list that it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct List {
    pub(crate) kind: Kind,
    pub(crate) signer: Cert,
    pub(crate) key: Key,
    pub(crate) sha512: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) fault: Option<Fault>,
    /// When it was signed, in seconds.
    pub(crate) stamp: u32,
}

pub(crate) const SAST: u16 = 0;
pub(crate) const CCM_TFTP: u16 = 2;
pub(crate) const TFTP: u16 = 3;
pub(crate) const CAPF: u16 = 4;
pub(crate) const TVS: u16 = 21;

fn once<K: Hash + Eq + Clone, V>(made: &Mutex<HashMap<K, Arc<V>>>, of: &K, make: impl FnOnce() -> V) -> Arc<V> {
    if let Some(known) = made.lock().unwrap().get(of) {
        return Arc::clone(known);
    }
    let new = Arc::new(make());
    Arc::clone(made.lock().unwrap().entry(of.clone()).or_insert(new))
}

static KEYS: LazyLock<Vec<RsaKeyPair>> = LazyLock::new(|| {
    let pems = x509_parser::pem::Pem::iter_from_buffer(include_bytes!("keys.pem"));
    pems.map(|pem| RsaKeyPair::from_pkcs8(&pem.unwrap().contents).unwrap()).collect()
});

fn sign(key: Key, sha512: bool, message: &[u8]) -> Vec<u8> {
    let pair = &KEYS[key];
    let mut signature = vec![0; pair.public_modulus_len()];
    let scheme = if sha512 { &RSA_PKCS1_SHA512 } else { &RSA_PKCS1_SHA256 };
    pair.sign(scheme, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().try_into().unwrap()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes without meaning, the same for the same name.
fn noise(name: &str, length: usize) -> Vec<u8> {
    let blocks = (0..length.div_ceil(20)).flat_map(|index| sha1(format!("{name} {index}").as_bytes()));
    blocks.take(length).collect()
}

/// An element of DER.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let head = match length {
        0..=0x7f => vec![tag, length as u8],
        0x80..=0xff => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [head, value.to_vec()].concat()
}

impl Cert {
    pub(crate) const fn new(cluster: u8, role: Role, node: u8, version: u8) -> Self {
        Self { cluster, role, node, version }
    }

    /// The key that belongs to it, where it may sign.
    pub(crate) fn key(self) -> Key {
        let start = usize::from(self.cluster.min(1)) * 10;
        match self.role {
            Role::CallManager => start + usize::from(self.node) * 3 + usize::from(self.version),
            Role::Recovery => start + 6 + usize::from(self.version),
            Role::Token => start + 9,
            _ => FORGER,
        }
    }

    /// Of one node all services have one name, as CUCM does it.
    fn common_name(self) -> String {
        let Self { cluster, node, .. } = self;
        let host = if node == 0 { format!("cucm{cluster}-pub.lab") } else { format!("cucm{cluster}-sub{node}.lab") };
        match self.role {
            Role::CallManager | Role::Tvs | Role::Tomcat => host,
            Role::Recovery => format!("ITLRECOVERY_cucm{cluster}-pub.lab"),
            Role::Capf => format!("CAPF-{cluster}{node}7a"),
            Role::Token => format!("SAST-ADN00{cluster}"),
            Role::Stranger => format!("monitor{node}.lab"),
        }
    }

    pub(crate) fn subject(self) -> String {
        format!("CN={};OU=TAC;O=Cisco;L=RTP;ST=North Carolina;C=US", self.common_name())
    }

    /// Never a leading zero, never a top bit: what DER does with those is tested elsewhere.
    pub(crate) fn serial(self) -> Vec<u8> {
        let mut serial = noise(&format!("serial {self:?}"), 12);
        serial[0] = serial[0] & 0x3f | 0x40;
        serial
    }

    /// `RSAPublicKey` (RFC 8017 A.1.1). Keys that sign nothing have a modulus without meaning.
    fn public_key(self) -> Vec<u8> {
        if matches!(self.role, Role::CallManager | Role::Recovery | Role::Token) {
            return KEYS[self.key()].public_key().as_ref().to_vec();
        }
        let mut modulus = noise(&format!("modulus {self:?}"), 256);
        modulus[0] |= 0x80;
        modulus[255] |= 1;
        der(0x30, &[der(2, &[&[0][..], &modulus].concat()), der(2, &[1, 0, 1])].concat())
    }

    /// The certificate (RFC 5280 4.1), signed by itself; nobody checks that signature, so it is none.
    pub(crate) fn der(self) -> Arc<Vec<u8>> {
        static MADE: LazyLock<Mutex<HashMap<Cert, Arc<Vec<u8>>>>> = LazyLock::new(Mutex::default);
        once(&MADE, &self, || {
            let text = |number: u8, value: &str| {
                let attribute = [der(6, &[0x55, 4, number]), der(0x13, value.as_bytes())].concat();
                der(0x31, &der(0x30, &attribute))
            };
            let name = [
                text(3, &self.common_name()),
                text(11, "TAC"),
                text(10, "Cisco"),
                text(7, "RTP"),
                text(8, "North Carolina"),
                text(6, "US"),
            ];
            let name = der(0x30, &name.concat());
            // sha256WithRSAEncryption
            let oid = der(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11]);
            let algorithm = der(0x30, &[oid, der(5, &[])].concat());
            let rsa = der(6, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1]);
            let key = [der(0x30, &[rsa, der(5, &[])].concat()), der(3, &[&[0][..], &self.public_key()].concat())];
            let years = [der(0x17, b"220101000000Z"), der(0x17, b"420101000000Z")].concat();
            let to_be_signed = [
                der(0xa0, &der(2, &[2])),
                der(2, &self.serial()),
                algorithm.clone(),
                name.clone(),
                der(0x30, &years),
                name,
                der(0x30, &key.concat()),
            ];
            let signature = [&[0][..], &noise(&format!("signature {self:?}"), 256)].concat();
            der(0x30, &[der(0x30, &to_be_signed.concat()), algorithm, der(3, &signature)].concat())
        })
    }

    pub(crate) fn sha1(self) -> [u8; 20] {
        sha1(&self.der())
    }
}

impl List {
    /// The file.
    pub(crate) fn bytes(&self) -> Arc<Vec<u8>> {
        static MADE: LazyLock<Mutex<HashMap<List, Arc<Vec<u8>>>>> = LazyLock::new(Mutex::default);
        once(&MADE, self, || {
            let builder = if self.kind == Kind::Itl { ListBuilder::itl() } else { ListBuilder::ctl() };
            let subject = self.signer.subject();
            let mut builder = builder.signer(&subject, &self.signer.serial(), &subject);
            builder.digest = if self.sha512 { 3 } else { 2 };
            builder.timestamp = self.stamp;
            for row in &self.rows {
                builder = builder.record(&row.record(self.kind));
            }
            let mut bytes = builder.build(256, |message| sign(self.key, self.sha512, message));
            match self.fault {
                Some(Fault::Corrupt) => *bytes.last_mut().unwrap() ^= 1,
                Some(Fault::Short) => bytes.truncate(bytes.len() - 100),
                None => {}
            }
            bytes
        })
    }

    pub(crate) fn sha1(&self) -> String {
        hex(&sha1(&self.bytes()))
    }

    /// In a line, for whoever looks at one world.
    pub(crate) fn brief(&self) -> String {
        let cert = |cert: Cert| format!("{:?} {}.{} v{}", cert.role, cert.cluster, cert.node, cert.version);
        let rows: Vec<_> = self.rows.iter().map(|row| format!("{} {}", row.function, cert(row.of))).collect();
        let forged = if self.key == self.signer.key() { "" } else { ", forged" };
        let sha1 = self.sha1();
        let fault = self.fault.map_or_else(String::new, |fault| format!(", {fault:?}"));
        format!("{} by {}{forged}{fault}: {}", &sha1[..8], cert(self.signer), rows.join(", "))
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.rows.is_empty()
    }

    /// The record of this signer, with a role that may sign (domain.md 6).
    pub(crate) fn signs(&self, signer: Cert) -> bool {
        self.signing().any(|of| of == signer)
    }

    pub(crate) fn signing(&self) -> impl Iterator<Item = Cert> {
        self.rows.iter().filter(|row| matches!(row.function, SAST | CCM_TFTP | TFTP)).map(|row| row.of)
    }

    pub(crate) fn tvs(&self) -> impl Iterator<Item = Cert> {
        self.rows.iter().filter(|row| row.function == TVS).map(|row| row.of)
    }
}

impl Row {
    /// TVS and CAPF records of an ITL carry only a hash (domain.md 2.4).
    fn record(self, kind: Kind) -> RecordBuilder {
        let (name, serial, key) = (self.of.subject(), self.of.serial(), self.of.public_key());
        let hashed = kind == Kind::Itl && matches!(self.function, TVS | CAPF);
        let start = if kind == Kind::Itl { RecordBuilder::new().blank_dns() } else { RecordBuilder::new().dns("cucm") };
        let record = start.subject(&name).function(self.function).issuer(&name).serial(&serial).public_key(&key);
        let record = record.signature(256);
        if hashed { record.hash(self.of.sha1()) } else { record.certificate(&self.of.der()) }
    }
}

/// A signed file (domain.md 2.7).
pub(crate) fn signed_file(name: &str, body: &str, signer: Cert, key: Key, sha512: bool) -> Arc<Vec<u8>> {
    type Made = (String, String, Cert, Key, bool);
    static MADE: LazyLock<Mutex<HashMap<Made, Arc<Vec<u8>>>>> = LazyLock::new(Mutex::default);
    once(&MADE, &(name.to_owned(), body.to_owned(), signer, key, sha512), || {
        let subject = signer.subject();
        let builder = ListBuilder::signed_file(name, body.as_bytes()).signer(&subject, &signer.serial(), &subject);
        let builder = builder.digest(if sha512 { 3 } else { 2 });
        builder.build(256, |message| sign(key, sha512, message))
    })
}
