//! What was said of accounts, folded into their states in time and what they are like.

use ahash::RandomState;
use arrow::array::{Array, RecordBatch};
use indexmap::IndexSet;

use super::described::{self, Described, Said};
use super::life::Presence;
use super::listings::{Listings, Places, Silences};
use super::mentions::Mention;
use super::{NEVER, keys, words};
use crate::query::{Error, NONE, Numbered, PackedTable, Parts, Rows, failed, parts, times};
use crate::state::numbers::Numbers;

/// What an account can be said to be. Of two words of one record the later one here counts.
const STATES: [&str; 4] = ["active", "deleted", "inactive", "unknown"];
const DELETED: u8 = 1;
const UNKNOWN: u8 = 3;

/// Who says so: an event, a listing that names the account, or one that does not. Of an account that others only mention,
/// nobody says anything.
const HOW: [&str; 4] = ["event", "listing", "vanished", "mention"];
const LISTING: u8 = 1;
const VANISHED: u8 = 2;
const MENTION: u8 = 3;

/// One word on the state of one account.
#[derive(Clone, Copy)]
struct Word {
    account: u32,
    said: Said,
    how: u8,
    state: u8,
}

/// Statements of `account_statements.sql`, heard in any order.
#[derive(Default)]
pub struct Accounts {
    texts: Numbered,
    places: Places,
    /// Application and account; the place of a pair is the account's number here.
    keys: IndexSet<(u32, u32), RandomState>,
    words: Vec<Word>,
    described: Vec<Described>,
    mentions: Vec<Mention>,
}

impl Accounts {
    /// Of a session with these listings.
    pub fn of(listings: &Listings) -> Accounts {
        let mut texts = Numbered::default();
        let places = listings.places("account", &mut texts);
        Accounts { texts, places, ..Accounts::default() }
    }

    pub fn hear(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("account_statements", batch);
        let apps = self.texts.read(&rows, "app_id")?;
        let accounts = self.texts.read(&rows, "account_id")?;
        let (at, states) = (rows.times("at")?, rows.texts("state")?);
        let (listed, describes) = (rows.booleans("listed")?, rows.booleans("describes")?);
        let refs = self.texts.read_unless(&rows, "ref", |row| !listed.value(row))?;
        let mentions = rows.booleans("mentions")?;
        let columns = described::Columns::read(&rows, &mut self.texts)?;
        for row in 0..rows.len() {
            let account = self.account(apps[row], accounts[row]);
            let place = if listed.value(row) { self.places.of(refs[row]) } else { 0 };
            let said = Said { at: at.get(row).map_or(NEVER, |at| at.0), place, by: refs[row] };
            if describes.is_valid(row) && describes.value(row) {
                let states_ends = listed.value(row) && self.places.states_ends(refs[row]);
                self.described[account].hear(&columns, row, said, states_ends, &self.texts);
            }
            let state = states.get(row).and_then(|state| STATES.iter().position(|known| *known == state));
            if let Some(state) = state {
                let how = if listed.value(row) { LISTING } else { 0 };
                self.words.push(Word { account: account as u32, said, how, state: state as u8 });
            } else if mentions.is_valid(row) && mentions.value(row) {
                self.mentions[account].hear(said, said.at, &self.texts);
            }
        }
        Ok(())
    }

    /// Takes rows of `touched_mentions`.
    pub fn hear_used(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("touched_mentions", batch);
        let apps = self.texts.read(&rows, "app_id")?;
        let accounts = self.texts.read(&rows, "account_id")?;
        let (first_at, last_at) = (rows.times("first_at")?, rows.times("last_at")?);
        for row in 0..rows.len() {
            let (Some(first_at), Some(last_at)) = (first_at.get(row), last_at.get(row)) else { continue };
            let account = self.account(apps[row], accounts[row]);
            let said = Said { at: first_at.0, place: 0, by: NONE };
            self.mentions[account].hear(said, last_at.0, &self.texts);
        }
        Ok(())
    }

