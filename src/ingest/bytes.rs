//! The bytes of an input as a sliding window of UTF-8 text.
//!
//! Hashes the bytes as stored, undoes gzip and zstd (also of several members), and
//! turns UTF-16 into UTF-8. Compressed data that ends early or is damaged is not an
//! error: the window ends there and says so. Reading that fails is an error.

use std::io::{BufReader, Cursor, Read};
use std::ops::Range;

use encoding_rs::{CoderResult, Decoder as Charset, UTF_16BE, UTF_16LE};
use flate2::bufread::MultiGzDecoder;
use zstd::stream::read::Decoder as ZstdDecoder;

use super::Error;

/// How much is read at a time.
const CHUNK_BYTES: usize = 256 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The reader as given; counts and hashes what passes.
struct Stored {
    reader: Box<dyn Read + Send>,
    hash: Box<blake3::Hasher>,
    size_bytes: u64,
    failed: bool,
}

impl Read for Stored {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        loop {
            match self.reader.read(into) {
                Ok(count) => {
                    self.hash.update(&into[..count]);
                    self.size_bytes += count as u64;
                    return Ok(count);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
    }
}

enum Compression {
    None(Stored),
    Gzip(Box<MultiGzDecoder<BufReader<Stored>>>),
    Zstd(Box<ZstdDecoder<'static, BufReader<Stored>>>),
}

impl Compression {
    fn stored(&self) -> &Stored {
        match self {
            Compression::None(stored) => stored,
            Compression::Gzip(decoder) => decoder.get_ref().get_ref(),
            Compression::Zstd(decoder) => decoder.get_ref().get_ref(),
        }
    }

    fn stored_mut(&mut self) -> &mut Stored {
        match self {
            Compression::None(stored) => stored,
            Compression::Gzip(decoder) => decoder.get_mut().get_mut(),
            Compression::Zstd(decoder) => decoder.get_mut().get_mut(),
        }
    }

    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Compression::None(stored) => stored.read(into),
            Compression::Gzip(decoder) => decoder.read(into),
            Compression::Zstd(decoder) => decoder.read(into),
        }
    }
}

/// What has been read and not yet consumed, behind what is kept for a batch: texts of records stay where they were
/// read, and the buffer goes to the batch as it is.
pub(super) struct Window {
    name: String,
    compression: Compression,
    charset: Option<Charset>,
    buffer: Vec<u8>,
    /// Where that ends which is kept.
    kept: usize,
    start: usize,
    end: usize,
    ended: bool,
    damage: Option<String>,
    cr_ends: bool,
}

/// Some of what is at hand, and where it stands in the buffer.
#[derive(Clone, Copy)]
pub(super) struct Found<'w> {
    pub bytes: &'w [u8],
    at: usize,
}

impl<'w> Found<'w> {
    /// Bytes that are a buffer by themselves.
    pub fn whole(bytes: &'w [u8]) -> Found<'w> {
        Found { bytes, at: 0 }
    }

    pub fn first(self, count: usize) -> Found<'w> {
        Found { bytes: &self.bytes[..count], ..self }
    }

    pub fn behind(self, count: usize) -> Found<'w> {
        Found { bytes: &self.bytes[count..], at: self.at + count }
    }

    /// Without the blanks around it.
    pub fn trim(self) -> Found<'w> {
        let blanks = self.bytes.len() - self.bytes.trim_ascii_start().len();
        Found { bytes: self.bytes.trim_ascii(), at: self.at + blanks }
    }

    pub fn range(self) -> Range<usize> {
        self.at..self.at + self.bytes.len()
    }
}

