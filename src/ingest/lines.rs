//! Records that are lines: NDJSON, and logs of plain text.

use memchr::{memchr, memmem};

use super::Error;
use super::batch::{EXCERPT_BYTES_MAX, Sink};
use super::bytes::Window;
use super::json_scan::{ValueScan, trim_start};
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
        let line = window.bytes()[..length].trim_ascii();
        // A mark in the middle of a file is left by concatenating files.
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if line.is_empty() {
            return;
        }
        if line.len() > sink.limits.record_bytes_max {
            return sink.too_large(self.line, line.len() as u64, line);
        }
        if let Some(damage) = window.damage().filter(|_| !ended) {
            return sink.quarantine(self.line, Rejection::new("truncated", damage), line);
        }
        match self.content {
            Content::Json => take_json(self.line, line, ended, sink),
            Content::Text if memchr(0, line).is_some() => {
                let rejection = Rejection::new("bad_value", "the line holds NUL bytes");
                sink.quarantine(self.line, rejection, line);
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

/// Takes the values of one line: normally one, several where a writer lost a line end.
fn take_json(number: u64, line: &[u8], ended: bool, sink: &mut Sink) {
    if is_one_object(line, sink.limits.depth_max) {
        return sink.json(number, line, 1);
    }
    let mut rest = line;
    while !rest.is_empty() {
        if !matches!(rest[0], b'{' | b'[' | b'"') {
            return sink.quarantine(number, not_json(rest), rest);
        }
        let mut scan = ValueScan::default();
        let Some(end) = scan.advance(rest) else {
            let rejection = if ended {
                Rejection::new("not_json", "the line ends inside a value")
            } else {
                Rejection::new("truncated", "the input ends inside a record")
            };
            return sink.quarantine(number, rejection, rest);
        };
        sink.json(number, &rest[..end], scan.deepest);
        rest = trim_start(&rest[end..]);
        // Lines cut out of an array keep its commas.
        rest = trim_start(rest.strip_prefix(b",").unwrap_or(rest));
    }
}

/// Whether a line is one object, as far as counting can tell: most lines are, and a walk from
/// quote to quote does once more what parsing does. It opens and closes as many brackets, fewer
/// than could be too deep, and no second object begins in it: none behind a closing brace, none
/// with the same first key. Where the answer is no, the walk finds out.
fn is_one_object(line: &[u8], depth_max: usize) -> bool {
    if line.first() != Some(&b'{') || line.last() != Some(&b'}') {
        return false;
    }
    let Some(colon) = memchr(b':', line) else { return false };
    let [mut braces, mut closed_braces, mut brackets, mut closed_brackets] = [0_usize; 4];
    for chunk in line.chunks(255) {
        // Counters of one byte let the loop run on whole vector registers.
        let [mut a, mut b, mut c, mut d] = [0_u8; 4];
        for byte in chunk {
            a += u8::from(*byte == b'{');
            b += u8::from(*byte == b'}');
            c += u8::from(*byte == b'[');
            d += u8::from(*byte == b']');
        }
        braces += usize::from(a);
        closed_braces += usize::from(b);
        brackets += usize::from(c);
        closed_brackets += usize::from(d);
    }
    braces == closed_braces
        && brackets == closed_brackets
        && braces + brackets <= depth_max
        && memmem::find(line, b"}{").is_none()
        && memmem::find(&line[1..], &line[..=colon]).is_none()
}

fn not_json(rest: &[u8]) -> Rejection {
    if memchr(0, rest).is_some() {
        return Rejection::new("not_json", "the line holds NUL bytes");
    }
    Rejection::new("not_json", "the line does not begin with a brace where a record should begin")
}
