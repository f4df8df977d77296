//! One tenant's tables on disk: opening, creating, the writer's lock, providers.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, ensure_table_uri};
use tokio::sync::Mutex;

use super::pending::Pending;
use super::tables::{self, TABLES, Table};
use super::{Error, Ingest, durable};
use crate::domain::UtcMicros;

const VERSION_KEY: &str = "lychgate.table_version";

/// The tables of one tenant.
pub struct Lake {
    dir: PathBuf,
    /// The held lock file; whoever ingests holds the mutex.
    writer: Option<Arc<Mutex<File>>>,
}

impl Lake {
    /// Opens a tenant's tables for reading, and creates those that are missing.
    ///
    /// # Errors
    /// When the tenant's name is no plain name, a folder cannot be made, or a table is of
    /// a version that this program does not know.
    pub async fn open(root: &Path, tenant: &str) -> Result<Lake, Error> {
        let dir = tenant_dir(root, tenant)?;
        let lake = Lake { dir, writer: None };
        lake.create_tables().await?;
        Ok(lake)
    }

    /// The same, for the one process that writes. Repairs what a power loss left torn.
    ///
    /// # Errors
    /// Also `Locked` while another writer has the data directory.
    pub async fn open_for_write(root: &Path, tenant: &str) -> Result<Lake, Error> {
        let dir = tenant_dir(root, tenant)?;
        let lock = durable::lock(&root.join("lychgate.lock"))?;
        let lake = Lake { dir, writer: Some(Arc::new(Mutex::new(lock))) };
        for table in TABLES {
            durable::repair_log(&lake.table_dir(table.name))?;
        }
        lake.create_tables().await?;
        Ok(lake)
    }

    /// The folder of a table, a Delta table that any engine can read.
    pub fn table_dir(&self, table: &str) -> PathBuf {
        self.dir.join(table)
    }

    /// The table as it stands now, for queries. Prunes files by partition and by time.
    ///
    /// # Errors
    /// `UnknownTable`, or when the log cannot be read.
    pub async fn provider(&self, table: &str) -> Result<Arc<dyn TableProvider>, Error> {
        let table = tables::table(table).ok_or_else(|| Error::UnknownTable { table: table.to_owned() })?;
        let delta = self.load(table).await?;
        let provider = delta.table_provider().await;
        provider.map_err(|source| Error::Provider { table: table.name, source: Box::new(source) })
    }

    /// Begins a batch; `now` is when its rows became known. Waits for another batch of
    /// this process to end, so a task must not hold two.
    ///
    /// # Errors
    /// `ReadOnly`, or when a log cannot be read.
    pub async fn ingest(&self, now: UtcMicros) -> Result<Ingest, Error> {
        let writer = self.writer.clone().ok_or(Error::ReadOnly)?;
        let turn = writer.lock_owned().await;
        Ingest::new(turn, now, async |table| {
            let delta = self.load(table).await?;
            Ok(Pending::new(table, self.table_dir(table.name), delta))
        })
        .await
    }

    async fn load(&self, table: &'static Table) -> Result<DeltaTable, Error> {
        let failed = |source| Error::delta("open", table.name)(source);
        let url = ensure_table_uri(path_text(&self.table_dir(table.name))?).map_err(failed)?;
        deltalake::open_table(url).await.map_err(failed)
    }

    async fn create_tables(&self) -> Result<(), Error> {
        let mut grown = false;
        for table in TABLES {
            let dir = self.table_dir(table.name);
            fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
            let is_new = !dir.join(durable::LOG_DIR).exists();
            let delta = create(table, &dir).await?;
            check_version(table, &delta)?;
            if is_new {
                durable::sync_log(&dir, 0)?;
                durable::sync_dir(&dir)?;
                grown = true;
            }
        }
        // The tenant's folder, `lake`, and the data directory may all be new.
        let folders = self.dir.ancestors().take(if grown { 3 } else { 0 });
        folders.into_iter().try_for_each(durable::sync_dir)
    }
}

fn tenant_dir(root: &Path, tenant: &str) -> Result<PathBuf, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !tenant.starts_with(|c: char| c.is_ascii_alphanumeric()) || !tenant.chars().all(plain) {
        return Err(Error::Tenant { tenant: tenant.to_owned() });
    }
    let dir = root.join("lake").join(tenant);
    fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
    dir.canonicalize().map_err(Error::io("resolve", &dir))
}

/// Creates the table, or opens it where it exists.
async fn create(table: &'static Table, dir: &Path) -> Result<DeltaTable, Error> {
    let configuration = [
        (VERSION_KEY, Some(table.version.to_string())),
        ("delta.checkpointInterval", Some("20".to_owned())),
        // The log is small, and repair after power loss relies on it.
        ("delta.enableExpiredLogCleanup", Some("false".to_owned())),
    ];
    CreateBuilder::new()
        .with_location(path_text(dir)?)
        .with_table_name(table.name)
        .with_columns(table.delta_columns())
        .with_partition_columns(table.partition_columns())
        .with_configuration(configuration)
        .with_raise_if_key_not_exists(false)
        .with_save_mode(SaveMode::Ignore)
        .await
        .map_err(Error::delta("create or open", table.name))
}

fn check_version(table: &'static Table, delta: &DeltaTable) -> Result<(), Error> {
    let snapshot = delta.snapshot().map_err(Error::delta("read the version of", table.name))?;
    let found = snapshot.metadata().configuration().get(VERSION_KEY);
    if found.is_some_and(|found| *found == table.version.to_string()) {
        return Ok(());
    }
    let found = found.cloned().unwrap_or_else(|| "not given".to_owned());
    Err(Error::TableVersion { table: table.name, found, known: table.version })
}

fn path_text(path: &Path) -> Result<&str, Error> {
    let not_utf8 = || std::io::Error::new(std::io::ErrorKind::InvalidFilename, "it is not UTF-8");
    path.to_str().ok_or_else(|| Error::io("use path", path)(not_utf8()))
}
