//! Records inside JSON documents: arrays, envelopes, single objects, one after another.
//!
//! A document is never held: the scan walks from element to element, so that its size
//! does not matter. Records are numbered through the whole input, from 1.

use super::Error;
use super::batch::{EXCERPT_BYTES_MAX, Sink};
use super::bytes::Window;
use super::envelope::{self, Shape};
use super::json_scan::{ValueScan, is_blank};
use crate::domain::Rejection;

/// How far ahead an object is looked into to tell an envelope from a record.
pub(super) const LOOKAHEAD_BYTES: usize = 256 << 10;
/// How much stray text is taken at a time.
const STRAY_BYTES_MAX: usize = 64 << 10;

pub(super) struct Document {
    place: Place,
    records: u64,
    /// The largest `totalResults` that a page announced.
    pub announced_total: Option<u64>,
}

/// Where in a document the window stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Between,
    /// In an array of records, which is the document.
    Array,
    /// In the array of records of an envelope, inside so many objects.
    Envelope(usize),
    /// Behind the records of an envelope, inside so many objects.
    Tail(usize),
}

/// What scanning one value gave.
enum Scanned {
    /// It is at hand, and this long.
    Whole {
        length: usize,
        deepest: usize,
    },
    TooLarge {
        size_bytes: u64,
        beginning: Vec<u8>,
    },
    /// The input ends inside it.
    Cut,
}

impl Document {
    pub fn new() -> Document {
        Document { place: Place::Between, records: 0, announced_total: None }
    }

    /// Reads one value, or one step of the structure; false at the end.
    pub fn advance(&mut self, window: &mut Window, sink: &mut Sink) -> Result<bool, Error> {
        if let Place::Tail(depth) = self.place {
            return self.pass_tail(depth, window, sink);
        }
        let Some(first) = next_byte(window)? else {
            if self.place != Place::Between {
                self.cut_short(window, sink, "the document ends before its array does");
            }
            return Ok(false);
        };
        match (self.place, first) {
            (Place::Between, b'[') => {
                window.consume(1);
                self.place = Place::Array;
            }
            (Place::Between, b'{') => self.begin_object(window, sink)?,
            (Place::Array, b']') => {
                window.consume(1);
                self.place = Place::Between;
            }
            (Place::Envelope(depth), b']') => {
                window.consume(1);
                self.place = Place::Tail(depth);
            }
            (Place::Array | Place::Envelope(_), b'{' | b'[' | b'"') => self.take_value(window, sink)?,
            (place, _) => self.take_stray(place, window, sink)?,
        }
        Ok(true)
    }

    fn begin_object(&mut self, window: &mut Window, sink: &mut Sink) -> Result<(), Error> {
        window.fill_to(LOOKAHEAD_BYTES)?;
        match envelope::shape(window.bytes()) {
            Shape::Envelope { elements_at, depth, total } => {
                self.announced_total = self.announced_total.max(total);
                window.consume(elements_at);
                self.place = Place::Envelope(depth);
                Ok(())
            }
            Shape::EmptyPage => {
                self.announced_total = self.announced_total.max(envelope::total_in(window.bytes()));
                window.consume(1);
                self.place = Place::Tail(1);
                Ok(())
            }
            Shape::Record => self.take_value(window, sink),
        }
    }

    fn take_value(&mut self, window: &mut Window, sink: &mut Sink) -> Result<(), Error> {
        self.records += 1;
        match scan_value(window, ValueScan::default(), sink.limits.record_bytes_max)? {
            Scanned::Whole { length, deepest } => {
                sink.json(self.records, window.found(length), deepest);
                window.consume(length);
            }
            Scanned::TooLarge { size_bytes, beginning } => {
                sink.too_large(self.records, size_bytes, &beginning);
            }
            Scanned::Cut => {
                self.records -= 1;
                self.cut_short(window, sink, "the input ends inside a record");
            }
        }
        Ok(())
    }

