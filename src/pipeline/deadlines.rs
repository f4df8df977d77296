//! The ledger's deadlines as the table `deadlines` of a session, for the rule that asks about them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::error::ArrowError;

use super::{Engine, Error};
use crate::domain::UtcMicros;
use crate::findings::Overdue;
use crate::query::Session;

const TABLE: &str = "deadlines";

impl Engine {
    /// Adds the table `deadlines`: one row for each finding of the ledger that is past its deadline.
    pub(super) async fn hold_deadlines(&self, session: &Session) -> Result<(), Error> {
        hold(session, &self.ledger().await?.overdue(session.at().as_of).await?)
    }
}

/// Adds the table with these rows. A replay of history has none: the ledger does not say how it stood then.
pub(super) fn hold(session: &Session, overdue: &[Overdue]) -> Result<(), Error> {
    Ok(session.hold(TABLE, vec![table(overdue).map_err(Error::Deadlines)?])?)
}

fn table(overdue: &[Overdue]) -> Result<RecordBatch, ArrowError> {
    let text = |of: fn(&Overdue) -> Option<&str>| -> ArrayRef {
        Arc::new(StringArray::from_iter(overdue.iter().map(of)))
    };
    let instant = |of: fn(&Overdue) -> Option<UtcMicros>| -> ArrayRef {
        let micros = overdue.iter().map(|finding| of(finding).map(|at| at.0));
        Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))
    };
    RecordBatch::try_from_iter_with_nullable([
        ("finding_id", text(|finding| Some(&finding.finding_id)), true),
        ("code", text(|finding| Some(&finding.code)), true),
        ("subject_id", text(|finding| Some(&finding.subject_id)), true),
        ("severity_rank", Arc::new(Int64Array::from_iter_values(overdue.iter().map(|f| f.severity))), true),
        ("owner_id", text(|finding| finding.owner_id.as_deref()), true),
        ("since", instant(|finding| finding.since), true),
        ("due_at", instant(|finding| Some(finding.due_at)), true),
        ("first_seen_at", instant(|finding| Some(finding.first_seen_at)), true),
    ])
}
