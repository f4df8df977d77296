//! How values that repeat become codes: by what they are, and not by how often each is looked at.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{
    Array, ArrayRef, NullBufferBuilder, StringArray, StringViewArray, UInt8Array, UInt16Array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::interleave;
use arrow::error::ArrowError;

use super::packed_column::Column;
use super::texts::Recent;

/// Rows after which it is known whether values repeat.
const TRIED: usize = 4096;

/// None where numbers hardly repeat: 8 bytes each, whatever they count.
pub(super) fn coded_numbers(parts: &[&ArrayRef]) -> Result<Option<Column>, ArrowError> {
    let rows: usize = parts.iter().map(|part| part.len()).sum();
    let mut codes: Vec<u16> = Vec::with_capacity(rows);
    let mut found: HashMap<u64, u16, RandomState> = HashMap::default();
    // Where each first stands.
    let mut places = Vec::new();
    for (part, array) in parts.iter().enumerate() {
        let data = array.to_data();
        let numbers = ScalarBuffer::<u64>::new(data.buffers()[0].clone(), data.offset(), data.len());
        let mut last = None;
        for (row, number) in numbers.iter().enumerate() {
            let code = match last {
                _ if array.is_null(row) => 0,
                Some((before, code)) if before == *number => code,
                _ => *found.entry(*number).or_insert_with(|| {
                    places.push((part, row));
                    // Given up below before there are more.
                    (places.len() - 1) as u16
                }),
            };
            last = array.is_valid(row).then_some((*number, code));
            codes.push(code);
            if places.len() > rows / 4 || (codes.len() == TRIED && places.len() > TRIED / 4) {
                return Ok(None);
            }
        }
    }
    let arrays: Vec<&dyn Array> = parts.iter().map(|part| part.as_ref()).collect();
    let values = interleave(&arrays, &places)?;
    Ok(Some(Column::Coded { codes: narrowest(codes, places.len(), absent(parts)), values }))
}

/// Codes in one byte each where `values` are few enough.
fn narrowest(codes: Vec<u16>, values: usize, absent: Option<NullBuffer>) -> ArrayRef {
    if values <= 1 << u8::BITS {
        let codes: Vec<u8> = codes.into_iter().map(|code| code as u8).collect();
        return Arc::new(UInt8Array::new(ScalarBuffer::from(codes), absent));
    }
    Arc::new(UInt16Array::new(ScalarBuffer::from(codes), absent))
}

/// Which cells of `parts` have no value; none where all have one.
fn absent<A: Array>(parts: &[&A]) -> Option<NullBuffer> {
    let mut absent = NullBufferBuilder::new(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        match part.nulls() {
            Some(nulls) => absent.append_buffer(nulls),
            None => absent.append_n_non_nulls(part.len()),
        }
    }
    absent.finish()
}

/// None where texts hardly repeat.
pub(super) fn coded_texts(parts: &[&StringViewArray]) -> Option<Column> {
    let rows: usize = parts.iter().map(|part| part.len()).sum();
    let mut codes: Vec<u16> = Vec::with_capacity(rows);
    let mut texts = Texts::default();
    for part in parts {
        texts.recent.begin();
        let mut last = None;
        for (row, view) in part.views().iter().enumerate() {
            let code = match last {
                _ if part.is_null(row) => 0,
                Some((before, code)) if before == *view => code,
                _ => texts.code(*view, part.value(row))?,
            };
            // An absent cell may lie on any view.
            last = part.is_valid(row).then_some((*view, code));
            codes.push(code);
            if codes.len() == TRIED && texts.found.len() > TRIED / 2 {
                return None;
            }
        }
    }
    if texts.found.len() > rows / 2 {
        return None;
    }
    let codes = narrowest(codes, texts.found.len(), absent(parts));
    Some(Column::Coded { codes, values: Arc::new(StringViewArray::from_iter_values(texts.found)) })
}

/// Texts found so far; the code of each is its place.
#[derive(Default)]
struct Texts<'a> {
    found: Vec<&'a str>,
    by_text: HashMap<&'a str, u16, RandomState>,
    recent: Recent<u16>,
}

impl<'a> Texts<'a> {
    /// None when there are more texts than codes.
    fn code(&mut self, view: u128, text: &'a str) -> Option<u16> {
        if let Some(code) = self.recent.get(view) {
            return Some(code);
        }
        let code = match self.by_text.get(text) {
            Some(code) => *code,
            None => {
                let code = u16::try_from(self.found.len()).ok()?;
                self.found.push(text);
                self.by_text.insert(text, code);
                code
            }
        };
        self.recent.put(view, code);
        Some(code)
    }
}

pub(super) fn end_to_end(parts: &[&StringViewArray]) -> StringArray {
    parts.iter().flat_map(|part| part.iter()).collect()
}
