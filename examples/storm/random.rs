//! Chance that can be repeated: `SplitMix64` (Steele, Lea and Flood, 2014).

/// A number that looks random, the same for the same input.
pub fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Bytes without meaning, to be cut from at any place.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    (0..length as u64).map(|index| mix(seed ^ (index << 20)) as u8).collect()
}
