//! Raw records and what is put in quarantine, gathered into batches.

use std::sync::Arc;

use super::Limits;
use crate::domain::{Origin, Rejection};

/// How much raw text a quarantined record keeps.
pub(super) const EXCERPT_BYTES_MAX: usize = 4096;
const BATCH_BYTES: usize = 8 << 20;
const BATCH_RECORDS: usize = 8192;

/// One record, not yet parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// One-based line on which the record begins; in a JSON document, its one-based number.
    pub line: u64,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The record's own text, balanced but not checked further.
    Json(String),
    /// One row of a table, as wide as its header.
    Fields(Vec<String>),
    /// One line of a log, without its end.
    Line(String),
}

/// What could not be a record, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    pub origin: Origin,
    pub rejection: Rejection,
    /// The beginning of the raw text, at most 4 KiB.
    pub excerpt: String,
}

/// About 8 MiB or 8,192 records, in the order of the input.
#[derive(Debug, Default)]
pub struct Batch {
    pub records: Vec<RawRecord>,
    pub quarantined: Vec<Quarantined>,
}

/// Puts what a reader finds into a batch.
pub(super) struct Sink<'a> {
    pub file: &'a Arc<str>,
    pub limits: &'a Limits,
    pub batch: &'a mut Batch,
    /// Bytes of the records in the batch.
    pub size_bytes: usize,
    pub truncated: bool,
}

impl Sink<'_> {
    pub fn full(&self) -> bool {
        self.size_bytes >= BATCH_BYTES
            || self.batch.records.len() >= BATCH_RECORDS
            || self.batch.quarantined.len() >= BATCH_RECORDS
    }

    pub fn json(&mut self, line: u64, raw: &[u8], deepest: usize) {
        if deepest > self.limits.depth_max {
            let reason = format!(
                "the record is nested {deepest} deep, more than the {} allowed",
                self.limits.depth_max
            );
            return self.quarantine(line, Rejection::new("too_deep", reason), raw);
        }
        self.size_bytes += raw.len();
        self.batch.records.push(RawRecord { line, body: Body::Json(text(raw)) });
    }

    pub fn line(&mut self, line: u64, raw: &[u8]) {
        self.size_bytes += raw.len();
        self.batch.records.push(RawRecord { line, body: Body::Line(text(raw)) });
    }

    pub fn fields(&mut self, line: u64, fields: Vec<String>, size_bytes: usize) {
        self.size_bytes += size_bytes;
        self.batch.records.push(RawRecord { line, body: Body::Fields(fields) });
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
        self.batch.quarantined.push(Quarantined { origin, rejection, excerpt: excerpt(raw) });
    }
}

/// The text of `raw`: UTF-8, or else Windows-1252, in which every byte has a meaning.
/// Decided for each record, since logs are concatenated from machines that differ.
pub(super) fn text(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(raw).0.into_owned(),
    }
}

fn excerpt(raw: &[u8]) -> String {
    let cut = String::from_utf8_lossy(&raw[..raw.len().min(EXCERPT_BYTES_MAX)]);
    let end = cut.floor_char_boundary(EXCERPT_BYTES_MAX);
    cut[..end].to_owned()
}
