//! What was listed before: whether a listing is known again, and whether a body that was received goes on with
//! those that were received before it. The rows of files are not compared: their names say which they continue.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::opening::Opened;
use super::records::read_each;
use super::{Engine, Error, Reading, now};
use crate::domain::{Row, UtcMicros, digest};
use crate::ingest::Batch;
use crate::normalize::Reader;
use crate::normalize::table::TableKind;
use crate::query::{At, Rows, Session, feeds};

/// Lists of fewer rows say too little of whether they are one list.
const ROWS_MIN: usize = 3;

/// Listings that were read, oldest first.
pub struct Before(Vec<Listed>);

/// One of them.
pub struct Listed {
    load_id: String,
    kind: String,
    app_id: Option<String>,
    feed: String,
    file: String,
    listed_at: UtcMicros,
    complete: bool,
    content: Option<String>,
}

impl Before {
    /// The id of a listing that is opened. The bytes of one that is known are that one again, as long as nothing else
    /// was listed since: what came back on the day on which it went is listed a second time.
    pub fn id_of(&self, opened: &Opened, name: &str) -> String {
        let listing = &opened.context.listing;
        let known = |id: &str| self.0.iter().find(|listed| listed.load_id == id);
        let Some(first) = known(&listing.listing_id) else { return listing.listing_id.clone() };
        let continues = |listed: &&Listed| {
            let is_there = if opened.is_stream { listed.feed == first.feed } else { listed.file == name };
            // A file of a date, or what was said to be of one, is followed by what is of that date.
            let is_then = opened.undated || listed.listed_at == first.listed_at;
            is_there && is_then && listed.kind == first.kind && listed.app_id == first.app_id
        };
        let newest = self.0.iter().rfind(continues).unwrap_or(first);
        // Lines of the first version do not have the content.
        let is_same = newest.content.is_some() && newest.content == first.content;
        if is_same || newest.load_id == first.load_id {
            return newest.load_id.clone();
        }
        relisted(&first.load_id, &newest.load_id)
    }

    /// The listing that a body would continue because nothing was said of its feed, if it ends what it does not name.
    pub fn continued_by(&self, opened: &Opened, reading: &Reading, listing_id: &str) -> Option<&Listed> {
        let listing = &opened.context.listing;
        let is_asked = reading.unnamed && listing.feed.is_none() && listing.complete;
        if !is_asked || self.0.iter().any(|listed| listed.load_id == listing_id) {
            return None;
        }
        let kinds = kinds(&opened.reader);
        let mut others = self.0.iter().filter(|listed| {
            listed.feed == feeds::BODIES
                && listed.complete
                && listed.app_id == listing.app_id
                && kinds.contains(&listed.kind.as_str())
        });
        // The one before it, or else the one that would come after it.
        let at = listing.listed_at;
        others.clone().rfind(|listed| listed.listed_at <= at).or_else(|| others.next())
    }
}

/// A listing whose bytes were listed before, and others since: the same when it is sent once more.
fn relisted(first: &str, newest: &str) -> String {
    digest::id_of(format!("{first}\u{1f}{newest}"))
}

/// The kinds of listings that a reader's rows continue; none where nothing ends.
fn kinds(reader: &Reader) -> &'static [&'static str] {
    match reader {
        Reader::Table(table) => match table.kind() {
            TableKind::Roster => &["roster"],
            TableKind::Accounts => &["accounts"],
            TableKind::Grants => &["grants"],
            TableKind::Register(_) => &[],
        },
        _ => &["accounts", "grants"],
    }
}

impl Listed {
    /// What to ask of a body that names other things than the listing that it would continue. One that lists much
    /// more, or much less, still shares what the smaller of the two names.
    pub fn question(&self, named: &HashSet<String>, ids: &HashSet<String>) -> Option<String> {
        let (shared, smaller) = (named.intersection(ids).count(), named.len().min(ids.len()));
        if smaller < ROWS_MIN || 2 * shared >= smaller {
            return None;
        }
        let of = self.app_id.as_ref().map(|app| format!(" of \"{app}\"")).unwrap_or_default();
        Some(format!(
            "is this another list? It shares {shared} of its {} rows with the listing{of} that was sent for {} and would \
             end what it does not name. Say feed=NAME, another name for each list; feed={} where it goes on with that one",
            named.len(),
            self.listed_at,
            feeds::BODIES,
        ))
    }
}

