//! Bytes as companies have them, damaged ones included, against the records they hold.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::io::{Cursor, Read, Write};
use std::path::{Path, PathBuf};

use lychgate::ingest::{Batch, Body, Error, Input, Layout, Limits, files};
use lychgate::normalize::table::Overrides;
use lychgate::normalize::{choose, json};
use lychgate::pipeline::{Reading, normalize};

use crate::support::fixtures;

/// What an input gives: one line a record or quarantined text, in the order of lines.
fn outcome(input: &mut Input) -> String {
    let (mut batch, mut lines) = (Batch::default(), Vec::new());
    while input.next_batch(&mut batch).expect("reading does not fail") {
        for record in batch.records() {
            let text = match record.body {
                Body::Json(text) | Body::Line(text) => text.into_owned(),
                Body::Fields(fields) => fields.join("~"),
            };
            lines.push((record.line, format!("{} {text}", record.line)));
        }
        for rejected in &batch.quarantined {
            assert!(rejected.excerpt.len() <= 4096);
            lines.push((
                rejected.origin.line,
                format!("{} !{}", rejected.origin.line, rejected.rejection.code),
            ));
        }
    }
    lines.sort_by_key(|(line, _)| *line);
    lines.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
}

fn read(bytes: impl AsRef<[u8]>) -> Result<Input, Error> {
    Input::from_reader("given", Cursor::new(bytes.as_ref().to_vec()), Limits::default())
}

/// The same whether the bytes come at once or one by one.
fn check(given: impl AsRef<[u8]>, layout: Layout, expect: &str) {
    let bytes = given.as_ref().to_vec();
    let shown = String::from_utf8_lossy(&bytes).chars().take(200).collect::<String>();
    let mut input = read(&bytes).expect("it opens");
    assert_eq!(input.sample().layout, layout, "layout of {shown}");
    assert_eq!(outcome(&mut input), expect, "records of {shown}");
    let mut trickled = Input::from_reader("given", Trickle(Cursor::new(bytes)), Limits::default()).unwrap();
    assert_eq!(outcome(&mut trickled), expect, "trickled records of {shown}");
}

/// A pipe that gives one byte at a time.
struct Trickle(Cursor<Vec<u8>>);

impl Read for Trickle {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = into.len().min(1);
        self.0.read(&mut into[..count])
    }
}

const CSV: Layout = Layout::Csv { delimiter: b',' };

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(unit).collect()
}

/// A leaver's events would be missed, or laid to the wrong line of evidence.
#[test]
fn ndjson_keeps_good_lines_between_bad_ones() {
    for (given, expect) in [
        ("{\"a\":1}\n{\"a\":2}\n", "1 {\"a\":1}\n2 {\"a\":2}"),
        ("{\"a\":1}\r\n\r\n{\"a\":2}", "1 {\"a\":1}\n3 {\"a\":2}"),
        ("{\"a\":1}\ngarbage\n{\"a\":3}\n", "1 {\"a\":1}\n2 !not_json\n3 {\"a\":3}"),
        ("garbage\n{\"a\":2}\n{\"a\":3}\n", "1 !not_json\n2 {\"a\":2}\n3 {\"a\":3}"),
        ("{\"a\":1}\n{\"a\":\n{\"a\":3}\n", "1 {\"a\":1}\n2 !not_json\n3 {\"a\":3}"),
        ("{\"a\":1,\n{\"a\":2}\n{\"a\":3}\n", "1 !not_json\n2 {\"a\":2}\n3 {\"a\":3}"),
        ("{\"a\":1}\n{\"a\":\"x", "1 {\"a\":1}\n2 !truncated"),
        ("{\"a\":1}\n\0\0\0\n{\"a\":3}\n", "1 {\"a\":1}\n2 !not_json\n3 {\"a\":3}"),
        ("{\"a\":1}{\"a\":2}\n{\"a\":\"}\\\"\"}\n", "1 {\"a\":1}\n1 {\"a\":2}\n2 {\"a\":\"}\\\"\"}"),
        ("\u{feff}{\"a\":1}\n\u{feff}{\"a\":2}\n", "1 {\"a\":1}\n2 {\"a\":2}"),
        ("{\"id\":{},\"events\":[{\"n\":1},{\"n\":2}]}", "1 {\"id\":{},\"events\":[{\"n\":1},{\"n\":2}]}"),
        ("{\"_embedded\":{\"names\":[\"n\"]},\"a\":1}\n", "1 {\"_embedded\":{\"names\":[\"n\"]},\"a\":1}"),
        ("{\"events\":[{\"n\":1}],\"actor\":{}}\n", "1 {\"events\":[{\"n\":1}],\"actor\":{}}"),
    ] {
        check(given, Layout::Ndjson, expect);
    }
}

