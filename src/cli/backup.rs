//! `backup` and `restore`: a copy of the lakes and the ledger, and back.

use std::path::PathBuf;

use clap::Args;

use super::{Context, Error, Outcome, output, verify};

#[derive(Args)]
pub struct Backup {
    /// New folder for the copy
    #[arg(value_name = "DIR")]
    to: PathBuf,
}

#[derive(Args)]
pub struct Restore {
    /// A folder that `backup` wrote; its content goes into the data folder, which must be empty
    #[arg(value_name = "DIR")]
    from: PathBuf,
}

impl Backup {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let manifest = context.engine().backup(&self.to).await?;
        output::say(&format!(
            "{} copied to {}",
            output::count(manifest.files.len(), "file"),
            self.to.display()
        ));
        Ok(Outcome::Clean)
    }
}

impl Restore {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        if !self.from.is_dir() {
            return Err(Error::Usage(format!("{} is not a folder", self.from.display())));
        }
        let engine = context.engine();
        let manifest = engine.restore(&self.from)?;
        output::say(&format!(
            "{} files of {} by {} restored to {}",
            manifest.files.len(),
            manifest.made_at,
            manifest.program,
            engine.data().display()
        ));
        verify::report(context, &engine.verify().await?)
    }
}
