//! A company's own rules: each file as it was when last it could be read, and how far every rule
//! over events has come. Knows nothing of what is in them.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::columns::failed;
use super::{Error, Ledger};
use crate::domain::UtcMicros;

/// A file that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFile {
    pub text: String,
    pub loaded_at: UtcMicros,
}

/// Which events a rule has been shown: those that had happened and were known by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// Hash of what the rule says and of the table of events.
    pub content: String,
    pub as_of: UtcMicros,
    pub known_at: UtcMicros,
}

impl Ledger {
    /// The detectors of findings that are not resolved or superseded; not those of occurrences, which wait for a
    /// decision whatever becomes of their rule.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn standing_detectors(&self) -> Result<Vec<String>, Error> {
        sqlx::query_scalar(
            "SELECT DISTINCT detector
            FROM findings
            WHERE tenant = ?1 AND status NOT IN ('resolved', 'superseded') AND ages_out_at IS NULL
            ORDER BY detector",
        )
        .bind(&self.tenant)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list the detectors of what stands"))
    }

    /// The files that could be read, by name.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn rule_files(&self) -> Result<BTreeMap<String, RuleFile>, Error> {
        let failed = failed("list files of rules");
        let rows = sqlx::query("SELECT file, text, loaded_at FROM rule_files WHERE tenant = ?1")
            .bind(&self.tenant)
            .fetch_all(&self.pool)
            .await
            .map_err(&failed)?;
        let file = |row: &SqliteRow| {
            let loaded_at = UtcMicros(row.try_get("loaded_at")?);
            Ok((row.try_get("file")?, RuleFile { text: row.try_get("text")?, loaded_at }))
        };
        rows.iter().map(file).collect::<Result<_, sqlx::Error>>().map_err(failed)
    }

    /// Takes note of files that could be read, and forgets those that are gone, all or nothing.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn keep_rule_files(
        &self,
        read: &[(String, String)],
        gone: &[String],
        now: UtcMicros,
    ) -> Result<(), Error> {
        let failed = failed("store files of rules");
        let mut tx = self.pool.begin().await.map_err(&failed)?;
        for file in gone {
            let forget = sqlx::query("DELETE FROM rule_files WHERE tenant = ?1 AND file = ?2");
            forget.bind(&self.tenant).bind(file).execute(&mut *tx).await.map_err(&failed)?;
        }
        for (file, text) in read {
            sqlx::query(
                "INSERT INTO rule_files (tenant, file, text, loaded_at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (tenant, file) DO UPDATE SET text = excluded.text, loaded_at = excluded.loaded_at",
            )
            .bind(&self.tenant)
            .bind(file)
            .bind(text)
            .bind(now.0)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    /// How far each rule over events has come.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn evaluated(&self) -> Result<BTreeMap<String, Evaluated>, Error> {
        let failed = failed("read how far rules have come");
        let rows = sqlx::query("SELECT rule, content, as_of, known_at FROM evaluated WHERE tenant = ?1")
            .bind(&self.tenant)
            .fetch_all(&self.pool)
            .await
            .map_err(&failed)?;
        let one = |row: &SqliteRow| {
            let instant = |column: &str| row.try_get(column).map(UtcMicros);
            let (as_of, known_at) = (instant("as_of")?, instant("known_at")?);
            Ok((row.try_get("rule")?, Evaluated { content: row.try_get("content")?, as_of, known_at }))
        };
        rows.iter().map(one).collect::<Result<_, sqlx::Error>>().map_err(failed)
    }

    /// Takes note of how far rules have come, all or nothing.
    ///
    /// # Errors
    /// When the ledger fails.
    pub async fn keep_evaluated(&self, rules: &[(String, Evaluated)]) -> Result<(), Error> {
        let failed = failed("store how far rules have come");
        let mut tx = self.pool.begin().await.map_err(&failed)?;
        for (rule, evaluated) in rules {
            sqlx::query(
                "INSERT INTO evaluated (tenant, rule, content, as_of, known_at) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (tenant, rule) DO UPDATE SET
                    content = excluded.content, as_of = excluded.as_of, known_at = excluded.known_at",
            )
            .bind(&self.tenant)
            .bind(rule)
            .bind(&evaluated.content)
            .bind(evaluated.as_of.0)
            .bind(evaluated.known_at.0)
            .execute(&mut *tx)
            .await
            .map_err(&failed)?;
        }
        tx.commit().await.map_err(failed)
    }
}
