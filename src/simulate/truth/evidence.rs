//! When the evidence of a fact was first written: a log tells at once, a list when it is next taken.

use crate::domain::UtcMicros;
use crate::simulate::apps::OKTA;
use crate::simulate::calendar::midnight;
use crate::simulate::world::{Provisioning, World};

/// When the registers were written: once, on the last day.
pub fn registers(world: &World) -> UtcMicros {
    midnight(world.last_date())
}

/// When a fact of `since` about an account or a grant was told: by the application's log, or by the first of
/// its exports since.
pub fn told(world: &World, app: usize, since: UtcMicros) -> UtcMicros {
    let logged = app == OKTA || world.apps[app].provisioning == Provisioning::ScimLog;
    let listed = || world.listings(&world.apps[app]).into_iter().find(|listed| *listed >= since);
    if logged { since } else { listed().unwrap_or(since) }
}

/// When the first roster was written that has the end of a person's last employment.
pub fn end_listed(world: &World, person: usize) -> UtcMicros {
    let ended = world.people[person].employments.iter().filter(|employment| employment.end.is_some());
    let known_on = ended.map(|employment| employment.end_known_on).max();
    let rosters = world.rosters();
    let roster = rosters.iter().find(|date| known_on.is_some_and(|known_on| **date >= known_on));
    midnight(*roster.unwrap_or(&world.last_date()))
}
