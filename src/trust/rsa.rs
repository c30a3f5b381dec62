//! RSA signatures with PKCS#1 v1.5 (RFC 8017 8.2.2), the usual case of them fast.
//!
//! In: a modulus, a message's hash, a signature. Out: whether the signature is certainly good. Ten thousand phones download ten
//! thousand configurations, each signed by the one key. `ring` hashes with SHA-1 at a quarter of the speed that processors
//! have, and prepares the key anew each time; here the key is prepared once and `sha1` uses the processor's instructions. The
//! exponent is 65537, as everywhere. A `true` is proof: the whole encoded message is rebuilt and compared. Whatever is not
//! proven here is asked of `ring`, so nothing is refused that it would accept.

use std::cmp::Ordering;

use super::key::Digest;

/// A modulus, prepared for Montgomery multiplication (P. L. Montgomery, 1985). Limbs are little-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Modulus {
    limbs: Vec<u64>,
    /// The negative inverse of the lowest limb, modulo 2^64.
    negative_inverse: u64,
    /// The square of 2^64 to the number of limbs, modulo the modulus.
    r_squared: Vec<u64>,
    bytes: usize,
}

/// `DigestInfo` up to the digest (RFC 8017 9.2, note 1).
const fn digest_info(digest: Digest) -> &'static [u8] {
    match digest {
        Digest::Sha1 => &[0x30, 0x21, 0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0, 4, 20],
        Digest::Sha256 => &[0x30, 0x31, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32],
        Digest::Sha384 => &[0x30, 0x41, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 48],
        Digest::Sha512 => &[0x30, 0x51, 0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 64],
    }
}

