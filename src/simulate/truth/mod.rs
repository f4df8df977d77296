//! The truth: every code and subject that holds in the world at the end of the plan, worked
//! out by slow and plain rules over the clean state, not remembered from planting. What a
//! fault brings with it (a leaver's open account that is dormant too) is thus labelled too.

mod accounts;
mod evidence;
mod registers;

use std::collections::BTreeSet;

use super::calendar::{DAY, HOUR, MINUTE, SECOND, seconds};
use super::world::{Provisioning, World};
use crate::domain::UtcMicros;

/// Default thresholds of the detectors reference.
const LEAVER_GRACE: i64 = DAY;
const PROPAGATION: i64 = 60 * MINUTE;
const PROPAGATION_BY_HAND: i64 = 24 * HOUR;
const DORMANT: i64 = 90 * DAY;
const DORMANT_PRIVILEGED: i64 = 45 * DAY;
const NEVER_USED: i64 = 30 * DAY;
const ORPHAN_AGE: i64 = 7 * DAY;
const EXPIRED: i64 = HOUR;
const END_FAR: i64 = 365 * DAY;
const TOKEN_AGE: i64 = 90 * DAY;
const SOFT_DELETED: i64 = 30 * DAY;
const DISABLED_FIRST: i64 = 7 * DAY;
const SEAT_IDLE: i64 = 60 * DAY;
const LISTING_AGE: i64 = 7 * DAY;
const FAILURES_MIN: usize = 3;
const RARE_HOLDERS_MAX: usize = 5;

/// One line of `labels.csv`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    pub code: &'static str,
    pub subject: String,
    /// What a detector must say at the end: `fail`, or `unknown` where the only evidence is an
    /// export that stopped coming.
    pub verdict: &'static str,
    /// A fault of this code was planted on this subject; the rest follow by nature.
    pub planted: bool,
    pub since: String,
    /// When it could first be found: the condition holds, grace included, and the last of what tells of it
    /// has been written.
    pub detectable_from: String,
    pub note: String,
}

/// What the rules below say into.
struct Verdicts<'a> {
    world: &'a World,
    /// Whether the evidence of what is judged now is fresh; else the right verdict is unknown.
    seen: bool,
    /// When the last of what tells of what is said next was written, if later than the fact.
    told_at: Option<UtcMicros>,
    labels: BTreeSet<Label>,
}

impl Verdicts<'_> {
    /// What is said next is told of by something that was written at `at`, if not by something later.
    fn told(&mut self, at: UtcMicros) -> &mut Self {
        self.told_at = self.told_at.max(Some(at));
        self
    }

    fn say(&mut self, code: &'static str, subject: String, since: UtcMicros, grace: i64, note: &str) {
        let planted = self.world.planted.contains(&(code, subject.clone()));
        // A term is over when more than it has passed.
        let over = UtcMicros(since.0.saturating_add(grace).saturating_add(SECOND));
        let detectable = over.max(self.told_at.take().unwrap_or(over)).min(self.world.end_at());
        let (since, detectable_from) = (seconds(since), seconds(detectable));
        let verdict = if self.seen { "fail" } else { "unknown" };
        let note = note.to_owned();
        self.labels.insert(Label { code, subject, verdict, planted, since, detectable_from, note });
    }
}

/// Every label of a world, ordered by code and subject.
pub fn labels(world: &World) -> Vec<Label> {
    let mut verdicts = Verdicts { world, seen: true, told_at: None, labels: BTreeSet::new() };
    let by_person = world.accounts_by_person();
    for index in 0..world.accounts.len() {
        let none = Vec::new();
        let of_person = world.accounts[index].person.map_or(&none, |person| &by_person[person]);
        verdicts.seen = listed_lately(world, world.accounts[index].app);
        accounts::judge(&mut verdicts, index, of_person);
    }
    verdicts.seen = true;
    registers::judge(&mut verdicts);
    verdicts.labels.into_iter().collect()
}

/// Whether the newest export of an application is older than it may be. The first
/// application is the identity provider, whose log is fresh.
fn stale(world: &World, app: usize) -> bool {
    let listed = world.listings(&world.apps[app])[1];
    app > 0 && world.end_at().0 - listed.0 > LISTING_AGE + DAY
}

/// Whether what an application's accounts are is known at the end: from its export, or from the
/// log of the SCIM requests to it.
fn listed_lately(world: &World, app: usize) -> bool {
    !stale(world, app) || world.apps[app].provisioning == Provisioning::ScimLog
}
