//! The accounts of people, opened when they come and closed when they go: the clean state,
//! in which every leaver is offboarded everywhere in time.

use rand::Rng;
use rand::seq::SliceRandom;

use super::apps::{GOOGLE, OKTA, SCIM_LOGGED};
use super::calendar::{DAY, HOUR, MINUTE, end_of, instant};
use super::names::{ACQUIRED_DOMAIN, DOMAIN};
use super::stream::{Stream, letters, stream, uuid};
use super::world::{Account, App, Habit, OPEN, Person, Provisioning, Story, Style, World};
use crate::domain::{AccountClass, EmploymentKind, UtcMicros};

/// Opens the accounts of everyone: first the Okta accounts in the order of people, then
/// application by application.
pub fn open_all(world: &mut World) {
    for person in 0..world.people.len() {
        let rng = &mut stream(world.plan.seed, &format!("okta/{}", world.people[person].id));
        let account = okta_account(rng, world, person);
        world.accounts.push(account);
    }
    for app in GOOGLE..world.apps.len() {
        let rng = &mut stream(world.plan.seed, &format!("accounts/{}", world.apps[app].id));
        for person in 0..world.people.len() {
            let department = world.people[person].employments.last().map_or(0, |e| e.department);
            let wanted = world.apps[app].everyone || in_scope(app, department) && rng.gen_bool(0.85);
            if wanted {
                let account = app_account(rng, world, app, person);
                world.accounts.push(account);
            }
        }
    }
}

/// About one application in nine belongs to a department's work.
fn in_scope(app: usize, department: usize) -> bool {
    match app {
        super::apps::NETSUITE => department % 16 == 1 || department % 16 == 10,
        super::apps::WHITEBOARD => department.is_multiple_of(3),
        _ => (app * 7 + department * 5).is_multiple_of(9),
    }
}

/// When a person's access is meant to be open: from the first morning to the last evening;
/// a transfer between companies does not close it, and HR's late word closes it late.
pub fn presence(world: &World, person: usize) -> Vec<(UtcMicros, UtcMicros)> {
    let zone = world.zone(person);
    let story = world.people[person].story;
    let mut spans: Vec<(UtcMicros, UtcMicros)> = Vec::new();
    for employment in &world.people[person].employments {
        let from = instant(employment.start, 9, zone);
        let closed_on = match employment.end {
            Some(end) if story == Story::BackDated => Some(end.max(employment.end_known_on)),
            Some(end) if story != Story::BoundaryOpen && end_of(end, zone) < world.end_at() => Some(end),
            _ => None,
        };
        let to = closed_on.map_or(OPEN, |day| instant(day, 18, zone));
        match spans.last_mut() {
            Some(last) if from.0 - last.1.0 < 8 * DAY => last.1 = to,
            _ => spans.push((from, to)),
        }
    }
    spans
}

fn okta_account(rng: &mut Stream, world: &World, person: usize) -> Account {
    let who = &world.people[person];
    let spans: Vec<_> = presence(world, person)
        .into_iter()
        .map(|(from, to)| (later(from.max(world.start_at), rng, 5 * MINUTE), later(to, rng, 20 * MINUTE)))
        .collect();
    Account {
        id: format!("00u{}", letters(rng, 17)),
        name: who.email.clone(),
        email: Some(who.email.clone()),
        employee_id: who.employments.last().map(|e| e.employee_id.clone()),
        created_at: spans.first().map_or(world.start_at, |span| span.0),
        suspended_at: (who.story == Story::Suspended).then(|| UtcMicros(world.end_at().0 - 25 * DAY)),
        local_login: true,
        spans,
        ..blank(OKTA, who, person)
    }
}

fn app_account(rng: &mut Stream, world: &World, app: usize, person: usize) -> Account {
    let (who, what) = (&world.people[person], &world.apps[app]);
    let okta = world.okta_account(person);
    let lag = match what.provisioning {
        Provisioning::None => 5 * HOUR,
        _ => 45 * MINUTE,
    };
    let presence = presence(world, person);
    let spans: Vec<_> = presence
        .iter()
        .zip(&okta.spans)
        .map(|(span, okta)| (later(span.0.max(okta.0), rng, 6 * HOUR), later(okta.1, rng, lag)))
        .map(|(from, to)| (from.min(to), to))
        .collect();
    let first = presence.first().map_or(world.start_at, |span| span.0);
    let created_at = if first < world.start_at {
        UtcMicros(first.0 + rng.gen_range(MINUTE..DAY))
    } else {
        spans.first().map_or(first, |span| span.0)
    };
    let assignments = spans
        .iter()
        .zip(&okta.spans)
        .map(|(span, okta)| (UtcMicros(span.0.0 - 30 * 1_000_000), okta.1))
        .collect();
    let (name, email) = login(what, app, who);
    let mut account = Account {
        id: native_id(rng, what.style, &email),
        name,
        email: (app != 10).then_some(email),
        external_id: (what.style == Style::Salesforce && what.idp_managed).then(|| okta.id.clone()),
        employee_id: matches!(what.style, Style::ServiceNow | Style::Salesforce)
            .then(|| who.employments.last().map(|e| e.employee_id.clone()))
            .flatten(),
        expires_at: expiry(world, what, person),
        local_login: !what.idp_managed || (!what.sso_only && rng.gen_bool(0.5)),
        assignments: if what.idp_managed { assignments } else { Vec::new() },
        created_at,
        spans,
        ..blank(app, who, person)
    };
    // Okta provisions a SCIM connection's `externalId`; the request log shows it.
    if what.provisioning == Provisioning::ScimLog && account.external_id.is_none() {
        account.external_id = Some(okta.id.clone());
    }
    close_for_good(rng, world, &mut account);
    account
}

