//! What accounts hold in the clean state: everyone's role, the department's, some functions,
//! and privileges only with an end or just in time. Sensitivity is set last, so that nothing
//! that is sensitive is rare by accident.

use rand::Rng;

use super::apps::{NETSUITE, PREMIUM, SALESFORCE, SERVICENOW, SOD_SIDES};
use super::calendar::DAY;
use super::stream::{Stream, stream};
use super::world::{Grant, SodRule, Story, World};
use crate::domain::UtcMicros;

/// Fewer holders than this make an entitlement rare (OVP-02: at most 5 in the organisation).
const HOLDERS_RARE_MAX: usize = 5;

pub fn grant_all(world: &mut World) {
    for index in 0..world.accounts.len() {
        let account = &world.accounts[index];
        let Some(person) = account.person.filter(|_| !world.apps[account.app].entitlements.is_empty()) else {
            continue;
        };
        let rng = &mut stream(world.plan.seed, &format!("grants/{}", world.account_subject(account)));
        let entitlements = chosen(rng, world, index, person);
        let granted_at =
            account.spans.last().map_or(account.created_at, |span| account.created_at.max(span.0));
        let grants = entitlements
            .into_iter()
            .map(|entitlement| Grant { entitlement, granted_at, expires_at: None, last_used_at: None })
            .collect();
        world.accounts[index].grants = grants;
    }
    lend_administration(world);
    license(world);
    world.sod_rules = vec![
        rule(world, "SOD-VENDOR-PAYMENT", "Creates vendors and approves payments", 0, 1),
        rule(world, "SOD-JOURNAL", "Posts and approves journals", 2, 3),
    ];
}

fn chosen(rng: &mut Stream, world: &World, account: usize, person: usize) -> Vec<usize> {
    let app = &world.apps[world.accounts[account].app];
    let department = world.people[person].employments.last().map_or(0, |e| e.department);
    let team = format!("team-{}", world.departments[department].to_lowercase().replace(' ', "-"));
    let mut held = vec![0];
    let stays = world.people[person].story == Story::Steady;
    for (position, entitlement) in app.entitlements.iter().enumerate().skip(1) {
        let projects = entitlement.kind == "group" && rng.gen_bool(0.004);
        let takes = entitlement.id == team
            || projects
            || entitlement.id.starts_with("fn-") && rng.gen_bool(0.3)
            || world.accounts[account].app == NETSUITE
                && department == 1
                && entitlement.id == SOD_SIDES[person % 4].0
            || entitlement.jit && stays && department == 0 && person.is_multiple_of(3);
        if takes {
            held.push(position);
        }
    }
    held
}

/// Administrators have their role until a date: eight people of IT in two applications.
fn lend_administration(world: &mut World) {
    let (from, to) = (world.days_ago(20), UtcMicros(world.end_at().0 + 30 * DAY));
    for app in [SERVICENOW, SALESFORCE] {
        let entitlement = world.apps[app].entitlement("admin");
        let people = &world.people;
        let of_it = |person: usize| {
            people[person].story == Story::Steady
                && people[person].employments.last().is_some_and(|e| e.department == 0 && e.end.is_none())
        };
        world
            .accounts
            .iter_mut()
            .filter(|a| a.app == app && a.created_at < from && a.person.is_some_and(of_it))
            .take(8)
            .for_each(|a| {
                a.grants.push(Grant {
                    entitlement,
                    granted_at: from,
                    expires_at: Some(to),
                    last_used_at: None,
                })
            });
    }
}

/// One in six of those who stay has the dearer tier and used it within the last weeks.
fn license(world: &mut World) {
    let entitlement = world.apps[SALESFORCE].entitlement(PREMIUM);
    let oldest = world.days_ago(100);
    for index in 0..world.accounts.len() {
        let account = &world.accounts[index];
        let stays = |person: usize| world.people[person].story == Story::Steady && person.is_multiple_of(6);
        if account.app != SALESFORCE || account.created_at > oldest || !account.person.is_some_and(stays) {
            continue;
        }
        let last_used_at = Some(world.days_ago(9 + (index % 30) as i64));
        let granted_at = account.created_at;
        world.accounts[index].grants.push(Grant { entitlement, granted_at, expires_at: None, last_used_at });
    }
}

fn rule(world: &World, id: &'static str, title: &'static str, a: usize, b: usize) -> SodRule {
    let app = &world.apps[NETSUITE];
    SodRule {
        id,
        title,
        app: NETSUITE,
        side_a: app.entitlement(SOD_SIDES[a].0),
        side_b: app.entitlement(SOD_SIDES[b].0),
    }
}

/// Rates entitlements after everyone has theirs: what few hold in the clean organisation is
/// rated low, so that only a planted grant is both rare and sensitive.
pub fn rate_sensitivity(world: &mut World) {
    let mut holders: Vec<Vec<usize>> = world.apps.iter().map(|app| vec![0; app.entitlements.len()]).collect();
    for account in world.accounts.iter().filter(|a| a.active_at(world.plan.end_at)) {
        account.grants.iter().for_each(|grant| holders[account.app][grant.entitlement] += 1);
    }
    for (app, holders) in world.apps.iter_mut().zip(holders) {
        for (entitlement, holders) in app.entitlements.iter_mut().zip(holders) {
            entitlement.sensitivity = match entitlement.id.as_str() {
                _ if holders <= HOLDERS_RARE_MAX + 3 => "low",
                "admin" | "operator" => "critical",
                "payment-approve" | "journal-approve" => "high",
                "fn-exports" | "fn-billing" | "vendor-create" | "journal-post" => "medium",
                _ => "low",
            };
        }
    }
}
