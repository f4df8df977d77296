//! The formats in which a command's answer leaves on standard output.

use std::borrow::Cow;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::str::FromStr;

use comfy_table::{Attribute, Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value;

use super::visible::{in_markdown, visible};
use super::{Error, config};

/// `--output FORMAT` or `--output FORMAT=path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub format: Format,
    pub path: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Table,
    Json,
    Ndjson,
    Csv,
    Md,
}

const FORMATS: [(&str, Format); 5] = [
    ("table", Format::Table),
    ("json", Format::Json),
    ("ndjson", Format::Ndjson),
    ("csv", Format::Csv),
    ("md", Format::Md),
];

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Output, String> {
        let (name, path) = match text.split_once('=') {
            Some((name, path)) => (name, Some(PathBuf::from(path))),
            None => (text, None),
        };
        match FORMATS.iter().find(|(known, _)| *known == name) {
            Some((_, format)) => Ok(Output { format: *format, path }),
            None => Err(format!("unknown format \"{name}\"; one of table, json, ndjson, csv, md")),
        }
    }
}

/// Columns that are never broken, however narrow the terminal: what is copied from them must be whole.
const WHOLE: [&str; 9] =
    ["id", "finding_id", "severity", "score", "code", "verdict", "status", "since", "first seen"];

/// An answer: a table for people and the same things as JSON for programs.
pub struct Sheet<'a> {
    pub columns: Vec<String>,
    /// Wraps the values in `--output json`: `{"schema_version": 1, "<name>": […]}`.
    name: &'static str,
    lines: Vec<Line<'a>>,
}

/// One line of a sheet, in both forms.
enum Line<'a> {
    Made(Row),
    /// Made when it is written, in the form that is asked for, and not kept: a large company's answer has
    /// a million lines.
    ToMake(Box<dyn ToMake + 'a>),
}

/// Cells for people, and the value for programs.
type Row = (Vec<String>, Value);

/// What a line is made of.
pub trait ToMake {
    /// For people.
    fn cells(&self) -> io::Result<Vec<String>>;
    /// For programs.
    fn value(&self) -> io::Result<Value>;
}

impl<'a> Sheet<'a> {
    pub fn new(name: &'static str, columns: &[&'static str]) -> Sheet<'a> {
        Sheet { columns: columns.iter().map(|name| (*name).to_owned()).collect(), name, lines: Vec::new() }
    }

    pub fn push(&mut self, row: Vec<String>, value: Value) {
        self.lines.push(Line::Made((row, value)));
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }

    pub fn push_later(&mut self, line: impl ToMake + 'a) {
        self.lines.push(Line::ToMake(Box::new(line)));
    }

    /// Writes the sheet in every format asked for; a table to standard output by default.
    ///
    /// # Errors
    /// [`Error::Write`] when a file or standard output cannot be written. A closed pipe is no error.
    pub fn print(&self, outputs: &[Output]) -> Result<(), Error> {
        let default = [Output { format: Format::Table, path: None }];
        let outputs = if outputs.is_empty() { &default } else { outputs };
        for output in outputs {
            match &output.path {
                Some(path) => fs::File::create(path)
                    .and_then(|file| self.write(output.format, file))
                    .map_err(|source| Error::Write { what: path.display().to_string(), source })?,
                None => open_pipe("standard output", self.write(output.format, io::stdout().lock()))?,
            }
        }
        Ok(())
    }

    /// The sheet as a table, for standard error.
    ///
    /// # Errors
    /// When a line of it cannot be made.
    pub fn text(&self) -> Result<String, Error> {
        self.table().map_err(|source| Error::Write { what: "a table".to_owned(), source })
    }

    /// Writes the sheet as text, with a newline at its end.
    fn write(&self, format: Format, to: impl Write) -> io::Result<()> {
        let mut to = io::BufWriter::new(to);
        match format {
            Format::Table => to.write_all(self.table()?.as_bytes())?,
            Format::Json => {
                serde_json::to_writer_pretty(&mut to, self)?;
                writeln!(to)?;
            }
            Format::Ndjson => self.values().try_for_each(|value| writeln!(to, "{}", value?))?,
            Format::Csv => self.csv(&mut to)?,
            Format::Md => self.markdown(&mut to)?,
        }
        to.flush()
    }

    fn rows(&self) -> impl Iterator<Item = io::Result<Cow<'_, [String]>>> {
        self.lines.iter().map(|line| match line {
            Line::Made((cells, _)) => Ok(Cow::Borrowed(cells.as_slice())),
            Line::ToMake(line) => line.cells().map(Cow::Owned),
        })
    }

    fn values(&self) -> impl Iterator<Item = io::Result<Cow<'_, Value>>> {
        self.lines.iter().map(|line| match line {
            Line::Made((_, value)) => Ok(Cow::Borrowed(value)),
            Line::ToMake(line) => line.value().map(Cow::Owned),
        })
    }

    fn table(&self) -> io::Result<String> {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        if !io::stdout().is_terminal() {
            table.set_width(160);
        }
        table.set_header(&self.columns);
        let marked = self.columns.iter().position(|name| name == "severity");
        for row in self.rows() {
            let row = row?;
            let cell = |(place, text): (usize, &String)| match Some(place) == marked {
                true => severity(text),
                false => Cell::new(visible(text)),
            };
            table.add_row(row.iter().enumerate().map(cell));
        }
        for (column, name) in table.column_iter_mut().zip(&self.columns) {
            if WHOLE.contains(&name.as_str()) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            }
        }
        Ok(format!("{table}\n"))
    }

    fn csv(&self, to: &mut impl Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(to);
        // The library's own turn to an I/O error hides that a pipe was closed.
        let failed = |error: csv::Error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            other => io::Error::other(format!("{other:?}")),
        };
        writer.write_record(&self.columns).map_err(failed)?;
        for row in self.rows() {
            writer.write_record(row?.iter().map(|cell| harmless(&visible(cell)))).map_err(failed)?;
        }
        writer.flush()
    }

    fn markdown(&self, to: &mut impl Write) -> io::Result<()> {
        writeln!(to, "| {} |", self.columns.join(" | "))?;
        writeln!(to, "|{}", " --- |".repeat(self.columns.len()))?;
        for row in self.rows() {
            let row = row?;
            let cells = row.iter().map(|cell| in_markdown(cell));
            writeln!(to, "| {} |", cells.collect::<Vec<_>>().join(" | "))?;
        }
        Ok(())
    }
}

