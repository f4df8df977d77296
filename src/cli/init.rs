//! `init`: a commented configuration and the first API token.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::config::File;
use super::serve::{FirstToken, NONE_LIVE};
use super::{Context, Error, Outcome, output, serve};

#[derive(Args)]
pub struct Init {
    /// Where to write the configuration
    #[arg(long, value_name = "FILE", default_value = "lychgate.toml")]
    file: PathBuf,
    /// Print the JSON Schema of the configuration and do nothing else
    #[arg(long)]
    schema: bool,
}

const TEMPLATE: &str = include_str!("lychgate.toml");

impl Init {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        if self.schema {
            let schema = schemars::schema_for!(File);
            output::print(&format!("{:#}\n", schema.to_value()))?;
            return Ok(Outcome::Clean);
        }
        write_new(&self.file)?;
        output::say(&format!("wrote {}", self.file.display()));
        match serve::first_token(&context.engine()).await? {
            FirstToken::Made(token) => {
                output::say("the first API token follows on standard output; it is shown this once");
                output::print(&format!("{token}\n"))?;
            }
            FirstToken::Live => {}
            FirstToken::NoneLive => output::say(NONE_LIVE),
        }
        Ok(Outcome::Clean)
    }
}

fn write_new(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Err(Error::Usage(format!(
            "\"{}\" exists: name another with --file, or edit it",
            path.display()
        )));
    }
    fs::write(path, TEMPLATE).map_err(|source| Error::Write { what: path.display().to_string(), source })
}
