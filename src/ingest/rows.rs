//! Rows of a table: CSV and its kin, with any delimiter.
//!
//! The `csv` crate cannot give up on a record, so one quote that never closes would pull
//! the rest of a file into memory. Rows are therefore delimited here, by the rules of
//! RFC 4180 as spreadsheets write them: a quote opens only at the beginning of a field,
//! and two quotes inside are one. Rows that do not fit the header are quarantined.

use memchr::{memchr, memchr_iter};

use super::Error;
use super::batch::{EXCERPT_BYTES_MAX, Sink, text};
use super::bytes::Window;
use crate::domain::Rejection;

/// A quoted field longer than this is one whose quote was never meant to open.
const QUOTED_BYTES_MAX: usize = 1 << 20;

pub(super) struct Rows {
    delimiter: u8,
    /// Columns of the table: rows before the first of this width are titles.
    width: usize,
    /// Lines passed.
    line: u64,
    pub header: Option<Vec<String>>,
}

impl Rows {
    /// Begins behind `line` lines that hold nothing.
    pub fn new(delimiter: u8, width: usize, line: u64) -> Rows {
        Rows { delimiter, width, line, header: None }
    }

    /// Reads one row into `sink`; false at the end.
    pub fn advance(&mut self, window: &mut Window, sink: &mut Sink) -> Result<bool, Error> {
        let mut scan = RowScan::default();
        let mut scanned = 0;
        loop {
            if let Some(end) = scan.advance(&window.bytes()[scanned..], self.delimiter) {
                self.take(window, scanned + end, true, sink);
                self.pass(window, scanned + end);
                return Ok(true);
            }
            scanned = window.bytes().len();
            if scanned > sink.limits.record_bytes_max {
                self.give_up(window, sink)?;
                return Ok(true);
            }
            let lines_open = scan.quoted() && memchr(b'\n', window.bytes()).is_some();
            if lines_open && (scanned > QUOTED_BYTES_MAX || !window.fill()?) {
                self.give_up(window, sink)?;
                return Ok(true);
            }
            if !lines_open && !window.fill()? {
                break;
            }
        }
        if scanned == 0 {
            return Ok(false);
        }
        if scan.quoted() {
            let reason = window.damage().unwrap_or("the input ends inside a quoted field").to_owned();
            sink.quarantine(self.line + 1, Rejection::new("truncated", reason), window.bytes());
        } else {
            self.take(window, scanned, false, sink);
        }
        self.pass(window, scanned);
        Ok(true)
    }

    fn take(&mut self, window: &Window, length: usize, ended: bool, sink: &mut Sink) {
        let raw = &window.bytes()[..length];
        let mut fields = split(raw, self.delimiter);
        if fields.iter().all(|field| field.trim().is_empty()) {
            return;
        }
        let line = self.line + 1;
        if let Some(damage) = window.damage().filter(|_| !ended) {
            return sink.quarantine(line, Rejection::new("truncated", damage), raw);
        }
        if fits(&fields, self.width) {
            fields.truncate(self.width);
        }
        if self.header.is_none() {
            return self.take_header(line, fields, raw, sink);
        }
        if fields.len() == self.width {
            return sink.fields(line, fields, raw.len());
        }
        let (count, width) = (fields.len(), self.width);
        let rejection = if !ended && count < width {
            Rejection::new("truncated", format!("the input ends after {count} of {width} fields"))
        } else {
            Rejection::new("bad_value", format!("the row has {count} fields and the header has {width}"))
        };
        sink.quarantine(line, rejection, raw);
    }

    fn take_header(&mut self, line: u64, fields: Vec<String>, raw: &[u8], sink: &mut Sink) {
        // Excel's own note of the delimiter is no part of the table.
        if line == 1 && raw.starts_with(b"sep=") {
            return;
        }
        if is_header(&fields, self.width) {
            self.header = Some(fields.into_iter().map(|name| name.trim().to_owned()).collect());
            return;
        }
        let rejection = Rejection::new("bad_value", "the line stands above the header of the table");
        sink.quarantine(line, rejection, raw);
    }

