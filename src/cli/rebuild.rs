//! `rebuild`: forget what runs worked out ahead.

use clap::Args;

use super::{Context, Error, Outcome, output};

#[derive(Args)]
pub struct Rebuild {}

impl Rebuild {
    pub fn run(self, context: &Context) -> Result<Outcome, Error> {
        context.engine().rebuild()?;
        output::say("forgotten; the next run reads all events");
        Ok(Outcome::Clean)
    }
}
