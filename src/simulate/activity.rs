//! Who used what when. Fills `uses` and `failures` of every account from a stream of the
//! account's own, so that the habit of one account never moves another's.

use rand::Rng;

use super::apps::{GOOGLE, OKTA};
use super::calendar::{DAY, HOUR, MINUTE, instant, midnight};
use super::stream::{Stream, stream};
use super::world::{Account, Habit, OPEN, Story, World};
use crate::domain::UtcMicros;

/// Every active person signs in at least weekly and uses each application within 60 days.
const SESSION_DAYS: [i64; 2] = [6, 7];
const USE_DAYS: [i64; 2] = [38, 58];

pub fn fill(world: &mut World) {
    for index in 0..world.accounts.len() {
        let account = &world.accounts[index];
        let recorded = account.app <= GOOGLE || world.apps[account.app].activity_supported;
        if !recorded || account.habit == Habit::Never {
            continue;
        }
        let rng = &mut stream(world.plan.seed, &format!("use/{}", world.account_subject(account)));
        let (uses, failures) = uses(rng, world, account);
        let account = &mut world.accounts[index];
        account.uses = uses;
        account.failures.extend(failures);
        account.failures.sort_unstable();
    }
}

fn uses(rng: &mut Stream, world: &World, account: &Account) -> (Vec<UtcMicros>, Vec<UtcMicros>) {
    let steps = if account.app == OKTA { SESSION_DAYS } else { USE_DAYS };
    let (mut uses, mut failures) = (Vec::new(), Vec::new());
    let working = working_spans(world, account);
    for (from, to) in spans(world, account) {
        let mut at = from.0 + rng.gen_range(5 * MINUTE..5 * DAY);
        while at < to.0 {
            if working.iter().any(|(from, to)| from.0 <= at && at < to.0) {
                if account.app == OKTA && rng.gen_bool(0.03) {
                    let tries = rng.gen_range(1..5);
                    failures.extend((1..=tries).map(|n| UtcMicros(at - n * MINUTE)));
                }
                uses.push(UtcMicros(at));
            }
            at += rng.gen_range(steps[0] * DAY - 9 * HOUR..steps[1] * DAY - 9 * HOUR);
        }
    }
    if let Habit::UntilEndAndAt(at) = account.habit {
        uses.push(at);
        uses.sort_unstable();
    }
    (uses, failures)
}

/// The part of the account's spans that a use may fall into.
fn spans(world: &World, account: &Account) -> Vec<(UtcMicros, UtcMicros)> {
    let latest = match account.habit {
        Habit::Until(at) => at,
        _ => UtcMicros(world.end_at().0 - HOUR),
    };
    let latest = account.suspended_at.map_or(latest, |at| at.min(latest));
    account
        .spans
        .iter()
        .map(|(from, to)| ((*from).max(world.start_at), (*to).min(latest)))
        .filter(|(from, to)| from < to)
        .collect()
}

/// When the person behind the account is at work; always, for an account without one.
fn working_spans(world: &World, account: &Account) -> Vec<(UtcMicros, UtcMicros)> {
    let Some(person) = account.person else { return vec![(UtcMicros(0), OPEN)] };
    let zone = world.zone(person);
    let who = &world.people[person];
    let away_from = match who.story {
        Story::OnLeave => who.leave_from.map(midnight),
        Story::Suspended => world.accounts[person].suspended_at,
        _ => None,
    };
    who.employments
        .iter()
        .map(|employment| {
            let to = employment.end.map_or(OPEN, |end| instant(end, 17, zone));
            (instant(employment.start, 0, zone), away_from.map_or(to, |away| away.min(to)))
        })
        .collect()
}

/// The last success that any source can show for an account, given the accounts of the same
/// person: for the identity provider's own accounts a sign-in to any application counts.
pub fn last_success(world: &World, account: &Account, of_person: &[usize]) -> Option<UtcMicros> {
    let own = account.uses.last().copied();
    if account.app != OKTA {
        return own;
    }
    let others = of_person.iter().map(|index| &world.accounts[*index]).filter(|other| other.app != OKTA);
    let through = others.flat_map(|a| a.uses.iter().filter(|used| through_idp(a, account, **used))).max();
    own.max(through.copied())
}

/// A use shows in the identity provider's log when both accounts are open and assigned then.
pub fn through_idp(account: &Account, okta: &Account, used: UtcMicros) -> bool {
    account.habit != Habit::Local && account.assigned_at(used) && okta.active_at(used)
}
