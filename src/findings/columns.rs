//! Stored columns to values: the words for verdicts, statuses and severities, and one
//! row of `findings` to an [`Entry`].

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Entry, Error, Known};
use crate::domain::packing::Unpacker;
use crate::domain::{Finding, Severity, Status, UtcMicros, Verdict};

/// The whole of findings; further conditions may follow. The joins are from the left, so that lists are
/// read in the order of an index of `findings`.
pub(super) const ENTRY: &str = "
SELECT detector, status, score, fingerprint, waived_until, assigned, revision, first_seen_at, due_at,
    coalesce(findings.last_seen_at, sightings.last_seen_at) AS last_seen_at,
    coalesce(findings.as_of, CASE WHEN findings.last_seen_at IS NULL THEN sightings.as_of END) AS as_of,
    coalesce(findings.known_at, CASE WHEN findings.last_seen_at IS NULL THEN sightings.known_at END) AS known_at,
    finding, size_bytes, example
FROM findings
LEFT JOIN finding_texts USING (tenant, finding_id)
LEFT JOIN sightings USING (tenant, detector)
LEFT JOIN examples USING (tenant, detector)";

pub(super) fn rank(severity: Severity) -> i64 {
    Severity::ALL.iter().position(|s| *s == severity).map_or(0, |rank| rank as i64)
}

pub(super) fn verdict(text: &str) -> Result<Verdict, Error> {
    Verdict::parse(text).ok_or_else(|| Error::Stored { what: "verdict", value: text.to_owned() })
}

pub(super) fn status(text: &str) -> Result<Status, Error> {
    Status::parse(text).ok_or_else(|| Error::Stored { what: "status", value: text.to_owned() })
}

/// Turns a failed statement into an error that says what was attempted.
pub(super) fn failed(attempt: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Query { attempt, source }
}

/// Reads the columns of [`ENTRY`], with an unpacker for all rows of one answer.
pub(super) fn entry(row: &SqliteRow, unpacker: &mut Unpacker) -> Result<Entry, Error> {
    let failed = failed("read a finding");
    let mut finding = said(row, unpacker)?;
    let status: &str = row.try_get("status").map_err(&failed)?;
    finding.status = self::status(status)?;
    // The JSON reader may be off by the last bit; paging by score needs the exact value.
    finding.score = row.try_get("score").map_err(&failed)?;
    // The row's own, as a run that says the same again does not write the text.
    let instant = |column| row.try_get::<Option<i64>, _>(column).map(|at| at.map(UtcMicros)).map_err(&failed);
    finding.first_seen_at = instant("first_seen_at")?;
    finding.last_seen_at = instant("last_seen_at")?.or(finding.last_seen_at);
    finding.due_at = instant("due_at")?;
    finding.as_of = instant("as_of")?.unwrap_or(finding.as_of);
    finding.known_at = instant("known_at")?.unwrap_or(finding.known_at);
    let revision: i64 = row.try_get("revision").map_err(&failed)?;
    Ok(Entry {
        known: Known {
            finding,
            fingerprint: row.try_get("fingerprint").map_err(&failed)?,
            waived_until: instant("waived_until")?,
            assigned: row.try_get("assigned").map_err(&failed)?,
        },
        revision: revision.unsigned_abs(),
    })
}

fn said(row: &SqliteRow, unpacker: &mut Unpacker) -> Result<Finding, Error> {
    let failed = failed("read a finding");
    let bytes: &[u8] = row.try_get("finding").map_err(&failed)?;
    let size_bytes: Option<i64> = row.try_get("size_bytes").map_err(&failed)?;
    let read = |text: &[u8]| {
        serde_json::from_slice(text).map_err(|source| Error::Json { what: "a finding".to_owned(), source })
    };
    let Some(size_bytes) = size_bytes.and_then(|size| usize::try_from(size).ok()) else { return read(bytes) };
    let detector: &str = row.try_get("detector").map_err(&failed)?;
    let example: &[u8] = row.try_get("example").map_err(&failed)?;
    read(&unpacker.unpack(detector, example, bytes, size_bytes)?)
}