    /// Quarantines the first line of a row that does not end, and goes on behind it: where
    /// a quote opened by mistake swallows the rows that follow, they are read after all.
    fn give_up(&mut self, window: &mut Window, sink: &mut Sink) -> Result<(), Error> {
        let line = self.line + 1;
        if let Some(end) = memchr(b'\n', window.bytes()) {
            let rejection = Rejection::new("bad_value", "a quote is opened in this line and not closed");
            sink.quarantine(line, rejection, &window.bytes()[..end]);
            self.pass(window, end + 1);
            return Ok(());
        }
        let beginning = window.bytes()[..EXCERPT_BYTES_MAX.min(window.bytes().len())].to_vec();
        let mut size_bytes = 0;
        loop {
            let at_hand = window.bytes();
            let end = memchr(b'\n', at_hand);
            let count = end.map_or(at_hand.len(), |end| end + 1);
            size_bytes += count as u64;
            self.pass(window, count);
            if end.is_some() || !window.fill()? {
                break;
            }
        }
        sink.too_large(line, size_bytes, &beginning);
        Ok(())
    }

    fn pass(&mut self, window: &mut Window, length: usize) {
        self.line += memchr_iter(b'\n', &window.bytes()[..length]).count() as u64;
        window.consume(length);
    }
}

/// A row of the table's width, or wider by empty fields: some exports end each row with a
/// delimiter, the header excepted.
pub(super) fn fits(fields: &[String], width: usize) -> bool {
    fields.len() >= width && fields[width..].iter().all(|field| field.trim().is_empty())
}

/// A row as wide as the table that names most of its columns: not a title padded with
/// delimiters.
pub(super) fn is_header(fields: &[String], width: usize) -> bool {
    let named = fields.iter().filter(|field| !field.trim().is_empty()).count();
    fields.len() == width && named * 2 >= width
}

/// Finds the end of a row; resumable.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RowScan {
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Plain,
    Quoted,
    /// A quote inside a quoted field: its end, or the first of two.
    QuoteInQuoted,
}

impl State {
    fn after(self, byte: u8, delimiter: u8) -> State {
        match (self, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) => State::Quoted,
            (State::QuoteInQuoted, b'"') => State::Quoted,
            (State::FieldStart, b'"') => State::Quoted,
            (_, byte) if byte == delimiter => State::FieldStart,
            _ => State::Plain,
        }
    }
}

impl RowScan {
    /// Scans on; the offset behind the line end that ends the row, once it comes.
    pub fn advance(&mut self, bytes: &[u8], delimiter: u8) -> Option<usize> {
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' && self.state != State::Quoted {
                self.state = State::FieldStart;
                return Some(at + 1);
            }
            self.state = self.state.after(*byte, delimiter);
        }
        None
    }

    pub fn quoted(&self) -> bool {
        self.state == State::Quoted
    }
}

/// The fields of one whole row, unquoted.
pub(super) fn split(row: &[u8], delimiter: u8) -> Vec<String> {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    let text = text(row);
    let mut fields = Vec::new();
    let mut field = Vec::new();
    let mut state = State::FieldStart;
    // Delimiter and quote are ASCII, so that no character is cut in two.
    for byte in text.bytes() {
        let next = state.after(byte, delimiter);
        match (state, next) {
            (_, State::FieldStart) => fields.push(unquoted(&mut field)),
            (State::FieldStart, State::Quoted) | (State::Quoted, State::QuoteInQuoted) => {}
            _ => field.push(byte),
        }
        state = next;
    }
    fields.push(unquoted(&mut field));
    fields
}

fn unquoted(field: &mut Vec<u8>) -> String {
    let taken = std::mem::take(field);
    String::from_utf8(taken).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