/// What an event hook of Okta sends: an event around events.
const HOOK: &str = "{\"eventType\":\"com.okta.event_hook\",\"eventId\":\"x\",\"source\":\"https://a.example\",\
                    \"data\":{\"events\":[{\"a\":1},{\"a\":2}]},\"eventTime\":\"2026-03-01T10:00:00Z\"}";

/// A vendor's page would be one record, or an event that holds an array would be torn.
#[test]
fn documents_give_their_elements() {
    let two = "1 {\"a\":1}\n2 {\"a\":2}";
    for (given, expect) in [
        ("[{\"a\":1},{\"a\":2}]", two),
        ("\n[\n  {\"a\":1},\n  {\"a\":2}\n]\n", two),
        ("{\"@odata.context\":\"x\",\"value\":[{\"a\":1},{\"a\":2}],\"@odata.nextLink\":\"y\"}", two),
        ("{\"Records\":[{\"a\":1}]}\n{\"Records\":[{\"a\":2}]}", two),
        ("{\"status\":{\"code\":200},\"pagination\":{},\"data\":[{\"a\":1},{\"a\":2}]}", two),
        ("{\"kind\":\"k\", \"items\" : [ {\"a\":1} , {\"a\":2} ] }", two),
        ("{\"logs\":[{\"a\":1}],\"more\":{\"x\":[1]}}[{\"a\":2}]", two),
        ("{\"_links\":{\"a\":{}},\"_embedded\":{\"activities\":[{\"a\":1},{\"a\":2}]},\"count\":2}", two),
        (HOOK, two),
        (&format!("{HOOK}\n{HOOK}"), "1 {\"a\":1}\n2 {\"a\":2}\n3 {\"a\":1}\n4 {\"a\":2}"),
        (HOOK.split(",\"eventTime").next().unwrap(), "1 {\"a\":1}\n2 {\"a\":2}\n3 !truncated"),
        ("{\n \"id\": 7,\n \"b\": [\n 1\n ]\n}\n", "1 {\n \"id\": 7,\n \"b\": [\n 1\n ]\n}"),
        ("[]", ""),
        ("[{\"a\":1}, 7, null, {\"a\":4}]", "1 {\"a\":1}\n2 !not_an_object\n3 !not_an_object\n4 {\"a\":4}"),
        ("[{\"a\":1}, oops, {\"a\":3}]", "1 {\"a\":1}\n2 !not_json\n3 {\"a\":3}"),
        ("[{\"a\":1}] trailing {\"a\":3}", "1 {\"a\":1}\n2 !not_json\n3 {\"a\":3}"),
        ("[{\"a\":1},{\"a\":", "1 {\"a\":1}\n2 !truncated"),
        ("[{\"a\":1},", "1 {\"a\":1}\n2 !truncated"),
        ("{\"value\":[{\"a\":1}],\"x\":", "1 {\"a\":1}\n2 !truncated"),
    ] {
        check(given, Layout::JsonDocument, expect);
    }
}

/// A listing that says it has more than it shows would pass for complete.
#[test]
fn list_responses_announce_their_total() {
    let schemas = "\"schemas\":[\"urn:ietf:params:scim:api:messages:2.0:ListResponse\"]";
    for (given, expect) in [
        (format!("{{{schemas},\"totalResults\":100,\"Resources\":[{{\"id\":\"1\"}}]}}"), Some(100)),
        (format!("{{\"Resources\":[{{\"id\":\"1\"}}],\"totalResults\": 250,{schemas}}}"), Some(250)),
        (format!("{{{schemas},\"totalResults\":0}}"), Some(0)),
        ("{\"value\":[{\"a\":1}]}".to_owned(), None),
    ] {
        let mut input = read(&given).unwrap();
        assert!(!outcome(&mut input).contains('!'), "{given}");
        assert_eq!(input.announced_total(), expect, "{given}");
    }
}

