//! What is not an employee's account: guests, service accounts, emergency accounts, SCIM
//! tokens, and who answers for objects. Clean: guests have an end, workloads have sponsors
//! who are here, tokens are young and owned by a team address.

use rand::Rng;

use super::accounts::{impersonal, native_id};
use super::apps::{EXPENSES, LEGACY_WIKI, OKTA, SCIM_LOGGED, WAREHOUSE, WHITEBOARD};
use super::calendar::DAY;
use super::names::{FIRST, LAST, PARTNER_DOMAIN, ascii};
use super::stream::{letters, stream};
use super::world::{Account, Exemption, Grant, Habit, Owned, Provisioning, Sponsored, Story, Token, World};
use crate::domain::{AccountClass, UtcMicros};

const PURPOSES: [&str; 6] =
    ["nightly export", "build pipeline", "reporting", "backup", "ticket sync", "monitoring"];

pub fn add_all(world: &mut World) {
    add_guests(world);
    add_service_accounts(world);
    add_emergency_accounts(world);
    add_tokens(world);
    add_owners(world);
    add_leave(world);
    add_suspensions(world);
}

/// The heads of departments: they stay, so they can answer for things.
pub fn heads(world: &World) -> usize {
    world.departments.len().min(world.people.len() / 4).max(1)
}

fn add_guests(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "guests");
    for n in 0..(world.people.len() / 80).max(3) {
        let (first, last) = (FIRST[rng.gen_range(0..FIRST.len())], LAST[rng.gen_range(0..LAST.len())]);
        let created_at = world.days_ago(rng.gen_range(20..200));
        let email = format!("{}.{}{n}@{PARTNER_DOMAIN}", ascii(first), ascii(last));
        let id = native_id(rng, world.apps[WHITEBOARD].style, &email);
        world.accounts.push(Account {
            display_name: format!("{first} {last} (partner)"),
            expires_at: Some(UtcMicros(world.end_at().0 + rng.gen_range(10..90) * DAY)),
            email: Some(email.clone()),
            grants: vec![Grant {
                entitlement: 0,
                granted_at: created_at,
                expires_at: None,
                last_used_at: None,
            }],
            ..impersonal(WHITEBOARD, id, &email, AccountClass::Guest, created_at)
        });
    }
}

/// One for twenty people, in applications outside the identity provider.
fn add_service_accounts(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "services");
    let homes = [WAREHOUSE, WHITEBOARD, LEGACY_WIKI, EXPENSES];
    let heads = heads(world);
    for n in 0..(world.people.len() / 20).max(4) {
        let app = homes[n % homes.len()];
        let class = match n % 10 {
            0..7 => AccountClass::Service,
            7 | 8 => AccountClass::Bot,
            _ => AccountClass::AiAgent,
        };
        let purpose = PURPOSES[rng.gen_range(0..PURPOSES.len())];
        let name = format!("svc-{}-{n}", purpose.replace(' ', "-"));
        let created_at = world.days_ago(rng.gen_range(100..700));
        let id = native_id(rng, world.apps[app].style, &name);
        let mut sponsors = vec![rng.gen_range(0..heads)];
        let second = rng.gen_range(0..heads);
        if n.is_multiple_of(3) && !sponsors.contains(&second) {
            sponsors.push(second);
        }
        world.sponsors.push(Sponsored { account: world.accounts.len(), sponsors, purpose });
        world.accounts.push(impersonal(app, id, &name, class, created_at));
    }
}

/// Declared, privileged for good reason, and unused for 400 days: none of that is a finding.
fn add_emergency_accounts(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "emergency");
    for app in [OKTA, WHITEBOARD, WAREHOUSE] {
        let created_at = world.days_ago(400 + rng.gen_range(50..300));
        let name = format!("breakglass-{}", app + 1);
        let admin = world.apps[app].entitlements.iter().position(|e| e.id == "admin");
        let id = native_id(rng, world.apps[app].style, &name);
        let index = world.accounts.len();
        world.sponsors.push(Sponsored { account: index, sponsors: vec![0], purpose: "emergency access" });
        world.exceptions.push(Exemption {
            kind: "break_glass",
            subject: id.clone(),
            app: Some(app),
            account: Some(index),
            person: None,
            reason: "sealed emergency account, tested on paper",
            valid_from: world.days_ago(100),
            valid_until: UtcMicros(world.end_at().0 + 180 * DAY),
        });
        let grants = admin.map(|entitlement| Grant {
            entitlement,
            granted_at: created_at,
            expires_at: None,
            last_used_at: None,
        });
        world.accounts.push(Account {
            grants: grants.into_iter().collect(),
            habit: Habit::Until(world.days_ago(400)),
            ..impersonal(app, id, &name, AccountClass::BreakGlass, created_at)
        });
    }
}

fn add_tokens(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "tokens");
    for app in 0..world.apps.len() {
        let scim = matches!(world.apps[app].provisioning, Provisioning::ScimLog | Provisioning::Okta);
        if !scim {
            continue;
        }
        let oauth = !SCIM_LOGGED.contains(&app) && rng.gen_bool(0.2);
        let age = if oauth { rng.gen_range(100..500) } else { rng.gen_range(5..80) };
        let rotated = !oauth && rng.gen_bool(0.5);
        let created_at = world.days_ago(if rotated { age + 90 } else { age });
        world.tokens.push(Token {
            id: format!("tok-{}-{}", world.apps[app].id, letters(rng, 6).to_lowercase()),
            app,
            kind: if oauth { "oauth" } else { "bearer" },
            owner: format!("iam-platform@{}", super::names::DOMAIN),
            owner_person: None,
            created_at,
            rotated_at: rotated.then(|| world.days_ago(age)),
        });
    }
}

fn add_owners(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "owners");
    let heads = heads(world);
    for app in 1..world.apps.len() {
        let id = world.apps[app].id.clone();
        world.owned.push(Owned { kind: "app", id, app: Some(app), owner: world.apps[app].owner });
    }
    for (n, department) in world.departments.clone().iter().enumerate() {
        let slug = department.to_lowercase().replace(' ', "-");
        let owner = n.min(heads - 1);
        world.owned.push(Owned { kind: "group", id: format!("dept-{slug}"), app: None, owner });
    }
    for n in 0..world.people.len().div_ceil(50) {
        let owner = rng.gen_range(0..heads);
        world.owned.push(Owned { kind: "workflow", id: format!("workflow-{}", n + 1), app: None, owner });
    }
}

/// Long leave is declared, so that what rests meanwhile is not called dormant.
fn add_leave(world: &mut World) {
    for person in 0..world.people.len() {
        if world.people[person].story != Story::OnLeave {
            continue;
        }
        let from = world.people[person].leave_from.map_or(world.start_at, super::calendar::midnight);
        world.exceptions.push(Exemption {
            kind: "leave",
            subject: world.people[person].id.clone(),
            app: None,
            account: None,
            person: Some(person),
            reason: "parental leave",
            valid_from: from,
            valid_until: UtcMicros(world.end_at().0 + 90 * DAY),
        });
    }
}

/// Who is suspended is so by a plan that has an end.
fn add_suspensions(world: &mut World) {
    for person in 0..world.people.len() {
        let Some(at) = world.okta_account(person).suspended_at else { continue };
        world.exceptions.push(Exemption {
            kind: "planned_suspension",
            subject: world.people[person].id.clone(),
            app: None,
            account: None,
            person: Some(person),
            reason: "suspended while an inquiry runs",
            valid_from: at,
            valid_until: UtcMicros(world.end_at().0 + 30 * DAY),
        });
    }
}
