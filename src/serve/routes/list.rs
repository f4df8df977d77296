//! Lists of a session's rows: keyset paging by one key column.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::domain::UtcMicros;
use crate::query::{At, Session, json_rows};
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

/// Where the next page begins. With the instants of the first one, which may be those at which it
/// was asked for.
#[derive(Serialize, Deserialize)]
struct Place {
    as_of: UtcMicros,
    known_at: UtcMicros,
    after: String,
}

/// One page of `listed`.
pub async fn page(shared: &Shared, paging: &Paging, listed: &Listed) -> Result<Value, Problem> {
    let limit = paging.limit()?;
    let list = format!("{}/{}", shared.tenant(), listed.name);
    let (at, after) = match &paging.cursor {
        Some(text) => continued(&paging.instants(), shared.signer().open(&list, text)?)?,
        None => (paging.instants().resolve(shared).await?, String::new()),
    };
    let session = shared.session(at).await?;
    let mut rows = rows(&session, listed, &after).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().and_then(|row| row.get("key")).and_then(Value::as_str).map(str::to_owned);
    let place = |after| Place { as_of: at.as_of, known_at: at.known_at, after };
    let next = last.filter(|_| more).and_then(|key| shared.signer().seal(&list, &place(key)));
    for row in &mut rows {
        row.as_object_mut().map(|fields| fields.remove("key"));
    }
    Ok(
        json!({ "schema_version": 1, "as_of": at.as_of, "known_at": at.known_at, listed.name: rows, "next": next }),
    )
}

/// The instants of the pages before, which a request may repeat and not change.
fn continued(given: &Instants, place: Place) -> Result<(At, String), Problem> {
    let at = At { as_of: place.as_of, known_at: place.known_at };
    if given.or(at)? != at {
        let detail = "the cursor is of other instants than as_of and known_at: begin again without it";
        return Err(Problem::bad_request("cursor", detail));
    }
    Ok((at, place.after))
}

async fn rows(session: &Session, listed: &Listed, after: &str) -> Result<Vec<Value>, Problem> {
    let batches = session.ask(listed.name, listed.sql, &[("after", after)]).await?;
    Ok(json_rows(&batches))
}
