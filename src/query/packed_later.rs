//! Columns that are made when they are asked: one that is in a file, or some rows of another.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;
use arrow::compute::FilterPredicate;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::packed_column::Column;

/// Rows are few when they are less than one of so many.
const FEW: usize = 8;

/// A column that is not here yet.
pub struct Elsewhere {
    pub absent: usize,
    pub size_bytes: usize,
    /// Gives it as [`PackedTable::held`](super::PackedTable::held) gave it; of a dictionary, the values and the codes.
    pub fetch: Fetch,
}

/// A column that is made when it is asked for the first time.
pub(super) struct Later {
    /// Cells without a value, where that is known.
    pub absent: Option<usize>,
    /// Bytes of its texts, about.
    pub size_bytes: usize,
    rows: usize,
    of: Of,
    made: OnceLock<Column>,
    /// Whether few of its cells were wanted before.
    few_wanted: AtomicBool,
}

/// What it is made of.
enum Of {
    Elsewhere { data_type: DataType, fetch: Fetch },
    Some { column: Arc<Column>, some: Arc<FilterPredicate> },
}

type Fetch = Box<dyn Fn() -> Result<Vec<ArrayRef>, ArrowError> + Send + Sync>;

impl Later {
    pub fn elsewhere(data_type: DataType, rows: usize, column: Elsewhere) -> Later {
        let Elsewhere { absent, size_bytes, fetch } = column;
        Later::new(Some(absent), size_bytes, rows, Of::Elsewhere { data_type, fetch })
    }

    /// Some cells of another column, in which they have so many bytes of texts.
    pub fn some(column: Arc<Column>, some: Arc<FilterPredicate>, size_bytes: usize) -> Later {
        Later::new(None, size_bytes, some.count(), Of::Some { column, some })
    }

    fn new(absent: Option<usize>, size_bytes: usize, rows: usize, of: Of) -> Later {
        let (made, few_wanted) = (OnceLock::new(), AtomicBool::new(false));
        Later { absent, size_bytes, rows, of, made, few_wanted }
    }

    pub fn get(&self) -> Result<&Column, ArrowError> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        // Two that ask at once both make it, and one of the two stays.
        let made = self.make()?;
        Ok(self.made.get_or_init(|| made))
    }

    fn make(&self) -> Result<Column, ArrowError> {
        match &self.of {
            Of::Elsewhere { data_type, fetch } => Column::of_held(data_type, &fetch()?),
            Of::Some { column, some } => column.filter(some),
        }
    }

    /// Some of its cells. What it is made of for them is not kept, as memory for it costs more than to read it again;
    /// but where few are wanted again and again.
    pub fn filter(&self, some: &FilterPredicate) -> Result<Column, ArrowError> {
        if let Some(made) = self.made.get() {
            return made.filter(some);
        }
        let few = some.count() < self.rows / FEW;
        match &self.of {
            Of::Elsewhere { data_type, fetch } => Column::some_of_held(data_type, &fetch()?, some),
            Of::Some { .. } if few && !self.few_wanted.swap(true, Ordering::Relaxed) => {
                self.make()?.filter(some)
            }
            Of::Some { .. } => self.get()?.filter(some),
        }
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Later").field("made", &self.made).finish_non_exhaustive()
    }
}
