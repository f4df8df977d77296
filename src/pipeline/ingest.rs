//! Files into the lake: open, recognise, normalise, store, commit once.
//!
//! Every raw record gives at least one row or one quarantined line. A file that cannot be
//! told with certainty is refused with the question to answer, and the others go on.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use serde::Serialize;

use super::before::{Before, named_by};
use super::in_order::in_order;
use super::opening::{Opened, is_listing, open};
use super::records::{Staged, read_each, stage};
use super::spool::Spool;
use super::{Engine, Error, now};
use crate::domain::digest;
use crate::domain::{Origin, Rejection, Row, UtcMicros};
use crate::ingest::{Batch, unpacks_beyond};
use crate::normalize::Reader;
use crate::normalize::table::{Overrides, TableKind};
use crate::query::{At, Session};
use crate::store::{self, Committed, Ingest, Lake, LoadSummary, SourceKind};

/// How to read one file: what the configuration and the flags say about it.
#[derive(Clone, Default)]
pub struct Reading {
    /// Format that is forced.
    pub source: Option<String>,
    pub overrides: Overrides,
    pub app: Option<String>,
    pub org: Option<String>,
    pub zone: Option<TimeZone>,
    pub listed_at: Option<UtcMicros>,
    /// Which listings a listing continues, where the names of their files do not say it.
    pub feed: Option<String>,
    /// It is being written: only its whole lines are read.
    pub growing: bool,
    /// It came without a name of its own: what it is called here says nothing about it.
    pub unnamed: bool,
}

/// What became of one file.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileReport {
    pub file: String,
    pub source: String,
    /// Its line in `sources`, which is there once all of it is durable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
    /// Raw records, readable or not.
    pub read: u64,
    pub new: u64,
    pub duplicate: u64,
    pub quarantined: u64,
    /// The question to answer before the file can be read, or the error that stopped it. The
    /// records of a JSON file that no format recognises are in quarantine meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// How the columns were understood.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// First reasons for quarantine, with their counts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, u64>,
}

/// What became of all of them.
#[derive(Clone, Debug, Default)]
pub struct IngestReport {
    pub files: Vec<FileReport>,
    pub committed: Committed,
}

impl FileReport {
    fn count_reason(&mut self, reason: String, count: u64) {
        const REASONS_MAX: usize = 20;
        if self.reasons.len() < REASONS_MAX || self.reasons.contains_key(&reason) {
            *self.reasons.entry(reason).or_default() += count;
        }
    }
}

impl IngestReport {
    /// Counts as duplicate what another writer stored while this batch was read.
    fn count_overtaken(&mut self) {
        let mut overtaken = self.committed.overtaken.clone();
        for file in &mut self.files {
            let rows = overtaken.entry(file.file.clone()).or_default();
            let moved = file.new.min(*rows);
            *rows -= moved;
            file.new -= moved;
            file.duplicate += moved;
        }
    }

    /// Something was refused or quarantined, so the evidence is not complete.
    pub fn incomplete(&self) -> bool {
        self.files.iter().any(|file| file.refused.is_some() || file.quarantined > 0)
    }
}

/// What a body may have once it is unpacked: some kilobytes can be made to hold more than a disk.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

impl Engine {
    /// Ingests `paths` (folders are walked; `-` is standard input) as one batch: all of it
    /// becomes visible at once. `reading` says how to read each file, `progress` hears of
    /// each file before it is read and after.
    ///
    /// # Errors
    /// When a path does not exist, another process writes here, or the lake cannot be
    /// written. Nothing is committed then.
    pub async fn ingest(
        &self,
        paths: &[PathBuf],
        reading: &(dyn Fn(&str) -> Reading + Sync),
        progress: &mut (dyn FnMut(&FileReport) + Send),
    ) -> Result<IngestReport, Error> {
        let mut given = Vec::new();
        for path in crate::ingest::files(paths)? {
            let name = path.to_string_lossy().into_owned();
            let spool =
                if name == "-" { Some(Spool::take(&self.data, &mut std::io::stdin())?) } else { None };
            given.push(Given { name, path, spool });
        }
        let (batch, report) = self.read_given(given, reading, progress).await?;
        commit(batch, report).await
    }

