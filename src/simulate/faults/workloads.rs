//! Faults about workloads and SCIM tokens: without a sponsor, with one who left, too old, or
//! in a person's hands.

use super::{leavers, mark, mark_account, scaled, steady};
use crate::domain::{AccountClass, UtcMicros};
use crate::simulate::calendar::DAY;
use crate::simulate::names::PERSONAL_DOMAIN;
use crate::simulate::world::{Owned, World};

/// Nobody answers for the workload.
pub fn without_sponsor(world: &mut World) {
    for line in workloads(world).into_iter().skip(1).step_by(3).take(scaled(world, 6).max(2)) {
        world.sponsors[line].sponsors.clear();
        mark_account(world, "NHI-01", world.sponsors[line].account);
    }
}

/// The only sponsor left.
pub fn sponsor_departed(world: &mut World) {
    let gone = leavers(world, 5);
    let chosen: Vec<usize> = workloads(world).into_iter().step_by(3).take(scaled(world, 5).max(1)).collect();
    for (n, line) in chosen.into_iter().enumerate() {
        let Some(&sponsor) = gone.get(n % gone.len().max(1)) else { return };
        world.sponsors[line].sponsors = vec![sponsor];
        mark_account(world, "NHI-02", world.sponsors[line].account);
    }
}

/// Bearer tokens that were made long ago and never rotated, or rotated long ago.
pub fn stale_token(world: &mut World) {
    for (n, token) in bearer(world).into_iter().step_by(3).take(scaled(world, 5).max(3)).enumerate() {
        let age = [95, 120, 200, 380, 500][n % 5];
        let created_at = world.days_ago(age + 60);
        let rotated_at = n.is_multiple_of(2).then(|| UtcMicros(created_at.0 + 60 * DAY));
        world.tokens[token].created_at = if rotated_at.is_some() { created_at } else { world.days_ago(age) };
        world.tokens[token].rotated_at = rotated_at;
        let subject = world.tokens[token].id.clone();
        mark(world, "TOK-01", subject);
    }
}

/// Tokens owned by people who work here, by a private address, and by someone who left; the
/// last one is in the register of owners too.
pub fn personal_token(world: &mut World) {
    let mut owners: Vec<Option<usize>> =
        steady(world, 12).into_iter().take(scaled(world, 3)).map(Some).collect();
    owners.push(None);
    let gone = leavers(world, 6).first().copied();
    owners.extend(gone.map(Some));
    let chosen: Vec<usize> = bearer(world).into_iter().skip(1).step_by(3).take(owners.len()).collect();
    for (token, owner) in chosen.into_iter().zip(owners) {
        world.tokens[token].owner_person = owner;
        world.tokens[token].owner = match owner {
            Some(person) => world.people[person].email.clone(),
            None => format!("scim.setup@{PERSONAL_DOMAIN}"),
        };
        let (id, app) = (world.tokens[token].id.clone(), Some(world.tokens[token].app));
        mark(world, "TOK-02", id.clone());
        if let Some(owner) = owner.filter(|_| owner == gone) {
            world.owned.push(Owned { kind: "token", id, app, owner });
        }
    }
}

fn workloads(world: &World) -> Vec<usize> {
    let workload = |line: &usize| {
        let class = world.accounts[world.sponsors[*line].account].class;
        matches!(class, AccountClass::Service | AccountClass::Bot | AccountClass::AiAgent)
    };
    (0..world.sponsors.len()).filter(workload).collect()
}

fn bearer(world: &World) -> Vec<usize> {
    (0..world.tokens.len()).filter(|token| world.tokens[*token].kind == "bearer").collect()
}
