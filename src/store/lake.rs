//! One tenant's tables: opening, creating, the writer's lock, providers.

use std::collections::HashMap;
use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::logstore::commit_uri_from_version;
use deltalake::operations::create::CreateBuilder;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableError};
use object_store::ObjectStoreExt;
use tokio::sync::Mutex;

use super::durable::Durability;
use super::log::Log;
use super::part::{self, Times};
use super::pending::{CHECKPOINT_INTERVAL, Pending};
use super::place::{Home, LAKE, Place, path_text};
use super::tables::{self, TABLES, Table};
use super::{Cared, Error, Ingest, Verified, compact, durable, verify};
use crate::domain::UtcMicros;

const VERSION_KEY: &str = "lychgate.table_version";
/// For how long a log tells of removed files. By default it forgets them after a week, and what no log tells of is
/// removed, however long versions are to stay readable.
const REMOVED_KEY: &str = "delta.deletedFileRetentionDuration";
const REMOVED_FOR: &str = "interval 36500 days";

/// The tables of one tenant.
pub struct Lake {
    place: Place,
    /// The held lock file; whoever ingests holds the mutex.
    writer: Option<Arc<Mutex<File>>>,
    options: WriteOptions,
}

/// One table at one version.
pub struct Read {
    pub provider: Arc<dyn TableProvider>,
    /// The newest instant at which a row became known; all that became known by then is there.
    /// Absent when the log does not say.
    pub newest_known_at: Option<UtcMicros>,
    /// What the log says of each file, where it does of all.
    pub files: Option<Vec<Times>>,
    /// Up to the version that was read.
    pub log: Log,
}

/// How a lake is written.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// Whether each row keeps the text of its record. Without it evidence cannot be traced
    /// back to the source, and rules over raw fields find nothing.
    pub raw_kept: bool,
    /// Threads that write files.
    pub threads: NonZeroUsize,
    pub durability: Durability,
}

impl Default for WriteOptions {
    fn default() -> WriteOptions {
        WriteOptions { raw_kept: true, threads: NonZeroUsize::MIN, durability: Durability::Fsync }
    }
}

impl Lake {
    /// Opens a tenant's tables for reading, and creates those that are missing.
    ///
    /// # Errors
    /// When the tenant's name is no plain name, the place cannot be reached or made, or a table is
    /// of a version that this program does not know, or has data files and no log.
    pub async fn open(home: impl Into<Home>, tenant: &str) -> Result<Lake, Error> {
        let home = home.into();
        let place = tenant_place(&home, tenant)?;
        if let Some(bucket) = &home.bucket {
            bucket.reach().await?;
        }
        let lake = Lake { place, writer: None, options: WriteOptions::default() };
        match lake.create_tables().await {
            Err(Error::OldTable { .. }) => {
                // Whoever writes brings tables up to date; nobody else is at it if this succeeds.
                drop(Lake::open_for_write(home, tenant, lake.options).await?);
                lake.create_tables().await?;
            }
            created => created?,
        }
        Ok(lake)
    }

    /// The same, where the tenant has a lake: a name that was mistyped gets none.
    ///
    /// # Errors
    /// Also `UnknownTenant`.
    pub async fn open_known(home: impl Into<Home>, tenant: &str) -> Result<Lake, Error> {
        let home = home.into();
        home.check_tenant(tenant).await?;
        Lake::open(home, tenant).await
    }

    /// A lake as it lies there, to be verified: nothing is made, and a table may be absent.
    ///
    /// # Errors
    /// `UnknownTenant`, or when the place cannot be reached.
    pub async fn as_it_is(home: impl Into<Home>, tenant: &str) -> Result<Lake, Error> {
        let home = home.into();
        home.check_tenant(tenant).await?;
        let place = tenant_place(&home, tenant)?;
        Ok(Lake { place, writer: None, options: WriteOptions::default() })
    }

