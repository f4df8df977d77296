//! Where strings begin and end in a JSON text, found 64 bytes at a time.
//!
//! As the first stage of simdjson (Langdale and Lemire, "Parsing gigabytes of JSON per second",
//! 2019): a bit for each byte that is a quote, without those behind a backslash. Does not know
//! what stands between strings; whoever walks there sees it.

use wide::u8x16;

/// The quotes of a text, given from the first to the last.
pub struct Quotes {
    blocks: Vec<Block>,
    /// The block of the next quote, and the quotes in it that were not given yet.
    number: usize,
    left: u64,
    /// The first backslash that was not passed yet, or the end.
    backslash: usize,
}

/// A bit for each of 64 bytes.
#[derive(Clone, Copy)]
struct Block {
    quotes: u64,
    backslashes: u64,
}

impl Quotes {
    /// None for a text with control characters, with which JSON has nothing in strings, or with
    /// an escape that JSON does not know.
    pub fn of(text: &[u8]) -> Option<Quotes> {
        let mut blocks = Vec::with_capacity(text.len() / 64 + 1);
        let (mut least, mut escaped_next) = (u8x16::splat(0xff), 0);
        let (whole, rest) = text.as_chunks::<64>();
        let mut last = [b' '; 64];
        last[..rest.len()].copy_from_slice(rest);
        for (number, bytes) in whole.iter().chain([&last]).enumerate() {
            let Block { mut quotes, backslashes } = Block::of(bytes, &mut least);
            if backslashes | escaped_next != 0 {
                let escaped = escaped(backslashes, &mut escaped_next);
                let others = escaped & !(quotes | backslashes);
                if others != 0 && !are_escapes(text, number * 64, others) {
                    return None;
                }
                quotes &= !escaped;
            }
            blocks.push(Block { quotes, backslashes });
        }
        if least.reduce_min() < b' ' {
            return None;
        }
        let mut quotes = Quotes { left: blocks.first()?.quotes, blocks, number: 0, backslash: 0 };
        quotes.backslash = quotes.backslash_behind(0);
        Some(quotes)
    }

    /// Whether a backslash stands in `from..to`. Asked in the order of the text.
    #[inline]
    pub fn escape_in(&mut self, from: usize, to: usize) -> bool {
        if self.backslash < from {
            self.backslash = self.backslash_behind(from);
        }
        self.backslash < to
    }

    /// The first backslash at `from` or behind it; past the end when there is none.
    fn backslash_behind(&self, from: usize) -> usize {
        let mut before = !0 << (from % 64);
        for (number, block) in self.blocks.iter().enumerate().skip(from / 64) {
            let found = block.backslashes & before;
            if found != 0 {
                return number * 64 + found.trailing_zeros() as usize;
            }
            before = !0;
        }
        usize::MAX
    }
}

impl Iterator for Quotes {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            self.left = self.blocks.get(self.number + 1)?.quotes;
            self.number += 1;
        }
        let at = self.number * 64 + self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(at)
    }
}

impl Block {
    /// All quotes and backslashes; `least` becomes the least byte so far, lane by lane.
    #[inline]
    fn of(bytes: &[u8; 64], least: &mut u8x16) -> Block {
        let (quote, backslash) = (u8x16::splat(b'"'), u8x16::splat(b'\\'));
        let mut block = Block { quotes: 0, backslashes: 0 };
        let (parts, _) = bytes.as_chunks::<16>();
        let mut found = u8x16::splat(0);
        for (number, part) in parts.iter().enumerate() {
            let part = u8x16::new(*part);
            *least = least.min(part);
            found |= part.simd_eq(backslash);
            block.quotes |= u64::from(part.simd_eq(quote).to_bitmask()) << (number * 16);
        }
        // Of most blocks there is nothing to say.
        if found.any() {
            for (number, part) in parts.iter().enumerate() {
                let part = u8x16::new(*part);
                block.backslashes |= u64::from(part.simd_eq(backslash).to_bitmask()) << (number * 16);
            }
        }
        block
    }
}

/// The bytes behind a backslash that is not itself behind one; `next` carries from block to block.
/// In a run of backslashes every second one begins an escape, counted from the run's first: the
/// subtraction carries through each run, and tells runs that begin on odd bits from the others.
#[inline]
fn escaped(backslashes: u64, next: &mut u64) -> u64 {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let begins = backslashes & !*next;
    let alternating = (begins << 1 | ODD).wrapping_sub(begins) ^ ODD;
    let escaped = alternating ^ (backslashes | *next);
    *next = (alternating & backslashes) >> 63;
    escaped
}

/// Where the string ends in which `at` stands, and whether an escape stands in between. None where it does not end,
/// or holds what no string may: a control character, or an escape that JSON does not know.
#[inline]
pub fn string_end(text: &[u8], mut at: usize) -> Option<(usize, bool)> {
    const WIDE: usize = 16;
    let (quote, backslash, control) = (u8x16::splat(b'"'), u8x16::splat(b'\\'), u8x16::splat(0x1f));
    let mut escapes = false;
    loop {
        while let Some(part) = text.get(at..).and_then(|rest| rest.first_chunk::<WIDE>()) {
            let part = u8x16::new(*part);
            let ends = part.simd_eq(quote) | part.simd_eq(backslash) | part.min(control).simd_eq(part);
            let found = ends.to_bitmask();
            if found != 0 {
                at += found.trailing_zeros() as usize;
                break;
            }
            at += WIDE;
        }
        match *text.get(at)? {
            b'"' => return Some((at, escapes)),
            b'\\' if are_escapes(text, at + 1, 1) => (at, escapes) = (at + 2, true),
            b'\\' | ..b' ' => return None,
            _ => at += 1,
        }
    }
}

/// Whether the marked bytes behind `start` make escapes of JSON, each behind its backslash.
#[cold]
fn are_escapes(text: &[u8], start: usize, mut marks: u64) -> bool {
    while marks != 0 {
        let at = start + marks.trailing_zeros() as usize;
        marks &= marks - 1;
        let known = match text.get(at) {
            Some(b'/' | b'b' | b'f' | b'n' | b'r' | b't' | b'"' | b'\\') => true,
            Some(b'u') => {
                text.get(at + 1..at + 5).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            }
            _ => false,
        };
        if !known {
            return false;
        }
    }
    true
}
