//! What the rules of one logsource ask for together: columns, where records keep them, facts.

use std::collections::BTreeMap;

use rsigma_parser::{SigmaString, SigmaValue};

use super::facts::Facts;
use super::paths::{Names, Node};
use crate::models::sigma::AliasTable;

/// Values for the placeholders (`%name%`) of rules, by name.
pub type Placeholders = BTreeMap<String, Vec<String>>;

/// How rules are read against the records of one logsource.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Other names of fields; none are used when names are taken as written.
    pub table: Option<&'a AliasTable>,
    pub names: Names,
    pub placeholders: &'a Placeholders,
}

/// A column that some rule asks for.
pub struct Asked {
    /// The field as the first rule wrote it; absent for the texts anywhere in a record.
    pub field: Option<String>,
    /// How many paths may hold it.
    pub slots: usize,
}

/// Grows as rules are compiled.
pub struct Scope<'a> {
    pub facts: Facts,
    pub root: Node,
    pub columns: Vec<Asked>,
    reading: Reading<'a>,
}

impl<'a> Scope<'a> {
    pub fn new(reading: Reading<'a>) -> Scope<'a> {
        Scope { facts: Facts::new(), root: Node::default(), columns: Vec::new(), reading }
    }

    /// The column of a field, or of all texts.
    pub fn column(&mut self, field: Option<&str>) -> usize {
        let same = |known: &str, wanted: &str| match self.reading.names {
            Names::AsWritten => known == wanted,
            Names::Folded => known.eq_ignore_ascii_case(wanted),
        };
        let known = self.columns.iter().position(|asked| match (&asked.field, field) {
            (Some(known), Some(wanted)) => same(known, wanted),
            (None, None) => true,
            _ => false,
        });
        if let Some(column) = known {
            return column;
        }
        let column = self.columns.len();
        let slots = field.map_or(1, |field| self.add_paths(field, column));
        self.columns.push(Asked { field: field.map(str::to_owned), slots });
        column
    }

    fn add_paths(&mut self, field: &str, column: usize) -> usize {
        let names = self.reading.names;
        let paths = match self.reading.table.filter(|_| names == Names::Folded) {
            Some(table) => table.paths(field),
            None => vec![field],
        };
        paths.iter().fold(0, |rank, path| rank + self.root.add(path, column, rank, names))
    }

    /// The column of all texts, when a rule looks for keywords.
    pub fn texts(&self) -> Option<usize> {
        self.columns.iter().position(|asked| asked.field.is_none())
    }

    pub fn names(&self) -> Names {
        self.reading.names
    }

    /// A value with its placeholders filled in, one for each combination of their values.
    ///
    /// # Errors
    /// A sentence that names a placeholder without values.
    pub fn expanded(&self, value: &SigmaValue, expand: bool) -> Result<Vec<SigmaValue>, String> {
        let SigmaValue::String(text) = value else { return Ok(vec![value.clone()]) };
        if !expand {
            return Ok(vec![value.clone()]);
        }
        let mut texts = vec![String::new()];
        for (number, part) in text.original.split('%').enumerate() {
            // Between two signs stands a name; outside of them stands text.
            let parts: Vec<&str> = if number % 2 == 0 { vec![part] } else { self.placeholder(part)? };
            texts =
                texts.iter().flat_map(|text| parts.iter().map(move |part| format!("{text}{part}"))).collect();
        }
        Ok(texts.iter().map(|text| SigmaValue::String(SigmaString::new(text))).collect())
    }

    /// A value as records call it.
    pub fn recorded(&self, field: Option<&str>, value: SigmaValue) -> SigmaValue {
        let table = self.reading.table.filter(|_| self.reading.names == Names::Folded);
        let recorded = match (table, field, &value) {
            (Some(table), Some(field), SigmaValue::String(text)) => table.recorded(field, &text.original),
            _ => None,
        };
        recorded.map(|text| SigmaValue::String(SigmaString::new(text))).unwrap_or(value)
    }

    fn placeholder(&self, name: &str) -> Result<Vec<&'a str>, String> {
        let placeholders: &'a Placeholders = self.reading.placeholders;
        match placeholders.get(name) {
            Some(values) if !values.is_empty() => Ok(values.iter().map(String::as_str).collect()),
            _ => Err(format!("placeholder %{name}% has no values")),
        }
    }
}
