//! `registers/<kind>_<date>.csv` under the canonical names of columns; and what is not for the
//! engine to read: `labels.csv` and `truth/links.csv`.

use super::{Folder, csv};
use crate::domain::RegisterKind;
use crate::domain::UtcMicros;
use crate::simulate::Error;
use crate::simulate::apps::PREMIUM;
use crate::simulate::calendar::{DAY, seconds};
use crate::simulate::names::{ACQUIRED_DOMAIN, DOMAIN, PARTNER_DOMAIN};
use crate::simulate::truth::Label;
use crate::simulate::world::{OPEN, Provisioning, World};

type Rows = Vec<Vec<String>>;

pub fn write(world: &World, folder: &mut Folder) -> Result<(), Error> {
    for kind in RegisterKind::ALL {
        let Some(rows) = rows(world, kind) else { continue };
        let header: Vec<&str> = kind.columns().iter().map(|(name, _)| *name).collect();
        let name = format!("registers/{}_{}.csv", kind.as_str(), world.last_date());
        folder.put(&name, &csv(&header, &rows)?)?;
    }
    Ok(())
}

/// Rows in the order of [`RegisterKind::columns`]; none for a register that this organisation does not keep.
fn rows(world: &World, kind: RegisterKind) -> Option<Rows> {
    Some(match kind {
        RegisterKind::Applications => applications(world),
        RegisterKind::Owners => owners(world),
        RegisterKind::NonHumanIdentities => workloads(world),
        RegisterKind::ScimTokens => tokens(world),
        RegisterKind::SodRules => sod_rules(world),
        RegisterKind::Entitlements => entitlements(world),
        RegisterKind::Exceptions => exceptions(world),
        RegisterKind::TrustedDomains => vec![
            strings(&[DOMAIN, "corporate", ""]),
            strings(&[ACQUIRED_DOMAIN, "alias", DOMAIN]),
            strings(&[PARTNER_DOMAIN, "partner", ""]),
        ],
        RegisterKind::Requests => requests(world),
        RegisterKind::Licences => licences(world),
        // Control totals are for exports that somebody else counted; these are whole by construction.
        RegisterKind::ControlTotals
        | RegisterKind::Companions
        | RegisterKind::NestedGroups
        | RegisterKind::ReviewDecisions => return None,
    })
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn time(at: Option<UtcMicros>) -> String {
    at.map(seconds).unwrap_or_default()
}

fn applications(world: &World) -> Rows {
    let row = |(index, app): (usize, &crate::simulate::world::App)| {
        vec![
            app.id.clone(),
            app.name.clone(),
            app.idp_app_id.clone().unwrap_or_default(),
            world.people[app.owner].email.clone(),
            app.idp_managed.to_string(),
            app.sso_only.to_string(),
            (app.provisioning != Provisioning::None).to_string(),
            app.soft_delete.to_string(),
            app.activity_supported.to_string(),
            ["high", "medium", "low"][index.min(20) / 8].to_owned(),
        ]
    };
    world.apps.iter().enumerate().map(row).collect()
}

fn owners(world: &World) -> Rows {
    let app = |app: Option<usize>| app.map(|app| world.apps[app].id.clone()).unwrap_or_default();
    let line = |o: &crate::simulate::world::Owned| {
        vec![o.kind.to_owned(), o.id.clone(), world.people[o.owner].email.clone(), app(o.app)]
    };
    world.owned.iter().map(line).collect()
}

fn workloads(world: &World) -> Rows {
    let line = |line: &crate::simulate::world::Sponsored| {
        let account = &world.accounts[line.account];
        let sponsors: Vec<&str> = line.sponsors.iter().map(|p| world.people[*p].email.as_str()).collect();
        let privileged = !account.grants.is_empty();
        vec![
            world.apps[account.app].id.clone(),
            account.id.clone(),
            account.name.clone(),
            account.class.as_str().to_owned(),
            sponsors.join(";"),
            privileged.to_string(),
            line.purpose.to_owned(),
        ]
    };
    world.sponsors.iter().map(line).collect()
}

fn tokens(world: &World) -> Rows {
    let line = |token: &crate::simulate::world::Token| {
        vec![
            token.id.clone(),
            world.apps[token.app].id.clone(),
            format!("SCIM {}", world.apps[token.app].name),
            token.kind.to_owned(),
            token.owner.clone(),
            seconds(token.created_at),
            time(token.rotated_at),
            seconds(UtcMicros(world.end_at().0 - DAY)),
            String::new(),
            "scim:read scim:write".to_owned(),
        ]
    };
    world.tokens.iter().map(line).collect()
}

fn sod_rules(world: &World) -> Rows {
    let side = |app: usize, entitlement: usize| {
        let app = &world.apps[app];
        format!("{}/{}", app.id, app.entitlements[entitlement].id)
    };
    let line = |rule: &crate::simulate::world::SodRule| {
        let (a, b) = (side(rule.app, rule.side_a), side(rule.app, rule.side_b));
        vec![rule.id.to_owned(), rule.title.to_owned(), a, b, "high".to_owned()]
    };
    world.sod_rules.iter().map(line).collect()
}

fn entitlements(world: &World) -> Rows {
    let mut rows = Vec::new();
    for app in &world.apps {
        for entitlement in &app.entitlements {
            rows.push(vec![
                app.id.clone(),
                entitlement.id.clone(),
                entitlement.kind.to_owned(),
                entitlement.name.clone(),
                entitlement.privileged.to_string(),
                entitlement.sensitivity.to_owned(),
                world.people[app.owner].email.clone(),
                entitlement.tenant_admin.to_string(),
                entitlement.jit.to_string(),
            ]);
        }
    }
    rows
}

fn exceptions(world: &World) -> Rows {
    let line = |(n, line): (usize, &crate::simulate::world::Exemption)| {
        vec![
            format!("EX-{:04}", n + 1),
            line.kind.to_owned(),
            line.subject.clone(),
            line.app.map(|app| world.apps[app].id.clone()).unwrap_or_default(),
            String::new(),
            line.reason.to_owned(),
            world.people[0].email.clone(),
            seconds(line.valid_from),
            seconds(line.valid_until),
        ]
    };
    world.exceptions.iter().enumerate().map(line).collect()
}

/// One approved request for each function that was granted in the last half year.
fn requests(world: &World) -> Rows {
    let from = world.days_ago(180);
    let mut rows = Vec::new();
    for account in &world.accounts {
        let Some(person) = account.person else { continue };
        let who = &world.people[person];
        let approver = who.manager.map_or("", |manager| world.people[manager].email.as_str());
        for grant in account.grants.iter().filter(|g| g.granted_at > from && g.entitlement > 0) {
            let asked = seconds(UtcMicros(grant.granted_at.0 - DAY));
            rows.push(vec![
                format!("REQ-{:06}", rows.len() + 1),
                who.email.clone(),
                who.email.clone(),
                world.apps[account.app].id.clone(),
                world.apps[account.app].entitlements[grant.entitlement].id.clone(),
                "approved".to_owned(),
                asked,
                seconds(grant.granted_at),
                approver.to_owned(),
            ]);
        }
    }
    rows
}

fn licences(world: &World) -> Rows {
    let (mut seats, mut premium) = (vec![0usize; world.apps.len()], vec![0usize; world.apps.len()]);
    for account in world.accounts.iter().filter(|a| a.active_at(world.end_at())) {
        seats[account.app] += 1;
        let dearer = world.apps[account.app].entitlements.iter().position(|e| e.kind == "licence");
        let held = account.grants.iter().any(|grant| Some(grant.entitlement) == dearer);
        premium[account.app] += usize::from(held);
    }
    let renewal = crate::simulate::calendar::plus_days(world.last_date(), 120);
    let line = |app: &crate::simulate::world::App, sku: &str, seats: usize, price: usize, lower: &str| {
        let mut row = strings(&[&app.id, sku, &(seats + seats / 10 + 5).to_string(), &format!("{price}.00")]);
        row.extend(strings(&["EUR", &renewal.to_string(), "month", "", "", "", "", "", lower]));
        row
    };
    let lines = |(index, app): (usize, &crate::simulate::world::App)| {
        let price = 4 + (index * 7) % 60;
        let mut lines = vec![line(app, "standard", seats[index], price, "")];
        if premium[index] > 0 {
            lines.push(line(app, PREMIUM, premium[index], price * 2, "standard"));
        }
        lines
    };
    world.apps.iter().enumerate().skip(1).flat_map(lines).collect()
}

/// The labels, and whose every account truly is.
pub fn write_truth(world: &World, labels: &[Label], folder: &mut Folder) -> Result<(), Error> {
    let rows: Rows = labels
        .iter()
        .map(|l| {
            let planted = l.planted.to_string();
            strings(&[l.code, &l.subject, l.verdict, &planted, &l.since, &l.detectable_from, &l.note])
        })
        .collect();
    let header = ["code", "subject", "verdict", "planted", "since", "detectable_from", "note"];
    folder.put("labels.csv", &csv(&header, &rows)?)?;
    let mut links = Vec::new();
    for account in world.accounts.iter().filter(|a| a.spans.first().is_some_and(|s| s.0 != OPEN)) {
        let person = account.person.map(|person| world.people[person].id.clone()).unwrap_or_default();
        links.push(vec![world.apps[account.app].id.clone(), account.id.clone(), person]);
    }
    folder.put("truth/links.csv", &csv(&["app_id", "account_id", "person_id"], &links)?)
}
