//! `POST /events`: what a source sends. 200 comes when what it counts is durable; 202 with an address to
//! ask when the sender does not wait so long.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::normalize::table::Overrides;
use crate::pipeline::{self, Reading};
use crate::serve::auth::Caller;
use crate::serve::batches::{self, Sent, Taken, describe};
use crate::serve::instant;
use crate::serve::parameters::{Nothing, Parameters};
use crate::serve::preference::Preference;
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// How to read the body, as the flags of `ingest` say it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    source: Option<String>,
    app: Option<String>,
    org: Option<String>,
    listed_at: Option<String>,
    feed: Option<String>,
    #[serde(default)]
    partial: bool,
}

/// When to ask again for a batch that is on its way.
const RETRY_AFTER: (HeaderName, HeaderValue) = (header::RETRY_AFTER, HeaderValue::from_static("1"));

/// Reads a body in any form that `ingest` reads. The same body twice changes nothing, so a
/// sender that did not hear the answer sends again.
#[utoipa::path(post, path = "/api/v1/events",
    params(("source" = Option<String>, Query, description = "Format, when it must not be guessed"),
        ("app" = Option<String>, Query, description = "Application that the records are about"),
        ("org" = Option<String>, Query, description = "The customer that the records are about"),
        ("listed_at" = Option<String>, Query, description = "When a listing was taken, RFC 3339; else now"),
        ("feed" = Option<String>, Query, description = "Which listings of the application a listing continues: what it omits of those is gone. Without it, all that is sent of one application and kind is one feed"),
        ("partial" = Option<bool>, Query, description = "The listing is not complete: what it omits still exists"),
        ("Prefer" = Option<String>, Header, description = "`respond-async` answers 202 at once, `wait=SECONDS` after so long (RFC 7240)")),
    request_body(content = String, content_type = "application/x-ndjson"),
    responses((status = 200, description = "Stored, and durable"),
        (status = 400, description = "`listed_at` is not a time, or to come"),
        (status = 202, description = "Received and not durable yet; `Location` says where to ask",
            headers(("Location" = String, description = "Address of the batch"))),
        (status = 403, description = "The token may not send"),
        (status = 413, description = "More than 32 MiB"),
        (status = 422, description = "The body cannot be told with certainty; the detail asks the question"),
        (status = 503, description = "Another process writes, or too many batches wait; send again")))]
pub async fn take(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Parameters(sending): Parameters<Sending>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let Sending { source, app, org, listed_at, feed, partial } = sending;
    let listed_at = instant::given("listed_at", listed_at.as_deref())?;
    if listed_at.is_some_and(|at| pipeline::is_to_come(at, shared.now())) {
        return Err(Problem::bad_request(
            "time",
            "listed_at is in the future: it says when the listing was taken",
        ));
    }
    // `app=` is no application.
    let app = app.filter(|app| !app.trim().is_empty());
    let overrides = Overrides { complete: partial.then_some(false), ..Overrides::default() };
    let reading = Reading { source, overrides, app, org, listed_at, feed, ..Reading::default() };
    let preference = Preference::of(&headers);
    let patience = preference.patience(shared.batches().wait);
    let sent = Sent { sender: caller.label, body, reading };
    let batch = match batches::take(&shared, sent, patience).await? {
        Taken::Durable(told) => return Ok(Json(told).into_response()),
        Taken::Pending(batch) => batch,
    };
    let mut answer =
        (StatusCode::ACCEPTED, [RETRY_AFTER], Json(describe(&batch, "pending", None))).into_response();
    let location = HeaderValue::try_from(format!("/api/v1/events/batches/{}", batch.batch_id));
    answer.headers_mut().extend(location.ok().map(|location| (header::LOCATION, location)));
    if preference.respond_async {
        let applied = HeaderValue::from_static("respond-async");
        answer.headers_mut().insert(HeaderName::from_static("preference-applied"), applied);
    }
    Ok(answer)
}

/// What has become of a batch, known for 30 days: `pending`; `durable`, with what a 200 would have said as
/// `result`; or `failed`, with a `problem`. What was on its way when the server ended is durable only if the lake
/// has all of it. A token asks for what it sent.
#[utoipa::path(get, path = "/api/v1/events/batches/{id}", params(("id" = String, Path)),
    responses((status = 200, description = "What has become of it"), (status = 404, description = "No such batch of this token")))]
pub async fn batch(
    State(shared): State<Shared>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    _: Parameters<Nothing>,
) -> Result<Response, Problem> {
    let told = batches::standing(&shared, &id, &caller.label).await?;
    if told["status"] == "pending" {
        return Ok(([RETRY_AFTER], Json(told)).into_response());
    }
    Ok(Json(told).into_response())
}
