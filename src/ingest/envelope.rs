//! Whether a JSON object is an envelope around records, or a record itself.
//!
//! Vendors wrap pages of records: `{"value": […]}`, `{"Records": […]}`, a SCIM
//! ListResponse. A record may hold such an array too (a Google record holds `events`),
//! so an object with a field that only events have is never taken for an envelope, but for
//! what Okta's event hooks send, which is an event around events.

use super::json_scan::{ValueScan, is_blank};

/// Keys under which vendors put records, lower-cased.
const ENVELOPE_KEYS: [&str; 9] =
    ["records", "value", "items", "resources", "grants", "logs", "entries", "events", "data"];

/// Keys under which vendors put an object around the records, and the key of the records in it, lower-cased.
const ENVELOPES_INSIDE: [(&str, &str); 2] = [("data", "events"), ("_embedded", "activities")];

/// The type of what an event hook sends.
const HOOK: &[u8] = b"\"com.okta.event_hook\"";

/// Keys that make an object an event or a resource itself, lower-cased.
const RECORD_KEYS: [&str; 19] = [
    "id",
    "uuid",
    "jti",
    "actor",
    "event",
    "eventtype",
    "event_type",
    "eventname",
    "event_name",
    "eventtime",
    "event_time",
    "operationname",
    "activitydatetime",
    "createddatetime",
    "published",
    "action",
    "method",
    "username",
    "verb",
];

/// What the beginning of an object shows it to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The records begin at `elements_at`, behind the array's bracket, inside so many objects.
    Envelope {
        elements_at: usize,
        depth: usize,
        total: Option<u64>,
    },
    /// A list response that announces a total and has no array: a page of none.
    EmptyPage,
    Record,
}

/// The shape of the object with which `bytes` begins. What lies beyond `bytes` is not
/// known, so callers pass at least the first 256 KiB where there are as many.
pub(super) fn shape(bytes: &[u8]) -> Shape {
    let mut keys = Keys { bytes, at: 1 };
    let mut elements = None;
    let mut total = None;
    let mut empty = false;
    let mut nested = false;
    let mut is_hook = false;
    while let Some((key, value_at)) = keys.next() {
        let key = key.to_ascii_lowercase();
        is_hook |= key == b"eventtype" && bytes[value_at..].starts_with(HOOK);
        if !is_hook && RECORD_KEYS.iter().any(|known| known.as_bytes() == key) {
            return Shape::Record;
        }
        let first = bytes.get(value_at).copied();
        let inner = inside(&bytes[value_at..]);
        let listed = ENVELOPE_KEYS.iter().any(|known| known.as_bytes() == key) && first == Some(b'[');
        let further = ENVELOPES_INSIDE.iter().find(|(outer, _)| outer.as_bytes() == key);
        let further =
            further.filter(|_| first == Some(b'{')).and_then(|(_, of)| records_of(bytes, value_at, of));
        if key == b"totalresults" {
            total = number(&bytes[value_at..]);
        } else if let (Some(elements_at), None) = (further, elements) {
            elements = Some((elements_at, 2));
        } else if listed && elements.is_none() && matches!(inner, None | Some(b'{' | b']')) {
            elements = Some((value_at + 1, 1));
            empty = inner == Some(b']');
        } else if key != b"schemas" {
            nested |= matches!(first, Some(b'{' | b'['));
        }
        if !keys.skip_value(value_at) {
            break;
        }
    }
    match elements {
        // An empty array beside structured fields is more likely a field of a record.
        Some(_) if empty && nested => Shape::Record,
        Some((elements_at, depth)) => Shape::Envelope { elements_at, depth, total },
        None if total.is_some() => Shape::EmptyPage,
        None => Shape::Record,
    }
}

/// Where the records begin in the object at `at`, which has them under `key`.
fn records_of(bytes: &[u8], at: usize, key: &str) -> Option<usize> {
    let mut keys = Keys { bytes, at: at + 1 };
    while let Some((found, value_at)) = keys.next() {
        if found.eq_ignore_ascii_case(key.as_bytes()) {
            let array = &bytes[value_at..];
            return (array.first() == Some(&b'[') && inside(array) == Some(b'{')).then_some(value_at + 1);
        }
        if !keys.skip_value(value_at) {
            break;
        }
    }
    None
}

/// The first byte inside a value that is in brackets.
fn inside(value: &[u8]) -> Option<u8> {
    value.iter().skip(1).find(|byte| !is_blank(**byte)).copied()
}

/// The value of `totalResults` in the text behind the records of an envelope.
pub(super) fn total_in(tail: &[u8]) -> Option<u64> {
    const KEY: &[u8] = b"\"totalResults\"";
    let at = memchr::memmem::find(tail, KEY)? + KEY.len();
    let colon = tail[at..].iter().position(|byte| *byte == b':')?;
    number(&tail[at + colon + 1..])
}

fn number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().skip_while(|byte| is_blank(**byte)).take_while(|byte| byte.is_ascii_digit());
    String::from_utf8(digits.copied().collect()).ok()?.parse().ok()
}

/// Walks the keys of one object.
struct Keys<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Keys<'a> {
    /// The next key and where its value begins; none at the end of object or bytes.
    fn next(&mut self) -> Option<(&'a [u8], usize)> {
        self.pass(|byte| is_blank(byte) || byte == b',');
        if *self.bytes.get(self.at)? != b'"' {
            return None;
        }
        let key_at = self.at + 1;
        self.at += ValueScan::default().advance(&self.bytes[self.at..])?;
        let key = &self.bytes[key_at..self.at - 1];
        self.pass(is_blank);
        if *self.bytes.get(self.at)? != b':' {
            return None;
        }
        self.at += 1;
        self.pass(is_blank);
        (self.at < self.bytes.len()).then_some((key, self.at))
    }

    /// Passes over the value at `value_at`; false when it does not end in the bytes.
    fn skip_value(&mut self, value_at: usize) -> bool {
        self.at = value_at;
        if matches!(self.bytes[value_at], b'{' | b'[' | b'"') {
            let Some(length) = ValueScan::default().advance(&self.bytes[value_at..]) else { return false };
            self.at += length;
            return true;
        }
        self.pass(|byte| !matches!(byte, b',' | b'}'));
        true
    }

    fn pass(&mut self, skipped: impl Fn(u8) -> bool) {
        while self.bytes.get(self.at).is_some_and(|byte| skipped(*byte)) {
            self.at += 1;
        }
    }
}
