//! Faults about use: accounts that nobody uses any more, never used, or only failed to use.

use rand::Rng;

use super::{mark_account, scaled, steady};
use crate::domain::UtcMicros;
use crate::simulate::accounts::of_person;
use crate::simulate::apps::GOOGLE;
use crate::simulate::calendar::{DAY, HOUR};
use crate::simulate::stream::stream;
use crate::simulate::world::{Habit, OPEN, World};

/// Up to four applications of a person fell silent 95 to 400 days ago. One person's fell
/// silent 80 days ago, which is no finding yet.
pub fn dormant(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/DOR-01");
    for (n, person) in steady(world, 2).into_iter().take(scaled(world, 45)).enumerate() {
        let wanted = rng.gen_range(1..5);
        let longest = i64::from(world.plan.days).clamp(100, 400);
        let days = if n == 1 { 80 } else { rng.gen_range(95..longest) };
        let since = world.days_ago(days);
        let mut candidates = of_person(world, rng, person);
        candidates.retain(|index| {
            let account = &world.accounts[*index];
            world.apps[account.app].activity_supported && account.created_at.0 < since.0 - 10 * DAY
        });
        for index in candidates.into_iter().take(wanted) {
            world.accounts[index].habit = Habit::Until(UtcMicros(since.0 - rng.gen_range(0..5 * DAY)));
            if n != 1 {
                mark_account(world, "DOR-01", index);
            }
        }
    }
}

/// Opened 35 to 85 days ago for someone who never came.
pub fn never_used(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/DOR-02");
    for person in steady(world, 3).into_iter().take(scaled(world, 10).max(2)) {
        let found = of_person(world, rng, person)
            .into_iter()
            .find(|index| world.apps[world.accounts[*index].app].activity_supported);
        let Some(index) = found else { continue };
        let opened = world.days_ago(rng.gen_range(35..85));
        let account = &mut world.accounts[index];
        account.created_at = opened;
        account.spans = vec![(opened, OPEN)];
        account.assignments.iter_mut().for_each(|span| span.0 = UtcMicros(opened.0 - 30_000_000));
        account.grants.iter_mut().for_each(|grant| grant.granted_at = opened);
        account.habit = Habit::Never;
        mark_account(world, "DOR-02", index);
    }
}

/// Someone tries passwords on an account that its owner left alone months ago.
pub fn only_failures(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/DOR-06");
    for person in steady(world, 4).into_iter().take(scaled(world, 4).max(2)) {
        let oldest = world.days_ago(140);
        let found = (world.people.len()..world.accounts.len()).find(|index| {
            let account = &world.accounts[*index];
            account.app == GOOGLE && account.person == Some(person) && account.created_at < oldest
        });
        let Some(index) = found else { continue };
        let from = world.days_ago(rng.gen_range(3..20));
        let tries = rng.gen_range(4..9);
        let account = &mut world.accounts[index];
        account.habit = Habit::Until(world.plan.end_at.min(UtcMicros(from.0 - 105 * DAY)));
        account.failures = (0..tries).map(|n| UtcMicros(from.0 + n * 7 * HOUR)).collect();
        mark_account(world, "DOR-06", index);
    }
}