/// A roster's row would land in the wrong columns, or a stray quote would eat the rest.
#[test]
fn tables_keep_their_columns() {
    for (given, layout, expect) in [
        ("id,name\n1,Ann\n2,Bo\n", CSV, "2 1~Ann\n3 2~Bo"),
        ("id;name\r\n1;\"Doe; Ann\"\r\n", Layout::Csv { delimiter: b';' }, "2 1~Doe; Ann"),
        ("id\tname\n1\t\"5\"\" disk\"\n", Layout::Csv { delimiter: b'\t' }, "2 1~5\" disk"),
        ("id|name\n1|5\" disk\n2|x\n", Layout::Csv { delimiter: b'|' }, "2 1~5\" disk\n3 2~x"),
        ("\"id\",\"note\"\n1,\"two\nlines\"\n2,x\n", CSV, "2 1~two\nlines\n4 2~x"),
        ("id,name\n1,Ann,x\n2\n3,Cy,\n,\n", CSV, "2 !bad_value\n3 !bad_value\n4 3~Cy"),
        (
            "Accounts of 2026\n\nid,name\n1,Ann\n2,Bo\nTotal: 2\n",
            CSV,
            "1 !bad_value\n4 1~Ann\n5 2~Bo\n6 !bad_value",
        ),
        ("Report,users\nid,name,mail\n1,Ann,a@x\n2,Bo,b@x\n", CSV, "1 !bad_value\n3 1~Ann~a@x\n4 2~Bo~b@x"),
        ("sep=;\nid;name\n1;Ann\n", Layout::Csv { delimiter: b';' }, "3 1~Ann"),
        ("id,name\n1,\"Ann\n2,Bo\n3,Cy\n", CSV, "2 !bad_value\n3 2~Bo\n4 3~Cy"),
        ("id,name,mail\n1,Ann,a@x\n2,Bo", CSV, "2 1~Ann~a@x\n3 !truncated"),
        ("domain\nexample.com\nexample.org\n", CSV, "2 example.com\n3 example.org"),
        ("id,name\n", CSV, ""),
        // Excel for Mac: a whole export was its own header, and an empty listing.
        ("id,name\r1,Ann\r2,\"Bo\nLee\"\r", CSV, "2 1~Ann\n3 2~Bo\nLee"),
        ("id,name\r1,Ann\r2,Bo", CSV, "2 1~Ann\n3 2~Bo"),
        // A carriage return inside a cell ends no line.
        ("id,name\n1,\"Ann\rLee\"\n", CSV, "2 1~Ann\rLee"),
        ("id,\"first\rname\"\r\n1,Ann\r\n", CSV, "2 1~Ann"),
    ] {
        check(given, layout, expect);
    }
    let input = read("Accounts of 2026,,\n id ,name,mail\n1,Ann,a@x\n").unwrap();
    assert_eq!(input.sample().header.as_deref().unwrap(), ["id", "name", "mail"]);
}

/// A name with an umlaut would stop matching its account, or a whole export be refused.
#[test]
fn character_sets_are_found() {
    let text = "id,name\n1,Jörg Müller\n2,東京\n";
    let expect = "2 1~Jörg Müller\n3 2~東京";
    for bytes in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        [vec![0xff, 0xfe], utf16(text, u16::to_le_bytes)].concat(),
        [vec![0xfe, 0xff], utf16(text, u16::to_be_bytes)].concat(),
        utf16(text, u16::to_le_bytes),
        utf16(text, u16::to_be_bytes),
    ] {
        check(bytes, CSV, expect);
    }
    let mixed = b"{\"n\":\"J\xf6rg\"}\n{\"n\":\"J\xc3\xb6rg\"}\n";
    check(mixed, Layout::Ndjson, "1 {\"n\":\"Jörg\"}\n2 {\"n\":\"Jörg\"}");
}

