//! Named streams of chance: each is seeded from the plan's seed and its own name, so
//! that a new class of fault draws from a stream of its own and moves no other.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use sha2::{Digest, Sha256};

pub type Stream = Xoshiro256PlusPlus;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789";

/// The stream called `name` of a seed: the same bytes on every machine.
pub fn stream(seed: u64, name: &str) -> Stream {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(name.as_bytes());
    Xoshiro256PlusPlus::from_seed(hash.finalize().into())
}

/// A cheap stream for one small thing among millions, such as an event's id.
pub fn mixed(seed: u64, parts: [u64; 3]) -> Stream {
    let mut state = seed;
    for part in parts {
        state = (state ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29);
    }
    Xoshiro256PlusPlus::seed_from_u64(state)
}

/// `length` letters and digits, as vendors make ids from.
pub fn letters(rng: &mut impl Rng, length: usize) -> String {
    (0..length).map(|_| char::from(ALPHANUMERIC[rng.gen_range(0..ALPHANUMERIC.len())])).collect()
}

/// A version 4 UUID.
pub fn uuid(rng: &mut impl Rng) -> String {
    let high = rng.next_u64();
    let low = rng.next_u64();
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}

/// An index below `weights`, drawn in proportion to the weights of Zipf's law (exponent 1).
pub fn zipf(rng: &mut impl Rng, weights: usize) -> usize {
    let total: f64 = (1..=weights).map(|rank| 1.0 / rank as f64).sum();
    let mut left = rng.gen_range(0.0..total);
    for rank in 1..weights {
        left -= 1.0 / rank as f64;
        if left < 0.0 {
            return rank - 1;
        }
    }
    weights.saturating_sub(1)
}
