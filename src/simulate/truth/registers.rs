//! The truth about grants in the organisation, identities, owners, workloads, tokens,
//! applications and sources.

use std::collections::BTreeMap;

use super::accounts::{closed_at, is_person};
use super::{
    END_FAR, LISTING_AGE, RARE_HOLDERS_MAX, SEAT_IDLE, TOKEN_AGE, Verdicts, evidence, listed_lately, stale,
};
use crate::domain::{AccountClass, EmploymentKind, UtcMicros};
use crate::simulate::calendar::{DAY, HOUR};
use crate::simulate::names::PERSONAL_DOMAIN;
use crate::simulate::world::{Account, World};

pub fn judge(verdicts: &mut Verdicts<'_>) {
    judge_grants(verdicts);
    judge_identities(verdicts);
    judge_owners(verdicts);
    judge_workloads(verdicts);
    judge_tokens(verdicts);
    judge_applications(verdicts);
    judge_reuse(verdicts);
}

/// OVP-02, OVP-06, OVP-08 and LIC-04.
fn judge_grants(verdicts: &mut Verdicts<'_>) {
    let world = verdicts.world;
    let active: Vec<(usize, &Account)> =
        world.accounts.iter().enumerate().filter(|(_, a)| a.active_at(world.end_at())).collect();
    let mut holders: BTreeMap<(usize, usize), Vec<Option<usize>>> = BTreeMap::new();
    for (_, account) in &active {
        for grant in &account.grants {
            holders.entry((account.app, grant.entitlement)).or_default().push(department(world, account));
        }
    }
    for (index, account) in &active {
        verdicts.seen = listed_lately(world, account.app);
        for grant in &account.grants {
            let entitlement = &world.apps[account.app].entitlements[grant.entitlement];
            let held = &holders[&(account.app, grant.entitlement)];
            let peers = held.iter().filter(|d| d.is_some() && **d == department(world, account)).count() - 1;
            let sensitive = matches!(entitlement.sensitivity, "medium" | "high" | "critical");
            let subject = || world.grant_subject(account, grant);
            if sensitive && is_person(account) && held.len() <= RARE_HOLDERS_MAX && peers == 0 {
                verdicts.say("OVP-02", subject(), grant.granted_at, 0, "rare among peers");
            }
            let standing = entitlement.privileged && !entitlement.jit && grant.expires_at.is_none();
            if standing && !world.exempt("break_glass", *index) {
                verdicts.told(evidence::registers(world)).say(
                    "OVP-08",
                    subject(),
                    grant.granted_at,
                    0,
                    "privilege without an end",
                );
            }
            let idle = grant.last_used_at.filter(|at| world.end_at().0 - at.0 > SEAT_IDLE);
            if let Some(at) = idle.filter(|_| is_person(account) && entitlement.kind == "licence") {
                verdicts.told(evidence::registers(world)).say(
                    "LIC-04",
                    subject(),
                    at,
                    SEAT_IDLE,
                    "premium paid for and unused",
                );
            }
        }
        judge_duties(verdicts, account);
    }
    verdicts.seen = true;
}

fn judge_duties(verdicts: &mut Verdicts<'_>, account: &Account) {
    let world = verdicts.world;
    let Some(person) = account.person else { return };
    for rule in world.sod_rules.iter().filter(|rule| rule.app == account.app) {
        let since = |side| account.grants.iter().find(|g| g.entitlement == side).map(|g| g.granted_at);
        if let (Some(a), Some(b)) = (since(rule.side_a), since(rule.side_b)) {
            let subject = format!("{}/{}", world.people[person].id, rule.id);
            verdicts.told(evidence::registers(world)).say("OVP-06", subject, a.max(b), 0, rule.title);
        }
    }
}

fn department(world: &World, account: &Account) -> Option<usize> {
    account.person.and_then(|person| world.people[person].employments.last()).map(|e| e.department)
}

/// ZMB-07, and TBA-03 for contractors.
fn judge_identities(verdicts: &mut Verdicts<'_>) {
    let world = verdicts.world;
    for (index, person) in world.people.iter().enumerate() {
        let Some(employment) = person.employments.last() else { continue };
        if let Some(day) = person.vanished_on.filter(|_| employment.end.is_none()) {
            let since = crate::simulate::calendar::midnight(day);
            verdicts.say("ZMB-07", person.id.clone(), since, 8 * DAY, "not in the last two rosters");
        }
        let end = world.employment_end(index, employment);
        let far = end.is_none_or(|end| end.0 - world.end_at().0 > END_FAR);
        if person.kind == EmploymentKind::Contractor && far {
            let start = crate::simulate::calendar::midnight(employment.start);
            verdicts.say("TBA-03", person.id.clone(), start, 0, "contract without a near end");
        }
    }
}

