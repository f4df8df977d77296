//! Uses of accounts, folded into when each was last used, and whether it still succeeds.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringViewArray, UInt32Array};

use super::{NEVER, keys};
use crate::query::{
    Error, NONE, NumberSet, Numbered, PackedTable, Parts, Rows, Session, Texts, failed, times,
};

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
    place: usize,
    at: i64,
    times: i64,
}

/// An account as rows name it.
struct Named {
    account_key: u32,
    app: u32,
    /// Where its id stands: in which column, at which row.
    id: (usize, usize),
    /// Whose it is.
    identity_key: Option<u32>,
}

/// Links first, then uses and what listings or a checkpoint say of activity.
#[derive(Default)]
pub struct Uses {
    texts: Numbered,
    /// By `account_key`: the account's place.
    places: HashMap<u32, usize, RandomState>,
    accounts: Vec<Named>,
    /// Columns of ids of accounts.
    ids: Vec<Texts>,
    activities: Vec<Activity>,
    /// By identity and application: the accounts.
    of_identity: HashMap<(u32, u32), Vec<usize>, RandomState>,
    failures: Vec<Failed>,
}

impl Uses {
    /// Takes the accounts of the view `links`, which are all accounts of some people.
    pub async fn hear_links(&mut self, session: &Session, links: &str) -> Result<(), Error> {
        session.alias("heard", links).await?;
        let sql = "SELECT app_id, account_id, account_key, identity_key FROM heard";
        session.each(links, sql, |batch| self.hear_links_of(batch)).await?;
        session.forget(&["heard"])
    }

    /// Takes the rows of `uses`, a part of `app_uses`.
    pub async fn hear_uses(&mut self, session: &Session, uses: &str) -> Result<(), Error> {
        session.alias("heard", uses).await?;
        let sql = "SELECT account_key_app, account_id, account_key, app_key, verb, outcome = 'success' AS ok, first_at, \
                   last_at, uses FROM heard WHERE account_key IS NOT NULL";
        session.each(uses, sql, |batch| self.hear_uses_of(batch)).await?;
        session.forget(&["heard"])
    }

    /// Takes the instants at which listings say that the accounts of `attributes` were last active.
    pub async fn hear_listed(&mut self, session: &Session, attributes: &str) -> Result<(), Error> {
        session.alias("heard", attributes).await?;
        let sql = "SELECT account_key, last_active_at FROM heard WHERE last_active_at <= $as_of";
        session.each(attributes, sql, |batch| self.hear_listed_of(batch)).await?;
        session.forget(&["heard"])
    }

    /// Takes what the rows of `before`, a part of `last_activity`, say of earlier uses of accounts that were heard. Gives
    /// those of which they do not tell enough: how many failures came after a success among earlier ones.
    pub async fn hear_before(&mut self, session: &Session, before: &str) -> Result<NumberSet, Error> {
        let mut unsure = NumberSet::default();
        session.alias("heard", before).await?;
        let sql = "SELECT account_key, last_success_at, last_success_signal, last_failure_at, failures_since_success, \
                   first_success_at FROM heard";
        session.each(before, sql, |batch| self.hear_before_of(batch, &mut unsure)).await?;
        session.forget(&["heard"])?;
        Ok(unsure)
    }

    fn hear_links_of(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("links", batch);
        let named = self.naming(&rows, ["app_id", "account_id"])?;
        let identities = rows.keys("identity_key")?;
        for row in 0..rows.len() {
            let place = self.place(&named, row);
            if identities.is_valid(row) {
                let identity = identities.value(row);
                self.accounts[place].identity_key = Some(identity);
                self.of_identity.entry((identity, named.apps[row])).or_default().push(place);
            }
        }
        Ok(())
    }

    /// A sign-in through an identity provider counts for the account that the same identity has in the application it
    /// went to.
    fn hear_uses_of(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("app_uses", batch);
        let sso = self.texts.number("sso");
        let named = self.naming(&rows, ["account_key_app", "account_id"])?;
        let (to, verbs) = (self.texts.read(&rows, "app_key")?, self.texts.read(&rows, "verb")?);
        let (first_at, last_at, uses) =
            (rows.times("first_at")?, rows.times("last_at")?, rows.integers("uses")?);
        let ok = rows.booleans("ok")?;
        for row in 0..rows.len() {
            let (Some(first_at), Some(last_at)) = (first_at.get(row), last_at.get(row)) else { continue };
            let place = self.place(&named, row);
            let used = |place: usize, signal: u32, uses_of: &mut Uses| match ok.value(row) {
                true => uses_of.succeeded(place, signal, first_at.0, last_at.0),
                false => uses_of.failures.push(Failed { place, at: last_at.0, times: uses.value(row) }),
            };
            used(place, verbs[row], self);
            let identity = self.accounts[place].identity_key.filter(|_| to[row] != named.apps[row]);
            let theirs = identity.and_then(|identity| self.of_identity.get(&(identity, to[row]))).cloned();
            theirs.unwrap_or_default().into_iter().for_each(|place| used(place, sso, self));
        }
        Ok(())
    }

    fn hear_listed_of(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("account_attributes", batch);
        let listing = self.texts.number("listing");
        let (keys, last_active_at) = (rows.keys("account_key")?, rows.times("last_active_at")?);
        for (row, key) in keys.values().iter().enumerate() {
            // Who has attributes has a link, which was heard.
            let heard = last_active_at.get(row).zip(self.places.get(key).copied());
            if let Some((at, place)) = heard {
                self.succeeded(place, listing, at.0, at.0);
            }
        }
        Ok(())
    }