impl Compression {
    fn open(name: &str, mut reader: Box<dyn Read + Send>) -> Result<Compression, Error> {
        let failed = |source| Error::Read { name: name.to_owned(), source };
        let mut magic = Vec::with_capacity(ZSTD_MAGIC.len());
        reader.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut magic).map_err(failed)?;
        let gzip = magic.starts_with(&GZIP_MAGIC);
        let zstd = magic == ZSTD_MAGIC;
        let reader = Box::new(Cursor::new(magic).chain(reader));
        let stored = Stored { reader, hash: Box::default(), size_bytes: 0, failed: false };
        Ok(if gzip {
            Compression::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(CHUNK_BYTES, stored))))
        } else if zstd {
            let buffered = BufReader::with_capacity(CHUNK_BYTES, stored);
            Compression::Zstd(Box::new(ZstdDecoder::with_buffer(buffered).map_err(failed)?))
        } else {
            Compression::None(stored)
        })
    }
}

/// Whether a stream holds more than so many bytes once gzip or zstd is undone, which others do not. What is damaged holds what is before the
/// damage.
///
/// # Errors
/// When its beginning cannot be read.
pub fn unpacks_beyond(name: &str, reader: Box<dyn Read + Send>, bytes_max: u64) -> Result<bool, Error> {
    let mut compression = Compression::open(name, reader)?;
    if matches!(compression, Compression::None(_)) {
        return Ok(false);
    }
    let (mut buffer, mut total) = (vec![0; CHUNK_BYTES], 0_u64);
    while total <= bytes_max {
        match compression.read(&mut buffer) {
            Ok(0) | Err(_) => return Ok(false),
            Ok(read) => total += read as u64,
        }
    }
    Ok(true)
}

impl Window {
    pub fn open(name: &str, reader: Box<dyn Read + Send>) -> Result<Window, Error> {
        let compression = Compression::open(name, reader)?;
        let mut window = Window {
            name: name.to_owned(),
            compression,
            charset: None,
            buffer: Vec::new(),
            kept: 0,
            start: 0,
            end: 0,
            ended: false,
            damage: None,
            cr_ends: false,
        };
        window.find_charset()?;
        Ok(window)
    }

