//! The tables of a checkpoint. One that questions look things up in is Parquet, and is read as it is asked; one whose
//! rows a session holds anyway is there as the session holds it: each column of some rows is an Arrow stream of its
//! own, which is read when it is asked.

use std::fs::{self, File};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, iter};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use url::Url;

use super::Error;

/// Rows of a row group: what a question about recent rows must at least read.
const ROW_GROUP_ROWS: usize = 65_536;
/// The name of a table's file within its own store.
const FILE: &str = "table.parquet";

/// A table as it was kept.
pub enum Kept {
    /// To be asked.
    Asked(Arc<dyn TableProvider>),
    Held(Held),
}

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
    pub absent: usize,
    file: Arc<HeldFile>,
    piece: Piece,
}

/// What a manifest says of a table.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Entry {
    Asked { hash: String },
    Held { columns: Piece, units: Vec<Rows> },
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
    at: u64,
    bytes: usize,
    hash: String,
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

/// A file that stays open, so that it can be read also when a later run has removed it.
struct HeldFile {
    path: PathBuf,
    file: Mutex<File>,
}

/// Begins a table that will be asked.
pub fn asked(path: &Path, schema: SchemaRef) -> Result<ArrowWriter<File>, Error> {
    let failed = |source| Error::parquet("write", path)(source);
    let level = ZstdLevel::try_new(1).map_err(failed)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let file = File::create(path).map_err(Error::io("create", path))?;
    ArrowWriter::try_new(file, schema, Some(properties)).map_err(failed)
}