/// An archive of many parts would end after the first; one cut in transit would pass for whole.
#[test]
fn compressed_inputs_are_read_to_the_end() {
    let (one, two) = ("{\"a\":1}\n".as_bytes(), "{\"a\":2}\n".as_bytes());
    let both = "1 {\"a\":1}\n2 {\"a\":2}";
    check([gzip(one), gzip(two)].concat(), Layout::Ndjson, both);
    check([zstd(one), zstd(two)].concat(), Layout::Ndjson, both);
    let wide = [vec![0xff, 0xfe], utf16("{\"a\":1}\n{\"a\":2}", u16::to_le_bytes)].concat();
    check(gzip(&wide), Layout::Ndjson, both);

    let many: String = (0..20_000).fold(String::new(), |mut text, n| {
        let _ = writeln!(text, "{{\"n\":{}}}", (n * 7919) % 100_003);
        text
    });
    for whole in [gzip(many.as_bytes()), zstd(many.as_bytes())] {
        let mut input = read(&whole[..whole.len() / 2]).unwrap();
        let got = outcome(&mut input);
        assert_eq!(got.matches('!').count(), 1, "one notice of the cut");
        assert!(got.ends_with("!truncated"));
    }
    let cut_between = [gzip(one), gzip(two)[..5].to_vec()].concat();
    check(cut_between, Layout::Ndjson, "1 {\"a\":1}\n2 !truncated");
}

/// One hostile or broken record would take the machine's memory, or the stack.
#[test]
fn one_record_cannot_exhaust_the_machine() {
    let long = Cursor::new(b"{\"a\":1}\n{\"x\":\"".to_vec())
        .chain(std::io::repeat(b'y').take(100 << 20))
        .chain(Cursor::new(b"\"}\n{\"a\":3}\n".to_vec()));
    let mut input = Input::from_reader("long", long, Limits::default()).unwrap();
    assert_eq!(outcome(&mut input), "1 {\"a\":1}\n2 !too_large\n3 {\"a\":3}");

    let element = Cursor::new(b"{\"value\":[{\"a\":1},{\"x\":\"".to_vec())
        .chain(std::io::repeat(b'y').take(100 << 20))
        .chain(Cursor::new(b"\"},{\"a\":3}]}".to_vec()));
    let mut input = Input::from_reader("element", element, Limits::default()).unwrap();
    assert_eq!(outcome(&mut input), "1 {\"a\":1}\n2 !too_large\n3 {\"a\":3}");

    let row = Cursor::new(b"id,name\n1,Ann\n2,".to_vec())
        .chain(std::io::repeat(b'y').take(100 << 20))
        .chain(Cursor::new(b"\n3,Cy\n".to_vec()));
    let mut input = Input::from_reader("row", row, Limits::default()).unwrap();
    assert_eq!(outcome(&mut input), "2 1~Ann\n3 !too_large\n4 3~Cy");

    let deep = format!("{}{}", "{\"a\":".repeat(10_000), "1".to_owned() + &"}".repeat(10_000));
    check(format!("{deep}\n{{\"a\":2}}\n"), Layout::Ndjson, "1 !too_deep\n2 {\"a\":2}");
    check(format!("[{deep},{{\"a\":2}}]"), Layout::JsonDocument, "1 !too_deep\n2 {\"a\":2}");
}

/// A batch would grow with the file, or records would be lost where batches meet.
#[test]
fn batches_are_bounded_and_complete() {
    let body = "x".repeat(1000);
    let text: String = (0..30_000).fold(String::from("["), |mut text, n| {
        let _ = write!(text, "{}{{\"n\":{n},\"b\":\"{body}\"}}", if n == 0 { "" } else { "," });
        text
    }) + "]";
    let mut input = read(&text).unwrap();
    assert_eq!(input.sample().bodies().count(), 64);
    let (mut batch, mut next) = (Batch::default(), 1);
    while input.next_batch(&mut batch).unwrap() {
        assert!(batch.len() <= 8192);
        for record in batch.records() {
            assert_eq!(record.line, next);
            next += 1;
        }
    }
    assert_eq!(next, 30_001);
    assert!(!input.next_batch(&mut batch).unwrap(), "the end stays the end");
    assert_eq!(input.bytes_read(), text.len() as u64);
}

