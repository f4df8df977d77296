//! Stored columns to values: the words for verdicts, statuses and severities, and one
//! row of `findings` to an [`Entry`].

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Entry, Error, Known};
use crate::domain::{Finding, Severity, Status, UtcMicros, Verdict};

/// The whole of findings; further conditions may follow.
pub(super) const ENTRY: &str = "
SELECT finding, score, fingerprint, waived_until, assigned, revision, last_seen_at, as_of, known_at
FROM findings";

pub(super) const SEVERITIES: [Severity; 5] =
    [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

pub(super) fn rank(severity: Severity) -> i64 {
    SEVERITIES.iter().position(|s| *s == severity).map_or(0, |rank| rank as i64)
}

pub(super) fn verdict_text(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Fail => "fail",
        Verdict::Pass => "pass",
        Verdict::Unknown => "unknown",
    }
}

pub(super) fn verdict(text: &str) -> Result<Verdict, Error> {
    match text {
        "fail" => Ok(Verdict::Fail),
        "pass" => Ok(Verdict::Pass),
        "unknown" => Ok(Verdict::Unknown),
        _ => Err(Error::Stored { what: "verdict", value: text.to_owned() }),
    }
}

pub(super) fn status(text: &str) -> Result<Status, Error> {
    Status::parse(text).ok_or_else(|| Error::Stored { what: "status", value: text.to_owned() })
}

/// Turns a failed statement into an error that says what was attempted.
pub(super) fn failed(attempt: &'static str) -> impl Fn(sqlx::Error) -> Error {
    move |source| Error::Query { attempt, source }
}

/// Reads the columns of [`ENTRY`].
pub(super) fn entry(row: &SqliteRow) -> Result<Entry, Error> {
    let failed = failed("read a finding");
    let text: &str = row.try_get("finding").map_err(&failed)?;
    let mut finding: Finding =
        serde_json::from_str(text).map_err(|source| Error::Json { what: "a finding".to_owned(), source })?;
    // The JSON reader may be off by the last bit; paging by score needs the exact value.
    finding.score = row.try_get("score").map_err(&failed)?;
    // The row's own, as a run that says the same again writes only these.
    let instant = |column| row.try_get::<Option<i64>, _>(column).map(|at| at.map(UtcMicros)).map_err(&failed);
    finding.last_seen_at = instant("last_seen_at")?.or(finding.last_seen_at);
    finding.as_of = instant("as_of")?.unwrap_or(finding.as_of);
    finding.known_at = instant("known_at")?.unwrap_or(finding.known_at);
    let waived_until: Option<i64> = row.try_get("waived_until").map_err(&failed)?;
    let revision: i64 = row.try_get("revision").map_err(&failed)?;
    Ok(Entry {
        known: Known {
            finding,
            fingerprint: row.try_get("fingerprint").map_err(&failed)?,
            waived_until: waived_until.map(UtcMicros),
            assigned: row.try_get("assigned").map_err(&failed)?,
        },
        revision: revision.unsigned_abs(),
    })
}
