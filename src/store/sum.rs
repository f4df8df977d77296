//! The sum of a file's bytes. The log keeps it from when they were written, so that it is told when they
//! change, also where what they say can still be read. It is against damage, not against forgery.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::Xxh3;

/// The tag of a file in the log under which its sum is: XXH3 of 128 bits, in hexadecimal digits.
pub const TAG: &str = "lychgate.xxh3_128";

/// Passes bytes on, and sums them up.
pub struct Summed<W> {
    to: W,
    sum: Xxh3,
}

impl<W> Summed<W> {
    pub fn new(to: W) -> Summed<W> {
        Summed { to, sum: Xxh3::new() }
    }

    /// What the bytes were passed on to, and their sum.
    pub fn finish(self) -> (W, String) {
        (self.to, text(&self.sum))
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// How many bytes there are to read, and their sum.
pub fn of(mut from: impl Read) -> io::Result<(u64, String)> {
    let mut summed = Summed::new(io::sink());
    let bytes = io::copy(&mut from, &mut summed)?;
    Ok((bytes, summed.finish().1))
}

fn text(sum: &Xxh3) -> String {
    format!("{:032x}", sum.digest128())
}
