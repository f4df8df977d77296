//! Columns that are made when they are asked: one that is in a file, or some rows of another.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, BooleanArray, BooleanBufferBuilder};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{FilterBuilder, FilterPredicate};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::packed_column::Column;

/// Rows are few when they are less than one of so many.
const FEW: usize = 8;

/// A column that is not here yet.
pub trait Elsewhere: Send + Sync {
    /// Cells without a value.
    fn absent(&self) -> usize;

    fn size_bytes(&self) -> usize;

    /// Gives it as [`PackedTable::held`](super::PackedTable::held) gave it; of a dictionary, the values and the codes.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read(&self) -> Result<Vec<ArrayRef>, ArrowError>;
}

/// Some rows of a unit.
#[derive(Debug)]
pub(super) struct Chosen {
    rows: BooleanBuffer,
    pub count: usize,
    /// Made when it is asked: of most parts of a table only the one or the other is.
    predicate: OnceLock<FilterPredicate>,
}

impl Chosen {
    pub fn new(rows: BooleanBuffer) -> Chosen {
        Chosen { count: rows.count_set_bits(), rows, predicate: OnceLock::new() }
    }

    pub fn filter(&self, cells: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        let predicate = || FilterBuilder::new(&BooleanArray::new(self.rows.clone(), None)).optimize().build();
        self.predicate.get_or_init(predicate).filter(cells)
    }

    pub fn are_few(&self) -> bool {
        self.count < self.rows.len() / FEW
    }

    pub fn are_most(&self) -> bool {
        self.rows.len() - self.count < self.rows.len() / FEW
    }

    /// Which of the `rows` rows from `from` on are chosen; none where all are.
    pub fn among(&self, from: usize, rows: usize) -> Option<BooleanArray> {
        let among = BooleanArray::new(self.rows.slice(from, rows), None);
        among.has_false().then_some(among)
    }

    /// Those of these rows that `some` chooses among them. It is told for each that differs from most.
    pub fn within(&self, some: &Chosen) -> Chosen {
        let mut rows = BooleanBufferBuilder::new(self.rows.len());
        let (others, are_wanted) = match some.are_few() {
            true => (some.rows.clone(), true),
            false => (!&some.rows, false),
        };
        match are_wanted {
            true => rows.append_n(self.rows.len(), false),
            false => rows.append_buffer(&self.rows),
        }
        let mut others = others.set_indices().peekable();
        // Of the rows that were chosen, how many were passed.
        let mut passed = 0;
        for (from, to) in self.rows.set_slices() {
            while let Some(row) = others.next_if(|row| row - passed < to - from) {
                rows.set_bit(from + row - passed, are_wanted);
            }
            passed += to - from;
        }
        Chosen::new(rows.finish())
    }
}

/// A column that is made when it is asked for the first time.
pub(super) struct Later {
    /// Cells without a value, where that is known.
    pub absent: Option<usize>,
    /// Bytes of its texts, about.
    pub size_bytes: usize,
    of: Of,
    made: OnceLock<Column>,
}

/// What it is made of.
enum Of {
    Elsewhere { data_type: DataType, column: Box<dyn Elsewhere> },
    Some { column: Arc<Column>, some: Arc<Chosen> },
}

impl Later {
    pub fn elsewhere(data_type: DataType, column: Box<dyn Elsewhere>) -> Later {
        Later::new(Some(column.absent()), column.size_bytes(), Of::Elsewhere { data_type, column })
    }

    /// Some cells of another column, in which they have so many bytes of texts.
    pub fn some(column: Arc<Column>, some: Arc<Chosen>, size_bytes: usize) -> Later {
        Later::new(None, size_bytes, Of::Some { column, some })
    }

    fn new(absent: Option<usize>, size_bytes: usize, of: Of) -> Later {
        Later { absent, size_bytes, of, made: OnceLock::new() }
    }

    pub fn get(&self) -> Result<&Column, ArrowError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        let made = match &self.of {
            Of::Elsewhere { data_type, column } => Column::of_held(data_type, &column.read()?)?,
            Of::Some { column, some } => column.filter(some)?,
        };
        // Two that ask at once both make it, and one of the two stays.
        Ok(self.made.get_or_init(|| made))
    }

    /// Some of its cells. Few are taken of what it is made of, which is not kept for them.
    pub fn filter(&self, some: &Chosen) -> Result<Column, ArrowError> {
        if let Some(made) = self.made.get() {
            return made.filter(some);
        }
        match &self.of {
            Of::Elsewhere { data_type, column } => Column::some_of_held(data_type, column.read()?, some),
            Of::Some { column, some: of } if some.are_few() => column.filter(&of.within(some)),
            Of::Some { .. } => self.get()?.filter(some),
        }
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Later").field("made", &self.made).finish_non_exhaustive()
    }
}