impl Modulus {
    /// From big-endian bytes without leading zeros; `None` where the modulus is even or of a size that no key has.
    pub(super) fn new(modulus: &[u8]) -> Option<Self> {
        if !(128..=1024).contains(&modulus.len()) || modulus.last()? & 1 == 0 || *modulus.first()? == 0 {
            return None;
        }
        let limbs = limbs_of(modulus, modulus.len().div_ceil(8));
        let lowest = *limbs.first()?;
        // Newton's iteration doubles the bits that are right: 5, 10, 20, 40, 80.
        let mut inverse = lowest.wrapping_mul(3) ^ 2;
        for _ in 0..4 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(lowest.wrapping_mul(inverse)));
        }
        let mut r_squared = vec![0; limbs.len()];
        if let Some(one) = r_squared.first_mut() {
            *one = 1;
        }
        for _ in 0..limbs.len() * 128 {
            double(&mut r_squared, &limbs);
        }
        Some(Self { negative_inverse: inverse.wrapping_neg(), r_squared, bytes: modulus.len(), limbs })
    }

    /// Whether `signature`, over a message with this hash, was certainly made with the private key to this modulus and the
    /// exponent 65537.
    pub(super) fn proves(&self, hash: &[u8], signature: &[u8], digest: Digest) -> bool {
        if signature.len() != self.bytes {
            return false;
        }
        let signature = limbs_of(signature, self.limbs.len());
        if compare(&signature, &self.limbs) != Ordering::Less {
            return false;
        }
        let mut power = self.multiply(&signature, &self.r_squared);
        for _ in 0..16 {
            power = self.square(&power);
        }
        // One factor without the Montgomery form takes the form away.
        let opened = self.multiply(&power, &signature);
        opened == limbs_of(&self.encoded(hash, digest), self.limbs.len())
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017 9.2).
    fn encoded(&self, hash: &[u8], digest: Digest) -> Vec<u8> {
        let tail = [&[0], digest_info(digest), hash].concat();
        let mut encoded = vec![0xff; self.bytes.saturating_sub(tail.len())];
        for (slot, byte) in encoded.iter_mut().zip([0, 1]) {
            *slot = byte;
        }
        encoded.extend(tail);
        encoded
    }

    /// The Montgomery product of two numbers below the modulus: operand scanning, reduced at every step.
    fn multiply(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut sum = vec![0u64; a.len()];
        let mut top = 0u64;
        for &digit in b {
            let high = add_product(&mut sum, a, digit);
            let (upper, carried) = top.overflowing_add(high);
            let factor = sum.first().copied().unwrap_or(0).wrapping_mul(self.negative_inverse);
            let high = add_product(&mut sum, &self.limbs, factor);
            let (upper, carried_again) = upper.overflowing_add(high);
            // The lowest limb is zero now: it falls out.
            sum.rotate_left(1);
            if let Some(last) = sum.last_mut() {
                *last = upper;
            }
            top = u64::from(carried) + u64::from(carried_again);
        }
        self.below(sum, top)
    }

    /// The Montgomery product of a number below the modulus with itself: each pair of different limbs is multiplied once, not
    /// twice, and the whole square is reduced at the end.
    fn square(&self, a: &[u64]) -> Vec<u64> {
        let count = a.len();
        let mut wide = vec![0u64; 2 * count];
        for (index, &limb) in a.iter().enumerate() {
            let others = a.get(index + 1..).unwrap_or_default();
            let sum = wide.get_mut(2 * index + 1..index + count).unwrap_or_default();
            let high = add_product(sum, others, limb);
            if let Some(next) = wide.get_mut(index + count) {
                *next = high;
            }
        }
        let (mut shifted_out, mut carry) = (0, 0u64);
        for (pair, &limb) in wide.chunks_exact_mut(2).zip(a) {
            let [low, high] = halves(u128::from(limb) * u128::from(limb));
            for (slot, product) in pair.iter_mut().zip([low, high]) {
                let doubled = *slot << 1 | shifted_out;
                shifted_out = *slot >> 63;
                let [sum, over] = halves(u128::from(doubled) + u128::from(product) + u128::from(carry));
                (*slot, carry) = (sum, over);
            }
        }
        let mut top = 0u64;
        for index in 0..count {
            let Some((low, high)) = wide.get_mut(index..).and_then(|rest| rest.split_at_mut_checked(count)) else {
                break;
            };
            let factor = low.first().copied().unwrap_or(0).wrapping_mul(self.negative_inverse);
            let carried = add_product(low, &self.limbs, factor);
            if let Some(next) = high.first_mut() {
                let [sum, over] = halves(u128::from(*next) + u128::from(carried) + u128::from(top));
                (*next, top) = (sum, over);
            }
        }
        self.below(wide.split_off(count), top)
    }

    /// The number, `top` its highest limb, which is below twice the modulus, modulo the modulus.
    fn below(&self, mut number: Vec<u64>, top: u64) -> Vec<u64> {
        if top > 0 || compare(&number, &self.limbs) != Ordering::Less {
            subtract(&mut number, &self.limbs);
        }
        number
    }
}

