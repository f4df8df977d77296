//! Faults about people who left: accounts that stay open, half-done offboarding, use after
//! the end, deactivations that failed, and people who vanish from the roster.

use rand::Rng;
use rand::seq::SliceRandom;

use super::{leavers, mark, mark_account, scaled, steady};
use crate::domain::UtcMicros;
use crate::simulate::accounts::of_person;
use crate::simulate::apps::GOOGLE;
use crate::simulate::calendar::{DAY, HOUR, date_of, plus_days};
use crate::simulate::stream::stream;
use crate::simulate::world::{Habit, OPEN, Provisioning, Story, Style, World};

/// Nobody told anyone: the identity provider and every application stay open.
pub fn never_offboarded(world: &mut World) {
    let mut victims = leavers(world, 0);
    victims.truncate(scaled(world, 4));
    let boundary = (0..world.people.len()).filter(|p| world.people[*p].story == Story::BoundaryPast);
    victims.extend(boundary);
    for person in victims {
        for index in 0..world.accounts.len() {
            if world.accounts[index].person == Some(person) {
                reopen(world, index);
                mark_account(world, "ZMB-01", index);
            }
        }
    }
}

/// The identity provider is closed, one or two applications with a login of their own are not.
pub fn partly_offboarded(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/ZMB-02");
    for person in leavers(world, 1).into_iter().take(scaled(world, 9)) {
        let open: Vec<usize> = of_person(world, rng, person)
            .into_iter()
            .filter(|index| !world.apps[world.accounts[*index].app].sso_only)
            .take(rng.gen_range(1..3))
            .collect();
        for index in open {
            reopen_locally(world, index);
            mark_account(world, "ZMB-02", index);
        }
    }
}

/// An application is used some days after the end; every other time through the identity
/// provider, which is open too.
pub fn used_after_end(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/ZMB-03");
    for (n, person) in leavers(world, 2).into_iter().take(scaled(world, 5)).enumerate() {
        let through_idp = n.is_multiple_of(2);
        let candidates = of_person(world, rng, person);
        let found = candidates.into_iter().find(|index| {
            let app = &world.apps[world.accounts[*index].app];
            app.activity_supported && if through_idp { app.idp_managed } else { !app.sso_only }
        });
        let (Some(index), Some(end)) = (found, world.left_at(person, world.end_at())) else { continue };
        let used = UtcMicros(end.0 + rng.gen_range(28 * HOUR..4 * DAY));
        if through_idp {
            reopen(world, person);
            reopen(world, index);
            mark_account(world, "ZMB-03", person);
        } else {
            reopen_locally(world, index);
        }
        world.accounts[index].habit = Habit::UntilEndAndAt(used);
        mark_account(world, "ZMB-03", index);
    }
}

/// The deactivation was sent, failed three times, and was given up.
pub fn deprovision_failed(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/ZMB-05");
    for person in leavers(world, 3).into_iter().take(scaled(world, 6)) {
        let mut candidates = of_person(world, rng, person);
        candidates.retain(|i| world.apps[world.accounts[*i].app].provisioning != Provisioning::None);
        let Some(&index) = candidates.first() else { continue };
        let closed = world.accounts[index].spans.last().map_or(world.end_at(), |span| span.1);
        reopen_locally(world, index);
        world.accounts[index].failed_deactivations =
            [0, 6, 18].map(|hours| UtcMicros(closed.0 + hours * HOUR)).to_vec();
        mark_account(world, "ZMB-05", index);
    }
}

/// Two complete rosters in a row leave the person out, without an end.
pub fn vanished_from_roster(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/ZMB-07");
    let mut pool = steady(world, 9);
    pool.retain(|person| world.people[*person].employments[0].end.is_none());
    pool.shuffle(rng);
    for person in pool.into_iter().take((world.people.len() * 4 / 1000).max(1)) {
        world.people[person].vanished_on = Some(plus_days(date_of(world.end_at()), -9));
        let subject = world.people[person].id.clone();
        mark(world, "ZMB-07", subject);
    }
}

/// Opens the account again as if it had never been closed.
fn reopen(world: &mut World, index: usize) {
    let account = &mut world.accounts[index];
    account.deleted_at = None;
    if let Some(last) = account.spans.last_mut() {
        last.1 = OPEN;
    }
    if let Some(last) = account.assignments.last_mut() {
        last.1 = OPEN;
    }
}

/// Opens the account again, while the identity provider has withdrawn the assignment.
fn reopen_locally(world: &mut World, index: usize) {
    let withdrawn = world.accounts[index].assignments.last().map(|span| span.1);
    reopen(world, index);
    let app = &world.apps[world.accounts[index].app];
    // Where sign-in is said to be single, a password counts only if the export shows it.
    let shown = !app.sso_only || matches!(app.style, Style::Snowflake);
    let account = &mut world.accounts[index];
    if let (Some(last), Some(at)) = (account.assignments.last_mut(), withdrawn) {
        last.1 = at;
    }
    account.local_login |= account.app != GOOGLE && shown;
}

/// Nobody planned the suspension of one person, and the applications were not told of it.
pub fn suspended_without_plan(world: &mut World) {
    let planned = world.exceptions.iter().position(|line| line.kind == "planned_suspension");
    let Some(person) = planned.and_then(|line| world.exceptions.remove(line).person) else { return };
    for index in 0..world.accounts.len() {
        if world.accounts[index].person == Some(person) && world.accounts[index].app > GOOGLE {
            let app = &world.apps[world.accounts[index].app];
            if !app.sso_only || world.accounts[index].local_login {
                mark_account(world, "ZMB-08", index);
            }
        }
    }
}
