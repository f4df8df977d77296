//! Columns of a few texts, as most of a log are: a code of one byte a row, and each text once. A stage makes
//! them, and rows are brought into order by codes, so that a text is not copied again for each row that has it.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, StringArray, UInt8Array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, UInt8Type};
use arrow::error::ArrowError;

/// Texts of one stage: with more, a row takes longer to find its own than to keep a copy.
const TEXTS_MAX: usize = 16;
/// The code of a row without a text; those of texts follow it.
const NONE: u8 = 0;

/// The type of such a column.
pub fn data_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8))
}

/// A column that has only few texts so far.
#[derive(Default)]
pub struct Few {
    codes: Vec<u8>,
    texts: Vec<String>,
    /// The code of the text before: rows are like their neighbours.
    last: u8,
}

impl Few {
    /// Whether there was room for the text; `rows` are expected in all.
    pub fn append(&mut self, row: usize, text: &str, rows: usize) -> bool {
        let Some(code) = self.code(text) else { return false };
        if self.codes.is_empty() {
            self.codes.reserve(rows);
        }
        self.settle(row);
        self.codes.push(code);
        true
    }

    fn settle(&mut self, rows: usize) {
        if rows > self.codes.len() {
            self.codes.resize(rows, NONE);
        }
    }

    fn code(&mut self, text: &str) -> Option<u8> {
        let at = |code: u8| self.texts.get(usize::from(code).wrapping_sub(1));
        if at(self.last).is_some_and(|last| last == text) {
            return Some(self.last);
        }
        let found = self.texts.iter().position(|known| known == text);
        let place = match found {
            Some(place) => place,
            None if self.texts.len() < TEXTS_MAX => {
                self.texts.push(text.to_owned());
                self.texts.len() - 1
            }
            None => return None,
        };
        self.last = place as u8 + 1;
        Some(self.last)
    }

    /// The texts, each with its row.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &str)> {
        let text = |code: u8| self.texts.get(usize::from(code).wrapping_sub(1));
        self.codes.iter().enumerate().filter_map(move |(row, code)| Some((row, text(*code)?.as_str())))
    }

    pub fn finish(mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        self.settle(rows);
        let texts = std::iter::once(None).chain(self.texts.iter().map(|text| Some(text.as_str())));
        let texts: StringArray = texts.collect();
        let codes = UInt8Array::new(ScalarBuffer::from(self.codes), None);
        Ok(Arc::new(DictionaryArray::try_new(codes, Arc::new(texts))?))
    }
}

/// One such column of several batches, with codes for all.
pub struct Coded {
    parts: Vec<Part>,
    /// By code; what stands for none of them is never looked at.
    texts: StringArray,
    any_none: bool,
}

struct Part {
    codes: ScalarBuffer<u8>,
    /// The code for all by that of this batch.
    code: [u8; TEXTS_MAX + 1],
}

impl Coded {
    /// None where a batch has the column as texts, or where all together have too many.
    pub fn of(columns: &[&ArrayRef]) -> Option<Coded> {
        let mut texts = vec![""];
        let mut any_none = false;
        let mut parts = Vec::with_capacity(columns.len());
        for column in columns {
            let column = column.as_any().downcast_ref::<DictionaryArray<UInt8Type>>()?;
            let own = column.values().as_string_opt::<i32>()?;
            let mut code = [NONE; TEXTS_MAX + 1];
            for (text, code) in own.iter().zip(&mut code).skip(1) {
                let text = text?;
                let found = texts.iter().skip(1).position(|known| *known == text);
                *code = u8::try_from(found.map_or(texts.len(), |place| place + 1)).ok()?;
                if found.is_none() {
                    texts.push(text);
                }
            }
            let codes = column.keys().values().clone();
            any_none |= codes.contains(&NONE);
            parts.push(Part { codes, code });
        }
        Some(Coded { parts, texts: texts.into(), any_none })
    }

    pub fn is_absent(&self) -> bool {
        self.texts.len() == 1
    }

    pub fn text(&self, part: usize, row: usize) -> Option<&str> {
        let Part { codes, code } = &self.parts[part];
        Some(code[usize::from(codes[row])])
            .filter(|code| *code != NONE)
            .map(|code| self.texts.value(code.into()))
    }

    /// The rows of `runs`, each of a batch counted from `first` on.
    pub fn ordered(
        &self,
        first: usize,
        runs: &[(usize, Range<usize>)],
        rows: usize,
    ) -> Result<ArrayRef, ArrowError> {
        let mut ordered = Vec::with_capacity(rows);
        for (part, rows) in runs {
            let Part { codes, code } = &self.parts[first + part];
            ordered.extend(codes[rows.clone()].iter().map(|own| code[usize::from(*own)]));
        }
        let is_text = |row: usize| ordered[row] != NONE;
        let texts =
            self.any_none.then(|| NullBuffer::new(BooleanBuffer::collect_bool(ordered.len(), is_text)));
        let codes = UInt8Array::new(ScalarBuffer::from(ordered), texts);
        Ok(Arc::new(DictionaryArray::try_new(codes, Arc::new(self.texts.clone()))?))
    }
}
