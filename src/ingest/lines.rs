//! Records that are lines: NDJSON, and logs of plain text.

use std::sync::Arc;

use memchr::memchr;

use super::batch::{EXCERPT_BYTES_MAX, Sink};
use super::bytes::{Found, Window};
use super::json_scan::{ValueScan, trim_start};
use super::{Batch, Body, Error, Limits, RawRecord};
use crate::domain::Rejection;

/// What a line holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Text,
}

pub(super) struct Lines {
    content: Content,
    /// Lines seen.
    line: u64,
}

impl Lines {
    /// Begins behind `line` lines that hold nothing.
    pub fn new(content: Content, line: u64) -> Lines {
        Lines { content, line }
    }

    /// Reads one line into `sink`; false at the end.
    pub fn advance(&mut self, window: &mut Window, sink: &mut Sink) -> Result<bool, Error> {
        let mut scanned = 0;
        loop {
            if let Some(at) = memchr(b'\n', &window.bytes()[scanned..]) {
                let length = scanned + at;
                self.take(window, length, true, sink);
                window.consume(length + 1);
                return Ok(true);
            }
            scanned = window.bytes().len();
            if scanned > sink.limits.record_bytes_max {
                self.skip(window, sink)?;
                return Ok(true);
            }
            if !window.fill()? {
                break;
            }
        }
        if scanned == 0 {
            return Ok(false);
        }
        self.take(window, scanned, false, sink);
        window.consume(scanned);
        Ok(true)
    }

    fn take(&mut self, window: &Window, length: usize, ended: bool, sink: &mut Sink) {
        self.line += 1;
        let line = window.found(length).trim();
        // A mark in the middle of a file is left by concatenating files.
        let line = if line.bytes.starts_with(b"\xef\xbb\xbf") { line.behind(3) } else { line };
        if line.bytes.is_empty() {
            return;
        }
        if line.bytes.len() > sink.limits.record_bytes_max {
            return sink.too_large(self.line, line.bytes.len() as u64, line.bytes);
        }
        if let Some(damage) = window.damage().filter(|_| !ended) {
            return sink.quarantine(self.line, Rejection::new("truncated", damage), line.bytes);
        }
        match self.content {
            Content::Json => take_json(self.line, line, ended, sink),
            Content::Text if memchr(0, line.bytes).is_some() => {
                let rejection = Rejection::new("bad_value", "the line holds NUL bytes");
                sink.quarantine(self.line, rejection, line.bytes);
            }
            Content::Text => sink.line(self.line, line),
        }
    }

    /// Passes over a line that is too long, holding only its beginning.
    fn skip(&mut self, window: &mut Window, sink: &mut Sink) -> Result<(), Error> {
        self.line += 1;
        let beginning = window.bytes()[..EXCERPT_BYTES_MAX.min(window.bytes().len())].to_vec();
        let mut size_bytes = 0;
        loop {
            let at_hand = window.bytes();
            if let Some(at) = memchr(b'\n', at_hand) {
                size_bytes += at as u64;
                window.consume(at + 1);
                break;
            }
            let count = at_hand.len();
            size_bytes += count as u64;
            window.consume(count);
            if !window.fill()? {
                break;
            }
        }
        sink.too_large(self.line, size_bytes, &beginning);
        Ok(())
    }
}

/// Takes what one line holds. From brace to brace it is one record of nearly any log; whoever reads it finds
/// out where it is not, and asks for [`apart`]. So nobody walks twice over every record, but for the beginning,
/// by which the format is recognised.
fn take_json(number: u64, line: Found<'_>, ended: bool, sink: &mut Sink) {
    match line.bytes {
        [b'{', .., b'}'] if ended && !sink.sampling => sink.json(number, line, 1),
        _ => take_values(number, line, ended, sink),
    }
}

/// What a record holds that was taken from a line and could not be read: several values where a writer lost a
/// line end, or what it is quarantined for. None for one value, whose reader knows best what it lacks.
pub fn apart(file: &Arc<str>, record: &RawRecord<'_>) -> Option<Batch> {
    let Body::Json(text) = &record.body else { return None };
    let (limits, mut batch) = (Limits::default(), Batch::default());
    let mut sink = Sink::new(file, &limits, &mut batch);
    take_values(record.line, Found::whole(text.as_bytes()), true, &mut sink);
    batch.bytes = text.as_bytes().to_vec();
    let is_one = batch.len() == 1 && batch.quarantined.is_empty();
    (!is_one).then_some(batch)
}

/// Takes the values of one line, each by its brackets.
fn take_values(number: u64, line: Found<'_>, ended: bool, sink: &mut Sink) {
    let mut rest = line;
    while let Some(first) = rest.bytes.first() {
        if !matches!(first, b'{' | b'[' | b'"') {
            return sink.quarantine(number, not_json(rest.bytes), rest.bytes);
        }
        let mut scan = ValueScan::default();
        let Some(end) = scan.advance(rest.bytes) else {
            let rejection = if ended {
                Rejection::new("not_json", "the line ends inside a value")
            } else {
                Rejection::new("truncated", "the input ends inside a record")
            };
            return sink.quarantine(number, rejection, rest.bytes);
        };
        sink.json(number, rest.first(end), scan.deepest);
        rest = pass_blanks(rest.behind(end));
        // Lines cut out of an array keep its commas.
        rest = pass_blanks(rest.behind(usize::from(rest.bytes.starts_with(b","))));
    }
}

fn pass_blanks(line: Found<'_>) -> Found<'_> {
    line.behind(line.bytes.len() - trim_start(line.bytes).len())
}

fn not_json(rest: &[u8]) -> Rejection {
    if memchr(0, rest).is_some() {
        return Rejection::new("not_json", "the line holds NUL bytes");
    }
    Rejection::new("not_json", "the line does not begin with a brace where a record should begin")
}