/// A record would read as another, which was read over it, or where two buffers meet.
#[test]
fn texts_stay_as_they_were_read() {
    let (mut bytes, mut expect) = (Vec::new(), Vec::new());
    for n in 1..=6_000 {
        let filler = "x".repeat(n * 7_919 % 3_000);
        let line = match n % 500 {
            // Of another character set; passed over; behind more blanks than are read at once.
            200 => format!("{{\"n\":{n},\"name\":\"J\u{f6}rg {filler}\"}}"),
            201 => "x".repeat(17 << 20),
            202 => format!("{}{{\"n\":{n}}}", " ".repeat(700 << 10)),
            _ => format!("{{\"n\":{n},\"b\":\"{filler}\"}}"),
        };
        bytes.extend(line.chars().map(|letter| u8::try_from(letter).unwrap()));
        bytes.push(b'\n');
        expect.push(if n % 500 == 201 { format!("{n} !") } else { format!("{n} {}", line.trim()) });
    }
    let mut input = read(&bytes).unwrap();
    // Workers hold some batches while the next are read, and give them back to be filled again.
    let (mut held, mut got) =
        (VecDeque::from([Batch::default(), Batch::default(), Batch::default()]), Vec::new());
    let mut more = true;
    while more || held.iter().any(|batch| !batch.is_empty()) {
        let mut batch = held.pop_front().unwrap();
        got.extend(batch.quarantined.iter().map(|rejected| format!("{} !", rejected.origin.line)));
        got.extend(batch.records().map(|record| match record.body {
            Body::Json(text) => format!("{} {text}", record.line),
            other => panic!("{other:?} is no JSON"),
        }));
        more = input.next_batch(&mut batch).unwrap();
        held.push_back(batch);
    }
    let number = |text: &String| text.split(' ').next().unwrap().parse::<u64>().unwrap();
    got.sort_by_key(number);
    assert_eq!(got.len(), expect.len());
    assert_eq!(got.iter().zip(&expect).find(|(got, expect)| got != expect), None);
}

/// A few records among much that is none would hold all of it in memory.
#[test]
fn a_batch_ends_with_what_was_read_for_it() {
    let among = format!("{{\"a\":1}}\n{}\n", "x".repeat(200 << 10));
    let mut input = read(among.repeat(300)).unwrap();
    let (mut batch, mut most, mut all) = (Batch::default(), 0, 0);
    while input.next_batch(&mut batch).unwrap() {
        most = most.max(batch.len());
        all += batch.len() + batch.quarantined.len();
    }
    assert_eq!(all, 600);
    assert!(most * (200 << 10) < 6 << 20, "{most}");
}

/// The hash in the evidence would not be the one that `b3sum` prints.
#[test]
fn the_hash_is_that_of_the_stored_bytes() {
    let mut input = read("{\"a\":1}\n").unwrap();
    outcome(&mut input);
    assert_eq!(input.content_hash(), "7355cf27517e878fd081ba43175d3f098d0219f334ebfeea5224919cc2176b6f");
    let stored = gzip(b"{\"a\":1}\n");
    let (mut packed, mut cut) = (read(&stored).unwrap(), read(&stored[..stored.len() - 3]).unwrap());
    outcome(&mut packed);
    outcome(&mut cut);
    assert_ne!(packed.content_hash(), input.content_hash());
    assert_ne!(packed.content_hash(), cut.content_hash());
    assert_eq!(packed.bytes_read(), stored.len() as u64);
}

