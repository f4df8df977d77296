//! Faults about grants: rare and sensitive ones, conflicting ones, privileges without an end,
//! access past its end, and temporary people without one.

use rand::Rng;

use super::{contractors, mark, mark_account, scaled, steady};
use crate::domain::{AccountClass, EmploymentKind};
use crate::simulate::accounts::of_person;
use crate::simulate::apps::{NETSUITE, PREMIUM, SALESFORCE, SERVICENOW, SLACK, SOD_SIDES, WHITEBOARD};
use crate::simulate::calendar::{date_of, plus_days};
use crate::simulate::stream::stream;
use crate::simulate::world::{Account, Entitlement, Grant, World};

/// Sensitive entitlements that two people hold, and no one around them.
pub fn rare_entitlement(world: &mut World) {
    let entitlements = [
        (SALESFORCE, "fn-customer-master-export", "Customer master export"),
        (SERVICENOW, "fn-case-vault", "Case vault"),
        (SLACK, "fn-discovery", "Discovery export"),
    ];
    let mut pool = steady(world, 5).into_iter();
    for (app, id, name) in entitlements {
        world.apps[app].entitlements.push(Entitlement {
            id: id.to_owned(),
            name: name.to_owned(),
            kind: "permission",
            privileged: false,
            tenant_admin: false,
            jit: false,
            sensitivity: "high",
        });
        let entitlement = world.apps[app].entitlements.len() - 1;
        let holders = pool.by_ref().filter_map(|person| account_in(world, app, person));
        let holders: Vec<usize> = holders.take(if world.people.len() < 500 { 1 } else { 2 }).collect();
        for index in holders {
            add_grant(world, "OVP-02", index, entitlement, 60);
        }
    }
}

/// The other side of a rule that separates duties, given to people who hold one side.
pub fn sod_conflict(world: &mut World) {
    let mut left = scaled(world, 6).max(2);
    let pool: Vec<usize> = (0..16).flat_map(|part| steady(world, part)).collect();
    for person in pool.into_iter().filter(|person| person % 5 != 1) {
        let Some(index) = account_in(world, NETSUITE, person).filter(|_| left > 0) else { continue };
        let held = |world: &World, side: usize| {
            let wanted = world.apps[NETSUITE].entitlement(SOD_SIDES[side].0);
            world.accounts[index].grants.iter().any(|grant| grant.entitlement == wanted)
        };
        let Some(side) = (0..SOD_SIDES.len()).find(|side| held(world, *side)) else { continue };
        let entitlement = world.apps[NETSUITE].entitlement(SOD_SIDES[side ^ 1].0);
        let granted_at = world.days_ago(45);
        world.accounts[index].grants.push(Grant {
            entitlement,
            granted_at,
            expires_at: None,
            last_used_at: None,
        });
        let subject = format!("{}/{}", world.people[person].id, world.sod_rules[side / 2].id);
        mark(world, "OVP-06", subject);
        left -= 1;
    }
}

/// The dearer tier for people who stopped using what it adds 75 to 200 days ago. One person's use ended 50 days
/// ago, which is no finding yet.
pub fn over_tier(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/LIC-04");
    let entitlement = world.apps[SALESFORCE].entitlement(PREMIUM);
    let (oldest, mut left) = (world.days_ago(90), scaled(world, 8).max(2) + 1);
    for person in steady(world, 6) {
        let Some(index) = account_in(world, SALESFORCE, person).filter(|_| left > 0) else { continue };
        let granted_at = world.accounts[index].created_at;
        if granted_at > oldest {
            continue;
        }
        let days = if left == 1 { 50 } else { rng.gen_range(75..200) };
        let last_used_at = Some(world.days_ago(days).max(granted_at));
        let grant = Grant { entitlement, granted_at, expires_at: None, last_used_at };
        let grants = &mut world.accounts[index].grants;
        grants.retain(|held| held.entitlement != entitlement);
        grants.push(grant);
        if left > 1 {
            let subject = world.grant_subject(&world.accounts[index], &grant);
            mark(world, "LIC-04", subject);
        }
        left -= 1;
    }
}

