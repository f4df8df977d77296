//! How an account is: the newest value that anyone stated of each attribute.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray};

use super::{ENDLESS, NEVER};
use crate::query::{Error, NONE, Numbered, Rows, Times, Written, failed, times};

const TEXTS: [&str; 7] =
    ["account_name", "display_name", "email", "external_id", "employee_id", "status", "class"];
/// Those of the texts that uses tell of too.
pub const NAMES: [&str; 3] = ["account_name", "email", "external_id"];
const FLAGS: [&str; 3] = ["mfa", "local_login", "privileged"];

/// When something was said, and in which event or listing. Of what was said at one instant, listings say more than events,
/// and the newer of them, by their `place`, more than the older.
#[derive(Clone, Copy)]
pub struct Said {
    pub at: i64,
    pub place: u32,
    pub by: u32,
}

/// The columns of a batch of statements.
pub struct Columns {
    texts: [Vec<u32>; TEXTS.len()],
    flags: [BooleanArray; FLAGS.len()],
    created_at: Times,
    last_active_at: Times,
    expires_at: Times,
    listed_at: Times,
}

impl Columns {
    pub fn read(rows: &Rows<'_>, numbered: &mut Numbered) -> Result<Columns, Error> {
        let mut texts: [Vec<u32>; TEXTS.len()] = Default::default();
        for (numbers, column) in texts.iter_mut().zip(TEXTS) {
            *numbers = numbered.read(rows, column)?;
        }
        let [mfa, local_login, privileged] = FLAGS;
        Ok(Columns {
            texts,
            flags: [rows.booleans(mfa)?, rows.booleans(local_login)?, rows.booleans(privileged)?],
            created_at: rows.times("created_at")?,
            last_active_at: rows.times("last_active_at")?,
            expires_at: rows.times("expires_at")?,
            listed_at: rows.times("listed_at")?,
        })
    }
}

/// The newest value of one attribute; of several that one record states, the greatest.
#[derive(Clone, Copy)]
struct Newest<V> {
    said: Said,
    value: V,
}

impl<V: Copy + Default> Default for Newest<V> {
    fn default() -> Newest<V> {
        Newest { said: Said { at: NEVER, place: 0, by: NONE }, value: V::default() }
    }
}

impl<V: Copy> Newest<V> {
    fn hear(&mut self, said: Said, value: V, texts: &Numbered, order: impl Fn(V, V) -> Ordering) {
        let by = |said: Said| texts.text(said.by);
        let newer = (said.at, said.place).cmp(&(self.said.at, self.said.place));
        let newer = newer.then_with(|| by(said).cmp(by(self.said)));
        if newer.then_with(|| order(value, self.value)).is_gt() {
            *self = Newest { said, value };
        }
    }

    fn get(self) -> Option<V> {
        (self.said.at != NEVER).then_some(self.value)
    }
}

/// All that is known of how one account is.
#[derive(Clone, Copy, Default)]
pub struct Described {
    texts: [Newest<u32>; TEXTS.len()],
    flags: [Newest<bool>; FLAGS.len()],
    expires_at: Newest<i64>,
    created_at: Option<i64>,
    last_active_at: Option<i64>,
    listed_at: Option<i64>,
    /// Absent when nothing said how it is.
    first_stated_at: Option<i64>,
}

impl Described {
    /// Where `states_ends`, to say no end is to say that there is none.
    pub fn hear(
        &mut self,
        columns: &Columns,
        row: usize,
        said: Said,
        states_ends: bool,
        numbered: &Numbered,
    ) {
        for (newest, texts) in self.texts.iter_mut().zip(&columns.texts) {
            if texts[row] != NONE {
                newest.hear(said, texts[row], numbered, |a, b| numbered.text(a).cmp(numbered.text(b)));
            }
        }
        for (newest, flags) in self.flags.iter_mut().zip(&columns.flags) {
            if flags.is_valid(row) {
                let flag = flags.value(row);
                newest.hear(said, flag, numbered, |a, b| a.cmp(&b));
            }
        }
        let time = |times: &Times| times.get(row).map(|at| at.0);
        if let Some(at) = time(&columns.expires_at).or(states_ends.then_some(ENDLESS)) {
            self.expires_at.hear(said, at, numbered, |a, b| a.cmp(&b));
        }
        self.created_at = earlier(self.created_at, time(&columns.created_at));
        self.last_active_at = self.last_active_at.max(time(&columns.last_active_at));
        self.listed_at = self.listed_at.max(time(&columns.listed_at));
        self.first_stated_at = earlier(self.first_stated_at, Some(said.at));
    }

    /// Takes names by which an account goes of which nothing else tells, in the order of [`NAMES`]; `said` is when it was
    /// first told of at all, so that of several names the greatest counts.
    pub fn hear_names(&mut self, names: [u32; NAMES.len()], said: Said, numbered: &Numbered) {
        for (name, number) in NAMES.into_iter().zip(names).filter(|(_, number)| *number != NONE) {
            if let Some(place) = TEXTS.iter().position(|text| *text == name) {
                self.texts[place].hear(said, number, numbered, |a, b| numbered.text(a).cmp(numbered.text(b)));
            }
        }
        self.first_stated_at = earlier(self.first_stated_at, Some(said.at));
    }

    pub fn is_known(&self) -> bool {
        self.first_stated_at.is_some()
    }
}

/// The columns of these accounts' attributes.
pub fn columns(known: &[&Described], written: &Written) -> Result<Vec<(&'static str, ArrayRef)>, Error> {
    let mut columns = Vec::new();
    for (at, name) in TEXTS.into_iter().enumerate() {
        let numbers = known.iter().map(|one| one.texts[at].get().unwrap_or(NONE));
        columns.push((name, written.column(numbers).map_err(failed("account_attributes"))?));
    }
    columns.push(("created_at", times(known.iter().map(|one| one.created_at))));
    columns.push(("last_active_at", times(known.iter().map(|one| one.last_active_at))));
    columns.push((
        "expires_at",
        times(known.iter().map(|one| one.expires_at.get().filter(|at| *at != ENDLESS))),
    ));
    for (at, name) in FLAGS.into_iter().enumerate() {
        let flags: BooleanArray = known.iter().map(|one| one.flags[at].get()).collect();
        columns.push((name, Arc::new(flags)));
    }
    columns.push(("listed_at", times(known.iter().map(|one| one.listed_at))));
    columns.push(("first_stated_at", times(known.iter().map(|one| one.first_stated_at))));
    Ok(columns)
}

fn earlier(a: Option<i64>, b: Option<i64>) -> Option<i64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