/// A person would be told that something failed, and not which file nor why.
#[test]
fn what_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str, bytes: Option<&[u8]>| {
        let path = folder.path().join(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let error = Input::open(&path, Limits::default()).err().expect("it does not open");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        error
    };
    assert!(matches!(open("empty.csv", Some(b"")), Error::Empty { .. }));
    assert!(matches!(open("blank.json", Some(b" \n\r\n ")), Error::Empty { .. }));
    assert!(matches!(open("packed.gz", Some(&gzip(b""))), Error::Empty { .. }));
    assert!(matches!(open("book.xlsx", Some(b"PK\x03\x04...")), Error::NotText { .. }));
    assert!(matches!(open("none.json", None), Error::Missing { .. }));
    assert!(matches!(open("", None), Error::Directory { .. }));
    // Files of the kernel can be opened and not read, also by root.
    if Path::new("/proc/self/mem").exists() {
        let error = Input::open(Path::new("/proc/self/mem"), Limits::default()).err().unwrap();
        assert!(matches!(error, Error::Read { .. }), "{error}");
    }
}

/// Files would be read in another order on another machine, or hidden ones by mistake.
#[test]
fn directories_are_expanded_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("b/.git")).unwrap();
    for name in ["c.json", "a.csv", ".hidden", "b/2", "b/1", "b/.git/x"] {
        fs::write(path(name), "x").unwrap();
    }
    std::os::unix::fs::symlink(folder.path(), path("b/loop")).unwrap();
    let found = files(&[PathBuf::from("-"), path("c.json"), folder.path().to_owned()]).unwrap();
    let expect =
        [PathBuf::from("-"), path("c.json"), path("a.csv"), path("b/1"), path("b/2"), path("c.json")];
    assert_eq!(found, expect);
    let error = files(&[path("gone")]).unwrap_err();
    assert!(error.to_string().contains("gone"), "{error}");
}

/// Log lines and tokens would be taken for tables with odd columns.
#[test]
fn lines_stay_lines() {
    let log = "10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] \"GET /scim/v2/Users?a=1,2 HTTP/1.1\" 200 512";
    check(format!("{log}\n\0\n{log}\n"), Layout::Lines, &format!("1 {log}\n2 !bad_value\n3 {log}"));
    let tracked =
        "2026-03-01 10:00:00,237| tid:xDm3| SSO| ann| 10.0.0.1| | sp| SAML20| host| IdP| success| Form| | 12";
    check(format!("{tracked}\n{tracked}\n"), Layout::Lines, &format!("1 {tracked}\n2 {tracked}"));
    let token = "eyJhbGciOiJub25lIn0.eyJqdGkiOiIxIn0.c2ln";
    check(format!("{token}\n"), Layout::Lines, &format!("1 {token}"));
}

/// A vendor's export would not be read at all: every set of the fixtures in every wrapping.
#[test]
fn vendor_events_survive_every_wrapping() {
    let folder = std::env::var("LYCHGATE_FIXTURES").unwrap_or_else(|_| "../shared/fixtures".to_owned());
    let Ok(entries) = fs::read_dir(Path::new(&folder).join("panther")) else {
        return eprintln!("skipped: no fixtures in {folder}");
    };
    let mut count = 0;
    for entry in entries {
        let events = logged(&entry.unwrap().path());
        count += events.len();
        let pretty = events.iter().map(|raw| format!("{:#}", json::parse(raw).unwrap())).collect::<Vec<_>>();
        let wrapped = format!("{{\"value\":[{}],\"count\":{}}}", events.join(",\n"), events.len());
        for given in [events.join("\n"), format!("[{}]", events.join(",")), wrapped, pretty.join("\n")] {
            let mut input = read(gzip(given.as_bytes())).unwrap();
            let (mut batch, mut got) = (Batch::default(), Vec::new());
            while input.next_batch(&mut batch).unwrap() {
                assert_eq!(batch.quarantined, []);
                got.extend(batch.records().map(|record| compact(record.body)));
            }
            assert_eq!(got, events);
        }
    }
    assert!(count > 900, "{count}");
}

/// The events of a set of the fixtures, without what is said about them.
fn logged(path: &Path) -> Vec<String> {
    let lines = fs::read_to_string(path).unwrap();
    let logs = lines.lines().map(|line| json::parse(line).unwrap()["log"].to_string());
    logs.filter(|log| log.starts_with('{')).collect()
}

fn compact(body: Body) -> String {
    match body {
        Body::Json(raw) => json::parse(&raw).unwrap().to_string(),
        other => panic!("{other:?} is no JSON"),
    }
}