/// The administrator's role without an end.
pub fn standing_privilege(world: &mut World) {
    let mut left = scaled(world, 8).max(2);
    for (n, person) in steady(world, 7).into_iter().enumerate() {
        let app = [SERVICENOW, SALESFORCE][n % 2];
        let Some(index) = account_in(world, app, person).filter(|_| left > 0) else { continue };
        let entitlement = world.apps[app].entitlement("admin");
        if world.accounts[index].grants.iter().all(|grant| grant.entitlement != entitlement) {
            add_grant(world, "OVP-08", index, entitlement, 120);
            left -= 1;
        }
    }
}

/// Grants and accounts whose end has passed and that are listed as if it had not.
pub fn expired_but_live(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/TBA-02");
    for person in steady(world, 8).into_iter().take(scaled(world, 6).max(2)) {
        let found = of_person(world, rng, person)
            .into_iter()
            .find(|index| world.apps[world.accounts[*index].app].id != "legacy_wiki");
        let Some(index) = found else { continue };
        let expires_at = Some(world.days_ago(rng.gen_range(3..30)));
        let granted_at = world.days_ago(90);
        let app = world.accounts[index].app;
        let extra = world.apps[app].entitlements.iter().position(|e| e.id.starts_with("fn-"));
        let Some(entitlement) = extra else { continue };
        let grants = &mut world.accounts[index].grants;
        grants.retain(|grant| grant.entitlement != entitlement);
        grants.push(Grant { entitlement, granted_at, expires_at, last_used_at: None });
        let account = &world.accounts[index];
        let subject =
            world.grant_subject(account, &Grant { entitlement, granted_at, expires_at, last_used_at: None });
        mark(world, "TBA-02", subject);
    }
    let guests: Vec<usize> = guests(world).into_iter().step_by(4).take(scaled(world, 3)).collect();
    for index in guests {
        world.accounts[index].expires_at = Some(world.days_ago(12));
        mark_account(world, "TBA-02", index);
    }
}

/// Contractors without an end or with one far out, and guests without an end.
pub fn without_end(world: &mut World) {
    for (n, person) in contractors(world).into_iter().take(scaled(world, 5).max(2)).enumerate() {
        let far = plus_days(date_of(world.end_at()), 900);
        world.people[person].employments[0].end = n.is_multiple_of(2).then_some(far);
        let subject = world.people[person].id.clone();
        mark(world, "TBA-03", subject);
        for account in world.accounts.iter_mut().filter(|a| a.person == Some(person)) {
            account.expires_at = None;
        }
    }
    let guests: Vec<usize> = guests(world).into_iter().skip(1).step_by(4).take(scaled(world, 3)).collect();
    for index in guests {
        world.accounts[index].expires_at = None;
        mark_account(world, "TBA-03", index);
    }
}

fn guests(world: &World) -> Vec<usize> {
    let guest = |account: &Account| account.app == WHITEBOARD && account.class == AccountClass::Guest;
    (0..world.accounts.len()).filter(|index| guest(&world.accounts[*index])).collect()
}

fn account_in(world: &World, app: usize, person: usize) -> Option<usize> {
    let found = (world.people.len()..world.accounts.len())
        .find(|index| world.accounts[*index].app == app && world.accounts[*index].person == Some(person));
    found.filter(|index| {
        world.accounts[*index].active_at(world.end_at())
            && world.people[person].kind == EmploymentKind::Employee
    })
}

fn add_grant(world: &mut World, code: &'static str, index: usize, entitlement: usize, days_ago: i64) {
    let granted_at = world.days_ago(days_ago).max(world.accounts[index].created_at);
    let grant = Grant { entitlement, granted_at, expires_at: None, last_used_at: None };
    world.accounts[index].grants.push(grant);
    let subject = world.grant_subject(&world.accounts[index], &grant);
    mark(world, code, subject);
}
