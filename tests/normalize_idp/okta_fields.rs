//! The walk that reads Okta's records, against `serde_json`: what it reads is what that reads, and
//! what that refuses it leaves to it. If it took more, text that is not JSON would be kept as raw
//! records; if it read otherwise, accounts would change with the blanks between their fields.

use std::borrow::Cow;

use lychgate::normalize::fields::{Fields, Shapes, Walk, usual};
use lychgate::normalize::okta::FORMAT;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::context;
use crate::support::fixtures;

/// One field of each kind. Strings only where text is: what serde makes of numbers is not read here.
#[derive(Debug, Default, Deserialize, PartialEq)]
struct Kept<'a> {
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    nested: Option<Box<Kept<'a>>>,
    #[serde(borrow, default)]
    list: Option<Vec<Kept<'a>>>,
    #[serde(default)]
    rare: Option<Value>,
}

impl<'a> Fields<'a> for Kept<'a> {
    fn field(key: &str) -> Option<u8> {
        ["text", "nested", "list", "rare"].iter().position(|name| *name == key).map(|field| field as u8)
    }

    fn take(&mut self, field: u8, walk: &mut impl Walk<'a>) -> Option<()> {
        match field {
            0 => walk.text(&mut self.text),
            1 => {
                let mut nested = None;
                walk.nested(&mut nested)?;
                self.nested = nested.map(Box::new);
                Some(())
            }
            2 => walk.list(&mut self.list),
            _ => walk.rare(&mut self.rare),
        }
    }
}

/// Whether it was read; the same is then read by `serde_json`.
fn check(text: &str) -> bool {
    let own = usual::<Kept>(text);
    if let Some(own) = &own {
        let oracle = serde_json::from_str::<Kept>(text);
        assert_eq!(Some(own), oracle.as_ref().ok(), "{text:?} ({:?})", oracle.as_ref().err());
    }
    own.is_some()
}

/// Whether `text` was read by the shape of `known`, which is read first; the same is then read by `serde_json`.
fn check_like(known: &str, text: &str) -> bool {
    let mut shapes = Shapes::told_by("\"kind\":\"");
    shapes.read::<Kept>(known);
    let own = shapes.like::<Kept>(text);
    if let Some(own) = &own {
        let oracle = serde_json::from_str::<Kept>(text);
        let error = oracle.as_ref().err();
        assert_eq!(Some(own), oracle.as_ref().ok(), "{text:?} like {known:?} ({error:?})");
    }
    own.is_some()
}

/// A value that nobody asks for is passed when it is JSON, and only then.
fn check_passed(value: &str) {
    let text = format!("{{\"other\":{value}}}");
    assert_eq!(check(&text), serde_json::from_str::<IgnoredAny>(&text).is_ok(), "{text:?}");
}

/// What Okta's format makes of a record. The oracle reads it with a line end behind, which is blank
/// to `serde_json` and sends the walk to it. What is refused may be refused in other words there, where the
/// text ends inside a value.
fn check_okta(text: &str) {
    let context = context(None);
    let rows = |text: &str| (FORMAT.normalize)(text, &context).map(|rows| format!("{rows:?}")).ok();
    assert_eq!(rows(text), rows(&format!("{text}\n")), "{text:?}");
}

const RECORD: &str = r#"{"actor":{"id":"00u1","type":"User","alternateId":"ann@acme.example","detailEntry":null},"client":{"userAgent":{"rawUserAgent":"Mozilla/5.0 \"x\"","os":"Mac"},"ipAddress":"192.0.2.1","geographicalContext":{"geolocation":{"lat":-35.0e1,"lon":139.6}}},"eventType":"user.session.start","outcome":{"result":"SUCCESS","reason":null},"published":"2025-01-01T00:00:00.000Z","securityContext":{"asNumber":24560,"isProxy":false},"debugContext":{"debugData":{"privilegeGranted":"Super administrator","logOnly":"{\"risk\":{\"level\":\"LOW\\\\\"}}","endDate":"2025-02-01T00:00:00Z"}},"transaction":{"id":"t1","detail":{}},"uuid":"u1","request":{"ipChain":[{"ip":"192.0.2.2","geo":[[],[1,0,-2,true]]}]},"target":[{"id":"0oa1","type":"AppInstance","displayName":"Bo\u00f6x \ud83d\ude00"},{"id":"00u2","type":"User","changeDetails":{"from":{"login":"a"},"to":{"login":"b"}}}]}"#;

/// What is put into a record, or in the place of something: where JSON and what is not differ.
const SCRAPS: [&str; 40] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "nul",
    "0",
    "-",
    "-0",
    "01",
    "1.",
    "1.5",
    ".5",
    "1e",
    "1e+5",
    "1E400",
    "\\\"",
    "\\\\",
    "\\u00e9",
    "\\ud800",
    "\\u12",
    "\\x",
    "é",
    "😀",
    " ",
    "  ",
    "\t",
    "\n",
    "\u{1}",
    "\u{7f}",
    "\"id\":\"x\",",
    "\"uuid\":null,",
    "{}",
    "[]",
    "\"\"",
];

