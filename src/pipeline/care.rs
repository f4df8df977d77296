//! Care of a data folder: compaction, checks, copies, and back from copies.

use std::path::Path;

use super::{Engine, Error, LEDGER_FILE, chain, now};
use crate::store::backup::{self, Manifest};
use crate::store::{Cared, Lake, Problem, Verified};

impl Engine {
    /// Merges small files, and removes those that no version of the last `retention_days`
    /// names; of the tables in `held` nothing is removed.
    ///
    /// # Errors
    /// When the tenant has no lake, another process writes here, or a file or log cannot be read or written.
    pub async fn compact(&self, retention_days: u32, held: &[String]) -> Result<Vec<Cared>, Error> {
        self.check_tenant().await?;
        let lake = Lake::open_for_write(self.home(), &self.tenant, self.options).await?;
        Ok(lake.care(retention_days, held, now()).await?)
    }

    /// Reads the whole lake, and the ledger where there is one, and tells what is not as it should be.
    ///
    /// # Errors
    /// When the tenant has no lake, or its place cannot be reached.
    pub async fn verify(&self) -> Result<Vec<Verified>, Error> {
        let mut verified = Lake::as_it_is(self.home(), &self.tenant).await?.verify().await;
        if self.data.join(LEDGER_FILE).exists() {
            verified.push(self.verify_ledger().await);
        } else if self.has_checkpoints() {
            // Whoever keeps one has opened the ledger before.
            let what = "is absent, though runs were made here: their findings and all decisions are lost";
            let problem = Problem { file: LEDGER_FILE.to_owned(), what: what.to_owned() };
            verified.push(Verified { table: "ledger", files: 0, rows: 0, problems: vec![problem] });
        }
        Ok(verified)
    }

    async fn verify_ledger(&self) -> Verified {
        let found = match self.ledger().await {
            Ok(ledger) => ledger.problems().await.map_err(Error::from),
            Err(error) => Err(error),
        };
        let found = found.unwrap_or_else(|error| vec![chain(&error)]);
        let problems = found.into_iter().map(|what| Problem { file: LEDGER_FILE.to_owned(), what }).collect();
        Verified { table: "ledger", files: 1, rows: 0, problems }
    }

    /// Copies the lakes of all tenants and the ledger into the new folder `to`.
    ///
    /// # Errors
    /// When the lake is in a bucket, another process writes here, `to` is not empty, or a file cannot
    /// be copied.
    pub async fn backup(&self, to: &Path) -> Result<Manifest, Error> {
        self.check_folder()?;
        let ledger = self.ledger().await?;
        let copying = backup::begin(&self.data, to)?;
        ledger.copy_to(&copying.place(LEDGER_FILE)).await?;
        Ok(copying.finish(now().to_string())?)
    }

    /// Brings a backup back into this data folder, which must be empty, and checks it.
    ///
    /// # Errors
    /// When the lake is in a bucket, the folder holds anything, or the backup is not what it was.
    pub fn restore(&self, from: &Path) -> Result<Manifest, Error> {
        self.check_folder()?;
        Ok(backup::restore(from, &self.data)?)
    }

    fn check_folder(&self) -> Result<(), Error> {
        match &self.bucket {
            Some(bucket) => Err(Error::LakeElsewhere { url: bucket.url().to_owned() }),
            None => Ok(()),
        }
    }
}