/// ORP-03.
fn judge_owners(verdicts: &mut Verdicts<'_>) {
    let world = verdicts.world;
    for object in &world.owned {
        if let Some(left) = world.left_at(object.owner, world.end_at()) {
            let subject = format!("{}/{}", object.kind, object.id);
            let told = evidence::registers(world).max(evidence::end_listed(world, object.owner, left));
            verdicts.told(told).say("ORP-03", subject, left, 0, "the owner left");
        }
    }
}

/// NHI-01 (no active sponsor) and NHI-02 (there was one).
fn judge_workloads(verdicts: &mut Verdicts<'_>) {
    let world = verdicts.world;
    for line in &world.sponsors {
        let account = &world.accounts[line.account];
        let workload =
            matches!(account.class, AccountClass::Service | AccountClass::Bot | AccountClass::AiAgent);
        let gone: Vec<_> = line.sponsors.iter().filter_map(|p| world.left_at(*p, world.end_at())).collect();
        if !workload || gone.len() < line.sponsors.len() {
            continue;
        }
        let since = gone.iter().max().copied().unwrap_or(account.created_at);
        let subject = world.account_subject(account);
        let ends = line.sponsors.iter().map(|person| evidence::end_listed(world, *person, since)).max();
        let told = evidence::registers(world).max(ends.unwrap_or(since));
        if !gone.is_empty() {
            verdicts.told(told).say("NHI-02", subject.clone(), since, 0, "the sponsor left");
        }
        verdicts.told(told).say("NHI-01", subject, since, 0, "no active sponsor");
    }
}

/// TOK-01 and TOK-02.
fn judge_tokens(verdicts: &mut Verdicts<'_>) {
    let world = verdicts.world;
    for token in &world.tokens {
        let born = token.rotated_at.unwrap_or(token.created_at);
        if token.kind != "oauth" && world.end_at().0 - born.0 > TOKEN_AGE {
            verdicts.told(evidence::registers(world)).say(
                "TOK-01",
                token.id.clone(),
                born,
                TOKEN_AGE,
                "not rotated",
            );
        }
        if token.owner_person.is_some() || token.owner.ends_with(PERSONAL_DOMAIN) {
            verdicts.told(evidence::registers(world)).say(
                "TOK-02",
                token.id.clone(),
                token.created_at,
                0,
                "in a person's hands",
            );
        }
    }
}

/// PRV-01, PRV-11 and GOV-05.
fn judge_applications(verdicts: &mut Verdicts<'_>) {
    let world = verdicts.world;
    for burst in &world.bursts {
        let (n, failed) = (f64::from(burst.operations), f64::from(burst.failures));
        let recent = world.end_at().0 - burst.from.0 < DAY && burst.operations >= 50;
        if recent && wilson_upper(n - failed, n) < 0.99 {
            let app = world.apps[burst.app].id.clone();
            verdicts.say("PRV-01", app, burst.from, HOUR, "updates fail");
        }
    }
    for (index, app) in world.apps.iter().enumerate() {
        let mut closed: Vec<UtcMicros> = world
            .accounts
            .iter()
            .filter(|a| a.app == index)
            .filter_map(|a| closed_at(world, a))
            .filter(|at| world.end_at().0 - at.0 < 7 * DAY)
            .collect();
        closed.sort_unstable();
        let population =
            world.accounts.iter().filter(|a| a.app == index && a.exists_at(world.end_at())).count();
        let most = 20.max(population / 100);
        let hour = closed.windows(most + 1).find(|w| w[most].0 - w[0].0 <= HOUR);
        if let Some(hour) = hour {
            verdicts.say("PRV-11", app.id.clone(), hour[0], HOUR, "many closed within an hour");
        }
        if stale(world, index) {
            let listed = world.listings(app)[1];
            let subject = format!("accounts/{}", app.id);
            verdicts.say("GOV-05", subject, UtcMicros(listed.0 + LISTING_AGE), 0, "no listing since");
        }
    }
}

/// The upper bound of Wilson's 95 % interval for a share.
fn wilson_upper(successes: f64, n: f64) -> f64 {
    let z = 1.96;
    let share = successes / n;
    let spread = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    (share + z * z / (2.0 * n) + spread) / (1.0 + z * z / n)
}

/// DEL-03: a login of a deleted account that belongs to someone else within two years.
fn judge_reuse(verdicts: &mut Verdicts<'_>) {
    let world = verdicts.world;
    let now = world.end_at();
    let mut deleted: BTreeMap<(usize, &str), (UtcMicros, Option<usize>)> = BTreeMap::new();
    for account in &world.accounts {
        if let Some(at) = account.deleted_at.filter(|at| now.0 - at.0 < 730 * DAY) {
            deleted.insert((account.app, &account.name), (at, account.person));
        }
    }
    for account in world.accounts.iter().filter(|a| a.exists_at(now)) {
        let Some((at, person)) = deleted.get(&(account.app, account.name.as_str())) else { continue };
        if *person != account.person && account.created_at > *at {
            verdicts.say(
                "DEL-03",
                world.account_subject(account),
                account.created_at,
                0,
                "login used before",
            );
        }
    }
}
