//! What was said of grants, folded into the stretches in which they are held.

use std::cmp::Ordering;
use std::collections::HashMap;

use ahash::RandomState;
use arrow::array::{Array, ArrayRef, RecordBatch};
use indexmap::{IndexMap, IndexSet};

use super::described::Said;
use super::life::Presence;
use super::listings::{Listings, Places, Silences};
use super::{ENDLESS, NEVER, keys};
use crate::query::{Error, NONE, Numbered, PART_ROWS, PackedTable, Parts, Rows, Written, failed, times};
use crate::state::numbers::Numbers;

/// Who says so, in the order in which words of one instant count: an event, an event that only states a new end, a
/// listing, whether it names the grant or not, or the end of the account.
const EVENT: u8 = 1;
const EXTENSION: u8 = 2;
const LISTING: u8 = 3;
const GONE: u8 = 4;

/// One word on one grant.
#[derive(Clone, Copy)]
struct Word {
    /// Application, account and entitlement.
    holding: u32,
    kind: u32,
    said: Said,
    rank: u8,
    held: bool,
    terms: Terms,
}

/// What is said of a grant besides that it is held; texts by number, [`NEVER`] for no time, [`ENDLESS`] for an end that
/// is taken back.
#[derive(Clone, Copy)]
struct Terms {
    name: u32,
    source: u32,
    granted_by: u32,
    expires_at: i64,
    granted_at: i64,
    last_used_at: i64,
    listed_at: i64,
}

impl Terms {
    const NONE: Terms = Terms {
        name: NONE,
        source: NONE,
        granted_by: NONE,
        expires_at: NEVER,
        granted_at: NEVER,
        last_used_at: NEVER,
        listed_at: NEVER,
    };
}

/// A stretch in which a grant is held.
struct Span {
    first: Word,
    until: Option<i64>,
    terms: Terms,
}

/// By application and account or entitlement: the number.
type Seen = HashMap<(u32, u32), u32, RandomState>;

/// Statements of `grant_statements.sql`, heard in any order.
#[derive(Default)]
pub struct Grants {
    texts: Numbered,
    places: Places,
    /// Application, account and entitlement; the place of the three is the number of the holding.
    keys: IndexSet<[u32; 3], RandomState>,
    /// By holding: its `account_key` and its `entitlement_key`.
    numbers: Vec<[u32; 2]>,
    words: Vec<Word>,
    /// By application and account: when it was deleted, and by whose word.
    deleted: IndexMap<(u32, u32), Vec<Said>, RandomState>,
    /// By application and group, the same.
    deleted_groups: HashMap<(u32, u32), Vec<Said>, RandomState>,
}

impl Grants {
    /// Of a session with these listings.
    pub fn of(listings: &Listings) -> Grants {
        let mut texts = Numbered::default();
        let places = listings.places("grant", &mut texts);
        Grants { texts, places, ..Grants::default() }
    }

    pub fn hear(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("grant_statements", batch);
        let mut texts = |column| self.texts.read(&rows, column);
        let (apps, accounts, entitlements) =
            (texts("app_id")?, texts("account_id")?, texts("entitlement_id")?);
        let (kinds, names) = (texts("entitlement_kind")?, texts("entitlement_name")?);
        let (sources, granters) = (texts("from_source")?, texts("granted_by")?);
        let (listed, held) = (rows.booleans("listed")?, rows.booleans("held")?);
        let refs = self.texts.read_unless(&rows, "ref", |row| !listed.value(row))?;
        let (at, expires_at, granted_at) =
            (rows.times("at")?, rows.times("expires_at")?, rows.times("granted_at")?);
        let (last_used_at, listed_at) = (rows.times("last_used_at")?, rows.times("listed_at")?);
        self.words.reserve(rows.len());
        for row in 0..rows.len() {
            let time = |times: &crate::query::Times| times.get(row).map_or(NEVER, |at| at.0);
            let place = if listed.value(row) { self.places.of(refs[row]) } else { 0 };
            let rank = match listed.value(row) {
                true => LISTING,
                false if held.is_null(row) => EXTENSION,
                false => EVENT,
            };
            let endless = rank == LISTING && self.places.states_ends(refs[row]);
            let unsaid = if endless { ENDLESS } else { NEVER };
            let holding = self.keys.insert_full([apps[row], accounts[row], entitlements[row]]).0 as u32;
            self.words.push(Word {
                holding,
                kind: kinds[row],
                said: Said { at: time(&at), place, by: refs[row] },
                rank,
                held: rank != EXTENSION && held.value(row),
                terms: Terms {
                    name: names[row],
                    source: sources[row],
                    granted_by: granters[row],
                    expires_at: expires_at.get(row).map_or(unsaid, |at| at.0),
                    granted_at: time(&granted_at),
                    last_used_at: time(&last_used_at),
                    listed_at: time(&listed_at),
                },
            });
        }
        Ok(())
    }

