//! What is in quarantine and has not been read since.

use serde::Serialize;

use super::{Engine, Error, now};
use crate::domain::UtcMicros;
use crate::query::{At, Rows, Session};

/// One record that could not become a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    pub file: String,
    /// One-based line; in a JSON document, its one-based number.
    pub line: i64,
    pub source: String,
    pub code: String,
    pub reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingested_at: Option<UtcMicros>,
}

impl Engine {
    /// The records in quarantine of which nothing has become a row since, by file and line.
    ///
    /// # Errors
    /// When the lake cannot be read.
    pub async fn quarantined(&self) -> Result<Vec<Quarantined>, Error> {
        let at = At { as_of: now(), known_at: now() };
        let session = Session::over(self.tables().await?.0, at)?;
        let mut found = Vec::new();
        for batch in session.collect("quarantine", include_str!("quarantine.sql")).await? {
            let rows = Rows::new("quarantine", &batch);
            let (file, line) = (rows.texts("origin_file")?, rows.integers("origin_line")?);
            let (source, code) = (rows.texts("source")?, rows.texts("code")?);
            let (reason, excerpt) = (rows.texts("reason")?, rows.texts("excerpt")?);
            let ingested_at = rows.times("ingested_at")?;
            for row in 0..rows.len() {
                found.push(Quarantined {
                    file: file.owned(row).unwrap_or_default(),
                    line: line.value(row),
                    source: source.owned(row).unwrap_or_default(),
                    code: code.owned(row).unwrap_or_default(),
                    reason: reason.owned(row).unwrap_or_default(),
                    excerpt: excerpt.owned(row),
                    ingested_at: ingested_at.get(row),
                });
            }
        }
        Ok(found)
    }
}
