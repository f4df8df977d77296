//! The values of fields over many records, each distinct value once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBufferBuilder, Float64Array, RecordBatch, StringArray,
    new_null_array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

/// What a record holds in one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leaf<'a> {
    Null,
    /// An object, or an array without elements: there, but no value to compare.
    Nested,
    Bool(bool),
    Number(&'a str),
    Text(&'a str),
}

/// One field over a batch of records. A record may have many values (elements of arrays) or none.
#[derive(Debug)]
pub struct Column {
    texts: Vec<Option<Arc<str>>>,
    /// Value numbers of texts and of numbers.
    known: [HashMap<Arc<str>, u32, ahash::RandomState>; 2],
    /// By path: (record, value), in order of the records.
    slots: Vec<Vec<(u32, u32)>>,
}

/// Values that every column has.
const NULL: u32 = 0;
const NESTED: u32 = 1;
const TRUE: u32 = 2;
const FALSE: u32 = 3;

/// A column's distinct values as tests see them: `text` as it is, `folded` in lower case, `number`
/// where the text is one, `truth` where it says yes or no.
pub static VALUES: LazyLock<SchemaRef> = LazyLock::new(|| {
    let field = |name: &str, of| Field::new(name, of, true);
    Arc::new(Schema::new(vec![
        field("text", DataType::Utf8),
        field("folded", DataType::Utf8),
        field("number", DataType::Float64),
        field("truth", DataType::Boolean),
    ]))
});

impl Column {
    pub fn new(slots: usize) -> Column {
        let mut column =
            Column { texts: Vec::new(), known: Default::default(), slots: vec![Vec::new(); slots] };
        column.clear();
        column
    }

    pub fn clear(&mut self) {
        self.texts.clear();
        self.texts.extend([None, None, Some("true".into()), Some("false".into())]);
        self.known.iter_mut().for_each(HashMap::clear);
        self.slots.iter_mut().for_each(Vec::clear);
    }

    pub fn push(&mut self, slot: usize, record: u32, leaf: Leaf<'_>) {
        let value = match leaf {
            Leaf::Null => NULL,
            Leaf::Nested => NESTED,
            Leaf::Bool(true) => TRUE,
            Leaf::Bool(false) => FALSE,
            Leaf::Text(text) => self.number_of(0, text),
            Leaf::Number(text) => self.number_of(1, text),
        };
        self.slots[slot].push((record, value));
    }

    fn number_of(&mut self, kind: usize, text: &str) -> u32 {
        if let Some(value) = self.known[kind].get(text) {
            return *value;
        }
        let value = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let text: Arc<str> = text.into();
        self.texts.push(Some(Arc::clone(&text)));
        self.known[kind].insert(text, value);
        value
    }

    /// Each record with each of its values: of the first path that has any but null, else null.
    pub fn pairs(&self) -> Cow<'_, [(u32, u32)]> {
        let filled: Vec<&Vec<(u32, u32)>> = self.slots.iter().filter(|slot| !slot.is_empty()).collect();
        let [first, rest @ ..] = filled.as_slice() else { return Cow::default() };
        if rest.is_empty() {
            return Cow::Borrowed(first.as_slice());
        }
        let mut ranked: Vec<(u32, usize, u32)> = filled
            .iter()
            .enumerate()
            .flat_map(|(rank, slot)| slot.iter().map(move |(record, value)| (*record, rank, *value)))
            .collect();
        ranked.sort_by_key(|(record, rank, _)| (*record, *rank));
        let mut pairs = Vec::with_capacity(ranked.len());
        for of_record in ranked.chunk_by(|a, b| a.0 == b.0) {
            let chosen = of_record.iter().find(|(_, _, value)| *value != NULL).map(|(_, rank, _)| *rank);
            let rank = chosen.unwrap_or(of_record[0].1);
            pairs.extend(
                of_record.iter().filter(|(_, at, _)| *at == rank).map(|(record, _, v)| (*record, *v)),
            );
        }
        Cow::Owned(pairs)
    }

    /// The distinct values, as [`VALUES`] has them; of its columns those that `sides` names, the others null,
    /// because to lower and to parse what no test asks for would cost more than the tests.
    ///
    /// # Errors
    /// When they do not fit one batch.
    pub fn values(&self, sides: Sides) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = VALUES
            .fields()
            .iter()
            .enumerate()
            .map(|(side, field)| match sides.has(side) {
                true => self.side(field.name()),
                false => new_null_array(field.data_type(), self.texts.len()),
            })
            .collect();
        RecordBatch::try_new(Arc::clone(&VALUES), columns)
    }

    fn side(&self, name: &str) -> ArrayRef {
        let texts = self.texts.iter().map(Option::as_deref);
        match name {
            "text" => Arc::new(StringArray::from_iter(texts)),
            "folded" => Arc::new(StringArray::from_iter(texts.map(|text| text.map(folded)))),
            "number" => Arc::new(Float64Array::from_iter(
                texts.map(|text| text.and_then(|text| text.parse::<f64>().ok())),
            )),
            _ => {
                let mut truths: Vec<Option<bool>> =
                    texts.map(|text| text.and_then(|text| truth(&folded(text)))).collect();
                // A number is neither yes nor no.
                self.known[1].values().for_each(|value| truths[*value as usize] = None);
                Arc::new(BooleanArray::from(truths))
            }
        }
    }
}

