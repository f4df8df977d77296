//! Words in which rosters say that somebody is gone, as a table: SQL knows no words of personnel systems.

use std::sync::Arc;

use arrow::array::StringViewArray;

use crate::normalize::table::is_gone;
use crate::query::{Error, Parts, Rows, Session};

pub const GONE: &str = "gone_statuses";
const STATUSES: &str = "SELECT DISTINCT status FROM employments_raw WHERE status IS NOT NULL";

/// Adds the table `gone_statuses`: `status`, as rosters spell it. No two rows share one.
pub async fn lay(session: &Session) -> Result<(), Error> {
    let mut gone = Vec::new();
    for batch in session.collect(GONE, STATUSES).await? {
        let statuses = Rows::new(GONE, &batch).texts("status")?;
        gone.extend(statuses.iter().flatten().filter(|status| is_gone(status)).map(str::to_owned));
    }
    let mut table = Parts::of(GONE);
    table.push(vec![("status", Arc::new(StringViewArray::from_iter_values(&gone)))])?;
    session.hold_packed(GONE, table.finish()?)
}
