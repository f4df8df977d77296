//! Uses of accounts, folded into when each was last used, and whether it still succeeds.

use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use indexmap::{IndexMap, IndexSet};

use super::texts::{NONE, Numbered};
use super::{NEVER, failed, times};
use crate::query::{Error, Rows};

/// What is known of the uses of one account; [`NEVER`] for no time.
#[derive(Clone, Copy)]
struct Activity {
    last_success_at: i64,
    signal: u32,
    first_success_at: i64,
    last_failure_at: i64,
    failures_since_success: i64,
}

impl Activity {
    const NONE: Activity = Activity {
        last_success_at: NEVER,
        signal: NONE,
        first_success_at: NEVER,
        last_failure_at: NEVER,
        failures_since_success: 0,
    };
}

/// A failure, or several at one instant.
struct Failed {
    account: usize,
    at: i64,
    times: i64,
}

/// Links first, then uses and what listings say of activity.
#[derive(Default)]
pub struct Uses {
    texts: Numbered,
    /// Application and account; the place of a pair is the account's number.
    keys: IndexSet<(u32, u32), RandomState>,
    /// By account: whose it is.
    identities: Vec<u32>,
    /// By identity and application: the accounts.
    of_identity: IndexMap<(u32, u32), Vec<usize>, RandomState>,
    activities: Vec<Activity>,
    failures: Vec<Failed>,
}

impl Uses {
    pub fn hear_links(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("links", batch);
        let mut texts = |column| self.texts.read(&rows, column);
        let (apps, accounts, identities) = (texts("app_id")?, texts("account_id")?, texts("identity_id")?);
        for row in 0..rows.len() {
            let account = self.account(apps[row], accounts[row]);
            self.identities[account] = identities[row];
            if identities[row] != NONE {
                self.of_identity.entry((identities[row], apps[row])).or_default().push(account);
            }
        }
        Ok(())
    }

    /// Rows of `app_uses`. A sign-in through an identity provider counts for the account that the
    /// same identity has in the application it went to.
    pub fn hear_uses(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("app_uses", batch);
        let sso = self.texts.number("sso");
        let mut texts = |column| self.texts.read(&rows, column);
        let (from, accounts) = (texts("account_key_app")?, texts("account_id")?);
        let (to, verbs) = (texts("app_key")?, texts("verb")?);
        let (first_at, last_at, uses) =
            (rows.times("first_at")?, rows.times("last_at")?, rows.integers("uses")?);
        let ok = rows.booleans("ok")?;
        for row in 0..rows.len() {
            if from[row] == NONE || accounts[row] == NONE {
                continue;
            }
            let (Some(first_at), Some(last_at)) = (first_at.get(row), last_at.get(row)) else { continue };
            let account = self.account(from[row], accounts[row]);
            let used = |account: usize, signal: u32, uses_of: &mut Uses| match ok.value(row) {
                true => uses_of.succeeded(account, signal, first_at.0, last_at.0),
                false => uses_of.failures.push(Failed { account, at: last_at.0, times: uses.value(row) }),
            };
            used(account, verbs[row], self);
            if to[row] == NONE || to[row] == from[row] || self.identities[account] == NONE {
                continue;
            }
            let theirs = self.of_identity.get(&(self.identities[account], to[row])).cloned();
            theirs.unwrap_or_default().into_iter().for_each(|account| used(account, sso, self));
        }
        Ok(())
    }

    /// Accounts with the instant at which a listing says that they were last active.
    pub fn hear_listed(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("account_attributes", batch);
        let listing = self.texts.number("listing");
        let mut texts = |column| self.texts.read(&rows, column);
        let (apps, accounts) = (texts("app_id")?, texts("account_id")?);
        let last_active_at = rows.times("last_active_at")?;
        for row in 0..rows.len() {
            let Some(at) = last_active_at.get(row) else { continue };
            let account = self.account(apps[row], accounts[row]);
            self.succeeded(account, listing, at.0, at.0);
        }
        Ok(())
    }

    /// One account with any activity a row: `app_id`, `account_id`, `last_success_at`,
    /// `last_success_signal`, `last_failure_at`, `failures_since_success`, `first_success_at`. Only a
    /// success counts as use; a failed sign-in never refreshes it.
    pub fn last_activity(mut self) -> Result<Vec<(&'static str, ArrayRef)>, Error> {
        for Failed { account, at, times } in std::mem::take(&mut self.failures) {
            let activity = &mut self.activities[account];
            activity.last_failure_at = activity.last_failure_at.max(at);
            if at > activity.last_success_at {
                activity.failures_since_success += times;
            }
        }
        let is_any = |one: &Activity| one.last_success_at != NEVER || one.last_failure_at != NEVER;
        let found: Vec<((u32, u32), Activity)> = self
            .keys
            .iter()
            .copied()
            .zip(self.activities.iter().copied())
            .filter(|(_, one)| is_any(one))
            .collect();
        let (written, failed) = (self.texts.written(), failed("last_activity"));
        let text = |number: &dyn Fn((u32, u32), &Activity) -> u32| {
            written.column(found.iter().map(|(key, one)| number(*key, one))).map_err(&failed)
        };
        let time = |at: &dyn Fn(&Activity) -> i64| {
            times(found.iter().map(|(_, one)| at(one)).map(|at| (at != NEVER).then_some(at)))
        };
        let since: Int64Array = found.iter().map(|(_, one)| Some(one.failures_since_success)).collect();
        Ok(vec![
            ("app_id", text(&|key, _| key.0)?),
            ("account_id", text(&|key, _| key.1)?),
            ("last_success_at", time(&|one| one.last_success_at)),
            ("last_success_signal", text(&|_, one| one.signal)?),
            ("last_failure_at", time(&|one| one.last_failure_at)),
            ("failures_since_success", Arc::new(since)),
            ("first_success_at", time(&|one| one.first_success_at)),
        ])
    }

    fn account(&mut self, app: u32, account: u32) -> usize {
        let (number, new) = self.keys.insert_full((app, account));
        if new {
            self.identities.push(NONE);
            self.activities.push(Activity::NONE);
        }
        number
    }

    fn succeeded(&mut self, account: usize, signal: u32, first_at: i64, last_at: i64) {
        let activity = &mut self.activities[account];
        if activity.first_success_at == NEVER || first_at < activity.first_success_at {
            activity.first_success_at = first_at;
        }
        let order = last_at.cmp(&activity.last_success_at);
        let text = |signal: u32| self.texts.text(signal);
        if order.then_with(|| text(signal).cmp(text(activity.signal))).is_gt() {
            (activity.last_success_at, activity.signal) = (last_at, signal);
        }
    }
}
