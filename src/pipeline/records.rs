//! The records of a batch, read one by one: to rows, or to why they give none. Needs neither the lake nor the
//! batches before it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{Origin, Rejection, Row};
use crate::ingest::{Batch, Body, Quarantined, apart, excerpt};
use crate::normalize::{Context, Reader};
use crate::store::{self, Loading, SourceKind, Stage};

/// Takes the rows of a record or why it gives none, with where it stood and its text, of which a beginning is
/// enough where there are no rows.
pub type Take<'t, E> = dyn FnMut(&Origin, &str, Result<Vec<Row<'_>>, Rejection>) -> Result<(), E> + 't;

/// Reads the records of a batch, each by itself; how many there were, readable or not.
pub fn read_each<E>(
    batch: &Batch,
    file: &Arc<str>,
    reader: &Reader,
    context: &Context,
    take: &mut Take<'_, E>,
) -> Result<u64, E> {
    let mut count = 0;
    for Quarantined { origin, rejection, excerpt } in &batch.quarantined {
        count += 1;
        take(origin, excerpt, Err(rejection.clone()))?;
    }
    for record in batch.records() {
        let read = reader.read(&record, context);
        if read.is_err()
            && let Some(several) = apart(file, &record)
        {
            count += read_each(&several, file, reader, context, take)?;
            continue;
        }
        count += 1;
        let origin = Origin { file: Arc::clone(file), line: record.line };
        take(&origin, &raw_text(&record.body), read)?;
    }
    Ok(count)
}

/// A batch of records that was read, as columns.
pub struct Staged {
    pub stage: Stage,
    /// Records, readable or not.
    pub read: u64,
    pub kind: Option<SourceKind>,
    pub reasons: BTreeMap<String, u64>,
}

/// Reads the records of a batch into columns.
pub fn stage(
    records: &Batch,
    reader: &Reader,
    context: &Context,
    loading: &Loading,
    file: &Arc<str>,
) -> Result<Staged, store::Error> {
    let stage = loading.stage(records.len());
    let mut staged = Staged { stage, read: 0, kind: None, reasons: BTreeMap::new() };
    let mut take = |origin: &Origin, raw: &str, read: Result<Vec<Row<'_>>, Rejection>| match read {
        Ok(rows) => rows.iter().try_for_each(|row| {
            staged.kind.get_or_insert(kind_of(row));
            staged.stage.add(origin, raw, row)
        }),
        Err(rejection) => {
            staged.quarantine(origin, rejection, excerpt(raw));
            Ok(())
        }
    };
    staged.read = read_each(records, file, reader, context, &mut take)?;
    Ok(staged)
}

impl Staged {
    fn quarantine(&mut self, origin: &Origin, rejection: Rejection, excerpt: &str) {
        *self.reasons.entry(rejection.reason.clone()).or_default() += 1;
        self.stage.quarantine(origin, rejection, excerpt);
    }
}

fn raw_text<'a>(body: &'a Body<'_>) -> Cow<'a, str> {
    match body {
        Body::Json(text) | Body::Line(text) => text.as_ref().into(),
        Body::Fields(fields) => serde_json::to_string(fields).unwrap_or_default().into(),
    }
}

fn kind_of(row: &Row) -> SourceKind {
    match row {
        Row::Event(_) => SourceKind::Events,
        Row::Account(_) => SourceKind::Accounts,
        Row::Grant(_) => SourceKind::Grants,
        Row::Employment(_) => SourceKind::Roster,
        Row::Register(_) => SourceKind::Register,
    }
}