    /// Opens them for the one process of this data folder that writes. Repairs what a power loss left
    /// torn.
    ///
    /// # Errors
    /// Also `Locked` while another writer has the data directory.
    pub async fn open_for_write(
        home: impl Into<Home>,
        tenant: &str,
        options: WriteOptions,
    ) -> Result<Lake, Error> {
        let home = home.into();
        let place = tenant_place(&home, tenant)?;
        let lock = durable::lock(&home.data.join(durable::LOCK))?;
        if let Some(bucket) = &home.bucket {
            bucket.check_conditional_put().await?;
        }
        let lake = Lake { place, writer: Some(Arc::new(Mutex::new(lock))), options };
        TABLES.into_iter().try_for_each(|table| lake.table_place(table).repair_log())?;
        lake.create_tables().await?;
        Ok(lake)
    }

    /// The folder of a table, a Delta table that any engine can read; none in a bucket.
    pub fn table_dir(&self, table: &str) -> Option<PathBuf> {
        self.place.folder().map(|dir| dir.join(table))
    }

    fn table_place(&self, table: &Table) -> Place {
        self.place.below(table.name)
    }

    /// The table as it stands now, for queries. Prunes files by partition and by time.
    ///
    /// # Errors
    /// `UnknownTable`, or when the log cannot be read.
    pub async fn provider(&self, table: &str) -> Result<Arc<dyn TableProvider>, Error> {
        Ok(self.read(table).await?.provider)
    }

    /// The same, with what the log says of when its rows became known.
    ///
    /// # Errors
    /// As [`Lake::provider`].
    pub async fn read(&self, table: &str) -> Result<Read, Error> {
        let table = tables::table(table).ok_or_else(|| Error::UnknownTable { table: table.to_owned() })?;
        let delta = self.load(table).await?;
        let files = part::times(table, &delta);
        let newest_known_at = files.as_deref().map(part::newest);
        let snapshot = delta.snapshot().map_err(Error::delta("read the id of", table.name))?;
        let table_id = snapshot.metadata().id().to_owned();
        let log = Log::new(self.table_place(table), table_id, delta.version().unwrap_or_default());
        let provider = delta.table_provider().await;
        let provider = provider
            .map_err(|source| Error::Provider { table: table.name, source: Box::new(source) as Box<_> })?;
        Ok(Read { provider, newest_known_at, files, log })
    }

    /// Begins a batch; `now` is when its rows became known. Waits for another batch of
    /// this process to end, so a task must not hold two.
    ///
    /// # Errors
    /// `ReadOnly`, or when a log cannot be read.
    pub async fn ingest(&self, now: UtcMicros) -> Result<Ingest, Error> {
        let writer = self.writer.clone().ok_or(Error::ReadOnly)?;
        let turn = writer.lock_owned().await;
        Ingest::new(turn, now, self.options.raw_kept, async |table| {
            let delta = self.load(table).await?;
            Ok(Pending::new(table, self.table_place(table), delta, self.options))
        })
        .await
    }

    /// Merges small files of every table, then removes what no version of the last
    /// `retention_days` names; of tables in `held` nothing is removed. Waits for a batch of this
    /// process to end.
    ///
    /// # Errors
    /// `ReadOnly`, or when a file or log cannot be read or written. What was done to the tables
    /// before stays done.
    pub async fn care(
        &self,
        retention_days: u32,
        held: &[String],
        now: UtcMicros,
    ) -> Result<Vec<Cared>, Error> {
        let writer = self.writer.clone().ok_or(Error::ReadOnly)?;
        let _turn = writer.lock_owned().await;
        if let Some(unknown) = held.iter().find(|name| tables::table(name).is_none()) {
            return Err(Error::UnknownTable { table: unknown.clone() });
        }
        let mut done = Vec::new();
        for table in TABLES {
            let place = self.table_place(table);
            let delta = self.remember_removed(table, self.load(table).await?).await?;
            let mut cared = compact::compact(table, &place, &delta, self.options, now).await?;
            if !held.iter().any(|name| name == table.name) {
                let delta = self.load(table).await?;
                cared.removed =
                    compact::vacuum(table, &place, delta, self.options, retention_days, now).await?;
            }
            done.push(cared);
        }
        Ok(done)
    }

