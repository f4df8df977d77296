//! The tables of a checkpoint. One that questions look things up in is Parquet, and is read as it is asked; one whose
//! rows a session holds anyway is there as the session holds it, in Arrow's stream format, one stream for each batch.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use async_trait::async_trait;
use bytes::Bytes;
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
use url::Url;

use super::Error;

/// Rows of a row group: what a question about recent rows must at least read.
const ROW_GROUP_ROWS: usize = 65_536;
/// Bytes that end a stream.
const STREAM_END: usize = 8;
/// The name of a table's file within its own store.
const FILE: &str = "table.parquet";

/// A table as it was kept.
pub enum Kept {
    /// To be asked.
    Asked(Arc<dyn TableProvider>),
    /// The batches that were given.
    Held(Vec<RecordBatch>),
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

/// Writes batches, each with columns of its own, so that they are read back as they are.
pub fn hold(
    path: &Path,
    batches: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<(), Error> {
    let failed = |source| Error::Held { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(Error::io("create", path))?);
    for batch in batches {
        let batch = batch.map_err(failed)?;
        let mut writer = StreamWriter::try_new(&mut file, &batch.schema()).map_err(failed)?;
        writer.write(&batch).map_err(failed)?;
        writer.finish().map_err(failed)?;
    }
    file.flush().map_err(Error::io("write", path))
}

/// The hash of a file's content.
pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// None when the file is not what was written: its content has another hash, or says nothing.
pub async fn read(path: &Path, wanted: &str) -> Option<(Kept, usize)> {
    let bytes = fs::read(path).ok()?;
    if hash(&bytes) != wanted {
        return None;
    }
    if path.extension().is_some_and(|extension| extension == "parquet") {
        let (table, rows) = AskedTable::of(bytes.into(), wanted).await?;
        return Some((Kept::Asked(Arc::new(table)), rows));
    }
    let (mut rest, mut batches) = (Buffer::from_vec(bytes), Vec::new());
    while !rest.is_empty() {
        batches.push(StreamDecoder::new().decode(&mut rest).ok()??);
        // A decoder takes the end of its stream for an error.
        rest.advance(STREAM_END.min(rest.len()));
    }
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    Some((Kept::Held(batches), rows))
}

/// A file, as it was when its hash was looked at, in memory. So nothing changes under a session, also when a later
/// run removes the file.
#[derive(Debug)]
struct AskedTable {
    table: ListingTable,
    url: Url,
    file: Arc<InMemory>,
}

impl AskedTable {
    async fn of(bytes: Bytes, hash: &str) -> Option<(AskedTable, usize)> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).ok()?;
        let rows = usize::try_from(reader.metadata().file_metadata().num_rows()).ok()?;
        let file = Arc::new(InMemory::new());
        file.put(&FILE.into(), bytes.into()).await.ok()?;
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
        Some((AskedTable { table: ListingTable::try_new(config).ok()?, url, file }, rows))
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
        let file = Arc::clone(&self.file) as Arc<dyn ObjectStore>;
        session.runtime_env().register_object_store(&self.url, file);
        self.table.scan(session, projection, filters, limit).await
    }
}
