//! Where files are: in a folder, or below a prefix of a bucket. The only code that tells the two
//! apart, with `scan`.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use deltalake::{DeltaTable, ensure_table_uri};

use super::bucket::Bucket;
use super::durable::Durability;
use super::tables::Table;
use super::{Error, durable, sum};
use crate::domain::UtcMicros;

/// The folder of a data folder below which the lakes of all tenants are.
pub const LAKE: &str = "lake";

/// Where the lakes of all tenants are. The writer's lock is in the data folder either way.
#[derive(Clone, Debug)]
pub struct Home {
    pub data: PathBuf,
    /// Absent when lakes are in the data folder, too.
    pub bucket: Option<Bucket>,
}

impl Home {
    /// Whether anything is kept for a tenant.
    ///
    /// # Errors
    /// `UnknownTenant` where nothing is, or when the bucket does not answer.
    pub async fn check_tenant(&self, tenant: &str) -> Result<(), Error> {
        let is_there = match &self.bucket {
            None => self.data.join(LAKE).join(tenant).is_dir(),
            Some(bucket) => bucket.has(tenant).await?,
        };
        match is_there {
            true => Ok(()),
            false => Err(Error::UnknownTenant { tenant: tenant.to_owned(), home: self.to_string() }),
        }
    }
}

impl fmt::Display for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.bucket {
            None => write!(f, "\"{}\"", self.data.display()),
            Some(bucket) => write!(f, "\"{}\"", bucket.url()),
        }
    }
}

impl From<&Path> for Home {
    fn from(data: &Path) -> Home {
        Home { data: data.to_owned(), bucket: None }
    }
}

/// A tenant's lake, or one table of it.
#[derive(Clone, Debug)]
pub enum Place {
    Folder(PathBuf),
    /// A bucket, and the key of the place in it.
    Bucket(Bucket, String),
}

impl Place {
    pub fn below(&self, name: &str) -> Place {
        match self {
            Place::Folder(folder) => Place::Folder(folder.join(name)),
            Place::Bucket(bucket, key) => Place::Bucket(bucket.clone(), format!("{key}/{name}")),
        }
    }

    pub fn folder(&self) -> Option<&Path> {
        match self {
            Place::Folder(folder) => Some(folder),
            Place::Bucket(..) => None,
        }
    }

    /// The Delta table that is here, at its newest version.
    pub async fn load(&self, table: &'static Table) -> Result<DeltaTable, Error> {
        let failed = |source| Error::delta("open", table.name)(source);
        match self {
            Place::Folder(folder) => {
                let url = ensure_table_uri(path_text(folder)?).map_err(failed)?;
                deltalake::open_table(url).await.map_err(failed)
            }
            Place::Bucket(bucket, key) => {
                let mut delta = DeltaTable::new(bucket.log_store(key)?);
                delta.load().await.map_err(failed)?;
                Ok(delta)
            }
        }
    }

    /// The name of a file that no other batch gives. In a folder the version that the commit will
    /// get makes it so, because there is one writer, and the orphans of a crash are overwritten. In a
    /// bucket writers meet: the instant makes equal names rare, and a condition makes them harmless.
    pub fn part_name(&self, version: u64, now: UtcMicros, number: u32) -> String {
        match self {
            Place::Folder(_) => format!("part-{version:08}-{number:06}.zstd.parquet"),
            Place::Bucket(..) => format!("part-{version:08}-{:014x}-{number:06}.zstd.parquet", now.0),
        }
    }

    /// The size and the sum of a file's bytes; blocks.
    ///
    /// # Errors
    /// When it is not there, or cannot be read.
    pub fn sum(&self, key: &str) -> Result<(u64, String), Error> {
        match self {
            Place::Folder(dir) => {
                let path = dir.join(key);
                let file = File::open(&path).map_err(Error::io("open", &path))?;
                sum::of(file).map_err(Error::io("read", &path))
            }
            Place::Bucket(bucket, place) => {
                let bytes = bucket.read(&format!("{place}/{key}"))?;
                sum::of(bytes.as_ref()).map_err(Error::io("read", Path::new(key)))
            }
        }
    }

    /// Removes a file that no entry names; tidies only.
    pub fn remove(&self, key: &str) {
        match self {
            Place::Folder(folder) => {
                let _ = fs::remove_file(folder.join(key));
            }
            Place::Bucket(bucket, place) => bucket.remove(&format!("{place}/{key}")),
        }
    }

    /// Makes the names of files durable, where that is a thing apart.
    pub fn sync_folders<'a>(
        &self,
        keys: impl Iterator<Item = &'a str>,
        durability: Durability,
    ) -> Result<(), Error> {
        let Place::Folder(dir) = self else { return Ok(()) };
        let files: Vec<PathBuf> = keys.map(|key| dir.join(key)).collect();
        let mut folders: Vec<&Path> = files.iter().filter_map(|path| path.parent()).collect();
        folders.push(dir);
        folders.sort_unstable();
        folders.dedup();
        folders.into_iter().try_for_each(|folder| durability.sync_dir(folder))
    }

    /// The bytes of one entry of a table's log; blocks.
    ///
    /// # Errors
    /// When it is not there, or cannot be read.
    pub fn log_entry(&self, version: u64) -> Result<Bytes, Error> {
        let name = format!("{}/{version:020}.json", durable::LOG_DIR);
        match self {
            Place::Folder(dir) => {
                let path = dir.join(name);
                Ok(fs::read(&path).map_err(Error::io("read", &path))?.into())
            }
            Place::Bucket(bucket, place) => bucket.read(&format!("{place}/{name}")),
        }
    }

    /// Makes one version of a table's log durable, where writing it did not.
    pub fn sync_log(&self, version: u64, durability: Durability) -> Result<(), Error> {
        self.folder().map_or(Ok(()), |dir| durability.sync_log(dir, version))
    }

    /// Checks that a table may begin here. Else it would begin anew over one that lost its log, and whoever tidies
    /// would remove all its files, which no entry names.
    ///
    /// # Errors
    /// `LogGone` when there are data files.
    pub fn check_empty(&self) -> Result<(), Error> {
        let found = match self {
            Place::Folder(dir) => durable::data_file(dir)?,
            Place::Bucket(bucket, key) => bucket.data_file(key)?,
        };
        found.map_or(Ok(()), |path| Err(Error::LogGone { path }))
    }

    /// Repairs what a power loss left torn; in a bucket an object is whole or not there.
    pub fn repair_log(&self) -> Result<(), Error> {
        self.folder().map_or(Ok(()), durable::repair_log)
    }
}

pub fn path_text(path: &Path) -> Result<&str, Error> {
    let not_utf8 = || std::io::Error::new(std::io::ErrorKind::InvalidFilename, "it is not UTF-8");
    path.to_str().ok_or_else(|| Error::io("use path", path)(not_utf8()))
}