    /// Reads every file of every table and tells what is not as the logs say.
    pub async fn verify(&self) -> Vec<Verified> {
        let mut done = Vec::new();
        for table in TABLES {
            done.push(verify::verify(table, &self.table_place(table)).await);
        }
        done
    }

    async fn load(&self, table: &'static Table) -> Result<DeltaTable, Error> {
        self.table_place(table).load(table).await
    }

    async fn create_tables(&self) -> Result<(), Error> {
        let mut grown = false;
        for table in TABLES {
            let place = self.table_place(table);
            let Some(dir) = place.folder() else {
                self.bring_up(table, create_in_bucket(table, &place).await?).await?;
                continue;
            };
            fs::create_dir_all(dir).map_err(Error::io("create", dir))?;
            let is_new = !durable::has_log(dir)?;
            if is_new {
                place.check_empty()?;
            }
            let delta = create(table, CreateBuilder::new().with_location(path_text(dir)?)).await?;
            self.bring_up(table, delta).await?;
            if is_new {
                self.options.durability.sync_log(dir, 0)?;
                self.options.durability.sync_dir(dir)?;
                grown = true;
            }
        }
        // The tenant's folder, `lake`, and the data directory may all be new.
        let folders =
            self.place.folder().into_iter().flat_map(Path::ancestors).take(if grown { 3 } else { 0 });
        folders.into_iter().try_for_each(|folder| self.options.durability.sync_dir(folder))
    }

    /// Adds the columns that a table of an older version lacks. New columns only ever came to
    /// the end, so that old rows are right as they are, with nulls there.
    async fn bring_up(&self, table: &'static Table, delta: DeltaTable) -> Result<(), Error> {
        let found = version(table, &delta)?;
        if found == table.version {
            return Ok(());
        }
        if found > table.version {
            let found = found.to_string();
            return Err(Error::TableVersion { table: table.name, found, known: table.version });
        }
        if self.writer.is_none() {
            return Err(Error::OldTable { table: table.name, found, known: table.version });
        }
        let failed = |source| Error::delta("bring up to date", table.name)(source);
        let schema = delta.snapshot().map_err(failed)?.schema();
        let lacking: Vec<_> = table
            .delta_columns()
            .into_iter()
            .filter(|column| schema.field(column.name()).is_none())
            .collect();
        let delta = delta.add_columns().with_fields(lacking).await.map_err(failed)?;
        let properties = [(VERSION_KEY, table.version.to_string()), (REMOVED_KEY, REMOVED_FOR.to_owned())];
        let delta = set_properties(delta, properties).await.map_err(failed)?;
        let newest = delta.version().unwrap_or_default();
        for version in newest.saturating_sub(1)..=newest {
            self.table_place(table).sync_log(version, self.options.durability)?;
        }
        tracing::info!(table = table.name, from = found, to = table.version, "brought a table up to date");
        Ok(())
    }

    /// Sets for how long the log tells of removed files, where an older program made the table.
    async fn remember_removed(&self, table: &'static Table, delta: DeltaTable) -> Result<DeltaTable, Error> {
        let failed = |source| Error::delta("set a property of", table.name)(source);
        if delta.snapshot().map_err(failed)?.metadata().configuration().contains_key(REMOVED_KEY) {
            return Ok(delta);
        }
        let delta = set_properties(delta, [(REMOVED_KEY, REMOVED_FOR.to_owned())]).await.map_err(failed)?;
        let newest = delta.version().unwrap_or_default();
        self.table_place(table).sync_log(newest, self.options.durability)?;
        Ok(delta)
    }
}

