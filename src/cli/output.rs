//! The formats in which a command's answer leaves on standard output.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::str::FromStr;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

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

/// An answer: a table for people and the same things as JSON for programs.
pub struct Sheet {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// One value a row.
    pub values: Vec<Value>,
    /// Wraps `values` in `--output json`: `{"schema_version": 1, "<name>": […]}`.
    pub name: &'static str,
}

impl Sheet {
    pub fn new(name: &'static str, columns: &[&'static str]) -> Sheet {
        Sheet {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows: Vec::new(),
            values: Vec::new(),
            name,
        }
    }

    pub fn push(&mut self, row: Vec<String>, value: Value) {
        self.rows.push(row);
        self.values.push(value);
    }

    /// Writes the sheet in every format asked for; a table to standard output by default.
    ///
    /// # Errors
    /// [`Error::Write`] when a file or standard output cannot be written. A closed pipe is no error.
    pub fn print(&self, outputs: &[Output]) -> Result<(), Error> {
        let default = [Output { format: Format::Table, path: None }];
        let outputs = if outputs.is_empty() { &default } else { outputs };
        for output in outputs {
            let text = self.render(output.format)?;
            match &output.path {
                Some(path) => fs::write(path, text)
                    .map_err(|source| Error::Write { what: path.display().to_string(), source })?,
                None => print(&text)?,
            }
        }
        Ok(())
    }

    /// The sheet as text, with a newline at its end.
    pub fn render(&self, format: Format) -> Result<String, Error> {
        Ok(match format {
            Format::Table => self.table(),
            Format::Json => {
                let value = serde_json::json!({ "schema_version": 1, self.name: self.values });
                format!("{value:#}\n")
            }
            Format::Ndjson => self.values.iter().map(|value| format!("{value}\n")).collect(),
            Format::Csv => self.csv()?,
            Format::Md => self.markdown(),
        })
    }

    fn table(&self) -> String {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        if !io::stdout().is_terminal() {
            table.set_width(160);
        }
        table.set_header(&self.columns);
        for row in &self.rows {
            table.add_row(row);
        }
        format!("{table}\n")
    }

    fn csv(&self) -> Result<String, Error> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let failed = |e: csv::Error| Error::Write { what: "csv".to_owned(), source: io::Error::other(e) };
        writer.write_record(&self.columns).map_err(failed)?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| harmless(cell))).map_err(failed)?;
        }
        let bytes = writer
            .into_inner()
            .map_err(|e| Error::Write { what: "csv".to_owned(), source: io::Error::other(e.to_string()) })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.columns.clone());
        text += &line(self.columns.iter().map(|_| "---".to_owned()).collect());
        for row in &self.rows {
            text += &line(row.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect());
        }
        text
    }
}

/// A spreadsheet runs a cell that begins with one of these; a quote in front disarms it.
fn harmless(cell: &str) -> String {
    match cell.chars().next() {
        Some('=' | '+' | '@' | '\t' | '\r') => format!("'{cell}"),
        Some('-') if cell.len() > 1 && cell.parse::<f64>().is_err() => format!("'{cell}"),
        _ => cell.to_owned(),
    }
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
pub fn print(text: &str) -> Result<(), Error> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Write { what: "standard output".to_owned(), source: e })
        }
        _ => Ok(()),
    }
}

/// Says something to the person at the terminal, on standard error.
pub fn say(text: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// True when a person looks at standard error.
pub fn interactive() -> bool {
    io::stderr().is_terminal()
}

/// Severity as a word and a mark, coloured where colour is welcome: never by colour alone.
pub fn severity(word: &str) -> String {
    let (mark, color) = match word {
        "critical" => ("!!", "31;1"),
        "high" => ("! ", "31"),
        "medium" => ("* ", "33"),
        "low" => ("- ", "36"),
        _ => ("  ", "0"),
    };
    if config::no_color() || !io::stdout().is_terminal() {
        return format!("{mark}{word}");
    }
    format!("\u{1b}[{color}m{mark}{word}\u{1b}[0m")
}
