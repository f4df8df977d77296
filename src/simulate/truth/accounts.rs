//! The truth about accounts and their grants: leavers, orphans, dormancy, ends, deletions.

use super::{
    DISABLED_FIRST, DORMANT, DORMANT_PRIVILEGED, EXPIRED, FAILURES_MIN, LEAVER_GRACE, NEVER_USED, ORPHAN_AGE,
    PROPAGATION, PROPAGATION_BY_HAND, SEAT_IDLE, SOFT_DELETED, Verdicts, evidence,
};
use crate::domain::{AccountClass, UtcMicros};
use crate::simulate::activity::last_success;
use crate::simulate::apps::{GOOGLE, OKTA};
use crate::simulate::calendar::DAY;
use crate::simulate::names::{ACQUIRED_DOMAIN, DOMAIN, PARTNER_DOMAIN};
use crate::simulate::world::{Account, OPEN, Provisioning, World};

pub fn judge(verdicts: &mut Verdicts<'_>, index: usize, of_person: &[usize]) {
    let world = verdicts.world;
    let account = &world.accounts[index];
    let subject = world.account_subject(account);
    if let Some(deleted_at) = account.deleted_at.filter(|at| *at <= world.end_at()) {
        return judge_deleted(verdicts, account, subject, deleted_at);
    }
    judge_use_after_end(verdicts, account, &subject, of_person);
    if !account.active_at(world.end_at()) {
        return;
    }
    judge_leaver(verdicts, account, &subject);
    judge_ownership(verdicts, account, &subject);
    if !world.exempt("leave", index) && !world.exempt("break_glass", index) {
        judge_use(verdicts, index, &subject, of_person);
    }
    judge_end(verdicts, account, subject);
}

/// DEL-01: deleted without 30 days of being disabled, where the application can disable. DEL-02:
/// without a week of it, where a log tells of the deletion.
fn judge_deleted(verdicts: &mut Verdicts<'_>, account: &Account, subject: String, deleted_at: UtcMicros) {
    let closed = account.spans.last().map_or(deleted_at, |span| span.1.min(deleted_at));
    let app = &verdicts.world.apps[account.app];
    if !app.soft_delete || !is_person(account) {
        return;
    }
    let logged = app.provisioning == Provisioning::ScimLog || account.app == OKTA;
    if logged && deleted_at.0 - closed.0 < DISABLED_FIRST {
        verdicts.say("DEL-02", subject.clone(), deleted_at, 0, "deleted without being disabled first");
    }
    if deleted_at.0 - closed.0 < SOFT_DELETED {
        // That the application can disable is in the register.
        let world = verdicts.world;
        let told = evidence::told(world, account.app, deleted_at).max(evidence::registers(world));
        verdicts.told(told).say("DEL-01", subject, deleted_at, 0, "deleted instead of disabled");
    }
}

/// ZMB-03: a success more than 24 hours after a date-only end.
fn judge_use_after_end(verdicts: &mut Verdicts<'_>, account: &Account, subject: &str, of_person: &[usize]) {
    let world = verdicts.world;
    let (Some(person), Some(used)) = (account.person, last_success(world, account, of_person)) else {
        return;
    };
    let Some(end) = world.left_at(person, used) else { return };
    if used.0 > end.0 + DAY {
        verdicts.told(evidence::end_listed(world, person, used)).say(
            "ZMB-03",
            subject.to_owned(),
            used,
            0,
            "used after the end",
        );
    }
}

/// ZMB-01, ZMB-02, ZMB-05, ZMB-08 and LIC-01, for an account that is active.
fn judge_leaver(verdicts: &mut Verdicts<'_>, account: &Account, subject: &str) {
    let world = verdicts.world;
    let Some(person) = account.person.filter(|_| is_person(account)) else { return };
    let now = world.end_at();
    if let Some(end) = world.left_at(person, now).filter(|end| now.0 - end.0 > LEAVER_GRACE) {
        let listed = evidence::end_listed(world, person, UtcMicros(end.0 + LEAVER_GRACE))
            .max(evidence::told(world, account.app, account.created_at));
        verdicts.told(listed).say("ZMB-01", subject.to_owned(), end, LEAVER_GRACE, "left, account open");
        if account.app > OKTA {
            verdicts.told(listed.max(evidence::registers(world))).say(
                "LIC-01",
                subject.to_owned(),
                end,
                LEAVER_GRACE,
                "left, seat paid for",
            );
        }
    }
    let okta = world.okta_account(person);
    let closed = okta.spans.last().map(|span| span.1).filter(|at| *at <= now && okta.suspended_at.is_none());
    let app = &world.apps[account.app];
    let grace = match app.provisioning {
        Provisioning::None => PROPAGATION_BY_HAND,
        _ => PROPAGATION,
    };
    let reachable = !app.sso_only || account.local_login;
    if let Some(at) = closed.filter(|at| account.app > OKTA && reachable && now.0 - at.0 > grace) {
        // Until the register tells how the application is provisioned, it has the time of one that is by hand.
        let told = UtcMicros(at.0 + PROPAGATION_BY_HAND).min(evidence::registers(world));
        verdicts.told(told).say(
            "ZMB-02",
            subject.to_owned(),
            at,
            grace,
            "closed in the identity provider only",
        );
    }
    let unplanned = okta.suspended_at.filter(|_| !world.exempt("planned_suspension", person));
    if let Some(at) = unplanned.filter(|at| account.app > OKTA && reachable && now.0 - at.0 > DAY) {
        verdicts.say("ZMB-08", subject.to_owned(), at, DAY, "suspended in the identity provider only");
    }
    if let Some(at) = account.failed_deactivations.last().filter(|at| now.0 - at.0 > DAY) {
        verdicts.say("ZMB-05", subject.to_owned(), *at, DAY, "deactivation failed and was given up");
    }
}