/// Columns of [`VALUES`], by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sides(u8);

impl Sides {
    pub fn all() -> Sides {
        Sides(u8::MAX)
    }

    /// Adds the column of this name.
    pub fn add(&mut self, name: &str) {
        if let Ok(side) = VALUES.index_of(name) {
            self.0 |= 1 << side;
        }
    }

    fn has(self, side: usize) -> bool {
        self.0 & (1 << side) != 0
    }
}

/// A column when all records are read: which record has which values, and what they are.
pub struct Filled<'a> {
    texts: &'a [Option<Arc<str>>],
    pub pairs: Cow<'a, [(u32, u32)]>,
    /// The distinct values, as [`VALUES`] has them.
    pub values: RecordBatch,
}

impl<'a> Filled<'a> {
    /// # Errors
    /// When the values do not fit one batch.
    pub fn new(column: &'a Column, sides: Sides) -> Result<Filled<'a>, ArrowError> {
        Ok(Filled { texts: &column.texts, pairs: column.pairs(), values: column.values(sides)? })
    }

    /// Whether any record has a value other than null.
    pub fn seen(&self) -> bool {
        self.pairs.iter().any(|(_, value)| *value != NULL)
    }

    /// Tests the text of each distinct value; objects and nulls fail.
    pub fn test(&self, fits: impl Fn(&str) -> bool) -> BooleanArray {
        self.texts.iter().map(|text| Some(text.as_deref().is_some_and(&fits))).collect()
    }

    /// The records that have a value for which `fits` is true.
    pub fn any(&self, fits: &BooleanArray, records: usize) -> BooleanArray {
        let mut bits = nobody(records);
        if fits.true_count() > 0 {
            for (record, value) in self.pairs.iter() {
                if fits.is_valid(*value as usize) && fits.value(*value as usize) {
                    bits.set_bit(*record as usize, true);
                }
            }
        }
        BooleanArray::new(bits.finish(), None)
    }

    /// The records that have a value other than null.
    pub fn present(&self, records: usize) -> BooleanArray {
        let mut bits = nobody(records);
        let there = self.pairs.iter().filter(|(_, value)| *value != NULL);
        there.for_each(|(record, _)| bits.set_bit(*record as usize, true));
        BooleanArray::new(bits.finish(), None)
    }

    /// The records of which a value is one of `other`'s too.
    pub fn sharing(&self, other: &Filled<'_>, cased: bool, records: usize) -> BooleanArray {
        let mut bits = nobody(records);
        let theirs: HashSet<(u32, String)> = other.texts_of_records(cased).collect();
        for pair in self.texts_of_records(cased).filter(|pair| theirs.contains(pair)) {
            bits.set_bit(pair.0 as usize, true);
        }
        BooleanArray::new(bits.finish(), None)
    }

    /// The first text of each record that is among the `wanted`.
    pub fn firsts(&self, wanted: &[bool]) -> Vec<Option<String>> {
        let mut firsts = vec![None; wanted.len()];
        for (record, value) in self.pairs.iter().filter(|(record, _)| wanted[*record as usize]) {
            let first: &mut Option<String> = &mut firsts[*record as usize];
            if first.is_none() {
                *first = self.texts[*value as usize].as_deref().map(str::to_owned);
            }
        }
        firsts
    }

    fn texts_of_records(&self, cased: bool) -> impl Iterator<Item = (u32, String)> {
        self.pairs.iter().filter_map(move |(record, value)| {
            let text = self.texts[*value as usize].as_deref()?;
            Some((*record, if cased { text.to_owned() } else { folded(text) }))
        })
    }
}

/// Lower case, as values of either case are compared.
pub fn folded(text: &str) -> String {
    if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() }
}

fn truth(folded: &str) -> Option<bool> {
    match folded {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

fn nobody(records: usize) -> BooleanBufferBuilder {
    let mut bits = BooleanBufferBuilder::new(records);
    bits.append_n(records, false);
    bits
}
