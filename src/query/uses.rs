//! Uses of accounts, counted as their events come: what was used when, what each log tells of, and the hours in which it
//! tells anything. Of a history most events are uses.
//!
//! Takes events; gives the tables `uses`, `tail_uses` and `tail_hours`. It does not know whose an account is, nor what a
//! checkpoint has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{Int64Array, RecordBatch, StringViewArray};
use indexmap::IndexSet;

use super::texts::{Numbered, Written};
use super::{Error, PackedTable, Parts, Rows, failed, parts, times};

const HOUR: i64 = 3_600_000_000;

/// How an account is used, but for whose it is: in one application, as events name it, by one verb and with one outcome.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Manner {
    account_app: u32,
    app_id: u32,
    app_name: u32,
    verb: u32,
    credential_kind: u32,
    credential_id: u32,
    failed: bool,
}

/// The uses of one account in one manner are told of as one: by the account's number and that of the manner.
type Use = (u32, u32);

/// Uses that are put together at once. They are sorted for that: a million accounts are too many to look each up
/// for every use.
const TOGETHER: usize = 1 << 20;

/// When the first of several was, when the last, and how many they are.
#[derive(Clone, Copy)]
struct Tally {
    first_at: i64,
    last_at: i64,
    times: i64,
}

impl Tally {
    fn once(at: i64) -> Tally {
        Tally { first_at: at, last_at: at, times: 1 }
    }

    fn add(&mut self, other: Tally) {
        self.first_at = self.first_at.min(other.first_at);
        self.last_at = self.last_at.max(other.last_at);
        self.times += other.times;
    }
}

/// Uses as they are heard, in any order.
#[derive(Default)]
pub(super) struct Uses {
    texts: Numbered,
    /// By the number of a word: what it says as a verb or as an outcome.
    words: Numbered,
    verbs: Vec<Verb>,
    manners: IndexSet<Manner, RandomState>,
    /// As they were heard, with their instants.
    heard: Vec<(Use, i64)>,
    /// Put together, in order. Failures keep an instant each, because how many came after a success is asked for.
    uses: Vec<(Use, Tally)>,
    /// By log, and application as it names it: its successful uses.
    apps: HashMap<[u32; 4], Tally, RandomState>,
    /// Logs, and the hours in which they have an event.
    hours: HashSet<(u32, i64), RandomState>,
}

/// What a verb says of the use of an account.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Nothing,
    Use,
    /// A use that failed, whatever its outcome is called.
    Failure,
}

impl Verb {
    pub fn of(verb: &str) -> Verb {
        match verb {
            "signin.failed" | "signin.app.failed" | "signin.denied_app" => Verb::Failure,
            "token.use" | "session.use" => Verb::Use,
            _ if verb.starts_with("signin") => Verb::Use,
            _ => Verb::Nothing,
        }
    }
}

impl Uses {
    pub fn hear(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("tail_events", batch);
        let at = rows.times("occurred_at")?;
        let (verbs, outcomes) = (self.words.read(&rows, "verb")?, rows.texts("outcome")?);
        while let Some(verb) = self.words.get(self.verbs.len()) {
            self.verbs.push(Verb::of(verb));
        }
        let mut texts = |column| self.texts.read(&rows, column);
        let (sources, account_apps, account_ids) =
            (texts("source")?, texts("account_app")?, texts("account_id")?);
        let (app_ids, app_names) = (texts("app_id")?, texts("app_name")?);
        let (credential_kinds, credential_ids) = (texts("credential_kind")?, texts("credential_id")?);
        let mut last_hour = None;
        for row in 0..rows.len() {
            let Some(at) = at.get(row).map(|at| at.0) else { continue };
            let hour = (sources[row], at.div_euclid(HOUR) * HOUR);
            if last_hour.replace(hour) != Some(hour) {
                self.hours.insert(hour);
            }
            // Challenges and skipped steps are neither.
            let ok = match outcomes.get(row) {
                Some("success") => true,
                Some("failure") => false,
                _ => continue,
            };
            let verb = self.verbs.get(verbs[row] as usize).copied().unwrap_or(Verb::Nothing);
            if verb == Verb::Nothing {
                continue;
            }
            let app = [sources[row], account_apps[row], app_ids[row], app_names[row]];
            if ok {
                self.apps.entry(app).and_modify(|told| told.add(Tally::once(at))).or_insert(Tally::once(at));
            }
            let failed = !ok || verb == Verb::Failure;
            let manner = Manner {
                account_app: account_apps[row],
                app_id: app_ids[row],
                app_name: app_names[row],
                verb: verbs[row],
                credential_kind: credential_kinds[row],
                credential_id: credential_ids[row],
                failed,
            };
            let manner = self.manners.insert_full(manner).0 as u32;
            self.heard.push(((account_ids[row], manner), at));
        }
        // What is put together already is gone through each time.
        if self.heard.len() >= TOGETHER.max(self.uses.len()) {
            self.put_together();
        }
        Ok(())
    }

