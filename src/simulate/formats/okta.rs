//! `okta/system_log_<yyyy-mm>.ndjson`: what the identity provider logs about the lives and
//! sign-ins of its accounts. First small descriptors of all events, sorted by the time they
//! are written; then their text.

use rand::Rng;

use super::Folder;
use super::okta_event::{What, line};
use crate::domain::UtcMicros;
use crate::simulate::Error;
use crate::simulate::activity::through_idp;
use crate::simulate::apps::OKTA;
use crate::simulate::calendar::{DAY, HOUR, MINUTE, SECOND, instant, month};
use crate::simulate::noise::{delay, in_hole};
use crate::simulate::stream::mixed;
use crate::simulate::world::{Account, Habit, Provisioning, Story, World};

/// One event, before it is text. `app` is an application's or a department's position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    pub recorded_at: UtcMicros,
    pub at: UtcMicros,
    pub what: What,
    pub account: u32,
    pub app: u32,
    /// Written again under another id.
    pub again: bool,
}

pub fn write(world: &World, folder: &mut Folder) -> Result<(), Error> {
    let mut deeds = Vec::new();
    for (index, account) in world.accounts.iter().enumerate() {
        if account.app == OKTA && account.person.is_some() {
            lifecycle(world, index, account, &mut deeds);
        } else if let Some(person) = account.person.filter(|_| world.apps[account.app].idp_managed) {
            access(world, person, account, &mut deeds);
        }
    }
    administration(world, &mut deeds);
    upkeep(world, &mut deeds);
    deeds.retain(|deed| deed.at >= world.start_at && deed.at < world.end_at());
    spoil(world, &mut deeds);
    deeds.sort_unstable();
    for deed in &deeds {
        let name = format!("okta/system_log_{}.ndjson", month(deed.recorded_at));
        folder.log(&name, &line(world, deed))?;
    }
    folder.close()
}

fn add(deeds: &mut Vec<Deed>, at: i64, what: What, account: usize, app: usize) {
    let at = UtcMicros(at);
    deeds.push(Deed { recorded_at: at, at, what, account: account as u32, app: app as u32, again: false });
}

fn lifecycle(world: &World, index: usize, account: &Account, deeds: &mut Vec<Deed>) {
    let Some(person) = account.person else { return };
    let who = &world.people[person];
    let Some(job) = who.employments.last() else { return };
    let first = job.moved.map_or(job.department, |(before, _)| before);
    for (n, (from, to)) in account.spans.iter().enumerate() {
        let opened = if n == 0 { What::Create } else { What::Reactivate };
        add(deeds, from.0, opened, index, 0);
        if n == 0 {
            add(deeds, from.0 + SECOND, What::Activate, index, 0);
            add(deeds, from.0 + 20 * MINUTE, What::EnrolFactor, index, 0);
        }
        add(deeds, from.0 + 2 * SECOND, What::JoinGroup, index, first);
        if to.0 < world.end_at().0 {
            add(deeds, to.0 - SECOND, What::LeaveGroup, index, job.department);
            add(deeds, to.0, What::Deactivate, index, 0);
        }
    }
    if let Some((before, day)) = job.moved {
        let at = instant(day, 9, world.zone(person)).0;
        add(deeds, at, What::LeaveGroup, index, before);
        add(deeds, at + SECOND, What::JoinGroup, index, job.department);
    }
    if let Some((_, day)) = &who.former_email {
        add(deeds, instant(*day, 10, world.zone(person)).0, What::Rename, index, 0);
    }
    if let Some(at) = account.suspended_at.filter(|_| who.story == Story::Suspended) {
        add(deeds, at.0, What::Suspend, index, 0);
    }
    account.uses.iter().for_each(|at| add(deeds, at.0, What::SignIn, index, 0));
    account.failures.iter().for_each(|at| add(deeds, at.0, What::SignInFailed, index, 0));
}

