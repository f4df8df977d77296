//! Tables with the headers of real products, and of products that nobody wrote words for:
//! each is read right or refused with the question that a person must answer.

use jiff::tz::TimeZone;
use lychgate::domain::{Listing, Rejection, Row, UtcMicros};
use lychgate::normalize::Context;
use lychgate::normalize::table::{DateOrder, Overrides, Refusal, Table, TableKind, guess};
use serde_json::{Value, json};

#[path = "tables/exports.rs"]
mod exports;
#[path = "tables/refusals.rs"]
mod refusals;
#[path = "tables/rosters.rs"]
mod rosters;
#[path = "tables/strangers.rs"]
mod strangers;
#[path = "tables/traps.rs"]
mod traps;

/// A file, and what a person said about it.
struct Given<'a> {
    file: &'a str,
    text: &'a str,
    said: Overrides,
}

enum Expect<'a> {
    /// The kind, and for each data row the fields of its rows, or the code of its rejection.
    Rows(&'a str, Vec<Value>),
    /// Parts of the questions.
    Asked(&'a [&'a str]),
}

fn given<'a>(file: &'a str, text: &'a str) -> Given<'a> {
    Given { file, text, said: Overrides { app: None, ..Overrides::default() } }
}

impl Given<'_> {
    fn map(mut self, field: &str, header: &str) -> Self {
        self.said.columns.insert(field.to_string(), header.to_string());
        self
    }

    fn kind(mut self, kind: &str) -> Self {
        self.said.kind = TableKind::parse(kind);
        self
    }

    fn dates(mut self, order: DateOrder) -> Self {
        self.said.date_order = Some(order);
        self
    }

    fn app(mut self, app: &str) -> Self {
        self.said.app = Some(app.to_string());
        self
    }

    fn lines(&self) -> (Vec<String>, Vec<Vec<String>>) {
        let delimiter = if self.text.trim().lines().next().unwrap_or("").contains(';') { b';' } else { b',' };
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .trim(csv::Trim::All)
            .from_reader(self.text.trim().as_bytes());
        let mut lines = reader.records().map(|record| record.unwrap().iter().map(String::from).collect());
        (lines.next().unwrap_or_default(), lines.collect())
    }

    fn table(&self) -> Result<Table, Refusal> {
        let (header, rows) = self.lines();
        guess(&header, &rows[..rows.len().min(64)], self.file, &self.said)
    }

    fn rows(&self, table: &Table) -> Vec<Result<Vec<Row<'_>>, Rejection>> {
        self.lines().1.iter().map(|row| table.read(row, &context())).collect()
    }
}

/// Read at noon on 30 June 2026 for an application called `app`, with clocks in Berlin.
fn context() -> Context {
    let now = UtcMicros::parse("2026-06-30T12:00:00Z").unwrap();
    Context {
        app: Some("app".to_string()),
        app_guessed: false,
        org: None,
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        listing: Listing {
            listing_id: "l".to_string(),
            app_id: None,
            listed_at: now,
            complete: true,
            feed: None,
            has_ends: false,
        },
        now,
    }
}

fn check(given: Given, expect: Expect) {
    match (given.table(), expect) {
        (Ok(table), Expect::Rows(kind, rows)) => {
            assert_eq!(table.kind().as_str(), kind, "{}\n{}", given.file, table.explain());
            let read = given.rows(&table);
            assert_eq!(read.len(), rows.len(), "{}: number of rows", given.file);
            for (read, expected) in read.iter().zip(rows) {
                compare(&given, &table, read, expected);
            }
        }
        (Err(refusal), Expect::Asked(parts)) => {
            assert!(!refusal.questions.is_empty(), "{}: a refusal asks something", given.file);
            let text = refusal.to_string();
            for part in parts {
                assert!(text.contains(part), "{}: no \"{part}\" in {text}", given.file);
            }
        }
        (Ok(table), Expect::Asked(_)) => panic!("{} was read:\n{}", given.file, table.explain()),
        (Err(refusal), Expect::Rows(..)) => panic!("{} was refused: {refusal}", given.file),
    }
}

/// Compares the named fields only: an object for one row, a list for several, a text for the
/// code of a rejection. `null` means absent.
fn compare(given: &Given, table: &Table, read: &Result<Vec<Row>, Rejection>, expected: Value) {
    let place = format!("{}: {read:?}\n{}", given.file, table.explain());
    let rows = match (read, &expected) {
        (Err(rejection), Value::String(code)) => return assert_eq!(rejection.code, code, "{place}"),
        (Err(rejection), _) => panic!("rejected: {}\n{place}", rejection.reason),
        (Ok(rows), _) => rows,
    };
    let expected = if let Value::Array(list) = expected { list } else { vec![expected] };
    assert_eq!(rows.len(), expected.len(), "{place}");
    for (row, expected) in rows.iter().zip(expected) {
        let row = serde_json::to_value(row).unwrap();
        let Value::Object(fields) = expected else { panic!("expected a rejection: {place}") };
        for (name, value) in fields {
            assert_eq!(row.get(&name).unwrap_or(&Value::Null), &value, "field {name} of {place}");
        }
    }
}

fn rows(kind: &str, rows: Value) -> Expect<'_> {
    let Value::Array(rows) = rows else { panic!("rows are a list") };
    Expect::Rows(kind, rows)
}
