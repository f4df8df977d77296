//! The faults that can be planted, one code each. A fault draws victims from a part of the
//! people that is its own, so that planting another one changes nothing about it.

mod access;
mod leavers;
mod orphans;
mod sources;
mod usage;
mod workloads;

use super::workloads::heads;
use super::world::{Story, World};
use crate::domain::EmploymentKind;

/// How a code changes the clean organisation.
type Plant = fn(&mut World);

/// Every code that the generator knows, in the order of the catalogue, and how it is planted.
const PLANTS: [(&str, Plant); 28] = [
    ("ZMB-01", leavers::never_offboarded),
    ("ZMB-02", leavers::partly_offboarded),
    ("ZMB-03", leavers::used_after_end),
    ("ZMB-05", leavers::deprovision_failed),
    ("ZMB-07", leavers::vanished_from_roster),
    ("ZMB-08", leavers::suspended_without_plan),
    ("ORP-01", orphans::without_identity),
    ("ORP-03", orphans::owner_departed),
    ("ORP-06", orphans::personal_domain),
    ("ORP-07", orphans::outside_idp),
    ("DOR-01", usage::dormant),
    ("DOR-02", usage::never_used),
    ("DOR-06", usage::only_failures),
    ("OVP-02", access::rare_entitlement),
    ("OVP-06", access::sod_conflict),
    ("OVP-08", access::standing_privilege),
    ("TBA-02", access::expired_but_live),
    ("TBA-03", access::without_end),
    ("NHI-01", workloads::without_sponsor),
    ("NHI-02", workloads::sponsor_departed),
    ("TOK-01", workloads::stale_token),
    ("TOK-02", workloads::personal_token),
    ("PRV-01", sources::failing_provisioning),
    ("PRV-11", sources::mass_change),
    ("DEL-01", sources::hard_delete),
    ("DEL-03", sources::identifier_reuse),
    ("LIC-04", access::over_tier),
    ("GOV-05", sources::stale_source),
];

/// The codes, in the order of the catalogue.
pub const CODES: [&str; 28] = {
    let mut codes = [""; 28];
    let mut index = 0;
    while index < PLANTS.len() {
        codes[index] = PLANTS[index].0;
        index += 1;
    }
    codes
};

/// Which faults to plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faults(u32);

impl Faults {
    pub const NONE: Faults = Faults(0);
    pub const ALL: Faults = Faults((1 << CODES.len()) - 1);

    /// Adds one code; a code that the generator does not know adds nothing.
    pub fn with(self, code: &str) -> Faults {
        CODES.iter().position(|known| *known == code).map_or(self, |bit| Faults(self.0 | 1 << bit))
    }

    pub fn contains(self, code: &str) -> bool {
        CODES.iter().position(|known| *known == code).is_some_and(|bit| self.0 & (1 << bit) != 0)
    }
}

pub fn plant(world: &mut World) {
    let faults = world.plan.faults;
    for (code, plant) in PLANTS {
        if faults.contains(code) {
            plant(world);
        }
    }
}

/// `count` is meant for 1,000 people; at least one at any size.
fn scaled(world: &World, count: usize) -> usize {
    (count * world.people.len()).div_ceil(1000).max(1)
}

/// The leavers of one of eight parts, the most recent leaver first.
fn leavers(world: &World, part: usize) -> Vec<usize> {
    let mut found: Vec<usize> =
        (0..world.people.len()).filter(|p| world.people[*p].story == Story::Leaver).collect();
    found = found.into_iter().enumerate().filter(|(n, _)| n % 8 == part).map(|(_, person)| person).collect();
    found.sort_by_key(|person| std::cmp::Reverse(world.people[*person].employments[0].end));
    found
}

/// The steady people of one of sixteen parts, without heads of departments.
fn steady(world: &World, part: usize) -> Vec<usize> {
    let oldest = super::calendar::date_of(world.days_ago(150));
    (heads(world)..world.people.len())
        .filter(|person| world.people[*person].story == Story::Steady)
        .enumerate()
        .filter(|(n, _)| n % 16 == part)
        .map(|(_, person)| person)
        .filter(|person| world.people[*person].employments[0].start < oldest)
        .collect()
}

/// The steady contractors; every other one belongs to no other fault.
fn contractors(world: &World) -> Vec<usize> {
    steady(world, 13)
        .into_iter()
        .chain(steady(world, 14))
        .chain(steady(world, 15))
        .filter(|person| world.people[*person].kind == EmploymentKind::Contractor)
        .collect()
}

fn mark(world: &mut World, code: &'static str, subject: String) {
    world.planted.insert((code, subject));
}

fn mark_account(world: &mut World, code: &'static str, account: usize) {
    let subject = world.account_subject(&world.accounts[account]);
    mark(world, code, subject);
}