    /// What is at hand; more comes with [`Window::fill`].
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// The next `count` bytes.
    pub fn found(&self, count: usize) -> Found<'_> {
        Found { bytes: &self.bytes()[..count], at: self.start }
    }

    /// Leaves the buffer up to `end` as it is, until it is handed on.
    pub fn keep(&mut self, end: usize) {
        self.kept = end;
    }

    /// What is kept.
    pub fn kept(&self) -> &[u8] {
        &self.buffer[..self.kept]
    }

    /// Gives the buffer for `spare`, if any of it is kept, and goes on in that with what is at hand.
    pub fn hand_on(&mut self, spare: &mut Vec<u8>) {
        if self.kept == 0 {
            return;
        }
        let count = self.bytes().len();
        // As much will come: what grows by doubling is copied again and again.
        spare.reserve(self.buffer.len().saturating_sub(spare.len()));
        spare.resize(spare.len().max(count), 0);
        spare[..count].copy_from_slice(self.bytes());
        std::mem::swap(&mut self.buffer, spare);
        (self.kept, self.start, self.end) = (0, 0, count);
    }

    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Reads on behind what is at hand; false at the end of the input.
    pub fn fill(&mut self) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        let passed = self.start - self.kept;
        if self.start == self.end || passed >= CHUNK_BYTES {
            self.buffer.copy_within(self.start..self.end, self.kept);
            self.end -= passed;
            self.start = self.kept;
        }
        let from = self.end;
        match self.charset.take() {
            None => self.fill_utf8()?,
            Some(charset) => self.fill_utf16(charset)?,
        }
        if self.cr_ends {
            end_lines(&mut self.buffer[from..self.end]);
        }
        Ok(!self.ended)
    }

    /// Takes each carriage return for the end of a line, from here on: Excel for Mac ends lines so.
    pub fn end_lines_at_cr(&mut self) {
        self.cr_ends = true;
        end_lines(&mut self.buffer[self.start..self.end]);
    }

    /// Reads until at least `count` bytes are at hand, or the input ends.
    pub fn fill_to(&mut self, count: usize) -> Result<(), Error> {
        while self.bytes().len() < count && self.fill()? {}
        Ok(())
    }

    /// Why the input ended before its compressed data said so.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// BLAKE3 of the bytes as stored, as far as they were read, in lower hex. SHA-256 was an
    /// eighth of all that ingest did (docs/decisions/0006).
    pub fn content_hash(&self) -> String {
        self.compression.stored().hash.finalize().to_hex().to_string()
    }

    pub fn size_bytes(&self) -> u64 {
        self.compression.stored().size_bytes
    }

    fn fill_utf8(&mut self) -> Result<(), Error> {
        if self.buffer.len() < self.end + CHUNK_BYTES {
            self.buffer.resize(self.end + CHUNK_BYTES, 0);
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        // No more than what stays in the processor's cache until it is hashed and looked through.
        let count = self.read_decompressed(&mut buffer[self.end..self.end + CHUNK_BYTES]);
        self.buffer = buffer;
        self.end += count?;
        Ok(())
    }

    fn fill_utf16(&mut self, mut charset: Charset) -> Result<(), Error> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let count = self.read_decompressed(&mut chunk)?;
        self.append_utf16(&mut charset, &chunk[..count], self.ended);
        self.charset = Some(charset);
        Ok(())
    }

    fn append_utf16(&mut self, charset: &mut Charset, chunk: &[u8], last: bool) {
        // A code unit of two bytes becomes at most three; half a surrogate pair waits inside.
        self.buffer.resize(self.end + chunk.len() * 2 + 16, 0);
        let (result, _, written, _) = charset.decode_to_utf8(chunk, &mut self.buffer[self.end..], last);
        debug_assert_eq!(result, CoderResult::InputEmpty);
        self.end += written;
    }

    /// Reads into `into`; notes the end, and damage as an end.
    fn read_decompressed(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        match self.compression.read(into) {
            Ok(0) => self.finish()?,
            Ok(count) => return Ok(count),
            Err(source) if self.compression.stored().failed || self.is_stored_plain() => {
                return Err(Error::Read { name: self.name.clone(), source });
            }
            Err(error) => {
                self.damage = Some(format!("the compressed data ends early or is damaged: {error}"));
                self.finish()?;
            }
        }
        Ok(0)
    }

    pub(super) fn is_stored_plain(&self) -> bool {
        matches!(self.compression, Compression::None(_))
    }

    /// Reads what a decoder left behind, so that the hash is that of the whole file.
    fn finish(&mut self) -> Result<(), Error> {
        self.ended = true;
        let name = &self.name;
        std::io::copy(self.compression.stored_mut(), &mut std::io::sink())
            .map_err(|source| Error::Read { name: name.clone(), source })?;
        Ok(())
    }

    /// Finds the character set by byte order mark, or by the zeros that UTF-16 puts
    /// beside ASCII; drops the mark.
    fn find_charset(&mut self) -> Result<(), Error> {
        self.fill_to(4)?;
        let head = self.bytes();
        let (mark, charset) = match *head {
            [0xef, 0xbb, 0xbf, ..] => (3, None),
            [0xff, 0xfe, ..] => (2, Some(UTF_16LE)),
            [0xfe, 0xff, ..] => (2, Some(UTF_16BE)),
            [a, 0, b, 0, ..] if a != 0 && b != 0 => (0, Some(UTF_16LE)),
            [0, a, 0, b, ..] if a != 0 && b != 0 => (0, Some(UTF_16BE)),
            _ => (0, None),
        };
        self.consume(mark);
        let Some(encoding) = charset else { return Ok(()) };
        let mut charset = encoding.new_decoder_without_bom_handling();
        let head = self.bytes().to_vec();
        (self.start, self.end) = (0, 0);
        self.append_utf16(&mut charset, &head, self.ended);
        self.charset = Some(charset);
        Ok(())
    }
}

fn end_lines(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte == b'\r').for_each(|byte| *byte = b'\n');
}