/// Adds `limbs * digit` to `sum`, which is as long. Returns what does not fit.
#[inline]
fn add_product(sum: &mut [u64], limbs: &[u64], digit: u64) -> u64 {
    let mut carry = 0u64;
    for (sum, &limb) in sum.iter_mut().zip(limbs) {
        let product = u128::from(limb) * u128::from(digit) + u128::from(*sum) + u128::from(carry);
        let [low, high] = halves(product);
        *sum = low;
        carry = high;
    }
    carry
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "that is what a half is")]
const fn halves(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

/// Big-endian bytes as so many little-endian limbs.
fn limbs_of(bytes: &[u8], count: usize) -> Vec<u64> {
    let mut limbs: Vec<u64> =
        bytes.rchunks(8).map(|chunk| chunk.iter().fold(0, |limb, &byte| limb << 8 | u64::from(byte))).collect();
    limbs.resize(count, 0);
    limbs
}

fn compare(a: &[u64], b: &[u64]) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

fn subtract(a: &mut [u64], b: &[u64]) {
    let mut borrow = false;
    for (a, &b) in a.iter_mut().zip(b) {
        let (difference, first) = a.overflowing_sub(b);
        let (difference, second) = difference.overflowing_sub(u64::from(borrow));
        *a = difference;
        borrow = first || second;
    }
}

/// Twice the number, modulo the modulus.
fn double(number: &mut [u64], modulus: &[u64]) {
    let mut carry = 0;
    for limb in number.iter_mut() {
        let next = *limb >> 63;
        *limb = *limb << 1 | carry;
        carry = next;
    }
    if carry > 0 || compare(number, modulus) != Ordering::Less {
        subtract(number, modulus);
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Message;
    use super::*;
    use num_bigint::BigUint;
    use proptest::prelude::*;

    fn number(limbs: &[u64]) -> BigUint {
        limbs.iter().rev().fold(BigUint::ZERO, |number, &limb| (number << 64) + limb)
    }

    #[test]
    fn what_is_no_modulus() {
        assert_eq!(Modulus::new(&[]), None);
        assert_eq!(Modulus::new(&[0xff; 127]), None, "too short");
        assert_eq!(Modulus::new(&[0xfe; 128]), None, "even");
        assert!(Modulus::new(&[0xff; 128]).is_some());
    }

    #[test]
    fn signatures_of_a_list() {
        // Its own first record holds the key; all bits of the signature and of the list count.
        let list = include_bytes!("../../tests/fixtures/trust/itl-10.tlv");
        let parsed = crate::trust::TrustList::parse(list).unwrap();
        let signature = parsed.header.signature.clone().unwrap();
        let message = crate::trust::signature::signed_message(&signature, list).unwrap();
        let hash = Digest::Sha1.of(message);
        let bytes = signature.bytes.unwrap();
        let keys = parsed.records.iter().filter_map(|record| record.public_key.as_deref());
        let moduli: Vec<_> = keys
            .filter_map(|key| {
                let (_, key) = x509_parser::prelude::FromDer::from_der(key).ok()?;
                let x509_parser::public_key::RSAPublicKey { modulus, .. } = key;
                Modulus::new(modulus.strip_prefix(&[0]).unwrap_or(modulus))
            })
            .collect();
        let signer = moduli.iter().find(|modulus| modulus.proves(&hash, &bytes, Digest::Sha1));
        let signer = signer.expect("the list holds its signer's key");
        assert!(!signer.proves(&Digest::Sha256.of(message), &bytes, Digest::Sha256));
        assert!(!signer.proves(&Digest::Sha1.of(Message([&list[1..], &[]])), &bytes, Digest::Sha1));
        for index in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[index / 8] ^= 1 << (index % 8);
            assert!(!signer.proves(&hash, &changed, Digest::Sha1));
        }
    }

    proptest! {
        #[test]
        fn products_are_those_of_another_library(
            modulus in prop::collection::vec(any::<u8>(), 128..=264),
            a in prop::collection::vec(any::<u8>(), 128..=264),
            b in prop::collection::vec(any::<u8>(), 128..=264),
        ) {
            let mut modulus = modulus;
            modulus[0] |= 1;
            *modulus.last_mut().unwrap() |= 1;
            let prepared = Modulus::new(&modulus).unwrap();
            let big = BigUint::from_bytes_be(&modulus);
            let (a, b) = (BigUint::from_bytes_be(&a) % &big, BigUint::from_bytes_be(&b) % &big);
            let limbs = |number: &BigUint| limbs_of(&number.to_bytes_be(), prepared.limbs.len());
            let in_form = prepared.multiply(&limbs(&a), &prepared.r_squared);
            prop_assert_eq!(number(&prepared.multiply(&in_form, &limbs(&b))), &a * &b % &big);
            prop_assert_eq!(prepared.square(&in_form), prepared.multiply(&in_form, &in_form));
            let largest = limbs(&(&big - 1u8));
            prop_assert_eq!(prepared.square(&largest), prepared.multiply(&largest, &largest));
        }
    }
}