    /// Ingests one body that was received. It is kept under `name`, which says where it came from and tells nothing
    /// of what is in it. When this returns, what it counts as new is durable. `before_commit` hears what is about to
    /// be committed; its error stops it.
    ///
    /// # Errors
    /// As [`Engine::ingest`].
    pub async fn ingest_body(
        &self,
        name: &str,
        mut body: &[u8],
        reading: &Reading,
        before_commit: impl AsyncFnOnce(&IngestReport) -> Result<(), Error>,
    ) -> Result<IngestReport, Error> {
        let spool = Spool::take(&self.data, &mut body)?;
        if unpacks_beyond(name, spool.open()?, UNPACKED_BYTES_MAX)? {
            let refused = "unpacked it has more than 1 GiB; send it in parts".to_owned();
            let report =
                FileReport { file: name.to_owned(), refused: Some(refused), ..FileReport::default() };
            return Ok(IngestReport { files: vec![report], ..IngestReport::default() });
        }
        let spool = Some(spool);
        let given = vec![Given { name: name.to_owned(), path: PathBuf::from(name), spool }];
        let reading = Reading { unnamed: true, ..reading.clone() };
        let (batch, report) = self.read_given(given, &|_| reading.clone(), &mut |_| {}).await?;
        before_commit(&report).await?;
        commit(batch, report).await
    }

    /// Whether a load is durable as a whole.
    ///
    /// # Errors
    /// When the lake cannot be read.
    pub async fn holds_load(&self, load_id: &str) -> Result<bool, Error> {
        const LINE: &str = "SELECT load_id FROM sources WHERE load_id = $load_id LIMIT 1";
        let session = Session::over(self.tables().await?.0, At { as_of: now(), known_at: now() })?;
        let lines = session.ask("load", LINE, &[("load_id", load_id)]).await?;
        Ok(lines.iter().any(|batch| batch.num_rows() > 0))
    }

    /// Opens a file among those that were listed before it; the inner error is the report of one that is refused.
    async fn open_among(
        &self,
        read: &Read<'_>,
        before: &mut Option<Before>,
    ) -> Result<Result<Opened, FileReport>, Error> {
        let mut opened = match read.open()? {
            Ok(opened) if is_listing(&opened.reader) => opened,
            other => return Ok(other),
        };
        let before = match before {
            Some(before) => before,
            None => before.insert(self.listed_before().await?),
        };
        let listing_id = before.id_of(&opened, read.name);
        if let Some(previous) = before.continued_by(&opened, read.reading, &listing_id) {
            let ids = self.ids_of(previous).await?;
            // Read for its ids, and from the beginning for its rows: a body is bounded.
            let named = named_by(opened, read.path)?;
            if let Some(question) = previous.question(&named, &ids) {
                let file = read.name.to_owned();
                return Ok(Err(FileReport { file, refused: Some(question), ..FileReport::default() }));
            }
            opened = match read.open()? {
                Ok(opened) => opened,
                refused => return Ok(refused),
            };
        }
        opened.context.listing.listing_id = listing_id;
        Ok(Ok(opened))
    }

    async fn read_given(
        &self,
        given: Vec<Given>,
        reading: &(dyn Fn(&str) -> Reading + Sync),
        progress: &mut (dyn FnMut(&FileReport) + Send),
    ) -> Result<(Ingest, IngestReport), Error> {
        let lake = Lake::open_for_write(self.home(), &self.tenant, self.options).await?;
        // Read once the lake is ours: nobody else's batch begins between this and its end.
        let ingested_at = now();
        let mut batch = lake.ingest(ingested_at).await?;
        let mut report = IngestReport::default();
        let mut before = None;
        for Given { name, path, spool } in &given {
            let path = spool.as_ref().map_or(path.as_path(), Spool::path);
            let read = Read { path, name, reading: &reading(name), ingested_at };
            let file_report = match self.open_among(&read, &mut before).await? {
                Ok(opened) => ingest_file(&mut batch, self.options.threads, name, opened)?,
                Err(refused) => refused,
            };
            progress(&file_report);
            report.files.push(file_report);
        }
        Ok((batch, report))
    }
}

/// A file that is being read, and how.
struct Read<'a> {
    path: &'a Path,
    name: &'a str,
    reading: &'a Reading,
    ingested_at: UtcMicros,
}

impl Read<'_> {
    fn open(&self) -> Result<Result<Opened, FileReport>, Error> {
        open(self.path, self.name, self.reading, self.ingested_at)
    }
}

async fn commit(batch: Ingest, mut report: IngestReport) -> Result<IngestReport, Error> {
    report.committed = batch.commit().await?;
    report.count_overtaken();
    Ok(report)
}

/// What is to be read: a file, or a stream that was kept in one.
struct Given {
    name: String,
    path: PathBuf,
    spool: Option<Spool>,
}

/// Takes each row, or the reason why a record gives none, with where it stood.
pub type RowSink<'a> = dyn FnMut(&Origin, Result<Row<'_>, Rejection>) -> std::io::Result<()> + 'a;

