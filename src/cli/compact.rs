//! `compact`: small files into large ones, and old ones away.

use clap::Args;

use super::config_mapping::check_tables;
use super::output::Sheet;
use super::{Context, Error, Outcome};

#[derive(Args)]
pub struct Compact {
    /// Days for which older versions of the tables stay readable
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    keep_days: u32,
    /// Table from which no file is removed (repeatable) [default: legal_hold of the configuration]
    #[arg(long, value_name = "TABLE")]
    hold: Vec<String>,
}

impl Compact {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        check_tables(&self.hold)?;
        let held: Vec<String> = context.config.legal_hold.iter().chain(&self.hold).cloned().collect();
        let done = context.engine().compact(self.keep_days, &held).await?;
        let mut sheet = Sheet::new("tables", &["table", "merged", "into", "removed"]);
        for cared in done {
            let cells = [cared.merged, cared.into, cared.removed].map(|count| count.to_string());
            sheet.push(
                [cared.table.to_owned()].into_iter().chain(cells).collect(),
                serde_json::to_value(&cared).unwrap_or_default(),
            );
        }
        sheet.print(&context.output)?;
        Ok(Outcome::Clean)
    }
}