    /// Passes over the fields behind the records, up to the end of the envelope.
    fn pass_tail(&mut self, depth: usize, window: &mut Window, sink: &mut Sink) -> Result<bool, Error> {
        self.place = Place::Between;
        match scan_value(window, ValueScan::inside(depth), STRAY_BYTES_MAX)? {
            Scanned::Whole { length, .. } => {
                let total = envelope::total_in(&window.bytes()[..length]);
                self.announced_total = self.announced_total.max(total);
                window.consume(length);
            }
            Scanned::TooLarge { beginning, .. } => {
                self.announced_total = self.announced_total.max(envelope::total_in(&beginning));
            }
            Scanned::Cut => self.cut_short(window, sink, "the document ends before it closes"),
        }
        Ok(true)
    }

    /// Quarantines what is at hand and is the last of the input.
    fn cut_short(&mut self, window: &mut Window, sink: &mut Sink, reason: &str) {
        self.records += 1;
        self.place = Place::Between;
        let reason = window.damage().unwrap_or(reason).to_owned();
        sink.quarantine(self.records, Rejection::new("truncated", reason), window.bytes());
        window.consume(window.bytes().len());
    }

    /// Quarantines what is no record, up to where one can begin again.
    fn take_stray(&mut self, place: Place, window: &mut Window, sink: &mut Sink) -> Result<(), Error> {
        window.fill_to(STRAY_BYTES_MAX)?;
        let at_hand = &window.bytes()[..window.bytes().len().min(STRAY_BYTES_MAX)];
        let ends = |byte: u8| match place {
            Place::Between => matches!(byte, b'{' | b'\n'),
            _ => matches!(byte, b'{' | b',' | b']' | b'\n'),
        };
        // The first byte is always taken, or the scan would stand still.
        let length = 1 + at_hand.iter().skip(1).take_while(|byte| !ends(**byte)).count();
        let stray = at_hand[..length].trim_ascii();
        let scalar = place != Place::Between && serde_json::from_slice::<serde_json::Value>(stray).is_ok();
        let rejection = if scalar {
            Rejection::new("not_an_object", "the element is a number, a word or null, not an object")
        } else {
            Rejection::new("not_json", "there is text where a record should begin")
        };
        self.records += 1;
        sink.quarantine(self.records, rejection, stray);
        window.consume(length);
        Ok(())
    }
}

/// The next byte that is no blank, comma, byte order mark or RFC 7464 separator; it is
/// not consumed.
fn next_byte(window: &mut Window) -> Result<Option<u8>, Error> {
    loop {
        let skipped = |byte: u8| is_blank(byte) || matches!(byte, b',' | 0x1e | 0xef | 0xbb | 0xbf);
        let blanks = window.bytes().iter().take_while(|byte| skipped(**byte)).count();
        window.consume(blanks);
        if let Some(byte) = window.bytes().first() {
            return Ok(Some(*byte));
        }
        if !window.fill()? {
            return Ok(None);
        }
    }
}

/// Scans one value from where the window stands. One longer than `bytes_max` is passed
/// over, and only its beginning held.
fn scan_value(window: &mut Window, mut scan: ValueScan, bytes_max: usize) -> Result<Scanned, Error> {
    let mut scanned = 0;
    let mut passed_bytes = 0;
    let mut beginning = None;
    loop {
        let end = scan.advance(&window.bytes()[scanned..]);
        let length = end.map_or(window.bytes().len(), |end| scanned + end);
        if length > bytes_max || beginning.is_some() {
            let held = length.min(EXCERPT_BYTES_MAX);
            beginning.get_or_insert_with(|| window.bytes()[..held].to_vec());
            passed_bytes += length as u64;
            window.consume(length);
            scanned = 0;
        } else {
            scanned = length;
        }
        if end.is_some() {
            return Ok(match beginning {
                Some(beginning) => Scanned::TooLarge { size_bytes: passed_bytes, beginning },
                None => Scanned::Whole { length, deepest: scan.deepest },
            });
        }
        if !window.fill()? {
            return Ok(Scanned::Cut);
        }
    }
}