/// Normalises one file and hands every row to `row`; nothing is stored. For `normalize`.
///
/// # Errors
/// When the file cannot be read, or `row` fails (`HandOver`).
pub fn normalize(path: &Path, reading: &Reading, row: &mut RowSink<'_>) -> Result<FileReport, Error> {
    let name = path.to_string_lossy().into_owned();
    let mut opened = match open(path, &name, reading, now())? {
        Ok(opened) => opened,
        Err(report) => return Ok(report),
    };
    let mut report = report_of(&name, &opened);
    let mut batch = Batch::default();
    while opened.input.next_batch(&mut batch)? {
        let failed = |source| Error::HandOver { path: path.to_owned(), source };
        let file = Arc::clone(opened.input.name());
        report.read +=
            read_each(&batch, &file, &opened.reader, &opened.context, &mut |origin, _, read| match read {
                Ok(rows) => {
                    report.new += rows.len() as u64;
                    rows.into_iter().try_for_each(|each| row(origin, Ok(each)))
                }
                Err(rejection) => {
                    report.quarantined += 1;
                    row(origin, Err(rejection))
                }
            })
            .map_err(failed)?;
    }
    Ok(report)
}

fn ingest_file(
    batch: &mut Ingest,
    threads: NonZeroUsize,
    name: &str,
    mut opened: Opened,
) -> Result<FileReport, Error> {
    let mut report = report_of(name, &opened);
    let loading = batch.begin(opened.reader.name(), &opened.context.listing)?;
    let mut kind = None;
    let file = Arc::clone(opened.input.name());
    let Opened { input, reader, context, .. } = &mut opened;
    // Batches that were worked on are filled again: fresh memory has to be faulted in.
    let spare = Mutex::new(Vec::new());
    let spare = || spare.lock().unwrap_or_else(PoisonError::into_inner);
    in_order(
        threads,
        || -> Result<Option<Batch>, Error> {
            let mut records = spare().pop().unwrap_or_default();
            Ok(input.next_batch(&mut records)?.then_some(records))
        },
        |records| {
            let staged = stage(&records, reader, context, &loading, &file);
            spare().push(records);
            staged
        },
        |staged: Result<Staged, store::Error>| {
            let staged = staged?;
            report.read += staged.read;
            kind = kind.or(staged.kind);
            staged.reasons.into_iter().for_each(|(reason, count)| report.count_reason(reason, count));
            Ok(batch.merge(staged.stage)?)
        },
    )?;
    let kind = kind.unwrap_or_else(|| kind_of_reader(&opened.reader));
    let announced_total = opened.input.announced_total();
    let load_id = load_id(&opened);
    report.load_id = Some(load_id.clone());
    let counts = batch.load(LoadSummary {
        load_id,
        source: opened.reader.name().to_owned(),
        kind,
        app_id: opened.context.app.clone(),
        file: Arc::clone(opened.input.name()),
        listing: (kind != SourceKind::Events).then(|| opened.context.listing.clone()),
        rows_read: report.read,
        announced_total,
        content_sha256: opened.content_sha256.clone(),
    })?;
    (report.new, report.duplicate, report.quarantined) = (counts.new, counts.duplicate, counts.quarantined);
    Ok(report)
}

fn report_of(name: &str, opened: &Opened) -> FileReport {
    FileReport {
        file: name.to_owned(),
        source: opened.reader.name().to_owned(),
        app_id: opened.context.app.clone(),
        refused: opened.question.clone(),
        explanation: match &opened.reader {
            Reader::Table(table) => Some(table.explain()),
            _ => None,
        },
        ..FileReport::default()
    }
}

fn kind_of_reader(reader: &Reader) -> SourceKind {
    match reader {
        Reader::Table(table) => match table.kind() {
            TableKind::Roster => SourceKind::Roster,
            TableKind::Accounts => SourceKind::Accounts,
            TableKind::Grants => SourceKind::Grants,
            TableKind::Register(_) => SourceKind::Register,
        },
        _ => SourceKind::Events,
    }
}

/// Identity of a load. A listing has one already; for events it is the content.
fn load_id(opened: &Opened) -> String {
    let listing_id = &opened.context.listing.listing_id;
    if !listing_id.is_empty() {
        return listing_id.clone();
    }
    let app = opened.context.app.as_deref().unwrap_or_default();
    let text = format!("{}\u{1f}{}\u{1f}{app}", opened.input.content_hash(), opened.reader.name());
    digest::id_of(text)
}
