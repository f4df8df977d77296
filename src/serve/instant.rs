//! `as_of` and `known_at` of a request.

use serde::Deserialize;

use super::problem::Problem;
use super::state::Shared;
use crate::domain::UtcMicros;
use crate::query::At;

/// The two clocks as query parameters, RFC 3339 both.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instants {
    pub as_of: Option<String>,
    pub known_at: Option<String>,
}

impl Instants {
    /// Those given. Without both, those of the newest recorded run, or now before the first; who names an instant is
    /// told what is known of it by now.
    ///
    /// # Errors
    /// A problem for a text that is no time.
    pub async fn resolve(&self, shared: &Shared) -> Result<At, Problem> {
        if self.as_of.is_some() {
            let known_at = match self.known_at {
                Some(_) => shared.now(),
                // Not the clock's: the next who asks the same is answered from the same session.
                None => shared.engine().newest_known_at(shared.now()).await?,
            };
            return self.or(At { as_of: shared.now(), known_at });
        }
        let newest = shared.ledger().runs(1).await?.into_iter().next();
        let now = shared.now();
        let (as_of, known_at) = newest.map_or((now, now), |run| (run.as_of, run.known_at));
        // A run that knew what has not come, which older programs recorded, speaks for now at most.
        self.or(At { as_of: as_of.min(now), known_at: known_at.min(now) })
    }

    /// Those given; else those of `default`.
    ///
    /// # Errors
    /// A problem for a text that is no time.
    pub fn or(&self, default: At) -> Result<At, Problem> {
        Ok(At {
            as_of: given("as_of", self.as_of.as_deref())?.unwrap_or(default.as_of),
            known_at: given("known_at", self.known_at.as_deref())?.unwrap_or(default.known_at),
        })
    }
}

/// The time that a parameter gives.
///
/// # Errors
/// A problem for a text that is no time.
pub fn given(name: &str, text: Option<&str>) -> Result<Option<UtcMicros>, Problem> {
    let Some(text) = text else { return Ok(None) };
    UtcMicros::parse(text)
        .map(Some)
        .ok_or_else(|| Problem::bad_request("time", format!("{name} \"{text}\" is not an RFC 3339 time")))
}