/// What the rows of a body name, as [`Engine::ids_of`] has it.
pub fn named_by(mut opened: Opened, path: &Path) -> Result<HashSet<String>, Error> {
    let mut ids = HashSet::new();
    let mut batch = Batch::default();
    let file = Arc::clone(opened.input.name());
    while opened.input.next_batch(&mut batch)? {
        let mut take = |_: &_, _: &str, read: Result<Vec<Row<'_>>, _>| -> Result<(), std::io::Error> {
            ids.extend(read.iter().flatten().filter_map(id_of_row));
            Ok(())
        };
        read_each(&batch, &file, &opened.reader, &opened.context, &mut take)
            .map_err(|source| Error::Hash { path: path.to_owned(), source })?;
    }
    Ok(ids)
}

fn id_of_row(row: &Row<'_>) -> Option<String> {
    match row {
        Row::Account(account) => Some(id("account", &account.account_id, "", "")),
        Row::Grant(grant) => {
            let of = grant.account_id.as_deref().or(grant.account_name.as_deref());
            let kind = grant.entitlement_kind.as_str();
            Some(id("grant", of.unwrap_or_default(), kind, &grant.entitlement_id))
        }
        Row::Employment(employment) => Some(id("employment", &employment.employee_id, "", "")),
        Row::Register(_) | Row::Event(_) => None,
    }
}

fn id(kind: &str, of: &str, entitlement_kind: &str, entitlement_id: &str) -> String {
    [kind, of, entitlement_kind, entitlement_id].join("\u{1f}")
}

impl Engine {
    /// What was listed so far.
    pub(super) async fn listed_before(&self) -> Result<Before, Error> {
        const NAME: &str = "listed_before";
        let session = self.bare_session().await?;
        let mut before = Vec::new();
        for batch in session.ask(NAME, include_str!("listed_before.sql"), &[]).await? {
            let rows = Rows::new(NAME, &batch);
            let text = |column: &str| rows.texts(column);
            let (load_id, kind, app_id) = (text("load_id")?, text("kind")?, text("app_id")?);
            let (feed, file, content) = (text("feed")?, text("file")?, text("content_sha256")?);
            let (listed_at, complete) = (rows.times("listed_at")?, rows.booleans("complete")?);
            before.extend((0..rows.len()).map(|row| Listed {
                load_id: load_id.owned(row).unwrap_or_default(),
                kind: kind.owned(row).unwrap_or_default(),
                app_id: app_id.owned(row),
                feed: feed.owned(row).unwrap_or_default(),
                file: file.owned(row).unwrap_or_default(),
                listed_at: listed_at.get(row).unwrap_or(UtcMicros(0)),
                complete: complete.value(row),
                content: content.owned(row),
            }));
        }
        Ok(Before(before))
    }

    /// What a listing names.
    pub(super) async fn ids_of(&self, listed: &Listed) -> Result<HashSet<String>, Error> {
        const NAME: &str = "listed_ids";
        let session = self.bare_session().await?;
        let mut ids = HashSet::new();
        let given = [("load_id", listed.load_id.as_str())];
        for batch in session.ask(NAME, include_str!("listed_ids.sql"), &given).await? {
            let rows = Rows::new(NAME, &batch);
            let columns = [
                rows.texts("row_kind")?,
                rows.texts("id")?,
                rows.texts("entitlement_kind")?,
                rows.texts("entitlement_id")?,
            ];
            ids.extend((0..rows.len()).map(|row| {
                let [kind, of, entitlement_kind, entitlement_id] =
                    columns.each_ref().map(|column| column.get(row).unwrap_or_default());
                id(kind, of, entitlement_kind, entitlement_id)
            }));
        }
        Ok(ids)
    }

    /// The tables as they are stored, without any view.
    async fn bare_session(&self) -> Result<Session, Error> {
        let at = At { as_of: now(), known_at: now() };
        Ok(Session::over(self.tables().await?.0, at)?)
    }
}
