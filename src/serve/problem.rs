//! Errors of the API as RFC 9457 problem documents.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tracing::error;

use crate::{findings, models, pipeline, query, store};

/// The media type of a problem document.
const PROBLEM: &str = "application/problem+json";

/// A problem: status, a stable code, and a sentence for the caller.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Problem {
        Problem { status, code, detail: detail.into() }
    }

    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// The problem document.
    pub fn document(&self) -> Value {
        let title = self.status.canonical_reason().unwrap_or("Error");
        json!({
            "type": format!("about:blank#{}", self.code),
            "title": title,
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        })
    }

    /// A failure of ours: logged here, told without its inside.
    pub fn internal(failure: &(dyn std::error::Error + 'static)) -> Problem {
        error!(error = failure, "request failed");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request failed; the log says why")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.document())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Errors that handlers do not make, such as a method that a route does not have, as problem documents too.
pub async fn documented(response: Response) -> Response {
    const DETAIL_BYTES_MAX: usize = 1 << 10;
    let status = response.status();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM);
    if !(status.is_client_error() || status.is_server_error()) || is_problem {
        return response;
    }
    let (head, body) = response.into_parts();
    let said = axum::body::to_bytes(body, DETAIL_BYTES_MAX).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let code = match status {
        StatusCode::METHOD_NOT_ALLOWED => "method",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::SERVICE_UNAVAILABLE => "timeout",
        _ if status.is_client_error() => "bad_request",
        _ => "internal",
    };
    let reason = status.canonical_reason().unwrap_or("Error").to_owned();
    let mut told = Problem::new(status, code, if said.is_empty() { reason } else { said }).into_response();
    if let Some(allow) = head.headers.get(header::ALLOW) {
        told.headers_mut().insert(header::ALLOW, allow.clone());
    }
    told
}

impl From<findings::Error> for Problem {
    fn from(failure: findings::Error) -> Problem {
        match &failure {
            findings::Error::NoFinding { .. } => Problem::not_found(failure.to_string()),
            findings::Error::Filter { .. } => Problem::bad_request("filter", failure.to_string()),
            failure if failure.is_busy() => {
                let detail = "another process writes to the ledger; ask again in a while";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "locked", detail)
            }
            findings::Error::Cursor => Problem::bad_request("cursor", failure.to_string()),
            _ => Problem::internal(&failure),
        }
    }
}

impl From<pipeline::Error> for Problem {
    fn from(failure: pipeline::Error) -> Problem {
        match &failure {
            pipeline::Error::Store(store::Error::Locked { .. }) => {
                let detail = "another process writes to the lake; send again in a while";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "locked", detail)
            }
            pipeline::Error::Models(models::Error::UnknownProfile { .. }) => {
                Problem::bad_request("profile", failure.to_string())
            }
            _ => Problem::internal(&failure),
        }
    }
}

impl From<query::Error> for Problem {
    fn from(failure: query::Error) -> Problem {
        Problem::internal(&failure)
    }
}
