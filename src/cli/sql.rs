//! `sql`: questions to the lake and the views of an instant, in SQL.

use std::io::{self, IsTerminal, Read};

use arrow::array::RecordBatch;
use clap::Args;
use serde_json::Value;

use super::output::Sheet;
use super::times::Clocks;
use super::{Context, Error, Outcome, times, views};
use crate::pipeline::chain;
use crate::query::{self, json_rows};

#[derive(Args)]
pub struct Sql {
    /// One SELECT statement; - or nothing reads standard input
    statement: Option<String>,
    /// List the tables and views
    #[arg(long, conflicts_with_all = ["statement", "describe"])]
    tables: bool,
    /// List the columns of a table or view, with their types
    #[arg(long, value_name = "VIEW", conflicts_with = "statement")]
    describe: Option<String>,
    #[command(flatten)]
    clocks: Clocks,
}

impl Sql {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let at = self.clocks.at(times::now(), &context.zone())?;
        if self.tables {
            views::tables().print(&context.output)?;
            return Ok(Outcome::Clean);
        }
        if let Some(name) = &self.describe {
            views::describe(context, at, name).await?.print(&context.output)?;
            return Ok(Outcome::Clean);
        }
        let statement = match self.statement.filter(|text| text != "-") {
            Some(text) => text,
            None => from_stdin()?,
        };
        let session = context.engine().session(at).await?;
        let batches = session.select(&statement).await.map_err(|error| match error {
            unplanned @ query::Error::Plan { .. } => Error::Usage(format!(
                "{} (lychgate sql --tables lists what can be asked, --describe VIEW its columns)",
                chain(&unplanned)
            )),
            repeated @ query::Error::RepeatedColumn { .. } => Error::Usage(chain(&repeated)),
            other => other.into(),
        })?;
        sheet(&batches).print(&context.output)?;
        Ok(Outcome::Clean)
    }
}

fn from_stdin() -> Result<String, Error> {
    if io::stdin().is_terminal() {
        return Err(Error::Usage(
            "give a statement: lychgate sql \"SELECT count(*) FROM events\"".to_owned(),
        ));
    }
    let mut text = String::new();
    io::stdin()
        .read_to_string(&mut text)
        .map_err(|e| Error::Usage(format!("cannot read the statement from standard input: {e}")))?;
    Ok(text)
}

fn sheet(batches: &[RecordBatch]) -> Sheet<'static> {
    let mut sheet = Sheet::new("rows", &[]);
    sheet.columns = batches
        .first()
        .map(|batch| batch.schema())
        .map_or_else(Vec::new, |schema| schema.fields().iter().map(|field| field.name().clone()).collect());
    for row in json_rows(batches) {
        let cell = |name: &String| match row.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let cells = sheet.columns.iter().map(cell).collect();
        sheet.push(cells, row);
    }
    sheet
}