/// Writes batches, of which the first names the columns of the table, and each has columns of its own types, so that
/// they are read back as they are.
pub fn hold(
    path: &Path,
    mut batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<Entry, Error> {
    let failed = |source| Error::Held { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(Error::io("create", path))?);
    let mut at = 0;
    let mut write = |batch: &RecordBatch| {
        let mut stream = Vec::new();
        let mut writer = StreamWriter::try_new(&mut stream, &batch.schema()).map_err(failed)?;
        writer.write(batch).and_then(|()| writer.finish()).map_err(failed)?;
        drop(writer);
        file.write_all(&stream).map_err(Error::io("write", path))?;
        let piece = Piece { at, bytes: stream.len(), hash: hash(&stream) };
        at += stream.len() as u64;
        Ok(piece)
    };
    let header = batches.next().unwrap_or_else(|| Ok(RecordBatch::new_empty(Arc::new(Schema::empty()))));
    let columns = write(&header.map_err(failed)?)?;
    let mut units = Vec::new();
    for batch in batches {
        let batch = batch.map_err(failed)?;
        let mut pieces = Vec::new();
        for column in 0..batch.num_columns() {
            let absent = batch.column(column).logical_null_count();
            pieces.push((absent, write(&batch.project(&[column]).map_err(failed)?)?));
        }
        units.push(Rows { rows: batch.num_rows(), pieces });
    }
    file.flush().map_err(Error::io("write", path))?;
    Ok(Entry::Held { columns, units })
}

/// The hash of what is read.
pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// What is in a file that will be asked.
pub fn entry(path: &Path) -> Result<Entry, Error> {
    let bytes = fs::read(path).map_err(Error::io("read", path))?;
    Ok(Entry::Asked { hash: hash(&bytes) })
}

/// The table, and how many rows it has. None when the file is not what was written, as far as it is read now.
pub async fn read(path: &Path, entry: Entry) -> Option<(Kept, usize)> {
    let (columns, units) = match entry {
        Entry::Held { columns, units } => (columns, units),
        Entry::Asked { hash } => {
            let (table, rows) = AskedTable::of(HeldFile::open(path)?, hash)?;
            return Some((Kept::Asked(Arc::new(table)), rows));
        }
    };
    let file = Arc::new(HeldFile::open(path)?);
    let schema = file.read(&columns).ok()?.schema();
    let column = |(absent, piece)| HeldColumn { absent, file: Arc::clone(&file), piece };
    let unit =
        |unit: Rows| HeldRows { rows: unit.rows, columns: unit.pieces.into_iter().map(column).collect() };
    let units: Vec<HeldRows> = units.into_iter().map(unit).collect();
    let rows = units.iter().map(|unit| unit.rows).sum();
    Some((Kept::Held(Held { schema, units }), rows))
}

impl HeldColumn {
    /// Bytes of the column in its file.
    pub fn size_bytes(&self) -> usize {
        self.piece.bytes
    }

    /// Reads the column.
    ///
    /// # Errors
    /// When the file is not what was written. The next session does not start from it.
    pub fn read(&self) -> Result<ArrayRef, ArrowError> {
        self.file.read(&self.piece).map(|batch| Arc::clone(batch.column(0)))
    }
}

impl HeldFile {
    fn open(path: &Path) -> Option<HeldFile> {
        Some(HeldFile { path: path.to_owned(), file: Mutex::new(File::open(path).ok()?) })
    }

    fn read(&self, piece: &Piece) -> Result<RecordBatch, ArrowError> {
        let bytes = self.bytes(Some((piece.at, piece.bytes)), &piece.hash)?;
        StreamDecoder::new().decode(&mut Buffer::from_vec(bytes))?.ok_or_else(|| self.damaged())
    }

    /// The bytes of a part, or all of them.
    fn bytes(&self, part: Option<(u64, usize)>, wanted: &str) -> Result<Vec<u8>, ArrowError> {
        let mut bytes = Vec::new();
        {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let read = match part {
                Some((at, length)) => {
                    bytes.reserve_exact(length);
                    let part = file.seek(SeekFrom::Start(at)).map(|_| (&*file).take(length as u64));
                    part.and_then(|mut part| part.read_to_end(&mut bytes)).map(|_| ())
                }
                None => file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map(|_| ()),
            };
            read.map_err(|_| self.damaged())?;
        }
        match hash(&bytes) == wanted {
            true => Ok(bytes),
            false => Err(self.damaged()),
        }
    }

    /// The next session does not start from it.
    fn damaged(&self) -> ArrowError {
        // Without a manifest it is no checkpoint. Should that fail too, the next session fails as this one.
        let _ = fs::remove_file(self.path.with_file_name(super::checkpoint::MANIFEST));
        ArrowError::ExternalError(Box::new(Damaged { path: self.path.clone() }))
    }
}

/// A file that is in memory from the first question on, as it was when its hash was looked at. So nothing changes
/// under a session, also when a later run removes the file.
struct AskedTable {
    table: ListingTable,
    url: Url,
    file: HeldFile,
    hash: String,
    read: OnceCell<Arc<InMemory>>,
}

impl AskedTable {
    fn of(file: HeldFile, hash: String) -> Option<(AskedTable, usize)> {
        let columns = File::open(&file.path).ok()?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(columns).ok()?;
        let rows = usize::try_from(reader.metadata().file_metadata().num_rows()).ok()?;
        // A store is known by scheme and host, and the session has the other tables' too.
        let url = Url::parse(&format!("checkpoint://{hash}/")).ok()?;
        let mut options = TableParquetOptions::default();
        // Rules ask for a verb or a time; the other columns are read for rows that have it.
        options.global.pushdown_filters = true;
        let format = ParquetFormat::default().with_options(options);
        let at = ListingTableUrl::try_new(url.join(FILE).ok()?, None).ok()?;
        let config = ListingTableConfig::new(at)
            .with_listing_options(ListingOptions::new(Arc::new(format)))
            .with_schema(reader.schema().clone());
        let table = ListingTable::try_new(config).ok()?;
        Some((AskedTable { table, url, file, hash, read: OnceCell::new() }, rows))
    }

    async fn in_memory(&self) -> Result<Arc<InMemory>, DataFusionError> {
        let read = async || {
            let store = InMemory::new();
            store.put(&FILE.into(), self.file.bytes(None, &self.hash)?.into()).await?;
            Ok(Arc::new(store))
        };
        self.read.get_or_try_init(read).await.cloned()
    }
}

impl fmt::Debug for AskedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AskedTable").field("path", &self.file.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for AskedTable {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        self.table.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let file = self.in_memory().await? as Arc<dyn ObjectStore>;
        session.runtime_env().register_object_store(&self.url, file);
        self.table.scan(session, projection, filters, limit).await
    }
}
