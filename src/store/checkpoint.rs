//! What was worked out from events up to two instants, kept so that the next run reads only what
//! came since. Derived: a checkpoint that is missing or damaged costs time and nothing else.
//!
//! It lies beside the lake, under `<data>/checkpoints/<tenant>/`, because no reader of the lake
//! should take it for a table.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
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
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::Error;
use crate::domain::UtcMicros;

const MANIFEST: &str = "manifest.json";
/// Rises whenever what is kept, or how it is worked out, changes.
const VERSION: u32 = 4;
/// Rows of a row group: what a question about recent rows must at least read.
const ROW_GROUP_ROWS: usize = 65_536;
/// The name of a table's file within its own store.
const FILE: &str = "table.parquet";
/// Checkpoints that stay: the newest, and one before it for questions a little further back.
const KEPT: usize = 2;

/// A checkpoint that a question can start from.
pub struct Checkpoint {
    pub reach: Reach,
    /// By name; read as they are asked, since most questions want few of their columns.
    pub tables: BTreeMap<String, Arc<dyn TableProvider>>,
    /// Rows of all tables.
    pub rows: usize,
}

/// Up to where a checkpoint speaks, and of which lake.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Reach {
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
    /// By when listings were known: their table has log and writers of its own.
    pub listings_known_at: UtcMicros,
    /// The tables of events and of listings that it was made from: another lake in their place knows
    /// nothing of it.
    pub made_from: [String; 2],
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    reach: Reach,
    /// SHA-256 of each table's file.
    tables: BTreeMap<String, String>,
}

impl Reach {
    /// Rises from older to newer.
    fn age(&self) -> (UtcMicros, UtcMicros, UtcMicros) {
        (self.known_at, self.listings_known_at, self.as_of)
    }
}

/// The newest checkpoint in `folder`, made from the same tables, that a question which reaches as far
/// as `wanted` can start from.
pub async fn newest(folder: &Path, wanted: &Reach) -> Option<Checkpoint> {
    let serves = |Manifest { version, reach, .. }: &Manifest| {
        let own = *version == VERSION && reach.made_from == wanted.made_from;
        let known = reach.known_at <= wanted.known_at && reach.listings_known_at <= wanted.listings_known_at;
        own && known && reach.as_of <= wanted.as_of
    };
    let mut found: Vec<_> = all(folder).into_iter().filter(|(_, manifest)| serves(manifest)).collect();
    found.sort_by_key(|(_, manifest)| manifest.reach.age());
    for (path, manifest) in found.into_iter().rev() {
        if let Some(checkpoint) = read(&path, manifest).await {
            return Some(checkpoint);
        }
    }
    None
}

/// A checkpoint that is being written; none until it is finished.
pub struct Growing {
    folder: PathBuf,
    reach: Reach,
    tables: BTreeMap<String, String>,
}

/// One table of it.
pub struct GrowingTable<'a> {
    growing: &'a mut Growing,
    name: String,
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl Growing {
    /// Begins one in `folder` whose tables say all that events and listings of up to `reach` say.
    ///
    /// # Errors
    /// When its folder cannot be made.
    pub fn begin(folder: &Path, reach: Reach) -> Result<Growing, Error> {
        let growing = Growing { folder: folder.to_owned(), reach, tables: BTreeMap::new() };
        let path = growing.path();
        fs::create_dir_all(&path).map_err(Error::io("create", &path))?;
        Ok(growing)
    }

    /// Begins a table of these columns.
    ///
    /// # Errors
    /// When its file cannot be made.
    pub fn table(&mut self, name: &str, schema: SchemaRef) -> Result<GrowingTable<'_>, Error> {
        let path = self.path().join(format!("{name}.parquet"));
        let failed = |source| Error::parquet("write", &path)(source);
        let level = ZstdLevel::try_new(1).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .build();
        let file = File::create(&path).map_err(Error::io("create", &path))?;
        let writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(failed)?;
        Ok(GrowingTable { growing: self, name: name.to_owned(), path, writer })
    }

    /// Makes it one that is found, and removes all but the newest.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub fn finish(self) -> Result<(), Error> {
        let (growing, path) = (self.path(), self.folder.join(name_of(&self.reach)));
        let manifest = Manifest { version: VERSION, reach: self.reach, tables: self.tables };
        let file = growing.join(MANIFEST);
        fs::write(&file, serde_json::to_vec(&manifest).unwrap_or_default())
            .map_err(Error::io("write", &file))?;
        if path.exists() {
            fs::remove_dir_all(&path).map_err(Error::io("replace", &path))?;
        }
        fs::rename(&growing, &path).map_err(Error::io("finish", &path))?;
        let mut found = all(&self.folder);
        found.sort_by_key(|(_, manifest)| manifest.reach.age());
        for (old, _) in found.iter().rev().skip(KEPT) {
            fs::remove_dir_all(old).map_err(Error::io("remove", old))?;
        }
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.folder.join(format!("{}.growing", name_of(&self.reach)))
    }
}

impl GrowingTable<'_> {
    /// Adds rows.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.writer.write(batch).map_err(Error::parquet("write", &self.path))
    }

    /// Ends the table.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<(), Error> {
        self.writer.close().map_err(Error::parquet("write", &self.path))?;
        let bytes = fs::read(&self.path).map_err(Error::io("read", &self.path))?;
        self.growing.tables.insert(self.name, sha256(&bytes));
        Ok(())
    }
}

fn name_of(Reach { as_of, known_at, listings_known_at, .. }: &Reach) -> String {
    format!("{}-{}-{}", known_at.0, listings_known_at.0, as_of.0)
}

/// Forgets all checkpoints.
///
/// # Errors
/// When a folder cannot be removed.
pub fn forget(folder: &Path) -> Result<(), Error> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).map_err(Error::io("remove", folder))
}

/// Every finished checkpoint with its manifest; what does not parse is none.
fn all(folder: &Path) -> Vec<(PathBuf, Manifest)> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths
        .filter(|path| path.extension().is_none())
        .filter_map(|path| {
            let manifest = serde_json::from_slice(&fs::read(path.join(MANIFEST)).ok()?).ok()?;
            Some((path, manifest))
        })
        .collect()
}

/// None, and a word in the log, when a file is not what was written.
async fn read(path: &Path, manifest: Manifest) -> Option<Checkpoint> {
    let (mut tables, mut rows) = (BTreeMap::new(), 0);
    for (name, hash) in manifest.tables {
        let Some(table) = KeptTable::read(&path.join(format!("{name}.parquet")), &hash).await else {
            tracing::warn!(path = %path.display(), table = name, "a damaged checkpoint is passed over");
            return None;
        };
        rows += table.rows;
        tables.insert(name, Arc::new(table) as Arc<dyn TableProvider>);
    }
    Some(Checkpoint { reach: manifest.reach, tables, rows })
}

/// One table of a checkpoint: its file, as it was when its hash was looked at, in memory. So nothing
/// changes under a session, also when a later run removes the file.
#[derive(Debug)]
struct KeptTable {
    table: ListingTable,
    url: Url,
    file: Arc<InMemory>,
    rows: usize,
}

impl KeptTable {
    async fn read(path: &Path, hash: &str) -> Option<KeptTable> {
        let bytes = Bytes::from(fs::read(path).ok()?);
        if sha256(&bytes) != hash {
            return None;
        }
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
        Some(KeptTable { table: ListingTable::try_new(config).ok()?, url, file, rows })
    }
}

#[async_trait]
impl TableProvider for KeptTable {
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

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
