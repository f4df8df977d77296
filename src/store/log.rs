//! The log of a table as it was read, told from every other log: also from that of the same table which
//! lost its last entries and went on without them.

use serde::{Deserialize, Serialize};

use super::Error;
use super::place::Place;

/// The log of a table up to one version.
#[derive(Clone, Debug)]
pub struct Log {
    place: Place,
    /// The table's own id, which no other table has, also not one made anew in its place.
    table_id: String,
    version: u64,
}

/// What tells a log up to one version from all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogMark {
    pub table_id: String,
    pub version: u64,
    /// BLAKE3 of the entry of that version: an instant is in each, so that no two are alike.
    pub entry_hash: String,
}

impl Log {
    pub(super) fn new(place: Place, table_id: String, version: u64) -> Log {
        Log { place, table_id, version }
    }

    pub fn table_id(&self) -> &str {
        &self.table_id
    }

    /// Reads the newest entry.
    ///
    /// # Errors
    /// When it cannot be read, or is gone.
    pub fn mark(&self) -> Result<LogMark, Error> {
        let entry_hash = entry_hash(&self.place, self.version)?;
        Ok(LogMark { table_id: self.table_id.clone(), version: self.version, entry_hash })
    }

    /// Whether this log is the marked one, or goes on from it; not where the entry cannot be read.
    pub fn goes_on_from(&self, mark: &LogMark) -> bool {
        let own = self.table_id == mark.table_id && mark.version <= self.version;
        own && entry_hash(&self.place, mark.version).is_ok_and(|hash| hash == mark.entry_hash)
    }
}

fn entry_hash(place: &Place, version: u64) -> Result<String, Error> {
    Ok(blake3::hash(&place.log_entry(version)?).to_hex().to_string())
}
