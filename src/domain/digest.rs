//! Ids and check sums made of SHA-256, as text. It does not decide what goes into one.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// How much of a digest an id keeps: 128 bits, which do not collide by accident.
const ID_BYTES: usize = 16;

/// Lower-case hex, two digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The id that a hash stands for, 32 hex digits.
pub fn id(hash: Sha256) -> String {
    hex(&hash.finalize()[..ID_BYTES])
}

/// The id of a text, 32 hex digits.
pub fn id_of(text: impl AsRef<[u8]>) -> String {
    id(Sha256::new_with_prefix(text))
}

/// Adds one of several parts. The length keeps ("ab", "c") apart from ("a", "bc").
pub fn add(hash: &mut Sha256, part: impl AsRef<[u8]>) {
    let part = part.as_ref();
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}