/// A change of a text: from where (as a share of it), how many letters go, what comes.
fn any_change() -> impl Strategy<Value = (Index, usize, &'static str)> {
    (any::<Index>(), prop_oneof![Just(0), 0..3_usize, 0..200_usize], select(&SCRAPS[..]))
}

fn changed(text: &str, changes: &[(Index, usize, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (at, gone, come)| {
        let letters: Vec<char> = text.chars().collect();
        let at = at.index(letters.len() + 1);
        let rest = letters.iter().skip(at + gone);
        letters[..at].iter().copied().chain(come.chars()).chain(rest.copied()).collect()
    })
}

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(&["null", "true", "0", "-1.5e3", "\"\"", "\"a\\\"b\"", "\"\\u00e9\"", "{}", "[ ]"][..])
            .prop_map(str::to_owned),
        any::<String>().prop_map(|text| Value::String(text).to_string()),
    ];
    leaf.prop_recursive(6, 48, 5, |inner| {
        let key = select(&["text", "nested", "list", "rare", "other", "te\\u0078t"][..]);
        let field = (key, inner.clone()).prop_map(|(key, value)| format!("\"{key}\": {value}"));
        prop_oneof![
            prop::collection::vec(field, 0..5).prop_map(|fields| format!("{{{}}}", fields.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(" ,"))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_what_serde_reads(value in any_value(), changes in prop::collection::vec(any_change(), 0..3)) {
        check(&changed(&value, &changes));
    }

    #[test]
    fn what_is_passed_is_what_serde_passes(value in any_value(), changes in prop::collection::vec(any_change(), 0..2)) {
        let text = changed(&value, &changes);
        // Blanks other than spaces, and escaped names, are for serde alone.
        if !text.contains(['\t', '\n', '\\']) {
            check_passed(&text);
        }
    }

    #[test]
    fn a_changed_okta_record_is_read_as_by_serde(changes in prop::collection::vec(any_change(), 0..4)) {
        check_okta(&changed(RECORD, &changes));
        // Also behind the record whose shape it may have.
        let record = RECORD.replace("changeDetails", "detailEntry");
        check_okta(&record);
        check_okta(&changed(&record, &changes));
    }

    #[test]
    fn what_is_like_a_record_before_is_read_as_by_serde(
        value in any_value(),
        changes in prop::collection::vec(any_change(), 0..3),
    ) {
        let value = value.replace("\"rare\"", "\"other\"").replace("\"te\\u0078t\"", "\"other\"");
        check_like(&value, &changed(&value, &changes));
    }
}

/// Every text of five scraps in the place of a value, also behind a record that had another there.
#[test]
fn short_values_are_passed_when_they_are_json() {
    const PARTS: [&str; 12] = ["\"", "a", "{", "}", "[", "]", ",", ":", "0", "-", ".", "null"];
    const KNOWN: [(&str, &str); 3] = [
        ("{\"other\":10}", "other"),
        ("{\"text\":10,\"nested\":{\"text\":\"a\"}}", "text"),
        ("{\"list\":[{\"other\":[10,true]}]}", "other"),
    ];
    for number in 0..PARTS.len().pow(5) {
        let part = |place: u32| PARTS[number / PARTS.len().pow(place) % PARTS.len()];
        let value = [part(0), part(1), part(2), part(3), part(4)].concat();
        check_passed(&value);
        let is_read = |text: &str| serde_json::from_str::<Kept>(text).is_ok();
        let is_one =
            serde_json::from_str::<Value>(&value).is_ok_and(|own| !own.is_object() && !own.is_array());
        for (known, key) in KNOWN {
            let text = known.replace("10", &value);
            let known = known.replace("10", if key == "text" { "\"10\"" } else { "10" });
            assert_eq!(check_like(&known, &text), is_one && is_read(&text), "{text:?} like {known:?}");
        }
        // Behind another value, which may become longer by it.
        let longer = |begun: &str| serde_json::from_str::<IgnoredAny>(&format!("{begun}{value}")).is_ok();
        for begun in ["1", "\"a\"", "true", "\"\\\"\""] {
            let (known, text) = (format!("{{\"other\":{begun}}}"), format!("{{\"other\":{begun}{value}}}"));
            assert_eq!(check_like(&known, &text), longer(begun), "{text:?} like {known:?}");
        }
    }
}

/// Runs of backslashes of each length on each side of the border of a block.
#[test]
fn escapes_are_told_from_ends_of_strings_wherever_they_stand() {
    for before in 0..140 {
        for backslashes in 0..70 {
            for end in ["\"}", "u00e9\"}", "x\"}", "\",\"text\":\"\"}", ""] {
                let text = format!("{{\"text\":\"{}{}{end}", "a".repeat(before), "\\".repeat(backslashes));
                let known = serde_json::from_str::<Kept>(&text).is_ok();
                assert_eq!(check(&text), known, "{text:?}");
                let begun = "a".repeat(before);
                for end in ["", "\\\"", "\\\\"] {
                    let like = check_like(&format!("{{\"text\":\"{begun}{end}\"}}"), &text);
                    assert_eq!(like, known && !text.contains(','), "{text:?}");
                }
                let text = text.replacen("text", "other", 1);
                assert_eq!(check(&text), serde_json::from_str::<Kept>(&text).is_ok(), "{text:?}");
            }
        }
    }
}

/// What is usual is read, or the walk would be for nothing.
#[test]
fn usual_records_are_read() {
    let spaced = RECORD.replace("\":", "\": ").replace(",\"", ", \"");
    for text in
        [RECORD, &spaced, r#"{"text":"a\"b","nested":{"list":[{"text":null},{}]},"rare":[1.5,{"a":"b"}]}"#]
    {
        assert!(check(text), "{text}");
        check_okta(text);
    }
    // Of entries of debug data that say the same the last one counts, also when it says nothing.
    let granted = RECORD.replace("user.session.start", "user.account.privilege.grant");
    check_okta(&granted.replace("\"logOnly\":", "\"privilegeRevoked\":null,\"logOnly\":"));
    for unusual in
        [r#"{"text":1}"#, r#"{"text":"a","text":"b"}"#, r#"{"te\u0078t":"a"}"#, "{\n}", "[]", "{} {}"]
    {
        assert!(!check(unusual), "{unusual}");
    }
}

/// Texts, numbers and words are what tells one record from another like it.
#[test]
fn what_differs_in_values_alone_is_like_a_record_before() {
    let known =
        r#"{"kind":"k","text":"a","other":[1,"b",{"c":true}],"nested":{"text":null},"list":[{"text":"d"}]}"#;
    for (from, to) in [
        ("\"a\"", "\"other\""),
        ("\"a\"", "null"),
        ("\"a\"", "\"\\u0041\\\"\""),
        ("null", "\"é\""),
        ("1,", "-2.5e7,"),
        ("1,", "\"\","),
        ("\"b\"", "false"),
        ("true", "null"),
        ("a", "a"),
    ] {
        assert!(check_like(known, &known.replacen(from, to, 1)), "{from} {to}");
    }
    for (from, to) in [
        ("\"k\"", "\"another\""),
        ("\"a\"", "\"a"),
        ("\"a\"", "\"a\"\""),
        ("\"a\"", "\"a\" "),
        ("\"a\"", "7"),
        ("\"a\"", "true"),
        ("\"a\"", "\"\\ud800\""),
        ("\"a\"", "\"\u{1}\""),
        ("1,", "1,1,"),
        ("1,", "01,"),
        ("1,", "{},"),
        ("true", "trues"),
        ("\"c\"", "\"e\""),
        ("{\"text\":null}", "null"),
        ("{\"text\":\"d\"}", ""),
        ("]}", "]}}"),
        ("]}", "]"),
    ] {
        assert!(!check_like(known, &known.replacen(from, to, 1)), "{from} {to}");
    }
    // What serde alone reads is nothing that others could be like.
    for unusual in [r#"{"rare":"a"}"#, r#"{"text":1}"#, "{\n}"] {
        assert!(!check_like(unusual, unusual), "{unusual}");
    }
}

/// Where no record is like another, shapes are not looked for much longer, but are again later.
#[test]
fn shapes_that_never_serve_are_given_up_for_a_while() {
    let mut shapes = Shapes::told_by("\"kind\":\"");
    let known = "{\"text\":\"a\"}";
    let is_known = |shapes: &mut Shapes| shapes.like::<Kept>(known).is_some();
    // Of these no shape is made, so that they cost nothing.
    for _ in 0..1_000 {
        shapes.read::<Kept>("{\"text\":\"a\",\"rare\":0}");
    }
    shapes.read::<Kept>(known);
    assert!(is_known(&mut shapes));
    for number in 0..1_000 {
        let strange = format!("{{\"text\":\"a\",\"{number}\":0}}");
        assert_eq!(shapes.read::<Kept>(&strange), usual(&strange));
    }
    assert!(!is_known(&mut shapes));
    let waited = (0..10_000).take_while(|_| !is_known(&mut shapes)).count();
    assert!((500..5_000).contains(&waited), "{waited}");
}

/// Deeper than the walk goes, and deeper than `serde_json` goes.
#[test]
fn deep_records_are_left_to_serde() {
    for depth in [50, 59, 60, 61, 64, 127, 128, 200] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"nested\":", "}")] {
            for key in ["other", "rare", "nested"] {
                let (open, close) = (open.repeat(depth), close.repeat(depth));
                check(&format!("{{\"{key}\":{open}null{close}}}"));
            }
        }
    }
}

#[test]
fn records_of_the_fixtures_are_read_as_by_serde() {
    let Some(folder) = fixtures() else { return };
    let mut records = 0;
    for file in lychgate::ingest::files(&[folder]).unwrap() {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for line in text.lines().chain([text.as_str()]) {
            check(line);
            check_okta(line);
            records += usize::from(line.starts_with('{'));
        }
    }
    assert!(records > 100, "{records} records");
}
