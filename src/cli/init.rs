//! `init`: a commented configuration and the first API token.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::config::{File, Setting};
use super::serve::{FirstToken, NONE_LIVE};
use super::{Context, Error, Outcome, output, serve};

#[derive(Args)]
pub struct Init {
    /// Where to write the configuration [default: --config, else lychgate.toml]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
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
        let config = &context.config;
        let file =
            self.file.or_else(|| config.file.clone()).unwrap_or_else(|| PathBuf::from("lychgate.toml"));
        write_new(&file, &template(&config.data))?;
        output::say(&format!("wrote {}", file.display()));
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

/// The template, with the data folder that `--data` named: the token is in it.
fn template(data: &Setting<PathBuf>) -> String {
    const DEFAULT: &str = "# data = \"lychgate-data\"";
    if data.origin != "--data" {
        return TEMPLATE.to_owned();
    }
    // A text of JSON is one of TOML.
    let folder = serde_json::Value::from(data.value.to_string_lossy());
    TEMPLATE.replacen(DEFAULT, &format!("data = {folder}"), 1)
}

fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    if path.exists() {
        return Err(Error::Usage(format!(
            "\"{}\" exists: name another with --file, or edit it",
            path.display()
        )));
    }
    fs::write(path, text).map_err(|source| Error::Write { what: path.display().to_string(), source })
}
