//! `rebuild`: work out again what runs start from.

use clap::Args;

use super::{Context, Error, Outcome, output};

#[derive(Args)]
pub struct Rebuild {}

impl Rebuild {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let rows = context.engine().rebuild().await?;
        output::say(&format!(
            "worked out again: {rows} rows of events, accounts and grants, from which runs start"
        ));
        Ok(Outcome::Clean)
    }
}
