//! Batches of events whose sender did not wait: what has become of them, also after a restart.
//! The lake says what is durable; here is what to look for there, and what to tell.

use jiff::SignedDuration;
use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::columns::failed;
use super::{Error, Ledger};
use crate::domain::UtcMicros;

/// How long it is known what became of a batch.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A batch that was received.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    pub batch_id: String,
    pub sender: String,
    pub received_at: UtcMicros,
    /// What is about to be committed, or was; absent while it is being read.
    pub load: Option<Load>,
    /// When it ended, and with which problem, if any. Absent while it goes on, and for good when the
    /// program ended in between.
    pub end: Option<(UtcMicros, Option<Value>)>,
}

/// What a batch adds to the lake.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// `load_id` of `sources`, whose line is there once all of the load is durable.
    pub load_id: String,
    /// What the sender is told then.
    pub report: Value,
}

impl Ledger {
    /// Takes note of a batch, and forgets those of more than 30 days ago.
    ///
    /// # Errors
    /// When the file fails, or the id is taken.
    pub async fn add_batch(&self, batch: &Batch) -> Result<(), Error> {
        sqlx::query("DELETE FROM batches WHERE tenant = ?1 AND received_at < ?2")
            .bind(&self.tenant)
            .bind(batch.received_at.plus(-KEPT).0)
            .execute(&self.pool)
            .await
            .map_err(failed("forget batches"))?;
        sqlx::query(
            "INSERT INTO batches (tenant, batch_id, sender, received_at, load_id, report)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(&self.tenant)
        .bind(&batch.batch_id)
        .bind(&batch.sender)
        .bind(batch.received_at.0)
        .bind(batch.load.as_ref().map(|load| &load.load_id))
        .bind(batch.load.as_ref().map(|load| load.report.to_string()))
        .execute(&self.pool)
        .await
        .map_err(failed("store a batch"))?;
        Ok(())
    }

    /// Takes note of what is about to be committed.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn load_batch(&self, batch_id: &str, load: &Load) -> Result<(), Error> {
        sqlx::query("UPDATE batches SET load_id = ?3, report = ?4 WHERE tenant = ?1 AND batch_id = ?2")
            .bind(&self.tenant)
            .bind(batch_id)
            .bind(&load.load_id)
            .bind(load.report.to_string())
            .execute(&self.pool)
            .await
            .map_err(failed("store the load of a batch"))?;
        Ok(())
    }

    /// Takes note of how a batch ended: with its final report, or a problem.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn finish_batch(
        &self,
        batch_id: &str,
        end: Result<&Value, &Value>,
        now: UtcMicros,
    ) -> Result<(), Error> {
        sqlx::query(
            "UPDATE batches SET finished_at = ?3, report = coalesce(?4, report), problem = ?5
            WHERE tenant = ?1 AND batch_id = ?2",
        )
        .bind(&self.tenant)
        .bind(batch_id)
        .bind(now.0)
        .bind(end.ok().map(Value::to_string))
        .bind(end.err().map(Value::to_string))
        .execute(&self.pool)
        .await
        .map_err(failed("store the end of a batch"))?;
        Ok(())
    }

    /// The batch with this id that `sender` sent.
    ///
    /// # Errors
    /// When the file fails.
    pub async fn batch(&self, batch_id: &str, sender: &str) -> Result<Option<Batch>, Error> {
        let row = sqlx::query(
            "SELECT batch_id, sender, received_at, load_id, report, finished_at, problem
            FROM batches
            WHERE tenant = ?1 AND batch_id = ?2 AND sender = ?3",
        )
        .bind(&self.tenant)
        .bind(batch_id)
        .bind(sender)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed("read a batch"))?;
        row.as_ref().map(batch).transpose()
    }
}

fn batch(row: &SqliteRow) -> Result<Batch, Error> {
    let failed = failed("read a batch");
    let text = |column: &str| row.try_get::<Option<String>, _>(column).map_err(&failed);
    let json = |column: &str| -> Result<Option<Value>, Error> {
        let read = text(column)?.map(|text| serde_json::from_str(&text)).transpose();
        read.map_err(|source| Error::Json { what: "a batch".to_owned(), source })
    };
    let load = text("load_id")?.zip(json("report")?).map(|(load_id, report)| Load { load_id, report });
    let finished_at: Option<i64> = row.try_get("finished_at").map_err(&failed)?;
    let problem = json("problem")?;
    Ok(Batch {
        batch_id: row.try_get("batch_id").map_err(&failed)?,
        sender: row.try_get("sender").map_err(&failed)?,
        received_at: UtcMicros(row.try_get("received_at").map_err(&failed)?),
        load,
        end: finished_at.map(|at| (UtcMicros(at), problem)),
    })
}
