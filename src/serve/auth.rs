//! Bearer tokens in front of `/api/v1`, and the audit and count of what they read.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Problem;
use super::state::Shared;
use crate::findings::{Read, Scope};

/// Who asks, by the label of their token.
#[derive(Clone, Debug)]
pub struct Caller {
    pub label: String,
}

/// Lets a request through when its token may read; then audits and counts it.
pub async fn reading(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let may = |scope: Scope| match scope {
        Scope::Ingest => Err("an ingest token may not read"),
        Scope::Reader | Scope::Analyst | Scope::Auditor | Scope::Admin => Ok(()),
    };
    pass(&shared, request, next, may).await
}

/// The same for a token that may send events.
pub async fn sending(
    State(shared): State<Shared>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let may = |scope: Scope| match scope {
        Scope::Ingest | Scope::Admin => Ok(()),
        Scope::Reader | Scope::Analyst | Scope::Auditor => {
            Err("only an ingest or admin token may send events")
        }
    };
    pass(&shared, request, next, may).await
}

async fn pass(
    shared: &Shared,
    mut request: Request,
    next: Next,
    may: impl Fn(Scope) -> Result<(), &'static str>,
) -> Result<Response, Problem> {
    let unauthorized = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail);
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some(plaintext) = header.and_then(|value| value.strip_prefix("Bearer ")) else {
        return Err(unauthorized("send Authorization: Bearer TOKEN"));
    };
    let now = shared.now();
    let Some(token) = shared.ledger().token(plaintext.trim(), now).await? else {
        return Err(unauthorized("the token is unknown, revoked or expired"));
    };
    may(token.scope).map_err(|why| Problem::new(StatusCode::FORBIDDEN, "forbidden", why))?;
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or(request.uri().path(), MatchedPath::as_str)
        .to_owned();
    let route = format!("{} {path}", request.method());
    let query = request.uri().query().unwrap_or_default().to_owned();
    // Written before the answer leaves: what cannot be audited does not happen.
    let read = Read { at: now, actor: token.label.clone(), route: route.clone(), query, rows: 0 };
    shared.ledger().audit_read(&read).await?;
    request.extensions_mut().insert(Caller { label: token.label });
    let response = next.run(request).await;
    shared.count(&route, response.status().as_u16());
    Ok(response)
}