impl Serialize for Sheet<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const VERSION: &str = "schema_version";
        let mut map = serializer.serialize_map(Some(2))?;
        // In the order of their names, as the keys of every value are.
        if self.name < VERSION {
            map.serialize_entry(self.name, &Values(self))?;
        }
        map.serialize_entry(VERSION, &1)?;
        if self.name > VERSION {
            map.serialize_entry(self.name, &Values(self))?;
        }
        map.end()
    }
}

struct Values<'a>(&'a Sheet<'a>);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut values = serializer.serialize_seq(Some(self.0.lines.len()))?;
        for value in self.0.values() {
            values.serialize_element(&value.map_err(S::Error::custom)?)?;
        }
        values.end()
    }
}

/// A spreadsheet runs a cell that begins with one of these; a quote in front disarms it.
fn harmless(cell: &str) -> String {
    match cell.chars().next() {
        Some('=' | '+' | '@') => format!("'{cell}"),
        Some('-') if cell.len() > 1 && cell.parse::<f64>().is_err() => format!("'{cell}"),
        _ => cell.to_owned(),
    }
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
pub fn print(text: &str) -> Result<(), Error> {
    open_pipe("standard output", io::stdout().lock().write_all(text.as_bytes()))
}

/// What became of a write to `what`, where a closed pipe is no error.
pub fn open_pipe(what: &str, written: io::Result<()>) -> Result<(), Error> {
    match written {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Write { what: what.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Says something to the person at the terminal, on standard error.
pub fn say(text: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{}", visible(text));
}

/// A number and its noun: `1 finding`, `2 findings`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// True when a person looks at standard error.
pub fn interactive() -> bool {
    io::stderr().is_terminal()
}

/// Severity as a word and a mark, coloured where colour is welcome: never by colour alone. The mark is for whoever looks
/// at a table; a program reads the word.
fn severity(word: &str) -> Cell {
    let (mark, color) = match word {
        "critical" => ("!!", Some(Color::DarkRed)),
        "high" => ("! ", Some(Color::DarkRed)),
        "medium" => ("* ", Some(Color::DarkYellow)),
        "low" => ("- ", Some(Color::DarkCyan)),
        _ => ("  ", None),
    };
    let cell = Cell::new(format!("{mark}{}", visible(word)));
    let cell = if word == "critical" { cell.add_attribute(Attribute::Bold) } else { cell };
    match color.filter(|_| !config::no_color()) {
        Some(color) => cell.fg(color),
        None => cell,
    }
}
