//! Opening one file: its format, its application, its instant, and what it is known by.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::{Error, FileReport, Reading, chain};
use crate::domain::digest;
use crate::domain::{Listing, UtcMicros};
use crate::ingest::{Input, Layout, Limits};
use crate::normalize::table::TableKind;
use crate::normalize::{self, Context, Reader, Refused};
use crate::query::feeds;

/// A file that is open and understood.
pub struct Opened {
    pub input: Input,
    pub reader: Reader,
    pub context: Context,
    /// What to answer before the records, which go into quarantine, can be read.
    pub question: Option<String>,
    /// SHA-256 of the file as it is; of listings only.
    pub content_sha256: Option<String>,
    /// It came as a stream, at no time that was stated: it is known again within the day.
    pub undated: bool,
    pub is_stream: bool,
}

/// The name of what came without one.
const NAMELESS: &str = "-";

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
    // What a stream is kept in has a name that says nothing; the name that was given may. A body's is ours and its
    // sender's: a token called `okta` makes no account one of okta.
    let file_name = if reading.unnamed { NAMELESS } else { name };
    let given = Path::new(file_name);
    let limits = Limits::default();
    let opened = if reading.growing {
        Input::open_growing(path, name, limits)
    } else {
        Input::open_as(path, name, limits).map(Some)
    };
    let input = match opened {
        Ok(Some(input)) => input,
        Ok(None) => return refused("it is still being written".to_owned()),
        Err(error) => return refused(chain(&error)),
    };
    let (reader, question) =
        match normalize::choose(input.sample(), file_name, reading.source.as_deref(), &reading.overrides) {
            Ok(reader) => (reader, None),
            Err(refusal @ Refused::Unrecognised { .. }) if is_json(&input) => {
                (Reader::Unknown, Some(refusal.to_string()))
            }
            Err(refusal) => return refused(refusal.to_string()),
        };
    let (table_app, complete, has_ends) = match &reader {
        Reader::Table(table) => (table.app().map(str::to_owned), table.complete(), table.has_ends()),
        _ => (None, reading.overrides.complete.unwrap_or(true), false),
    };
    let stated_app = reading.app.clone().or(table_app);
    let app_guessed = stated_app.is_none();
    let app = stated_app.or_else(|| needs_app(&reader).then(|| folder_app(given)).flatten());
    if app.is_none() && matches!(&reader, Reader::Table(_)) && needs_app(&reader) {
        return refused("which application? use --app".to_owned());
    }
    let stated_at = reading.listed_at.or_else(|| time_in_name(given));
    let listed_at = stated_at.or_else(|| modified_at(path)).unwrap_or(ingested_at);
    let zone = reading.zone.clone().unwrap_or(TimeZone::UTC);
    let feed = reading.feed.as_deref().map(feeds::spelt).filter(|feed| !feed.is_empty());
    let is_stream = given != path;
    let undated = is_stream && stated_at.is_none();
    let (listing_id, content_sha256) = if is_listing(&reader) {
        // The same rows listed at another time are another listing: they say that nothing changed, or that a change was
        // taken back. A stream that is sent again because its answer got lost is known again, on that day.
        let listed = if undated { day_of(listed_at) } else { listed_at };
        let zoned = zone.iana_name().filter(|name| *name != "UTC").unwrap_or_default();
        let fed = feed.as_ref().map(|feed| format!("\u{1f}feed={feed}")).unwrap_or_default();
        let is_said_partial = reading.unnamed && reading.overrides.complete == Some(false);
        let partial = if is_said_partial { "\u{1f}partial" } else { "" };
        let read_as = format!("{listed}{}{zoned}{fed}{partial}", reading.overrides.answers());
        let (listing_id, content) = content_ids(path, reader.name(), app.as_deref(), &read_as)?;
        (listing_id, Some(content))
    } else {
        (String::new(), None)
    };
    let context = Context {
        app: app.clone(),
        app_guessed,
        org: reading.org.clone(),
        zone,
        listing: Listing { listing_id, app_id: app, listed_at, complete, feed, has_ends },
        now: ingested_at,
    };
    Ok(Ok(Opened { input, reader, context, question, content_sha256, undated, is_stream }))
}

/// Whether a listing of this instant cannot have been taken: one that is listed too late would hide all that come after
/// it. A day is left for zones and for clocks that are wrong.
pub fn is_to_come(listed_at: UtcMicros, now: UtcMicros) -> bool {
    listed_at.0 > now.0.saturating_add(UtcMicros::MICROS_PER_DAY)
}

/// Whether records are told apart without knowing the format.
fn is_json(input: &Input) -> bool {
    matches!(input.sample().layout, Layout::Ndjson | Layout::JsonDocument)
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
    const GENERIC: &str = "apps app exports export data accounts grants scim downloads tmp documents desktop home root users \
                           files reports uploads incoming inbox input in csv logs archive backup shared mnt lists listings \
                           daily weekly monthly latest current old new .";
    let names = |folder: &Path| folder.file_name().and_then(|name| name.to_str()).map(str::to_lowercase);
    // A folder a day: the one around it is of the application.
    let name = path.ancestors().skip(1).filter_map(names).find(|name| date_in(name).is_none())?;
    if GENERIC.split(' ').any(|generic| generic == name) {
        // `scim/slack_requests.ndjson`: the file names the application.
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        return stem.strip_suffix("_requests").map(str::to_owned);
    }
    Some(name)
}

/// Identity of a listing: its bytes, what they list, and when and how it was `read_as`; and the
/// SHA-256 of the bytes alone.
fn content_ids(
    path: &Path,
    source: &str,
    app: Option<&str>,
    read_as: &str,
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
    let content = digest::hex(&hash.clone().finalize());
    hash.update(format!("\u{1f}{source}\u{1f}{}\u{1f}{read_as}", app.unwrap_or_default()));
    Ok((digest::id(hash), content))
}

/// The date, or date and time, in the name of a file or of a folder that it lies in: `accounts_2026-06-29.csv`,
/// `export-2026-06-29T2300Z.csv`, `2026-06-29/accounts.csv`. A bare date stands for its midnight in UTC.
fn time_in_name(path: &Path) -> Option<UtcMicros> {
    path.ancestors().take(2).filter_map(|part| part.file_name()?.to_str()).find_map(date_in)
}

fn date_in(name: &str) -> Option<UtcMicros> {
    let at = (0..name.len().saturating_sub(9)).find(|at| name.get(*at..at + 10).is_some_and(is_iso_date))?;
    let date = &name[at..at + 10];
    let time = name.get(at + 10..).and_then(|rest| rest.strip_prefix('T')).and_then(|rest| rest.get(..4));
    match time.filter(|time| time.bytes().all(|b| b.is_ascii_digit())) {
        Some(time) => UtcMicros::parse(&format!("{date}T{}:{}:00Z", &time[..2], &time[2..])),
        None => UtcMicros::parse(date),
    }
}

fn day_of(at: UtcMicros) -> UtcMicros {
    UtcMicros(i64::from(at.days()) * UtcMicros::MICROS_PER_DAY)
}

fn is_iso_date(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
}

fn modified_at(path: &Path) -> Option<UtcMicros> {
    let modified = path.metadata().ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(UtcMicros(i64::try_from(since.as_micros()).ok()?))
}
