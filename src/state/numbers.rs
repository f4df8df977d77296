//! Numbers for what two texts name, an account or an entitlement: by them, rows of several views are told apart, cut
//! and joined at a fraction of what texts cost. They are given as things are met, and a number stays as it is for as long
//! as sessions start from what earlier ones held.

use std::collections::HashMap;
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{ArrayRef, RecordBatch, StringViewArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema};
use compact_str::CompactString;
use futures::TryStreamExt;

use crate::query::{Error, Keys, NumberSet, PackedTable, Packer, Parts, Rows, Session, failed, parts};

use super::kept::{self, ACCOUNT, EVENT_ACCOUNT};

/// What was used since a checkpoint.
pub const USES: &str = include_str!("spans/app_uses.sql");

/// The numbers of one kind of thing.
pub struct Numbers {
    /// The view of texts and numbers, and its columns.
    view: &'static str,
    texts: [&'static str; 2],
    number: &'static str,
    /// By the first text and the second. Of those that are known before, only what may be met is here.
    numbers: HashMap<Box<str>, HashMap<CompactString, u32, RandomState>, RandomState>,
    /// The greatest number that was given before, and that was given at all.
    before: u32,
    last: u32,
}

impl Numbers {
    /// Those of accounts: all that may be met are `touched` or were used.
    pub async fn of_accounts(session: &Session, touched: Option<&Keys>) -> Result<Numbers, Error> {
        const VIEW: &str = "account_keys";
        let mut met = touched.cloned().unwrap_or_default();
        if touched.is_some() {
            session.each("app_uses", USES, |batch| met.add("app_uses", batch, EVENT_ACCOUNT)).await?;
        }
        let met =
            |known: PackedTable| known.parted(ACCOUNT, &met).map(|[known, _]| known).map_err(failed(VIEW));
        Numbers::of(session, [VIEW, kept::KEY], ACCOUNT, met).await
    }

    /// Those of entitlements, which are few.
    pub async fn of_entitlements(session: &Session) -> Result<Numbers, Error> {
        const NAMES: [&str; 2] = ["entitlement_keys", "entitlement_key"];
        Numbers::of(session, NAMES, ["app_id", "entitlement_id"], Ok).await
    }

    async fn of(
        session: &Session,
        [view, number]: [&'static str; 2],
        texts: [&'static str; 2],
        met: impl Fn(PackedTable) -> Result<PackedTable, Error>,
    ) -> Result<Numbers, Error> {
        let mut numbers = Numbers { view, texts, number, numbers: HashMap::default(), before: 0, last: 0 };
        let base = kept::base(view);
        if session.has(&base)? {
            let all = session.held(&base).await?;
            // Numbers are given from one on, and none is taken back.
            numbers.before = all.rows() as u32;
            numbers.last = numbers.before;
            session.hold_packed("known", met(all)?)?;
            session.each(view, "SELECT * FROM known", |batch| numbers.learn(batch)).await?;
            session.forget(&["known"])?;
        }
        Ok(numbers)
    }

    fn learn(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new(self.view, batch);
        let [first, second] = [rows.texts(self.texts[0])?, rows.texts(self.texts[1])?];
        let numbers = rows.keys(self.number)?;
        for ((first, second), number) in first.iter().zip(second.iter()).zip(numbers.values()) {
            self.of_first(first.unwrap_or_default()).insert(second.unwrap_or_default().into(), *number);
        }
        Ok(())
    }

    fn of_first(&mut self, first: &str) -> &mut HashMap<CompactString, u32, RandomState> {
        if !self.numbers.contains_key(first) {
            self.numbers.insert(first.into(), HashMap::default());
        }
        self.numbers.entry(first.into()).or_default()
    }

    /// The number of what these texts name.
    pub fn number(&mut self, first: &str, second: &str) -> u32 {
        let known = self.numbers.get(first).and_then(|seconds| seconds.get(second));
        if let Some(number) = known {
            return *number;
        }
        self.last += 1;
        let number = self.last;
        self.of_first(first).insert(second.into(), number);
        number
    }

    /// The numbers of what `named` names.
    pub fn among(&self, named: &Keys) -> NumberSet {
        let mut among = NumberSet::default();
        among.extend(
            self.met().filter(|([first, second], _)| named.has(first, second)).map(|(_, number)| number),
        );
        among
    }

    /// All numbers that are known here or were given, with the texts.
    fn met(&self) -> impl Iterator<Item = ([&str; 2], u32)> {
        self.numbers.iter().flat_map(|(first, seconds)| {
            seconds.iter().map(move |(second, number)| ([&**first, second.as_str()], *number))
        })
    }

    /// The rows of a question, and the numbers of what two of its columns name; none where one of them names nothing.
    pub async fn numbered(
        &mut self,
        session: &Session,
        name: &str,
        sql: &str,
        columns: [&str; 2],
    ) -> Result<PackedTable, Error> {
        let (schema, mut batches) = session.stream(name, sql).await?;
        let fields = schema.fields().iter().cloned();
        let field = Arc::new(Field::new(self.number, DataType::UInt32, true));
        let schema = Arc::new(Schema::new(fields.chain([field]).collect::<Vec<_>>()));
        let mut packer = Packer::new(Arc::clone(&schema));
        while let Some(batch) = batches.try_next().await? {
            let rows = Rows::new(name, &batch);
            let [first, second] = [rows.texts(columns[0])?, rows.texts(columns[1])?];
            let pairs = first.iter().zip(second.iter());
            let numbers: UInt32Array = pairs.map(|(a, b)| Some(self.number(a?, b?))).collect();
            let columns = batch.columns().iter().cloned().chain([Arc::new(numbers) as ArrayRef]);
            RecordBatch::try_new(Arc::clone(&schema), columns.collect())
                .and_then(|batch| packer.push(batch))
                .map_err(failed(name))?;
        }
        Packer::table(schema, [packer]).map_err(failed(name))
    }

    /// Adds the view of all numbers, held.
    pub async fn lay(&self, session: &Session) -> Result<(), Error> {
        let mut given: Vec<_> = self.met().filter(|(_, number)| *number > self.before).collect();
        given.sort_unstable_by_key(|(_, number)| *number);
        let mut table = Parts::of(self.view);
        for part in parts(given.len()) {
            let given = &given[part];
            let texts = |at: usize| -> ArrayRef {
                Arc::new(StringViewArray::from_iter_values(given.iter().map(|(texts, _)| texts[at])))
            };
            let numbers: UInt32Array = given.iter().map(|(_, number)| Some(*number)).collect();
            table.push(vec![
                (self.texts[0], texts(0)),
                (self.texts[1], texts(1)),
                (self.number, Arc::new(numbers)),
            ])?;
        }
        let (given, base) = (table.finish()?, kept::base(self.view));
        let all = match session.has(&base)? {
            true => kept::joined(self.view, &session.held(&base).await?, &given)?,
            false => given,
        };
        session.hold_packed(self.view, all)
    }
}
