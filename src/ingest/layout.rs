//! How the records of an input are laid out, found in its first 256 KiB.

use memchr::memchr;

use super::document::LOOKAHEAD_BYTES;
use super::envelope::{self, Shape};
use super::json_scan::{ValueScan, trim_start};
use super::rows::{RowScan, fits, is_header, split};

/// How much of an input is looked at.
pub(super) const HEAD_BYTES: usize = LOOKAHEAD_BYTES;
/// How many lines or rows are looked at.
const HEAD_LINES: usize = 64;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How records are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One JSON value a line.
    Ndjson,
    /// Arrays, envelopes or objects of any spacing.
    JsonDocument,
    /// A table with a header.
    Csv { delimiter: u8 },
    /// One record a line, in a form of its own.
    Lines,
}

/// The layout, and the width of the table where it is one.
pub(super) fn find(head: &[u8]) -> (Layout, usize) {
    let beginning = trim_start(head);
    let layout = match beginning.first() {
        Some(b'{') => object_layout(beginning),
        Some(b'[')
            if matches!(trim_start(&beginning[1..]).first(), Some(b'{' | b'[' | b']' | b'"') | None) =>
        {
            Layout::JsonDocument
        }
        _ if most_lines(head, |line| line.first() == Some(&b'{')) => Layout::Ndjson,
        _ if most_lines(head, |line| is_access_log(line) || is_tracked(line) || is_compact_jws(line)) => {
            Layout::Lines
        }
        _ => return table(head).unwrap_or((Layout::Lines, 0)),
    };
    (layout, 0)
}

/// Whether lines end with a carriage return alone, as Excel for Mac writes them: all rows would be one header.
pub(super) fn ends_at_cr(head: &[u8]) -> bool {
    if matches!(trim_start(head).first(), Some(b'{' | b'[')) {
        return false;
    }
    let (mut quoted, mut found) = (false, false);
    for (at, byte) in head.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' if !quoted => return false,
            b'\r' if !quoted => found |= head.get(at + 1) != Some(&b'\n'),
            _ => {}
        }
    }
    found
}

/// A file that holds something other than text, by its first bytes.
pub(super) fn binary(head: &[u8]) -> Option<&'static str> {
    const MAGICS: [(&[u8], &str); 6] = [
        (b"PK\x03\x04", "a ZIP archive or an office document: unpack it, or export it as CSV"),
        (b"PAR1", "a Parquet file"),
        (b"%PDF", "a PDF document"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"\xd0\xcf\x11\xe0", "an office document: export it as CSV"),
        (b"\x89PNG", "an image"),
    ];
    MAGICS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| *what)
}

fn object_layout(head: &[u8]) -> Layout {
    if envelope::shape(head) != Shape::Record {
        return Layout::JsonDocument;
    }
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
    let first_balanced = lines.next().is_some_and(is_balanced);
    if first_balanced || memchr(b'\n', head).is_none() {
        return Layout::Ndjson;
    }
    // Inside a document printed over many lines, none that begins with a brace is whole;
    // behind a damaged first line of NDJSON the next one is.
    if lines.take(HEAD_LINES).any(|line| line.first() == Some(&b'{') && is_balanced(line)) {
        return Layout::Ndjson;
    }
    Layout::JsonDocument
}

fn is_balanced(line: &[u8]) -> bool {
    ValueScan::default().advance(line).is_some()
}

fn most_lines(head: &[u8], has: impl Fn(&[u8]) -> bool) -> bool {
    let lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let (mut count, mut having) = (0, 0);
    for line in lines.take(HEAD_LINES) {
        count += 1;
        having += usize::from(has(line));
    }
    having * 2 > count
}

/// A line of a web server's access log: a bracketed time, then a quoted request.
fn is_access_log(line: &[u8]) -> bool {
    let request = memchr::memmem::find(line, b"] \"");
    request.is_some_and(|at| memchr::memmem::find(&line[at..], b" HTTP/").is_some())
}

/// A line of PingFederate's audit log: a time, then a tracking id behind a pipe.
fn is_tracked(line: &[u8]) -> bool {
    let mut fields = line.split(|byte| *byte == b'|').map(<[u8]>::trim_ascii);
    let time = fields.next().and_then(<[u8]>::first).is_some_and(u8::is_ascii_digit);
    time && fields.next().is_some_and(|field| field.starts_with(b"tid:"))
}

/// A signed token on a line of its own, as SET receivers log them.
fn is_compact_jws(line: &[u8]) -> bool {
    line.starts_with(b"eyJ")
        && line.iter().filter(|byte| **byte == b'.').count() == 2
        && line.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// The delimiter with which most rows are equally wide; the wider table when two are.
fn table(head: &[u8]) -> Option<(Layout, usize)> {
    if let Some(delimiter) = noted_delimiter(head) {
        let rows = rows(head, delimiter);
        return Some((Layout::Csv { delimiter }, width(rows.get(1..)?).map_or(1, |found| found.1)));
    }
    let best = DELIMITERS
        .into_iter()
        .filter_map(|delimiter| {
            let (share, width) = width(&rows(head, delimiter))?;
            Some((share, width, delimiter))
        })
        .max_by_key(|(share, width, _)| (*share, *width));
    if let Some((_, width, delimiter)) = best {
        return Some((Layout::Csv { delimiter }, width));
    }
    // A register of one column, such as trusted domains: a short name above its values.
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.next()?;
    let word = |byte: &u8| byte.is_ascii_alphabetic() || b" _-".contains(byte);
    let named = (1..=40).contains(&first.len()) && first.iter().all(word);
    (named && lines.next().is_some()).then_some((Layout::Csv { delimiter: b',' }, 1))
}

/// The delimiter in the line `sep=;` that Excel writes and heeds.
fn noted_delimiter(head: &[u8]) -> Option<u8> {
    let line = head.split(|byte| *byte == b'\n').next()?.trim_ascii_end();
    let delimiter = *line.strip_prefix(b"sep=")?.first()?;
    delimiter.is_ascii_punctuation().then_some(delimiter)
}

fn rows(head: &[u8], delimiter: u8) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut rest = head;
    while rows.len() < HEAD_LINES && !rest.is_empty() {
        let mut scan = RowScan::default();
        let end = scan.advance(rest, delimiter).unwrap_or(rest.len());
        let row = split(&rest[..end], delimiter);
        if row.iter().any(|field| !field.trim().is_empty()) {
            rows.push(row);
        }
        rest = &rest[end..];
    }
    rows
}

/// The thousandths of rows that fit the table, and its width in columns. The header is
/// the first row that names columns and that a quarter of the rows below fit: what stands
/// above may be titles, and what stands below may be ragged.
fn width(rows: &[Vec<String>]) -> Option<(usize, usize)> {
    let fitting = |rows: &[Vec<String>], width: usize| rows.iter().filter(|row| fits(row, width)).count();
    let header = rows.iter().enumerate().find(|(at, row)| {
        let below = &rows[at + 1..];
        row.len() >= 2 && is_header(row, row.len()) && fitting(below, row.len()) * 4 >= below.len()
    });
    let width = header?.1.len();
    Some((fitting(rows, width) * 1000 / rows.len(), width))
}
