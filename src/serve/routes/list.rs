//! Lists of a session's rows: keyset paging by one key column.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::query::{Session, json_rows};
use crate::serve::instant::Instants;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// Parameters of every list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    pub as_of: Option<String>,
    pub known_at: Option<String>,
    pub cursor: Option<String>,
    pub limit: Option<u32>,
}

pub const LIMIT_DEFAULT: u32 = 100;
pub const LIMIT_MAX: u32 = 1000;

impl Paging {
    pub fn instants(&self) -> Instants {
        Instants { as_of: self.as_of.clone(), known_at: self.known_at.clone() }
    }

    /// # Errors
    /// A problem for a limit of 0 or above 1,000.
    pub fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            0 => Err(Problem::bad_request("limit", "limit must be at least 1")),
            limit if limit > LIMIT_MAX => {
                Err(Problem::bad_request("limit", format!("limit must be at most {LIMIT_MAX}")))
            }
            limit => Ok(limit),
        }
    }
}

/// A view that is listed: `sql` selects rows with a text column `key`, takes `$after` (the
/// last key) and is ordered by `key`.
pub struct Listed {
    pub name: &'static str,
    pub sql: &'static str,
}

/// One page of `listed`.
pub async fn page(shared: &Shared, paging: &Paging, listed: &Listed) -> Result<Value, Problem> {
    let at = paging.instants().resolve(shared).await?;
    let limit = paging.limit()?;
    let list = format!("{}/{}/{}/{}", shared.tenant(), listed.name, at.as_of, at.known_at);
    let after: String = match &paging.cursor {
        Some(text) => shared.signer().open(&list, text)?,
        None => String::new(),
    };
    let session = shared.session(at).await?;
    let mut rows = rows(&session, listed, &after).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().and_then(|row| row.get("key")).and_then(Value::as_str).map(str::to_owned);
    let next = last.filter(|_| more).and_then(|key| shared.signer().seal(&list, &key));
    for row in &mut rows {
        row.as_object_mut().map(|fields| fields.remove("key"));
    }
    Ok(
        json!({ "schema_version": 1, "as_of": at.as_of, "known_at": at.known_at, listed.name: rows, "next": next }),
    )
}

async fn rows(session: &Session, listed: &Listed, after: &str) -> Result<Vec<Value>, Problem> {
    let batches = session.ask(listed.name, listed.sql, &[("after", after)]).await?;
    Ok(json_rows(&batches))
}
