//! The tables of a checkpoint, each as a session holds it: each column of some rows is an Arrow stream of its own, which
//! is read when it is asked. Codes and the values that they stand for are two: as one dictionary, the library would look
//! at each code again whenever it is read.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::iter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use polars_utils::mmap::MMapSemaphore;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::Error;

/// Where a column begins is a multiple of this, so that its values lie as the library wants them, and are not copied.
const ALIGNED: usize = 64;

/// A table whose columns are read when they are asked.
pub struct Held {
    pub schema: SchemaRef,
    pub units: Vec<HeldRows>,
}

/// Some rows.
pub struct HeldRows {
    pub rows: usize,
    pub columns: Vec<HeldColumn>,
}

/// A column of some rows.
pub struct HeldColumn {
    absent: usize,
    file: Arc<HeldFile>,
    piece: Piece,
    /// It is what was written, as far as it was looked at.
    is_whole: AtomicBool,
}

/// What a manifest says of a table.
#[derive(Serialize, Deserialize)]
pub struct Entry {
    columns: Piece,
    units: Vec<Rows>,
}

#[derive(Serialize, Deserialize)]
pub struct Rows {
    rows: usize,
    /// Of each column.
    pieces: Vec<(usize, Piece)>,
}

/// A part of a file.
#[derive(Clone, Serialize, Deserialize)]
pub struct Piece {
    at: usize,
    bytes: usize,
    /// Where in it codes begin, behind the values that they stand for.
    codes_at: Option<usize>,
    xxh3: u64,
}

/// A file that is not what was written.
#[derive(Debug, thiserror::Error)]
#[error("\"{}\" is damaged, and passed over from now on: run the same again", path.display())]
pub struct Damaged {
    path: PathBuf,
}

