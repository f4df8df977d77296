//! The organisation generator: people who come, move and leave, their accounts, the logs and
//! exports that real systems would write about them, and the labels that tell the truth. Takes
//! a [`Plan`], writes a folder; same plan, same bytes. It asks no clock, and nothing of the
//! engine: `evaluate` compares the two.

mod accounts;
mod activity;
mod apps;
mod calendar;
mod faults;
mod formats;
mod grants;
mod names;
mod noise;
mod population;
mod stream;
mod truth;
mod workloads;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

pub use faults::{CODES, Faults};
pub use noise::Noise;
use world::World;

use crate::domain::UtcMicros;

/// What to generate. 40 people and 120 days at least.
#[derive(Clone, Debug)]
pub struct Plan {
    pub people: u32,
    pub days: u32,
    pub seed: u64,
    /// The `as_of` that the files are meant for: nothing in them happens later.
    pub end_at: UtcMicros,
    pub noise: Noise,
    pub faults: Faults,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub files: u64,
    pub events: u64,
    pub people: u64,
    pub accounts: u64,
    /// Number of labels by detector code.
    pub labels: BTreeMap<&'static str, u64>,
    /// Code and subject of what was planted and is not true all the same; a fault in the
    /// generator, so it is shown.
    pub unproven: Vec<(&'static str, String)>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot generate {people} people over {days} days: 40 people and 120 days are the least")]
    PlanTooSmall { people: u32, days: u32 },
    #[error("cannot write \"{path}\"")]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot form a CSV row")]
    Csv(#[source] csv::Error),
}

/// Writes an organisation into `directory`, which is made when it is not there.
///
/// # Errors
/// When the plan is too small to hold every story, or a file cannot be written.
pub fn write(plan: &Plan, directory: &Path) -> Result<Summary, Error> {
    if plan.people < 40 || plan.days < 120 {
        return Err(Error::PlanTooSmall { people: plan.people, days: plan.days });
    }
    let world = build(plan);
    let labels = truth::labels(&world);
    let mut folder = formats::Folder::new(directory);
    formats::write(&world, &labels, &mut folder)?;
    let mut by_code = BTreeMap::new();
    for label in &labels {
        *by_code.entry(label.code).or_insert(0) += 1;
    }
    let proven: BTreeSet<_> = labels.iter().map(|label| (label.code, label.subject.clone())).collect();
    Ok(Summary {
        unproven: world.planted.difference(&proven).cloned().collect(),
        files: folder.files,
        events: folder.events,
        people: world.people.len() as u64,
        accounts: world.accounts.len() as u64,
        labels: by_code,
    })
}

/// Builds the clean organisation, plants the faults, and only then lets people work.
fn build(plan: &Plan) -> World {
    let departments = population::departments(plan.people);
    let mut world = World {
        plan: plan.clone(),
        start_at: UtcMicros(plan.end_at.0 - i64::from(plan.days) * calendar::DAY),
        zones: world::zones(),
        people: population::people(plan, departments.len()),
        apps: apps::apps(plan, &departments),
        departments,
        accounts: Vec::new(),
        tokens: Vec::new(),
        owned: Vec::new(),
        sponsors: Vec::new(),
        sod_rules: Vec::new(),
        exceptions: Vec::new(),
        bursts: Vec::new(),
        planted: BTreeSet::new(),
    };
    accounts::open_all(&mut world);
    grants::grant_all(&mut world);
    workloads::add_all(&mut world);
    grants::rate_sensitivity(&mut world);
    faults::plant(&mut world);
    activity::fill(&mut world);
    world
}