/// What is read of a file: the line and the rows of each record, or why it gives none.
fn told(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.ndjson");
    fs::write(&path, text).unwrap();
    let mut told = Vec::new();
    let report = normalize(&path, &Reading::default(), &mut |origin, row| {
        told.push(match row {
            Ok(row) => format!("{} {row:?}", origin.line),
            Err(rejection) => format!("{} !{}", origin.line, rejection.code),
        });
        Ok(())
    });
    let report = report.unwrap();
    assert!(report.refused.is_none(), "{:?}", report.refused);
    assert_eq!(report.new + report.quarantined, told.len() as u64);
    told
}

/// Where a writer loses a line end in the middle of a file, both events would be lost, or what follows would be
/// laid to a wrong line.
#[test]
fn lines_are_told_apart_behind_the_beginning_too() {
    let event = |n: usize| {
        format!(
            r#"{{"eventType":"user.session.start","uuid":"{n}","published":"2026-01-01T00:00:00Z","actor":{{"id":"}}{{"}}}}"#
        )
    };
    let beginning: String = (1..=70).map(|n| event(n) + "\n").collect();
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200));
    let (a, b) = (event(71), event(72));
    for (line, expect) in [
        (a.clone(), vec!["71 uuid 71"]),
        (format!("{a}{b}"), vec!["71 uuid 71", "71 uuid 72"]),
        (format!("{a}, {b}"), vec!["71 uuid 71", "71 uuid 72"]),
        (format!("{a} {b}{a}"), vec!["71 uuid 71", "71 uuid 72", "71 uuid 71"]),
        (format!("{a}{deep}{b}"), vec!["71 !too_deep", "71 uuid 71", "71 uuid 72"]),
        (format!("{a}garbage}}"), vec!["71 !not_json", "71 uuid 71"]),
        (format!("{{\"a\":{a}"), vec!["71 !not_json"]),
        (deep.clone(), vec!["71 !too_deep"]),
        ("{\"a\":oops}".to_owned(), vec!["71 !not_json"]),
        ("{\"a\":1}".to_owned(), vec!["71 !missing_field"]),
    ] {
        let behind = told(&format!("{beginning}{line}\n{}\n", event(90)));
        let short: Vec<String> = behind[70..]
            .iter()
            .map(|told| match told.split_once("event_id: \"") {
                Some((at, rest)) => {
                    let (line, id) = (at.split(' ').next().unwrap(), rest.split('"').next().unwrap());
                    format!("{line} uuid {id}")
                }
                None => told.clone(),
            })
            .collect();
        let mut expect = expect;
        expect.push("72 uuid 90");
        let mut sorted = (short, expect);
        sorted.0.sort();
        sorted.1.sort_unstable();
        assert_eq!(sorted.0, sorted.1, "{line}");
    }
}

/// A format would take the first of two records for all of its line: each of them has to notice.
#[test]
fn every_format_tells_lines_apart() {
    let Some(folder) = fixtures() else { return };
    let mut formats = 0;
    for entry in fs::read_dir(folder.join("panther")).unwrap() {
        let events = logged(&entry.unwrap().path());
        // As many as are looked at to recognise a format, and some.
        let beginning: Vec<&str> = events.iter().cycle().take(100).map(String::as_str).collect();
        let apart = format!("{}\n{}\n", beginning.join("\n"), events.join("\n"));
        let input = read(&apart).unwrap();
        let chosen = choose(input.sample(), "given", None, &Overrides::default());
        if chosen.is_err() {
            continue;
        }
        formats += 1;
        let together = events.chunks(2).map(<[String]>::concat).collect::<Vec<_>>().join("\n");
        let together = format!("{}\n{together}\n", beginning.join("\n"));
        let rows = |text: &str| {
            let mut rows: Vec<String> =
                told(text).iter().map(|told| told.split_once(' ').unwrap().1.to_owned()).collect();
            rows.sort();
            rows
        };
        assert_eq!(rows(&together), rows(&apart));
    }
    assert!(formats > 5, "{formats}");
}
