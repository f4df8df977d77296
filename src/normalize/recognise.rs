//! Which format an input has: by what most of its first records look like.
//!
//! A format that a person names is taken at their word, if the layout allows it. Else
//! more than half of the sampled records must be recognised as one format; a tie is
//! refused, since a wrong guess would put wrong facts in the store. Logs that come as one
//! stream count together.

use serde_json::Value;

use super::table::{self, Overrides, TableKind};
use super::{JSON_FORMATS, LINE_FORMATS, ROW_FORMATS, Reader, RowFormat, STREAMS, as_record, json};
use crate::ingest::{Body, Layout, Sample};

/// Why no format was chosen; says what a person can do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("cannot use --source {name}: no format has this name; there are {}", known.join(", "))]
    UnknownName { name: String, known: Vec<&'static str> },
    #[error("cannot read {file} as {name}: it is laid out as {layout}")]
    Layout { file: String, name: String, layout: &'static str },
    /// The document or table holds no records, which is not the same as an unknown format.
    #[error("cannot recognise {file}: it holds no records; use --source to read it as an empty one")]
    NoRecords { file: String },
    /// Counts are of sampled records, of which there are `sampled`.
    #[error(
        "cannot recognise {file}: of {sampled} records {}; use --source with one of {}",
        listed(counts), known.join(", ")
    )]
    Unrecognised {
        file: String,
        sampled: usize,
        counts: Vec<(&'static str, usize)>,
        known: Vec<&'static str>,
    },
    #[error("cannot read table {file}: {refusal}")]
    Table { file: String, refusal: table::Refusal },
}

/// Chooses the reader of an input by its sample, or by the name that is `forced`.
///
/// # Errors
/// A [`Refused`] when the name is not known or does not fit, or when no format is
/// recognised in more than half of the sample.
pub fn choose(
    sample: &Sample,
    file_name: &str,
    forced: Option<&str>,
    overrides: &Overrides,
) -> Result<Reader, Refused> {
    match (forced, sample.layout) {
        (Some(name), _) => choose_named(name, sample, file_name, overrides),
        (None, Layout::Csv { .. }) => match rows_of(sample) {
            Some(reader) => Ok(reader),
            None => choose_table(sample, file_name, overrides),
        },
        (None, _) => choose_by_content(sample, file_name),
    }
}

/// The names that `--source` takes.
pub fn names() -> Vec<&'static str> {
    let json = JSON_FORMATS.iter().map(|format| format.name);
    let lines = LINE_FORMATS.iter().map(|format| format.name);
    let registers = crate::domain::RegisterKind::ALL.into_iter().map(TableKind::Register);
    let tables = [TableKind::Roster, TableKind::Accounts, TableKind::Grants].into_iter().chain(registers);
    json.chain(lines).chain(tables.map(TableKind::as_str)).collect()
}

fn choose_named(
    name: &str,
    sample: &Sample,
    file_name: &str,
    overrides: &Overrides,
) -> Result<Reader, Refused> {
    let table = matches!(sample.layout, Layout::Csv { .. });
    let refused =
        || Refused::Layout { file: file_name.into(), name: name.into(), layout: layout_name(sample.layout) };
    if table && let Some(format) = ROW_FORMATS.iter().find(|format| format.name == name) {
        let header = sample.header.clone().unwrap_or_default();
        return Ok(Reader::Rows(format, header));
    }
    if let Some(format) = JSON_FORMATS.iter().find(|format| format.name == name) {
        return if table { Err(refused()) } else { Ok(Reader::Json(format)) };
    }
    if let Some(format) = LINE_FORMATS.iter().find(|format| format.name == name) {
        return if sample.layout == Layout::Lines { Ok(Reader::Line(format)) } else { Err(refused()) };
    }
    let Some(kind) = TableKind::parse(name) else {
        return Err(Refused::UnknownName { name: name.into(), known: names() });
    };
    if !table {
        return Err(refused());
    }
    let overrides = Overrides { kind: Some(kind), ..overrides.clone() };
    choose_table(sample, file_name, &overrides)
}