impl Damaged {
    /// Whether this is what is behind an error.
    pub fn is_behind(error: &(dyn std::error::Error + 'static)) -> bool {
        iter::successors(Some(error), |error| error.source()).any(|error| error.is::<Damaged>())
    }
}

/// A file in memory, as far as it is looked at. It is never written again, and it is there also when a later run has
/// removed it.
struct HeldFile {
    path: PathBuf,
    bytes: Buffer,
}

/// Writes batches, of which the first names the columns of the table, and each has columns of its own types, so that
/// they are read back as they are.
pub fn hold(
    path: &Path,
    mut batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<Entry, Error> {
    let failed = |source| Error::Held { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(Error::io("create", path))?);
    let mut at = 0_usize;
    let mut write = |stream: Vec<u8>, codes_at| {
        let gap = at.next_multiple_of(ALIGNED) - at;
        let written = file.write_all(&[0; ALIGNED][..gap]).and_then(|()| file.write_all(&stream));
        written.map_err(Error::io("write", path))?;
        let piece = Piece { at: at + gap, bytes: stream.len(), codes_at, xxh3: xxh3_64(&stream) };
        at = piece.at + stream.len();
        Ok(piece)
    };
    let header = batches.next().unwrap_or_else(|| Ok(RecordBatch::new_empty(Arc::new(Schema::empty()))));
    let columns = write(stream(&header.map_err(failed)?).map_err(failed)?, None)?;
    let mut units = Vec::new();
    for batch in batches {
        let batch = batch.map_err(failed)?;
        let mut pieces = Vec::new();
        for column in batch.columns() {
            let (stream, codes_at) = column_stream(column).map_err(failed)?;
            pieces.push((column.logical_null_count(), write(stream, codes_at)?));
        }
        units.push(Rows { rows: batch.num_rows(), pieces });
    }
    file.flush().map_err(Error::io("write", path))?;
    Ok(Entry { columns, units })
}

/// A batch as bytes.
fn stream(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut stream = Vec::new();
    let mut writer = StreamWriter::try_new(&mut stream, &batch.schema())?;
    writer.write(batch)?;
    writer.finish()?;
    drop(writer);
    Ok(stream)
}

/// A column as bytes, and where codes begin in them.
fn column_stream(column: &ArrayRef) -> Result<(Vec<u8>, Option<usize>), ArrowError> {
    let one = |array: ArrayRef| stream(&RecordBatch::try_from_iter_with_nullable([("column", array, true)])?);
    let Some(coded) = column.as_any_dictionary_opt() else { return Ok((one(Arc::clone(column))?, None)) };
    // Values first: they want to lie at a place that codes need not.
    let mut bytes = one(Arc::clone(coded.values()))?;
    let codes_at = bytes.len();
    bytes.extend(one(make_array(coded.keys().to_data()))?);
    Ok((bytes, Some(codes_at)))
}

/// The table, and how many rows it has. None when the file is not what was written, as far as it is read now.
pub fn read(path: &Path, Entry { columns, units }: Entry) -> Option<(Held, usize)> {
    let file = Arc::new(HeldFile::open(path)?);
    let schema = file.whole(&columns).ok().and_then(|()| file.batches(&columns).ok())?.first()?.schema();
    let column = |(absent, piece)| HeldColumn {
        absent,
        file: Arc::clone(&file),
        piece,
        is_whole: AtomicBool::new(false),
    };
    let unit =
        |unit: Rows| HeldRows { rows: unit.rows, columns: unit.pieces.into_iter().map(column).collect() };
    let units: Vec<HeldRows> = units.into_iter().map(unit).collect();
    let rows = units.iter().map(|unit| unit.rows).sum();
    Some((Held { schema, units }, rows))
}

impl HeldColumn {
    /// Cells without a value.
    pub fn absent(&self) -> usize {
        self.absent
    }

    /// Bytes of the column in its file.
    pub fn size_bytes(&self) -> usize {
        self.piece.bytes
    }

    /// The column as it lies in its file; of one that is coded, the values and the codes.
    ///
    /// # Errors
    /// When the file is not what was written. The next session does not start from it.
    pub fn read(&self) -> Result<Vec<ArrayRef>, ArrowError> {
        if !self.is_whole.load(Ordering::Relaxed) {
            self.file.whole(&self.piece)?;
            self.is_whole.store(true, Ordering::Relaxed);
        }
        let batches = self.file.batches(&self.piece)?;
        Ok(batches.iter().flat_map(RecordBatch::columns).cloned().collect())
    }
}

impl HeldFile {
    fn open(path: &Path) -> Option<HeldFile> {
        let mapped = MMapSemaphore::new_from_file(&File::open(path).ok()?).ok()?;
        Some(HeldFile { path: path.to_owned(), bytes: Buffer::from(Bytes::from_owner(mapped)) })
    }

    fn whole(&self, piece: &Piece) -> Result<(), ArrowError> {
        let bytes = self.bytes.get(piece.at..).and_then(|bytes| bytes.get(..piece.bytes));
        let is_whole = bytes.is_some_and(|bytes| xxh3_64(bytes) == piece.xxh3);
        is_whole.then_some(()).ok_or_else(|| self.damaged())
    }

    /// Of a piece that is whole.
    fn batches(&self, piece: &Piece) -> Result<Vec<RecordBatch>, ArrowError> {
        let bytes = self.bytes.slice_with_length(piece.at, piece.bytes);
        let parts = match piece.codes_at {
            Some(at) => vec![bytes.slice_with_length(0, at), bytes.slice(at)],
            None => vec![bytes],
        };
        let batch = |mut part| StreamDecoder::new().decode(&mut part)?.ok_or_else(|| self.damaged());
        parts.into_iter().map(batch).collect()
    }

    /// The next session does not start from it.
    fn damaged(&self) -> ArrowError {
        // Without a manifest it is no checkpoint. Should that fail too, the next session fails as this one.
        let _ = fs::remove_file(self.path.with_file_name(super::checkpoint::MANIFEST));
        ArrowError::ExternalError(Box::new(Damaged { path: self.path.clone() }))
    }
}