    /// Rows of `account_spans` in which an account is deleted: it holds nothing from then on.
    pub fn hear_deleted(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("account_spans", batch);
        let mut texts = |column| self.texts.read(&rows, column);
        let (apps, accounts, refs) = (texts("app_id")?, texts("account_id")?, texts("ref")?);
        let from = rows.times("valid_from")?;
        for row in 0..rows.len() {
            let said = Said { at: from.get(row).map_or(NEVER, |at| at.0), place: 0, by: refs[row] };
            self.deleted.entry((apps[row], accounts[row])).or_default().push(said);
        }
        Ok(())
    }

    /// Rows of `deleted_groups`: a group that is deleted has no members, which no event says of each.
    pub fn hear_deleted_groups(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new("deleted_groups", batch);
        let mut texts = |column| self.texts.read(&rows, column);
        let (apps, groups, refs) = (texts("app_id")?, texts("entitlement_id")?, texts("ref")?);
        let at = rows.times("at")?;
        for row in 0..rows.len() {
            let said = Said { at: at.get(row).map_or(NEVER, |at| at.0), place: 0, by: refs[row] };
            self.deleted_groups.entry((apps[row], groups[row])).or_default().push(said);
        }
        Ok(())
    }

    /// Adds the words by which members of deleted groups are none.
    fn empty_groups(&mut self) {
        if self.deleted_groups.is_empty() {
            return;
        }
        let group = self.texts.number("group");
        let members = self.words.iter().filter(|word| word.kind == group && word.held);
        let members: IndexMap<u32, Word, RandomState> = members.map(|word| (word.holding, *word)).collect();
        for (holding, word) in members {
            let [app, _, entitlement] = self.keys[holding as usize];
            let deleted = self.deleted_groups.get(&(app, entitlement)).into_iter().flatten();
            let gone =
                |said: &Said| Word { said: *said, rank: EVENT, held: false, terms: Terms::NONE, ..word };
            self.words.extend(deleted.map(gone));
        }
    }

    /// Numbers the accounts and the entitlements of what was heard.
    pub fn number(&mut self, accounts: &mut Numbers, entitlements: &mut Numbers) {
        let (mut account_keys, mut entitlement_keys) = (Seen::default(), Seen::default());
        for [app, account, entitlement] in &self.keys {
            let number = |seen: &mut Seen, numbers: &mut Numbers, named: u32| {
                let met = || numbers.number(self.texts.text(*app), self.texts.text(named));
                *seen.entry((*app, named)).or_insert_with(met)
            };
            let account_key = number(&mut account_keys, accounts, *account);
            self.numbers.push([account_key, number(&mut entitlement_keys, entitlements, *entitlement)]);
        }
    }

    /// One stretch [`valid_from`, `valid_to`) a row in which one account holds one entitlement:
    /// `app_id`, `account_id`, `account_key`, `entitlement_kind`, `entitlement_id`, `entitlement_key`, `entitlement_name`, `valid_from`,
    /// `valid_to`, `expires_at`, `granted_at`, `last_used_at`, `granted_by`, `from_source`, `listed_at`,
    /// `ref`. Of what can change while a grant is held, the newest that was said counts.
    ///
    /// A trusted complete listing of grants ends every grant of its feed that it does not
    /// name, and a deleted account holds nothing.
    pub fn spans(mut self, listings: &Listings) -> Result<PackedTable, Error> {
        let silences = listings.silences("grant", &mut self.texts);
        self.empty_groups();
        let mut said = std::mem::take(&mut self.words);
        said.sort_unstable_by(|a, b| {
            (a.holding, a.kind).cmp(&(b.holding, b.kind)).then_with(|| self.order(a, b))
        });
        let (mut parts, written) = (Parts::of("grant_spans"), self.texts.written());
        let (mut spans, mut words) = (Vec::with_capacity(PART_ROWS), Vec::new());
        for holding in said.chunk_by(|a, b| a.holding == b.holding) {
            // A listing may call the entitlement by another kind: it names it all the same.
            let named = || holding.iter().filter(|word| word.rank == LISTING).map(|word| word.said.place);
            for grant in holding.chunk_by(|a, b| a.kind == b.kind) {
                words.clear();
                words.extend_from_slice(grant);
                self.end(&mut words, &silences, named());
                settle(&mut words);
                spans.extend(stretches(&words));
            }
            if spans.len() >= PART_ROWS {
                parts.push(self.columns(&spans, &written)?)?;
                spans.clear();
            }
        }
        parts.push(self.columns(&spans, &written)?)?;
        parts.finish()
    }