/// ORP-01, ORP-06, ORP-07 and PRV-08, for an account that is active.
fn judge_ownership(verdicts: &mut Verdicts<'_>, account: &Account, subject: &str) {
    let world = verdicts.world;
    if !is_person(account) {
        return;
    }
    if account.person.is_none() && world.end_at().0 - account.created_at.0 > ORPHAN_AGE {
        verdicts.say("ORP-01", subject.to_owned(), account.created_at, ORPHAN_AGE, "belongs to nobody");
    }
    let domain = account.email.as_deref().and_then(|email| email.split('@').nth(1));
    if domain.is_some_and(|domain| ![DOMAIN, ACQUIRED_DOMAIN, PARTNER_DOMAIN].contains(&domain)) {
        verdicts.say("ORP-06", subject.to_owned(), account.created_at, 0, "private address");
        if account.person.is_some() {
            verdicts.say("PRV-08", subject.to_owned(), account.created_at, 0, "not the person's domain");
        }
    }
    let app = &world.apps[account.app];
    if app.idp_managed && account.app != OKTA && !account.assigned_at(world.end_at()) {
        let since = account.assignments.last().map_or(account.created_at, |span| span.1);
        verdicts.told(evidence::registers(world)).say(
            "ORP-07",
            subject.to_owned(),
            since,
            0,
            "not assigned in the identity provider",
        );
    }
}

/// DOR-01, DOR-02, DOR-03, DOR-06 and LIC-02, where the application's use is known for the whole window.
fn judge_use(verdicts: &mut Verdicts<'_>, index: usize, subject: &str, of_person: &[usize]) {
    let world = verdicts.world;
    let account = &world.accounts[index];
    if !is_person(account) || !world.apps[account.app].activity_supported {
        return;
    }
    let now = world.end_at();
    let enabled = account.spans.last().map_or(account.created_at, |span| span.0.max(account.created_at));
    let used = last_success(world, account, of_person);
    let last = used.unwrap_or(enabled).max(enabled);
    if now.0 - last.0 > DORMANT {
        verdicts.say("DOR-01", subject.to_owned(), last, DORMANT, "unused");
        let failures = account.failures.iter().filter(|at| **at > last).count();
        if failures >= FAILURES_MIN {
            let at = account.failures.last().copied().unwrap_or(last);
            verdicts.say("DOR-06", subject.to_owned(), at, 0, "failed sign-ins only");
        }
    }
    let privileged = standing_since(world, account).map(|granted_at| granted_at.max(last));
    if let Some(at) = privileged.filter(|at| now.0 - at.0 > DORMANT_PRIVILEGED) {
        verdicts.say("DOR-03", subject.to_owned(), at, DORMANT_PRIVILEGED, "privileged and unused");
    }
    let paid = account.app > OKTA && !world.exempt("planned_suspension", index);
    if paid && now.0 - last.0 > SEAT_IDLE && !shut_out(world, of_person) {
        verdicts.told(evidence::registers(world)).say(
            "LIC-02",
            subject.to_owned(),
            last,
            SEAT_IDLE,
            "seat paid for and unused",
        );
    }
    if used.is_none() && now.0 - account.created_at.0 > NEVER_USED {
        verdicts.say("DOR-02", subject.to_owned(), account.created_at, NEVER_USED, "never used");
    }
}

/// TBA-02 and TBA-03 for the account, TBA-02 for its grants.
fn judge_end(verdicts: &mut Verdicts<'_>, account: &Account, subject: String) {
    let world = verdicts.world;
    let now = world.end_at();
    let over = |end: &UtcMicros| now.0 - end.0 > EXPIRED;
    for grant in &account.grants {
        if let Some(end) = grant.expires_at.filter(over) {
            // That it outlived its end is what an export since tells.
            let told = evidence::listed(world, account.app, end.max(grant.granted_at));
            verdicts.told(told).say(
                "TBA-02",
                world.grant_subject(account, grant),
                end,
                EXPIRED,
                "grant past its end",
            );
        }
    }
    match account.expires_at {
        Some(end) if over(&end) => verdicts.say("TBA-02", subject, end, EXPIRED, "account past its end"),
        None if account.class == AccountClass::Guest => {
            verdicts.say("TBA-03", subject, account.created_at, 0, "guest without an end");
        }
        _ => {}
    }
}

/// When the newest of an account's privileges that are there all the time was granted.
fn standing_since(world: &World, account: &Account) -> Option<UtcMicros> {
    let entitlement = |position: usize| &world.apps[account.app].entitlements[position];
    let standing = account.grants.iter().filter(|grant| {
        let held = entitlement(grant.entitlement);
        held.privileged && !held.jit
    });
    standing.map(|grant| grant.granted_at).max()
}

/// Whether none of a person's directory accounts can be used at the end.
fn shut_out(world: &World, of_person: &[usize]) -> bool {
    let of_directory = of_person.iter().map(|index| &world.accounts[*index]).filter(|a| a.app <= GOOGLE);
    let mut existing = of_directory.filter(|account| account.exists_at(world.end_at())).peekable();
    let closed = |account: &Account| !account.active_at(world.end_at()) || account.suspended_at.is_some();
    existing.peek().is_some() && existing.all(closed)
}

/// An employee's, a contractor's, or one of which nobody knows whose it is.
pub fn is_person(account: &Account) -> bool {
    matches!(account.class, AccountClass::Human | AccountClass::Contractor)
}

/// Whether an account's last span is over at the end.
pub fn closed_at(world: &World, account: &Account) -> Option<UtcMicros> {
    account.spans.last().map(|span| span.1).filter(|at| *at != OPEN && *at <= world.end_at())
}