/// The format whose records most rows of a table are, before it is taken for a listing.
fn rows_of(sample: &Sample) -> Option<Reader> {
    let header = sample.header.as_ref()?;
    let record = |body: Body<'_>| match body {
        Body::Fields(fields) => Some(as_record(header, fields)),
        _ => None,
    };
    let records: Vec<Value> = sample.bodies().filter_map(record).collect();
    let most = |format: &&'static RowFormat| {
        records.iter().filter(|record| (format.recognises)(record)).count() * 2 > records.len()
    };
    ROW_FORMATS.iter().find(most).map(|format| Reader::Rows(format, header.clone()))
}

fn choose_table(sample: &Sample, file_name: &str, overrides: &Overrides) -> Result<Reader, Refused> {
    let Some(header) = &sample.header else { return Err(Refused::NoRecords { file: file_name.into() }) };
    let rows: Vec<Vec<String>> = sample
        .bodies()
        .filter_map(|body| match body {
            Body::Fields(fields) => Some(fields.to_vec()),
            _ => None,
        })
        .collect();
    match table::guess(header, &rows, file_name, overrides) {
        Ok(table) => Ok(Reader::Table(Box::new(table))),
        Err(refusal) => Err(Refused::Table { file: file_name.into(), refusal }),
    }
}

fn choose_by_content(sample: &Sample, file_name: &str) -> Result<Reader, Refused> {
    if sample.bodies().next().is_none() {
        return Err(Refused::NoRecords { file: file_name.into() });
    }
    let mut json_counts = [0; JSON_FORMATS.len()];
    let mut line_counts = [0; LINE_FORMATS.len()];
    let mut sampled = 0;
    for record in sample.bodies() {
        if let Body::Line(line) = &record
            && let Some(found) = LINE_FORMATS.iter().position(|format| (format.recognises)(line))
        {
            line_counts[found] += 1;
        }
        // Records that do not parse go to quarantine and have no say.
        let Some(value) = value(record) else { continue };
        sampled += 1;
        if let Some(found) = JSON_FORMATS.iter().position(|format| (format.recognises)(&value)) {
            json_counts[found] += 1;
        }
    }
    let most = |count: usize| count * 2 > sampled;
    let together = |at: usize| {
        let name = JSON_FORMATS[at].name;
        let stream = STREAMS.iter().find(|stream| stream.contains(&name));
        let is_of_it = |other: &str| other == name || stream.is_some_and(|stream| stream.contains(&other));
        let counts = JSON_FORMATS.iter().zip(json_counts).filter(|(format, _)| is_of_it(format.name));
        counts.map(|(_, count)| count).sum()
    };
    let found = (0..JSON_FORMATS.len()).filter(|at| most(together(*at))).max_by_key(|at| json_counts[*at]);
    if let Some(found) = found {
        return Ok(Reader::Json(&JSON_FORMATS[found]));
    }
    if let Some(found) = line_counts.iter().position(|count| most(*count)) {
        return Ok(Reader::Line(&LINE_FORMATS[found]));
    }
    let json = JSON_FORMATS.iter().map(|format| format.name).zip(json_counts);
    let lines = LINE_FORMATS.iter().map(|format| format.name).zip(line_counts);
    let counts = json.chain(lines).filter(|(_, count)| *count > 0).collect();
    Err(Refused::Unrecognised { file: file_name.into(), sampled, counts, known: names() })
}

/// The record as formats see it; a line is offered as a JSON string, as a token would be.
fn value(record: Body<'_>) -> Option<Value> {
    match record {
        Body::Json(raw) => json::parse(&raw).ok(),
        Body::Line(line) => Some(Value::String(line.into_owned())),
        Body::Fields(_) => None,
    }
}

fn layout_name(layout: Layout) -> &'static str {
    match layout {
        Layout::Ndjson => "JSON lines",
        Layout::JsonDocument => "a JSON document",
        Layout::Csv { .. } => "a table",
        Layout::Lines => "lines of text",
    }
}

fn listed(counts: &[(&'static str, usize)]) -> String {
    if counts.is_empty() {
        return "none looks like a known format".to_owned();
    }
    let each: Vec<String> = counts.iter().map(|(name, count)| format!("{count} look like {name}")).collect();
    each.join(", ")
}