    fn put_together(&mut self) {
        self.heard.sort_unstable();
        self.uses.extend(self.heard.drain(..).map(|(of, at)| (of, Tally::once(at))));
        // Two that are in order each, which this sort finds.
        self.uses.sort_by_key(|(of, told)| (*of, told.first_at));
        let manners = &self.manners;
        let is_failed =
            |(_, manner): &Use| manners.get_index(*manner as usize).is_some_and(|manner| manner.failed);
        self.uses.dedup_by(|(next, told), (of, all)| {
            let same = next == of && (!is_failed(of) || told.first_at == all.first_at);
            if same {
                all.add(*told);
            }
            same
        });
    }

    /// The tables `uses`, `tail_uses` and `tail_hours`.
    pub fn tables(mut self) -> Result<[PackedTable; 3], Error> {
        let written = self.texts.written();
        Ok([self.uses(&written)?, self.apps(&written)?, self.hours(&written)?])
    }

    /// One row a [`Use`]: `account_app`, `account_id`, `app_id`, `app_name`, `verb`, `credential_kind`,
    /// `credential_id`, `outcome` (success or failure), `failed_at`, `first_at`, `last_at`, `uses`.
    fn uses(&mut self, written: &Written) -> Result<PackedTable, Error> {
        const NAME: &str = "uses";
        self.put_together();
        let (verbs, mut table) = (self.words.written(), Parts::of(NAME));
        for part in parts(self.uses.len()) {
            let uses = &self.uses[part];
            let manner = |manner: u32| self.manners.get_index(manner as usize);
            let manners: Vec<&Manner> = uses.iter().filter_map(|((_, of), _)| manner(*of)).collect();
            let text = |written: &Written, number: &dyn Fn(&Manner) -> u32| {
                written.column(manners.iter().map(|manner| number(manner))).map_err(failed(NAME))
            };
            let accounts = written.column(uses.iter().map(|((account, _), _)| *account));
            let outcomes = manners.iter().map(|manner| if manner.failed { "failure" } else { "success" });
            let time = |at: &dyn Fn(&Tally) -> i64| times(uses.iter().map(|(_, told)| Some(at(told))));
            let failed_at =
                uses.iter().zip(&manners).map(|((_, told), of)| of.failed.then_some(told.first_at));
            table.push(vec![
                ("account_app", text(written, &|manner| manner.account_app)?),
                ("account_id", accounts.map_err(failed(NAME))?),
                ("app_id", text(written, &|manner| manner.app_id)?),
                ("app_name", text(written, &|manner| manner.app_name)?),
                ("verb", text(&verbs, &|manner| manner.verb)?),
                ("credential_kind", text(written, &|manner| manner.credential_kind)?),
                ("credential_id", text(written, &|manner| manner.credential_id)?),
                ("outcome", Arc::new(StringViewArray::from_iter_values(outcomes))),
                ("failed_at", times(failed_at)),
                ("first_at", time(&|told| told.first_at)),
                ("last_at", time(&|told| told.last_at)),
                ("uses", Arc::new(Int64Array::from_iter_values(uses.iter().map(|(_, told)| told.times)))),
            ])?;
        }
        table.finish()
    }

    /// One log, and one application as it names it, of whose use it told, a row: `source`, `account_app`, `app_id`,
    /// `app_name`, `first_at`, `last_at`.
    fn apps(&self, written: &Written) -> Result<PackedTable, Error> {
        const NAME: &str = "tail_uses";
        let text = |at: usize| written.column(self.apps.keys().map(|app| app[at])).map_err(failed(NAME));
        let mut table = Parts::of(NAME);
        table.push(vec![
            ("source", text(0)?),
            ("account_app", text(1)?),
            ("app_id", text(2)?),
            ("app_name", text(3)?),
            ("first_at", times(self.apps.values().map(|told| Some(told.first_at)))),
            ("last_at", times(self.apps.values().map(|told| Some(told.last_at)))),
        ])?;
        table.finish()
    }

    /// One hour in which one log has an event a row: `source`, `hour_at`.
    fn hours(&self, written: &Written) -> Result<PackedTable, Error> {
        const NAME: &str = "tail_hours";
        let sources = written.column(self.hours.iter().map(|(source, _)| *source)).map_err(failed(NAME))?;
        let mut table = Parts::of(NAME);
        table.push(vec![
            ("source", sources),
            ("hour_at", times(self.hours.iter().map(|(_, hour_at)| Some(*hour_at)))),
        ])?;
        table.finish()
    }
}
