//! `simulate`: the files of an organisation that does not exist, and the truth about it.

use std::path::PathBuf;

use clap::Args;

use super::output::Sheet;
use super::{Context, Error, Outcome, output, times};
use crate::simulate::{self, Faults, Noise, Plan};

#[derive(Args, Clone)]
pub struct Simulate {
    /// People who work or worked there
    #[arg(long, default_value_t = 1_000)]
    people: u32,
    /// Days of history
    #[arg(long, default_value_t = 730)]
    days: u32,
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// End of the simulated history
    #[arg(long, value_name = "TIME", default_value = "2026-06-30T00:00:00Z")]
    until: String,
    /// Folder to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Add every kind of noise: late, duplicate and torn data
    #[arg(long)]
    noise: bool,
    /// Plant no faults: a clean organisation
    #[arg(long)]
    clean: bool,
}

impl Simulate {
    pub fn run(self, context: &Context) -> Result<Outcome, Error> {
        let plan = Plan {
            people: self.people,
            days: self.days,
            seed: self.seed,
            end_at: times::parse("--until", &self.until, &context.zone())?,
            noise: if self.noise { Noise::FULL } else { Noise::NONE },
            faults: if self.clean { Faults::NONE } else { Faults::ALL },
        };
        let summary = simulate::write(&plan, &self.out)?;
        let mut sheet = Sheet::new("labels", &["code", "labels"]);
        for (code, labels) in &summary.labels {
            sheet.push(
                vec![code.to_string(), labels.to_string()],
                serde_json::json!({ "code": code, "labels": labels }),
            );
        }
        sheet.print(&context.output)?;
        output::say(&format!(
            "{}, {}, {} of {} people in {}",
            output::count(summary.files as usize, "file"),
            output::count(summary.events as usize, "event"),
            output::count(summary.accounts as usize, "account"),
            summary.people,
            self.out.display()
        ));
        Ok(Outcome::Clean)
    }
}
