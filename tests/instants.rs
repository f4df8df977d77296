//! Instants as sources write them.

use jiff::Timestamp;
use lychgate::domain::UtcMicros;
use proptest::prelude::*;

/// What the library makes of a text, which is read without it where it has the usual form.
fn by_library(text: &str) -> Option<UtcMicros> {
    text.parse().ok().map(|instant: Timestamp| UtcMicros(instant.as_microsecond()))
}

/// Else an event would stand at another instant than its record says, or one of no instant be stored.
#[test]
fn the_usual_form_means_what_the_library_says() {
    for text in [
        "2026-03-31T08:15:00Z",
        "2026-03-31T08:15:00.123Z",
        "1969-12-31T23:59:59.999999Z",
        "2024-02-29T00:00:00.1Z",
        "2025-02-29T00:00:00.1Z",
        "2026-00-10T00:00:00Z",
        "2026-13-10T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-06-30T23:59:60Z",
        "2026-06-30T23:59:61Z",
        "2026-06-30T23:59:59.Z",
        "2026-06-30T23:59:59.1234567Z",
        "2026-06-30T23:59:59.123456789Z",
        "2026-06-30T23:59:59.-12Z",
        "0000-01-01T00:00:00Z",
        "9999-12-30T22:00:00.999999Z",
        "9999-12-31T23:59:59Z",
        "2026-06-30t23:59:59z",
        "2026-06-30 23:59:59Z",
        "2026-06-30T23:59:59+02:00",
    ] {
        assert_eq!(UtcMicros::parse(text), by_library(text), "{text}");
    }
}

proptest! {
    #[test]
    fn any_instant_comes_back(micros in -62_135_596_800_000_000_i64..253_402_207_200_000_000, digits in 0_usize..=9) {
        let instant = Timestamp::from_microsecond(micros).unwrap();
        let text = format!("{instant:.digits$}");
        prop_assert_eq!(UtcMicros::parse(&text), by_library(&text));
        prop_assert_eq!(UtcMicros::parse(&UtcMicros(micros).to_string()), Some(UtcMicros(micros)));
    }

    #[test]
    fn a_changed_byte_is_read_as_the_library_reads_it(place in 0_usize..24, byte in b' '..b'~') {
        let mut text = b"2026-03-31T08:15:00.123Z".to_vec();
        text[place] = byte;
        let text = String::from_utf8(text).unwrap();
        if let Some(instant) = by_library(&text) {
            prop_assert_eq!(UtcMicros::parse(&text), Some(instant));
        } else if text.ends_with('Z') {
            prop_assert_eq!(UtcMicros::parse(&text), None);
        }
    }
}
