//! Opening one file: its format, its application, its instant, and what it is known by.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::{Error, FileReport, Reading};
use crate::domain::{Listing, UtcMicros};
use crate::ingest::{Input, Layout, Limits};
use crate::normalize::table::TableKind;
use crate::normalize::{self, Context, Reader, Refused};

/// A file that is open and understood.
pub struct Opened {
    pub input: Input,
    pub reader: Reader,
    pub context: Context,
    /// What to answer before the records, which go into quarantine, can be read.
    pub question: Option<String>,
    /// SHA-256 of the file as it is; of listings only.
    pub content_sha256: Option<String>,
}

/// Opens and recognises a file; the inner error is the report of a file that is refused.
pub fn open(
    path: &Path,
    name: &str,
    reading: &Reading,
    ingested_at: UtcMicros,
) -> Result<Result<Opened, FileReport>, Error> {
    let refused = |why: String| {
        Ok(Err(FileReport { file: name.to_owned(), refused: Some(why), ..FileReport::default() }))
    };
    // What a stream is kept in has a name that says nothing; the name that was given may.
    let given = Path::new(name);
    let input = match Input::open_as(path, name, Limits::default()) {
        Ok(input) => input,
        Err(error) => return refused(chain(&error)),
    };
    let (reader, question) =
        match normalize::choose(input.sample(), name, reading.source.as_deref(), &reading.overrides) {
            Ok(reader) => (reader, None),
            Err(refusal @ Refused::Unrecognised { .. }) if is_json(&input) => {
                (Reader::Unknown, Some(refusal.to_string()))
            }
            Err(refusal) => return refused(refusal.to_string()),
        };
    let (table_app, complete) = match &reader {
        Reader::Table(table) => (table.app().map(str::to_owned), table.complete()),
        _ => (None, true),
    };
    let app =
        reading.app.clone().or(table_app).or_else(|| needs_app(&reader).then(|| folder_app(given)).flatten());
    // The same rows listed on another day are another listing: they say that nothing changed.
    let stated_at = reading.listed_at.or_else(|| time_in_name(given));
    let (listing_id, content_sha256) = if is_listing(&reader) {
        let (listing_id, content) = content_ids(path, reader.name(), app.as_deref(), stated_at)?;
        (listing_id, Some(content))
    } else {
        (String::new(), None)
    };
    let listed_at = stated_at.or_else(|| modified_at(path)).unwrap_or(ingested_at);
    let context = Context {
        app: app.clone(),
        org: reading.org.clone(),
        zone: reading.zone.clone().unwrap_or(TimeZone::UTC),
        listing: Listing { listing_id, app_id: app, listed_at, complete },
        now: ingested_at,
    };
    Ok(Ok(Opened { input, reader, context, question, content_sha256 }))
}

/// Whether records are told apart without knowing the format.
fn is_json(input: &Input) -> bool {
    matches!(input.sample().layout, Layout::Ndjson | Layout::JsonDocument)
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// Whether a format lists what is there, rather than what happened.
pub fn is_listing(reader: &Reader) -> bool {
    match reader {
        Reader::Table(_) => true,
        Reader::Json(format) => ["baton", "scim_resource"].contains(&format.name),
        Reader::Rows(..) | Reader::Line(_) | Reader::Unknown => false,
    }
}

/// Whether the records of a format speak of one application without naming it.
fn needs_app(reader: &Reader) -> bool {
    match reader {
        Reader::Table(table) => matches!(table.kind(), TableKind::Accounts | TableKind::Grants),
        Reader::Json(format) => ["baton", "scim_resource", "scim_http"].contains(&format.name),
        Reader::Line(format) => format.name == "access_log",
        Reader::Rows(..) | Reader::Unknown => false,
    }
}

/// The folder that a listing lies in names its application, unless the folder's name is
/// about something else.
fn folder_app(path: &Path) -> Option<String> {
    const GENERIC: [&str; 10] =
        ["apps", "app", "exports", "export", "data", "accounts", "grants", "scim", "downloads", "tmp"];
    let name = path.parent()?.file_name()?.to_str()?.to_lowercase();
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if GENERIC.contains(&name.as_str()) {
        // `scim/slack_requests.ndjson`: the file names the application.
        return stem.strip_suffix("_requests").map(str::to_owned);
    }
    Some(name)
}

/// Identity of a listing: its bytes, what they list, and the day that its name states; and the
/// SHA-256 of the bytes alone.
fn content_ids(
    path: &Path,
    source: &str,
    app: Option<&str>,
    stated_at: Option<UtcMicros>,
) -> Result<(String, String), Error> {
    let failed = |source| Error::Hash { path: path.to_owned(), source };
    let (mut file, mut hash) = (File::open(path).map_err(failed)?, Sha256::new());
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hash.update(&buffer[..read]);
    }
    let content = hex(&hash.clone().finalize());
    let stated_at = stated_at.map(|at| at.to_string()).unwrap_or_default();
    hash.update(format!("\u{1f}{source}\u{1f}{}\u{1f}{stated_at}", app.unwrap_or_default()));
    Ok((hex(&hash.finalize()[..16]), content))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The date, or date and time, in a file's name: `accounts_2026-06-29.csv`,
/// `export-2026-06-29T2300Z.csv`. A bare date stands for its midnight in UTC.
fn time_in_name(path: &Path) -> Option<UtcMicros> {
    let name = path.file_name()?.to_str()?;
    let at = (0..name.len().saturating_sub(9)).find(|at| name.get(*at..at + 10).is_some_and(is_iso_date))?;
    let date = &name[at..at + 10];
    let time = name.get(at + 10..).and_then(|rest| rest.strip_prefix('T')).and_then(|rest| rest.get(..4));
    match time.filter(|time| time.bytes().all(|b| b.is_ascii_digit())) {
        Some(time) => UtcMicros::parse(&format!("{date}T{}:{}:00Z", &time[..2], &time[2..])),
        None => UtcMicros::parse(date),
    }
}

fn is_iso_date(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
}

fn modified_at(path: &Path) -> Option<UtcMicros> {
    let modified = path.metadata().ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UtcMicros(i64::try_from(since.as_micros()).ok()?))
}
