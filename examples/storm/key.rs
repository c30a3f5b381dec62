//! RSA signatures with a test key of any length, by the Chinese remainder theorem (RFC 8017 5.1.2, 8.2).
//!
//! Libraries sign with SHA-1 and 1024 bits no more; the lists of old clusters are signed so.

use itlscope::digest::Sha1Sum;
use num_bigint::BigUint;

pub struct SigningKey {
    length: usize,
    p: BigUint,
    q: BigUint,
    dp: BigUint,
    dq: BigUint,
    q_inverse: BigUint,
}

impl SigningKey {
    /// From an `RSAPrivateKey` (RFC 8017 A.1.2) in PEM.
    pub fn from_pem(pem: &[u8]) -> Self {
        let (pem, _) = x509_parser::pem::Pem::read(std::io::Cursor::new(pem)).expect("a key in PEM");
        let (mut rest, _) = element(&pem.contents);
        let mut numbers = Vec::new();
        while !rest.is_empty() {
            let (number, after) = element(rest);
            numbers.push(BigUint::from_bytes_be(number));
            rest = after;
        }
        let [_, n, _, _, p, q, dp, dq, q_inverse] = <[BigUint; 9]>::try_from(numbers).expect("a whole RSA key");
        Self { length: (n.bits() as usize).div_ceil(8), p, q, dp, dq, q_inverse }
    }

    pub const fn length(&self) -> usize {
        self.length
    }

    /// PKCS#1 v1.5 with SHA-1.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        const SHA1: [u8; 15] = [0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 20];
        let mut block = vec![0xff; self.length];
        let digest_at = self.length - 20;
        block[..2].copy_from_slice(&[0, 1]);
        block[digest_at..].copy_from_slice(&Sha1Sum::of(message).0);
        block[digest_at - 15..digest_at].copy_from_slice(&SHA1);
        block[digest_at - 16] = 0;
        let m = BigUint::from_bytes_be(&block);
        let m1 = (&m % &self.p).modpow(&self.dp, &self.p);
        let m2 = (&m % &self.q).modpow(&self.dq, &self.q);
        let h = ((&m1 + &self.p - &m2 % &self.p) * &self.q_inverse) % &self.p;
        let bytes = (m2 + h * &self.q).to_bytes_be();
        let mut signature = vec![0; self.length - bytes.len()];
        signature.extend(bytes);
        signature
    }
}

/// The content of the first DER element, and what follows it.
pub fn element(bytes: &[u8]) -> (&[u8], &[u8]) {
    let (header, length) = match bytes[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(bytes[2])),
        0x82 => (4, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
        other => panic!("a DER length of {other:#x}"),
    };
    bytes[header..].split_at(length)
}