    fn hear_before_of(&mut self, batch: &RecordBatch, unsure: &mut NumberSet) -> Result<(), Error> {
        let rows = Rows::new("last_activity", batch);
        let keys = rows.keys("account_key")?;
        let signals = self.texts.read(&rows, "last_success_signal")?;
        let time = |column: &str| rows.times(column);
        let (first, last, failed) =
            (time("first_success_at")?, time("last_success_at")?, time("last_failure_at")?);
        let since = rows.integers("failures_since_success")?;
        for (row, signal) in signals.into_iter().enumerate() {
            // Others were not heard.
            let Some(place) = self.places.get(&keys.value(row)).copied() else { continue };
            let succeeded_since = self.activities[place].last_success_at;
            let (last, times) = (last.get(row).map_or(NEVER, |at| at.0), since.value(row));
            if let Some(failed) = failed.get(row) {
                // Of several failures after the success before, the last alone is known by its instant.
                if times > 1 && last < succeeded_since && succeeded_since < failed.0 {
                    unsure.insert(self.accounts[place].account_key);
                }
                self.failures.push(Failed { place, at: failed.0, times });
            }
            if let Some(first) = first.get(row) {
                self.succeeded(place, signal, first.0, last);
            }
        }
        Ok(())
    }

    /// The accounts of which any activity was heard.
    pub fn active(&self) -> NumberSet {
        let mut active = NumberSet::default();
        let succeeded = self.activities.iter().enumerate().filter(|(_, one)| one.last_success_at != NEVER);
        let places = succeeded.map(|(place, _)| place).chain(self.failures.iter().map(|failed| failed.place));
        active.extend(places.map(|place| self.accounts[place].account_key));
        active
    }

    /// The rows of `last_activity`.
    pub fn table(self, but: &NumberSet) -> Result<PackedTable, Error> {
        let mut table = Parts::of("last_activity");
        table.push(self.last_activity(but)?)?;
        table.finish()
    }

    /// One account with any activity a row: `app_id`, `account_id`, `account_key`, `last_success_at`,
    /// `last_success_signal`, `last_failure_at`, `failures_since_success`, `first_success_at`. Only a
    /// success counts as use; a failed sign-in never refreshes it. None of the accounts `but` these.
    fn last_activity(mut self, but: &NumberSet) -> Result<Vec<(&'static str, ArrayRef)>, Error> {
        for Failed { place, at, times } in std::mem::take(&mut self.failures) {
            let activity = &mut self.activities[place];
            activity.last_failure_at = activity.last_failure_at.max(at);
            if at > activity.last_success_at {
                activity.failures_since_success += times;
            }
        }
        let is_any = |one: &Activity| one.last_success_at != NEVER || one.last_failure_at != NEVER;
        let found = self.accounts.iter().zip(self.activities.iter().copied());
        let found: Vec<(&Named, Activity)> =
            found.filter(|(named, one)| is_any(one) && !but.has(named.account_key)).collect();
        let (written, failed) = (self.texts.written(), failed("last_activity"));
        let text = |number: &dyn Fn(&Named, &Activity) -> u32| {
            written.column(found.iter().map(|(named, one)| number(named, one))).map_err(&failed)
        };
        let time = |at: &dyn Fn(&Activity) -> i64| {
            times(found.iter().map(|(_, one)| at(one)).map(|at| (at != NEVER).then_some(at)))
        };
        let ids = found.iter().map(|(named, _)| self.ids[named.id.0].get(named.id.1));
        let since: Int64Array = found.iter().map(|(_, one)| Some(one.failures_since_success)).collect();
        Ok(vec![
            ("app_id", text(&|named, _| named.app)?),
            ("account_id", Arc::new(ids.collect::<StringViewArray>())),
            ("account_key", keys(found.iter().map(|(named, _)| named.account_key))),
            ("last_success_at", time(&|one| one.last_success_at)),
            ("last_success_signal", text(&|_, one| one.signal)?),
            ("last_failure_at", time(&|one| one.last_failure_at)),
            ("failures_since_success", Arc::new(since)),
            ("first_success_at", time(&|one| one.first_success_at)),
        ])
    }

    /// How the rows of a batch name accounts.
    fn naming(&mut self, rows: &Rows<'_>, [app, id]: [&str; 2]) -> Result<Naming, Error> {
        self.ids.push(rows.texts(id)?);
        Ok(Naming {
            apps: self.texts.read(rows, app)?,
            ids: self.ids.len() - 1,
            keys: rows.keys("account_key")?,
        })
    }

    /// The place of the account of a row.
    fn place(&mut self, named: &Naming, row: usize) -> usize {
        let account_key = named.keys.value(row);
        if let Some(place) = self.places.get(&account_key) {
            return *place;
        }
        let place = self.accounts.len();
        self.places.insert(account_key, place);
        self.accounts.push(Named {
            account_key,
            app: named.apps[row],
            id: (named.ids, row),
            identity_key: None,
        });
        self.activities.push(Activity::NONE);
        place
    }

    fn succeeded(&mut self, place: usize, signal: u32, first_at: i64, last_at: i64) {
        let activity = &mut self.activities[place];
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

/// How the rows of a batch name accounts.
struct Naming {
    apps: Vec<u32>,
    /// The place of the column of their ids.
    ids: usize,
    keys: UInt32Array,
}
