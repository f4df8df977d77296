//! Faults about provisioning, deletion and sources: failing jobs, mass changes, hard deletes,
//! identifiers given to someone else, and a listing that stopped coming.

use rand::Rng;

use super::{leavers, mark, mark_account, scaled, steady};
use crate::domain::UtcMicros;
use crate::simulate::apps::{JIRA, LEGACY_WIKI, SALESFORCE, SERVICENOW, SLACK, WAREHOUSE};
use crate::simulate::calendar::{DAY, HOUR, MINUTE};
use crate::simulate::stream::stream;
use crate::simulate::world::{Burst, Habit, OPEN, Story, World};

/// A third of the profile updates of the last day failed.
pub fn failing_provisioning(world: &mut World) {
    for app in [JIRA, WAREHOUSE] {
        let from = UtcMicros(world.end_at().0 - 11 * HOUR);
        world.bursts.push(Burst { app, from, operations: 140, failures: 49 });
        let subject = world.apps[app].id.clone();
        mark(world, "PRV-01", subject);
    }
}

/// Someone's script deactivates dozens of accounts within half an hour.
pub fn mass_change(world: &mut World) {
    let from = world.end_at().0 - 10 * HOUR;
    let end_at = world.end_at();
    let mut pool: Vec<usize> = (0..world.accounts.len())
        .filter(|index| {
            let account = &world.accounts[*index];
            let steady = account.person.is_some_and(|p| world.people[p].story == Story::Steady);
            account.app == SLACK && steady && account.active_at(end_at) && account.habit == Habit::Regular
        })
        .collect();
    let everyone = world.accounts.iter().filter(|a| a.app == SLACK).count();
    pool.truncate((everyone / 50).max(28));
    for (n, index) in pool.into_iter().enumerate() {
        if let Some(last) = world.accounts[index].spans.last_mut() {
            last.1 = UtcMicros(from + n as i64 * (30 * MINUTE) / 60);
        }
    }
    let subject = world.apps[SLACK].id.clone();
    mark(world, "PRV-11", subject);
}

/// Accounts are deleted where they should have been disabled.
pub fn hard_delete(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/DEL-01");
    for person in steady(world, 10).into_iter().take(scaled(world, 4)) {
        let Some(index) = account_in(world, &[SALESFORCE, SERVICENOW], person) else { continue };
        let at = UtcMicros(world.end_at().0 - rng.gen_range(2 * DAY..5 * DAY));
        let account = &mut world.accounts[index];
        account.deleted_at = Some(at);
        account.spans.iter_mut().for_each(|span| span.1 = span.1.min(at));
        account.assignments.iter_mut().for_each(|span| span.1 = span.1.min(UtcMicros(at.0 - 5 * MINUTE)));
        mark_account(world, "DEL-01", index);
    }
}

/// The login of someone who left, properly disabled and deleted, is given to someone else.
pub fn identifier_reuse(world: &mut World) {
    let mut heirs = steady(world, 11).into_iter();
    let mut left = scaled(world, 4).max(2);
    let oldest = world.days_ago(130);
    for person in leavers(world, 7) {
        let Some(former) = account_in(world, &[SERVICENOW], person).filter(|_| left > 0) else { continue };
        let Some(closed) = world.accounts[former].spans.last().map(|span| span.1) else { continue };
        if closed > oldest {
            continue;
        }
        let Some(heir) = heirs.find_map(|heir| account_in(world, &[SERVICENOW], heir)) else { return };
        world.accounts[former].deleted_at = Some(UtcMicros(closed.0 + 40 * DAY));
        let opened = world.days_ago(60);
        let name = world.accounts[former].name.clone();
        let account = &mut world.accounts[heir];
        account.name = name;
        account.created_at = opened;
        account.spans = vec![(opened, OPEN)];
        account.assignments.iter_mut().for_each(|span| span.0 = UtcMicros(opened.0 - MINUTE));
        account.grants.iter_mut().for_each(|grant| grant.granted_at = opened);
        mark_account(world, "DEL-03", heir);
        left -= 1;
    }
}

/// The export of one application has not come for weeks.
pub fn stale_source(world: &mut World) {
    world.apps[LEGACY_WIKI].listed_days_ago = [28, 21];
    world.apps[LEGACY_WIKI].grants_listed = false;
    let subject = format!("accounts/{}", world.apps[LEGACY_WIKI].id);
    mark(world, "GOV-05", subject);
}

fn account_in(world: &World, apps: &[usize], person: usize) -> Option<usize> {
    (world.people.len()..world.accounts.len()).find(|index| {
        let account = &world.accounts[*index];
        apps.contains(&account.app) && account.person == Some(person)
    })
}