/// Some of those who are long gone are deleted, at least five weeks after they were disabled.
fn close_for_good(rng: &mut Stream, world: &World, account: &mut Account) {
    let Some(&(_, to)) = account.spans.last() else { return };
    let deletes = account.app == GOOGLE || SCIM_LOGGED.contains(&account.app);
    let lag = rng.gen_range(35 * DAY..60 * DAY);
    let chosen = rng.gen_bool(0.3);
    if deletes && chosen && to != OPEN && to.0 + lag < world.end_at().0 - 3 * DAY {
        account.deleted_at = Some(UtcMicros(to.0 + lag));
    }
}

fn blank(app: usize, who: &Person, person: usize) -> Account {
    let contractor = who.kind == EmploymentKind::Contractor;
    Account {
        app,
        id: String::new(),
        name: String::new(),
        display_name: format!("{} {}", who.first, who.last),
        email: None,
        external_id: None,
        employee_id: None,
        person: Some(person),
        class: if contractor { AccountClass::Contractor } else { AccountClass::Human },
        created_at: UtcMicros(0),
        spans: Vec::new(),
        suspended_at: None,
        deleted_at: None,
        expires_at: None,
        local_login: false,
        assignments: Vec::new(),
        grants: Vec::new(),
        habit: Habit::Regular,
        uses: Vec::new(),
        failures: Vec::new(),
        failed_deactivations: Vec::new(),
    }
}

/// An account that belongs to no person, open since `created_at`.
pub fn impersonal(app: usize, id: String, name: &str, class: AccountClass, created_at: UtcMicros) -> Account {
    Account {
        app,
        id,
        name: name.to_owned(),
        display_name: name.to_owned(),
        email: None,
        external_id: None,
        employee_id: None,
        person: None,
        class,
        created_at,
        spans: vec![(created_at, OPEN)],
        suspended_at: None,
        deleted_at: None,
        expires_at: None,
        local_login: true,
        assignments: Vec::new(),
        grants: Vec::new(),
        habit: Habit::Regular,
        uses: Vec::new(),
        failures: Vec::new(),
        failed_deactivations: Vec::new(),
    }
}

/// The login and address as the application has them: some still have the address before a
/// change of name, some write the main domain for people who came with an acquisition.
fn login(app: &App, index: usize, who: &Person) -> (String, String) {
    let mut email = who.email.clone();
    match &who.former_email {
        Some((former, _)) if index.is_multiple_of(3) || app.style == Style::Google => email = former.clone(),
        _ => {}
    }
    if index.is_multiple_of(4) {
        email = email.replace(ACQUIRED_DOMAIN, DOMAIN);
    }
    let name = match app.style {
        Style::Okta | Style::Google | Style::Salesforce | Style::Jira => email.clone(),
        Style::GitHub => who.login.replace('.', "-"),
        Style::ServiceNow => who.login.clone(),
        Style::Slack => who.login.replace('.', ""),
        Style::Snowflake => who.login.to_uppercase(),
    };
    (name, email)
}

pub fn native_id(rng: &mut Stream, style: Style, email: &str) -> String {
    match style {
        Style::Okta => format!("00u{}", letters(rng, 17)),
        Style::Google => email.to_owned(),
        Style::Salesforce => format!("005{}", letters(rng, 15)),
        Style::GitHub => rng.gen_range(10_000_000..99_999_999u32).to_string(),
        Style::Jira => format!("{}:{}", rng.gen_range(100_000..999_999), uuid(rng)),
        Style::ServiceNow => uuid(rng).replace('-', ""),
        Style::Slack => format!("U0{}", letters(rng, 9).to_uppercase()),
        Style::Snowflake => rng.gen_range(1_000_000..9_999_999u32).to_string(),
    }
}

/// A contractor's account ends with the contract where the application knows ends.
fn expiry(world: &World, app: &App, person: usize) -> Option<UtcMicros> {
    let knows = matches!(app.style, Style::Slack | Style::Snowflake);
    let employment = world.people[person].employments.last()?;
    let ends = world.people[person].kind == EmploymentKind::Contractor && knows;
    world.employment_end(person, employment).filter(|end| ends && *end > world.end_at())
}

fn later(at: UtcMicros, rng: &mut Stream, most: i64) -> UtcMicros {
    if at == OPEN { OPEN } else { UtcMicros(at.0 + rng.gen_range(MINUTE..most)) }
}

/// Positions of the active accounts of a person outside the identity providers, shuffled.
pub fn of_person(world: &World, rng: &mut Stream, person: usize) -> Vec<usize> {
    let mut found: Vec<usize> = (world.people.len()..world.accounts.len())
        .filter(|index| {
            let account = &world.accounts[*index];
            account.person == Some(person) && account.app != GOOGLE
        })
        .collect();
    found.shuffle(rng);
    found
}