    /// Adds the words of those that say by silence, or by the end of the account, that it is held no more.
    fn end(&self, words: &mut Vec<Word>, silences: &Silences, named: impl Iterator<Item = u32>) {
        let Some(first) = words.iter().find(|word| word.rank != EXTENSION).copied() else { return };
        let [app, account, _] = self.keys[first.holding as usize];
        let deleted = self.deleted.get(&(app, account)).into_iter().flatten().copied();
        let ends: Vec<Said> = deleted.filter(|said| said.at >= first.said.at).collect();
        let events = words.iter().filter(|word| word.rank == EVENT);
        let mut told: Vec<Presence> =
            events.map(|word| Presence { at: word.said.at, is_there: word.held }).collect();
        told.extend(ends.iter().map(|said| Presence { at: said.at, is_there: false }));
        told.sort_by_key(|told| told.at);
        let gone = |rank| move |said| Word { said, rank, held: false, terms: Terms::NONE, ..first };
        let before = words.len();
        words.extend(ends.into_iter().map(gone(GONE)));
        let silent = silences.ending(app, Some(first.kind), first.said, named, told.into_iter());
        words.extend(silent.into_iter().map(gone(LISTING)));
        if words.len() > before {
            words.sort_unstable_by(|a, b| self.order(a, b));
        }
    }

    /// By time, rank, place among listings, id and word. Of two that say the same at once, as two lines of one listing, the
    /// one with the greater terms comes last.
    fn order(&self, a: &Word, b: &Word) -> Ordering {
        let text = |number: u32| self.texts.text(number);
        let order = |word: &Word| (word.said.at, word.rank, word.said.place);
        let order = order(a).cmp(&order(b));
        let order = order.then_with(|| text(a.said.by).cmp(text(b.said.by)));
        order.then_with(|| a.held.cmp(&b.held)).then_with(|| {
            let terms = |word: &Word| {
                let Terms { name, granted_by, source, expires_at, .. } = word.terms;
                (text(name), text(granted_by), text(source), expires_at)
            };
            terms(a).cmp(&terms(b))
        })
    }

    fn columns(&self, spans: &[Span], written: &Written) -> Result<Vec<(&'static str, ArrayRef)>, Error> {
        let failed = failed("grant_spans");
        let text = |number: &dyn Fn(&Span) -> u32| written.column(spans.iter().map(number)).map_err(&failed);
        let time = |at: &dyn Fn(&Span) -> i64| times(spans.iter().map(|span| known(at(span))));
        let key = |span: &Span| self.keys[span.first.holding as usize];
        let number = |span: &Span| self.numbers[span.first.holding as usize];
        Ok(vec![
            ("app_id", text(&|span| key(span)[0])?),
            ("account_id", text(&|span| key(span)[1])?),
            ("account_key", keys(spans.iter().map(|span| number(span)[0]))),
            ("entitlement_kind", text(&|span| span.first.kind)?),
            ("entitlement_id", text(&|span| key(span)[2])?),
            ("entitlement_key", keys(spans.iter().map(|span| number(span)[1]))),
            ("entitlement_name", text(&|span| span.terms.name)?),
            ("valid_from", time(&|span| span.first.said.at)),
            ("valid_to", times(spans.iter().map(|span| span.until))),
            ("expires_at", times(spans.iter().map(|span| end(span.terms.expires_at)))),
            ("granted_at", time(&|span| span.terms.granted_at)),
            ("last_used_at", time(&|span| span.terms.last_used_at)),
            ("granted_by", text(&|span| span.terms.granted_by)?),
            ("from_source", text(&|span| span.first.terms.source)?),
            ("listed_at", time(&|span| span.terms.listed_at)),
            ("ref", text(&|span| span.first.said.by)?),
        ])
    }
}

/// An extension goes on with what is held, and says nothing where nothing is.
fn settle(words: &mut Vec<Word>) {
    let mut held = false;
    words.retain_mut(|word| {
        let is_extension = word.rank == EXTENSION;
        word.held = if is_extension { held } else { word.held };
        held = word.held;
        held || !is_extension
    });
}

/// The stretches in which the words on one grant, in order, say that it is held.
fn stretches(words: &[Word]) -> impl Iterator<Item = Span> {
    let mut turns = words.chunk_by(|a, b| a.held == b.held).peekable();
    std::iter::from_fn(move || {
        let turn = turns.next()?;
        let until = turns.peek().map(|next| next[0].said.at);
        Some(Span { first: turn[0], until, terms: together(turn) })
    })
    .filter(|span| span.first.held && span.until.is_none_or(|until| until > span.first.said.at))
}

/// The newest of what was said of one stretch, but for when it began, was used and listed.
fn together(turn: &[Word]) -> Terms {
    let mut terms = turn[0].terms;
    for Word { terms: next, .. } in &turn[1..] {
        let newer = |now: &mut u32, next: u32| *now = if next == NONE { *now } else { next };
        newer(&mut terms.name, next.name);
        newer(&mut terms.granted_by, next.granted_by);
        if next.expires_at != NEVER {
            terms.expires_at = next.expires_at;
        }
        if next.granted_at != NEVER && (terms.granted_at == NEVER || next.granted_at < terms.granted_at) {
            terms.granted_at = next.granted_at;
        }
        terms.last_used_at = terms.last_used_at.max(next.last_used_at);
        terms.listed_at = terms.listed_at.max(next.listed_at);
    }
    terms
}

/// The end that was stated last, if it was not taken back.
fn end(at: i64) -> Option<i64> {
    known(at).filter(|at| *at != ENDLESS)
}

fn known(at: i64) -> Option<i64> {
    (at != NEVER).then_some(at)
}
