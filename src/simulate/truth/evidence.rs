//! When the evidence of a fact was first written: a log tells at once, a list when it is next taken.

use crate::domain::UtcMicros;
use crate::simulate::apps::OKTA;
use crate::simulate::calendar::{HOUR, midnight};
use crate::simulate::world::{Provisioning, World};

/// How old a roster may be that says who works here: the cadence of the default profile.
const ROSTER_AGE: i64 = 26 * HOUR;

/// When the registers were written: once, on the last day.
pub fn registers(world: &World) -> UtcMicros {
    midnight(world.last_date())
}

/// When a fact of `since` about an account or a grant was told: by the application's log, or by the first of
/// its exports since.
pub fn told(world: &World, app: usize, since: UtcMicros) -> UtcMicros {
    let logged = app == OKTA || world.apps[app].provisioning == Provisioning::ScimLog;
    if logged { since } else { listed(world, app, since) }
}

/// When the first export of an application was taken that can have a fact of `since`.
pub fn listed(world: &World, app: usize, since: UtcMicros) -> UtcMicros {
    let exports = world.listings(&world.apps[app]);
    exports.into_iter().find(|listed| *listed >= since).unwrap_or(since)
}

/// When the first roster was written that has the end of a person's last employment, and is not too old to
/// tell that nothing else came of it by `over`.
pub fn end_listed(world: &World, person: usize, over: UtcMicros) -> UtcMicros {
    let ended = world.people[person].employments.iter().filter(|employment| employment.end.is_some());
    let known_on = ended.map(|employment| employment.end_known_on).max();
    let rosters = world.rosters();
    let known = rosters.iter().filter(|date| known_on.is_some_and(|known_on| **date >= known_on));
    let mut written = known.map(|date| midnight(*date));
    written.find(|at| over.0 - at.0 < ROSTER_AGE).unwrap_or_else(|| registers(world))
}
