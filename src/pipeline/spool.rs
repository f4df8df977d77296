//! A file that holds what came as a stream: a listing is read twice, once to know it again and
//! once for its rows, and what was received must be whole before any of it counts.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::Error;

/// Removed when dropped.
pub struct Spool(PathBuf);

impl Spool {
    /// Reads `stream` to its end.
    ///
    /// # Errors
    /// When reading, or writing into the data folder, fails.
    pub fn take(data: &Path, stream: &mut dyn Read) -> Result<Spool, Error> {
        static TAKEN: AtomicU32 = AtomicU32::new(0);
        let number = TAKEN.fetch_add(1, Ordering::Relaxed);
        let spool = Spool(data.join(format!("incoming-{}-{number}", std::process::id())));
        let failed = |source| Error::Spool { path: spool.0.clone(), source };
        fs::create_dir_all(data).map_err(failed)?;
        let mut file = File::create(&spool.0).map_err(failed)?;
        io::copy(stream, &mut file).map_err(failed)?;
        Ok(spool)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn open(&self) -> Result<Box<dyn Read + Send>, Error> {
        let file = File::open(&self.0).map_err(|source| Error::Spool { path: self.0.clone(), source })?;
        Ok(Box::new(file))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // A stump of a crash is in nobody's way; what cannot be removed now is one, too.
        let _ = fs::remove_file(&self.0);
    }
}
