//! Faults about ownership: accounts without an identity, objects whose owner left, personal
//! addresses, and accounts that the identity provider does not know.

use rand::Rng;
use rand::seq::SliceRandom;

use super::{leavers, mark, mark_account, scaled, steady};
use crate::domain::AccountClass;
use crate::simulate::accounts::{impersonal, native_id, of_person};
use crate::simulate::apps::{EXPENSES, GOOGLE, NETSUITE, SALESFORCE, SERVICENOW, WAREHOUSE, WHITEBOARD};
use crate::simulate::names::{DOMAIN, PERSONAL_DOMAIN};
use crate::simulate::stream::stream;
use crate::simulate::world::{Account, Grant, Habit, World};

const LOGINS: [&str; 8] =
    ["kiosk", "trainer", "old.import", "migrated", "reception", "xfer", "fieldteam", "consultant"];

/// Accounts whose login and address belong to nobody.
pub fn without_identity(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/ORP-01");
    let homes = [SALESFORCE, WHITEBOARD, EXPENSES, SERVICENOW, WAREHOUSE];
    for n in 0..scaled(world, 20).max(3) {
        let app = homes[n % homes.len()];
        let login = format!("{}{:03}", LOGINS[rng.gen_range(0..LOGINS.len())], 100 + n);
        let id = native_id(rng, world.apps[app].style, &login);
        let created_at = world.days_ago(rng.gen_range(95..500));
        let index = world.accounts.len();
        world.accounts.push(Account {
            email: rng.gen_bool(0.6).then(|| format!("{login}@{DOMAIN}")),
            grants: vec![Grant {
                entitlement: 0,
                granted_at: created_at,
                expires_at: None,
                last_used_at: None,
            }],
            habit: Habit::Local,
            ..impersonal(app, id, &login, AccountClass::Human, created_at)
        });
        mark_account(world, "ORP-01", index);
    }
}

/// Some objects belong to people who left; the register still names them.
pub fn owner_departed(world: &mut World) {
    let gone: Vec<usize> = leavers(world, 4);
    let wanted = scaled(world, 6).max(3);
    let mut objects: Vec<usize> =
        (0..world.owned.len()).filter(|index| world.owned[*index].kind != "app").collect();
    objects.shuffle(&mut stream(world.plan.seed, "fault/ORP-03"));
    for (n, object) in objects.into_iter().take(wanted).enumerate() {
        let Some(&owner) = gone.get(n % gone.len().max(1)) else { return };
        world.owned[object].owner = owner;
        let subject = format!("{}/{}", world.owned[object].kind, world.owned[object].id);
        mark(world, "ORP-03", subject);
    }
}

/// A known employee's account carries a private address; the employee number still tells whose it is.
pub fn personal_domain(world: &mut World) {
    let mut left = scaled(world, 5).max(2);
    for person in steady(world, 1) {
        let found = (world.people.len()..world.accounts.len()).find(|index| {
            let account = &world.accounts[*index];
            account.person == Some(person) && [SERVICENOW, SALESFORCE, NETSUITE].contains(&account.app)
        });
        let (Some(index), true) = (found, left > 0) else { continue };
        left -= 1;
        let address = format!("{}@{PERSONAL_DOMAIN}", world.people[person].login);
        let account = &mut world.accounts[index];
        account.name = if account.name.contains('@') { address.clone() } else { account.name.clone() };
        account.email = Some(address);
        mark_account(world, "ORP-06", index);
    }
}

/// An administrator opened the account by hand; the identity provider never assigned it.
pub fn outside_idp(world: &mut World) {
    let rng = &mut stream(world.plan.seed, "fault/ORP-07");
    for person in steady(world, 0).into_iter().take(scaled(world, 6).max(2)) {
        let candidates = of_person(world, rng, person);
        let found = candidates.into_iter().find(|index| {
            let account = &world.accounts[*index];
            let app = &world.apps[account.app];
            account.app != GOOGLE && app.idp_managed && !app.sso_only
        });
        let Some(index) = found else { continue };
        let account = &mut world.accounts[index];
        account.assignments.clear();
        account.external_id = None;
        account.local_login = true;
        account.habit = Habit::Local;
        mark_account(world, "ORP-07", index);
    }
}