/// Assignment, provisioning and use of one application.
fn access(world: &World, person: usize, account: &Account, deeds: &mut Vec<Deed>) {
    let app = account.app;
    for (from, to) in &account.assignments {
        add(deeds, from.0, What::Assign, person, app);
        if to.0 < world.end_at().0 {
            add(deeds, to.0 - 2 * SECOND, What::Unassign, person, app);
        }
    }
    if account.habit != Habit::Local {
        let okta = world.okta_account(person);
        for used in account.uses.iter().filter(|used| through_idp(account, okta, **used)) {
            if !in_hole(world.plan.seed, world.plan.noise, app, *used, world.end_at()) {
                add(deeds, used.0, What::Sso, person, app);
            }
        }
    }
    if world.apps[app].provisioning != Provisioning::Okta || account.assignments.is_empty() {
        return;
    }
    for (n, (from, to)) in account.spans.iter().enumerate() {
        let opened = if n == 0 { What::Push } else { What::ProvisionReactivate };
        add(deeds, from.0, opened, person, app);
        if to.0 < world.end_at().0 {
            add(deeds, to.0, What::ProvisionDeactivate, person, app);
        }
    }
    let failed = account.failed_deactivations.iter();
    failed.for_each(|at| add(deeds, at.0, What::ProvisionDeactivateFailed, person, app));
}

/// A few things that administrators do, each undone the same day.
fn administration(world: &World, deeds: &mut Vec<Deed>) {
    let rng = &mut crate::simulate::stream::stream(world.plan.seed, "okta/administration");
    let mut at = world.start_at.0 + 7 * DAY;
    while at < world.end_at().0 - DAY {
        let admin = rng.gen_range(0..(world.people.len() / 4).clamp(1, 8));
        add(deeds, at, What::GrantRole, admin, 0);
        add(deeds, at + rng.gen_range(HOUR..6 * HOUR), What::RevokeRole, admin, 0);
        if rng.gen_bool(0.2) {
            add(deeds, at + 10 * MINUTE, What::CreateToken, admin, 0);
            add(deeds, at + 8 * HOUR, What::RevokeToken, admin, 0);
        }
        at += rng.gen_range(6 * DAY..20 * DAY);
    }
}

/// Telephone numbers and titles that are kept up to date: each account about every 90 days, so that the log of
/// an organisation of any size tells of changes as often as its people are many.
fn upkeep(world: &World, deeds: &mut Vec<Deed>) {
    for (index, account) in world.accounts.iter().enumerate() {
        if account.app != OKTA || account.person.is_none() {
            continue;
        }
        for (from, to) in &account.spans {
            let rng = &mut mixed(world.plan.seed, [from.0 as u64, index as u64, 4711]);
            let mut at = from.0 + rng.gen_range(DAY..90 * DAY);
            while at < to.0.min(world.end_at().0) {
                add(deeds, at, What::Profile, index, 0);
                at += rng.gen_range(60 * DAY..120 * DAY);
            }
        }
    }
}

/// Late, doubled and nearly doubled events. An event whose writing would come after the end
/// is written at once: the truth must be decidable from the files.
fn spoil(world: &World, deeds: &mut Vec<Deed>) {
    let noise = world.plan.noise;
    let mut more = Vec::new();
    for deed in deeds.iter_mut() {
        let parts = [deed.at.0 as u64, u64::from(deed.account), deed.what as u64 + 1000];
        let rng = &mut mixed(world.plan.seed, parts);
        let recorded_at = UtcMicros(deed.at.0 + delay(rng, noise));
        if recorded_at < world.end_at() {
            deed.recorded_at = recorded_at;
        }
        let (twice, nearly) = (rng.gen_bool(0.01), rng.gen_bool(0.005));
        if twice && noise.duplicates {
            more.push(*deed);
        }
        if nearly && noise.near_duplicates && matches!(deed.what, What::SignIn | What::Sso) {
            more.push(Deed { again: true, ..*deed });
        }
    }
    deeds.append(&mut more);
}
