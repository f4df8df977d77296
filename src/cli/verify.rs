//! `verify`: whether every file of the lake is what its log says.

use clap::Args;

use super::output::{self, Sheet};
use super::{Context, Error, Outcome};
use crate::store::Verified;

#[derive(Args)]
pub struct Verify {}

impl Verify {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        report(context, &context.engine().verify().await?)
    }
}

/// One line a table; problems on standard error, and then the evidence is not complete.
pub fn report(context: &Context, tables: &[Verified]) -> Result<Outcome, Error> {
    let mut sheet = Sheet::new("tables", &["table", "files", "rows", "problems"]);
    for table in tables {
        let cells = [table.files, table.rows, table.problems.len() as u64].map(|count| count.to_string());
        sheet.push(
            [table.table.to_owned()].into_iter().chain(cells).collect(),
            serde_json::to_value(table).unwrap_or_default(),
        );
        for problem in &table.problems {
            output::say(&format!("{} {}: {}", table.table, problem.file, problem.what));
        }
    }
    sheet.print(&context.output)?;
    let whole = tables.iter().all(|table| table.problems.is_empty());
    Ok(if whole { Outcome::Clean } else { Outcome::Incomplete })
}