    /// Accounts that are used and that nothing describes: `app_id`, `account_id`.
    pub fn unnamed(&self) -> Result<PackedTable, Error> {
        const NAME: &str = "unnamed_accounts";
        let unnamed =
            |account: &usize| !self.described[*account].is_known() && self.mentions[*account].is_any();
        let unnamed: Vec<(u32, u32)> = (0..self.keys.len())
            .filter(unnamed)
            .filter_map(|account| self.keys.get_index(account).copied())
            .collect();
        let (written, failed) = (self.texts.written(), failed(NAME));
        let mut table = Parts::of(NAME);
        for part in parts(unnamed.len()) {
            let unnamed = &unnamed[part];
            table.push(vec![
                ("app_id", written.column(unnamed.iter().map(|key| key.0)).map_err(&failed)?),
                ("account_id", written.column(unnamed.iter().map(|key| key.1)).map_err(&failed)?),
            ])?;
        }
        table.finish()
    }

    /// Takes names that uses give to accounts that nothing describes.
    pub fn hear_names(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("used_names", batch);
        let apps = self.texts.read(&rows, "app_id")?;
        let accounts = self.texts.read(&rows, "account_id")?;
        let mut names: [Vec<u32>; described::NAMES.len()] = Default::default();
        for (numbers, column) in names.iter_mut().zip(described::NAMES) {
            *numbers = self.texts.read(&rows, column)?;
        }
        for row in 0..rows.len() {
            let account = self.account(apps[row], accounts[row]);
            let said = self.mentions[account].first();
            self.described[account].hear_names(names.each_ref().map(|column| column[row]), said, &self.texts);
        }
        Ok(())
    }

    /// The place of an account.
    fn account(&mut self, app: u32, account: u32) -> usize {
        let place = self.keys.insert_full((app, account)).0;
        if place == self.described.len() {
            self.described.push(Described::default());
            self.mentions.push(Mention::default());
        }
        place
    }

    /// The `account_key` of each account, in their order.
    pub fn numbered(&self, numbers: &mut Numbers) -> Vec<u32> {
        self.keys
            .iter()
            .map(|(app, account)| numbers.number(self.texts.text(*app), self.texts.text(*account)))
            .collect()
    }

    /// One stretch [`valid_from`, `valid_to`) a row in which one account is in one state: `app_id`,
    /// `account_id`, `account_key`, `state` (active, inactive, deleted, unknown), `valid_from`, `valid_to`, `how`
    /// (event, listing, vanished, mention), `ref` (event or listing id).
    ///
    /// A trusted complete listing ends every account of its feed that it does not name. That a listing says
    /// nothing of the status counts only where nothing else ever does, and of an account that was deleted: it is there.
    /// That something is told of it which is neither, as its use, counts only where there is no word at all.
    pub fn spans(&mut self, listings: &Listings, numbers: &[u32]) -> Result<PackedTable, Error> {
        let silences = listings.silences("account", &mut self.texts);
        let mut said = std::mem::take(&mut self.words);
        said.sort_unstable_by(|a, b| a.account.cmp(&b.account).then_with(|| self.order(a, b)));
        let (mut spans, mut ends) = (Vec::new(), Vec::new());
        let mut turns = Vec::new();
        let mut add = |turns: &[Word]| {
            for (at, word) in turns.iter().enumerate() {
                let end = turns.get(at + 1).map(|next| next.said.at);
                if end.is_none_or(|end| end > word.said.at) {
                    spans.push(*word);
                    ends.push(end);
                }
            }
        };
        let mut has_word = vec![false; self.keys.len()];
        for said in said.chunk_by(|a, b| a.account == b.account) {
            has_word[said[0].account as usize] = true;
            self.turns(said, &silences, &mut turns);
            add(&turns);
        }
        drop(said);
        for account in (0..has_word.len()).filter(|account| !has_word[*account]) {
            self.turns_of_mentions(account, &silences, &mut turns);
            add(&turns);
        }
        let (written, failed) = (self.texts.written(), failed("account_spans"));
        let key = |word: &Word| self.keys[word.account as usize];
        let mut table = Parts::of("account_spans");
        for part in parts(spans.len()) {
            let (spans, ends) = (&spans[part.clone()], &ends[part]);
            let text = |number: &dyn Fn(&Word) -> u32| written.column(spans.iter().map(number));
            table.push(vec![
                ("app_id", text(&|word| key(word).0).map_err(&failed)?),
                ("account_id", text(&|word| key(word).1).map_err(&failed)?),
                ("account_key", keys(spans.iter().map(|word| numbers[word.account as usize]))),
                ("state", words(&STATES, spans.iter().map(|word| word.state))),
                ("valid_from", times(spans.iter().map(|word| Some(word.said.at)))),
                ("valid_to", times(ends.iter().copied())),
                ("how", words(&HOW, spans.iter().map(|word| word.how))),
                ("ref", text(&|word| word.said.by).map_err(&failed)?),
            ])?;
        }
        table.finish()
    }

