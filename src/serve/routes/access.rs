//! What somebody held, or an account: the answer that several resources give.

use serde::Serialize;
use serde_json::json;

use crate::domain::UtcMicros;
use crate::pipeline::{self, Access, Subject};
use crate::serve::answer::Answer;
use crate::serve::instant::Instants;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

#[derive(Serialize)]
struct Held {
    schema_version: u32,
    as_of: UtcMicros,
    known_at: UtcMicros,
    #[serde(flatten)]
    access: Access,
}

/// What `subject` held at an instant.
///
/// # Errors
/// When the instant cannot be read or the answer cannot be given.
pub async fn held(shared: &Shared, instants: Instants, subject: &Subject) -> Result<Answer, Problem> {
    let at = instants.resolve(shared).await?;
    let session = shared.session(at).await?;
    let access = pipeline::access(&session, subject, shared.profile(None)).await?;
    let held = Held { schema_version: 1, as_of: at.as_of, known_at: at.known_at, access };
    Ok(Answer::list(json!(held), "access"))
}