async fn set_properties<const N: usize>(
    delta: DeltaTable,
    properties: [(&str, String); N],
) -> Result<DeltaTable, DeltaTableError> {
    let properties = HashMap::from(properties.map(|(key, value)| (key.to_owned(), value)));
    delta.set_tbl_properties().with_properties(properties).with_raise_if_not_exists(false).await
}

fn tenant_place(home: &Home, tenant: &str) -> Result<Place, Error> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !tenant.starts_with(|c: char| c.is_ascii_alphanumeric()) || !tenant.chars().all(plain) {
        return Err(Error::Tenant { tenant: tenant.to_owned() });
    }
    if let Some(bucket) = &home.bucket {
        // The lock is in the data folder.
        fs::create_dir_all(&home.data).map_err(Error::io("create", &home.data))?;
        return Ok(Place::Bucket(bucket.clone(), tenant.to_owned()));
    }
    let dir = home.data.join(LAKE).join(tenant);
    fs::create_dir_all(&dir).map_err(Error::io("create", &dir))?;
    Ok(Place::Folder(dir.canonicalize().map_err(Error::io("resolve", &dir))?))
}

/// Opens the table, or creates it when nobody else does at the same time.
async fn create_in_bucket(table: &'static Table, place: &Place) -> Result<DeltaTable, Error> {
    let Place::Bucket(bucket, key) = place else { return place.load(table).await };
    let log_store = bucket.log_store(key)?;
    match log_store.object_store(None).head(&commit_uri_from_version(Some(0))).await {
        Ok(_) => return place.load(table).await,
        Err(object_store::Error::NotFound { .. }) => {}
        Err(source) => return Err(bucket.object_failed("open", key, source)),
    }
    // With retries the library would put its schema behind another's entries, under a new id.
    let once = CommitProperties::default().with_max_retries(0);
    let builder = CreateBuilder::new().with_log_store(log_store).with_commit_properties(once);
    let created = match place.check_empty() {
        Ok(()) => create(table, builder).await,
        Err(error) => Err(error),
    };
    match created {
        Ok(delta) => Ok(delta),
        Err(error) => place.load(table).await.map_err(|_| error),
    }
}

/// Creates the table where `builder` says, or opens it where it exists.
async fn create(table: &'static Table, builder: CreateBuilder) -> Result<DeltaTable, Error> {
    let configuration = [
        (VERSION_KEY, Some(table.version.to_string())),
        ("delta.checkpointInterval", Some(CHECKPOINT_INTERVAL.to_string())),
        // The log is small, and repair after power loss relies on it.
        ("delta.enableExpiredLogCleanup", Some("false".to_owned())),
        (REMOVED_KEY, Some(REMOVED_FOR.to_owned())),
    ];
    builder
        .with_table_name(table.name)
        .with_columns(table.delta_columns())
        .with_partition_columns(table.partition_columns())
        .with_configuration(configuration)
        .with_raise_if_key_not_exists(false)
        .with_save_mode(SaveMode::Ignore)
        .await
        .map_err(Error::delta("create or open", table.name))
}

/// Whether the table is of the version that this program writes.
///
/// # Errors
/// `TableVersion` when it is not.
pub fn check_version(table: &'static Table, delta: &DeltaTable) -> Result<(), Error> {
    let found = version(table, delta)?;
    if found == table.version {
        return Ok(());
    }
    Err(Error::TableVersion { table: table.name, found: found.to_string(), known: table.version })
}

/// The version of a table as it stands.
fn version(table: &'static Table, delta: &DeltaTable) -> Result<u32, Error> {
    let snapshot = delta.snapshot().map_err(Error::delta("read the version of", table.name))?;
    let found = snapshot.metadata().configuration().get(VERSION_KEY).cloned();
    let found = found.unwrap_or_else(|| "not given".to_owned());
    found.parse().map_err(|_| Error::TableVersion { table: table.name, found, known: table.version })
}