    /// One account a row that anything describes: `app_id`, `account_id`, `account_key`, the newest value that anyone
    /// stated of each attribute, and when it was created, active, listed and described at all.
    pub fn attributes(&self, numbers: &[u32]) -> Result<PackedTable, Error> {
        let described = self.keys.iter().zip(numbers).zip(&self.described).filter(|(_, one)| one.is_known());
        let (accounts, known): (Vec<_>, Vec<&Described>) = described.unzip();
        let (written, failed) = (self.texts.written(), failed("account_attributes"));
        let mut table = Parts::of("account_attributes");
        for part in parts(known.len()) {
            let (accounts, known) = (&accounts[part.clone()], &known[part]);
            let mut columns = vec![
                ("app_id", written.column(accounts.iter().map(|(key, _)| key.0)).map_err(&failed)?),
                ("account_id", written.column(accounts.iter().map(|(key, _)| key.1)).map_err(&failed)?),
                ("account_key", keys(accounts.iter().map(|(_, number)| **number))),
            ];
            columns.extend(described::columns(known, &written)?);
            table.push(columns)?;
        }
        table.finish()
    }

    /// The words on one account, in order, at which its state turns.
    fn turns(&self, said: &[Word], silences: &Silences, turns: &mut Vec<Word>) {
        let decided = said.iter().any(|word| word.state != UNKNOWN);
        turns.clear();
        let Some(first) = said.iter().find(|word| word.state != UNKNOWN || !decided).copied() else { return };
        let named = said.iter().filter(|word| word.how == LISTING).map(|word| word.said.place);
        let events = said.iter().filter(|word| word.how != LISTING);
        let told = events.map(|word| Presence { at: word.said.at, is_there: word.state != DELETED });
        turns.extend(said);
        for said in silences.ending(self.keys[first.account as usize].0, None, first.said, named, told) {
            turns.push(Word { said, how: VANISHED, state: DELETED, ..first });
        }
        turns.sort_unstable_by(|a, b| self.order(a, b));
        let mut before = None;
        turns.retain(|word| {
            let counts = word.state != UNKNOWN || !decided || before == Some(DELETED);
            before = if counts { Some(word.state) } else { before };
            counts
        });
        turns.dedup_by_key(|word| word.state);
    }

    /// The same of an account on which there is no word. A listing that does not name it says that it is gone, until it is
    /// mentioned again.
    fn turns_of_mentions(&self, account: usize, silences: &Silences, turns: &mut Vec<Word>) {
        turns.clear();
        let mention = self.mentions[account];
        if !mention.is_any() {
            return;
        }
        let first = Word { account: account as u32, said: mention.first(), how: MENTION, state: UNKNOWN };
        turns.extend([first, Word { said: mention.last(), ..first }]);
        let told = turns.clone().into_iter().map(|word| Presence { at: word.said.at, is_there: true });
        let nobody = std::iter::empty();
        for said in silences.ending(self.keys[account].0, None, first.said, nobody, told) {
            turns.push(Word { said, state: DELETED, ..first });
        }
        turns.sort_by(|a, b| self.order(a, b));
        turns.dedup_by_key(|word| word.state);
    }

    /// By time, events before listings, listings from older to newer, then by id and state.
    fn order(&self, a: &Word, b: &Word) -> std::cmp::Ordering {
        let text = |word: &Word| self.texts.text(word.said.by);
        let order = |word: &Word| (word.said.at, word.how != 0, word.said.place);
        let order = order(a).cmp(&order(b));
        order.then_with(|| text(a).cmp(text(b))).then_with(|| a.state.cmp(&b.state))
    }
}
