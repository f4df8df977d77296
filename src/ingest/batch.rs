//! Raw records and what is put in quarantine, gathered into batches.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::Limits;
use super::bytes::Found;
use crate::domain::{Origin, Rejection};

/// How much raw text a quarantined record keeps.
pub(super) const EXCERPT_BYTES_MAX: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;
const BATCH_RECORDS: usize = 8192;

/// One record, not yet parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// One-based line on which the record begins; in a JSON document, its one-based number.
    pub line: u64,
    pub body: Body<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// The record's own text, not checked. That of a line goes from brace to brace: where it cannot be read, see
    /// [`apart`](super::apart).
    Json(Cow<'a, str>),
    /// One row of a table, as wide as its header.
    Fields(&'a [String]),
    /// One line of a log, without its end.
    Line(Cow<'a, str>),
}

/// What could not be a record, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    pub origin: Origin,
    pub rejection: Rejection,
    /// The beginning of the raw text, at most 4 KiB.
    pub excerpt: String,
}

/// About 4 MiB or 8,192 records, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What was read, in which the texts of records stand: they are not copied together.
    pub(super) bytes: Vec<u8>,
    places: Vec<Place>,
    pub quarantined: Vec<Quarantined>,
}

/// A record of a batch, and where its text stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    line: u64,
    held: Held,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    Json(Range<usize>),
    Fields(Vec<String>),
    Line(Range<usize>),
}

impl Batch {
    pub fn records(&self) -> impl Iterator<Item = RawRecord<'_>> {
        self.places.iter().map(|place| RawRecord {
            line: place.line,
            body: match &place.held {
                Held::Json(range) => Body::Json(text(&self.bytes[range.clone()])),
                Held::Line(range) => Body::Line(text(&self.bytes[range.clone()])),
                Held::Fields(fields) => Body::Fields(fields),
            },
        })
    }

    /// The same records, which stand in `bytes`.
    pub(super) fn standing_in(&self, bytes: &[u8]) -> Batch {
        Batch { bytes: bytes.to_vec(), ..self.clone() }
    }

    /// How many records there are, without those in quarantine.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing was read at all.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.quarantined.is_empty()
    }

    /// Lets go of the records; the bytes stay, to be written over.
    pub(super) fn clear(&mut self) {
        self.places.clear();
        self.quarantined.clear();
    }

    pub(super) fn last_line(&self) -> u64 {
        self.places.last().map_or(0, |place| place.line)
    }
}

/// Puts what a reader finds into a batch.
pub(super) struct Sink<'a> {
    pub file: &'a Arc<str>,
    pub limits: &'a Limits,
    pub batch: &'a mut Batch,
    /// Bytes of the rows of a table in the batch.
    pub fields_bytes: usize,
    /// Where the text of the last record ends: so much of the buffer is the batch's.
    pub kept: usize,
    /// Whether this is the beginning of the input, by which its format is recognised.
    pub sampling: bool,
    pub truncated: bool,
}

impl<'a> Sink<'a> {
    pub fn new(file: &'a Arc<str>, limits: &'a Limits, batch: &'a mut Batch) -> Sink<'a> {
        Sink { file, limits, batch, fields_bytes: 0, kept: 0, sampling: false, truncated: false }
    }

    pub fn full(&self) -> bool {
        self.fields_bytes + self.kept >= BATCH_BYTES
            || self.batch.len() >= BATCH_RECORDS
            || self.batch.quarantined.len() >= BATCH_RECORDS
    }

    pub fn json(&mut self, line: u64, raw: Found<'_>, deepest: usize) {
        if deepest > self.limits.depth_max {
            let reason = format!(
                "the record is nested {deepest} deep, more than the {} allowed",
                self.limits.depth_max
            );
            return self.quarantine(line, Rejection::new("too_deep", reason), raw.bytes);
        }
        let held = Held::Json(self.keep(raw));
        self.batch.places.push(Place { line, held });
    }

    pub fn line(&mut self, line: u64, raw: Found<'_>) {
        let held = Held::Line(self.keep(raw));
        self.batch.places.push(Place { line, held });
    }

    pub fn fields(&mut self, line: u64, fields: Vec<String>, size_bytes: usize) {
        self.fields_bytes += size_bytes;
        self.batch.places.push(Place { line, held: Held::Fields(fields) });
    }

    fn keep(&mut self, raw: Found<'_>) -> Range<usize> {
        self.kept = raw.range().end;
        raw.range()
    }

    pub fn too_large(&mut self, line: u64, size_bytes: u64, excerpt: &[u8]) {
        let reason = format!(
            "the record has {size_bytes} bytes, more than the {} allowed",
            self.limits.record_bytes_max
        );
        self.quarantine(line, Rejection::new("too_large", reason), excerpt);
    }

    pub fn quarantine(&mut self, line: u64, rejection: Rejection, raw: &[u8]) {
        self.truncated |= rejection.code == "truncated";
        let origin = Origin { file: Arc::clone(self.file), line };
        let raw = String::from_utf8_lossy(&raw[..raw.len().min(EXCERPT_BYTES_MAX)]);
        self.batch.quarantined.push(Quarantined { origin, rejection, excerpt: excerpt(&raw).to_owned() });
    }
}

/// The text of `raw`: UTF-8, or else Windows-1252, in which every byte has a meaning.
/// Decided for each record, since logs are concatenated from machines that differ.
pub(super) fn text(raw: &[u8]) -> Cow<'_, str> {
    match simdutf8::basic::from_utf8(raw) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0,
    }
}

/// At most 4 KiB of a record that is quarantined.
pub fn excerpt(raw: &str) -> &str {
    &raw[..raw.floor_char_boundary(EXCERPT_BYTES_MAX)]
}
