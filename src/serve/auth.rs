//! Bearer tokens in front of `/api/v1`, and the audit and count of what they read.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::API;
use super::answer::Rows;
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
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let may = |scope: Scope| match scope {
        Scope::Ingest => Err("an ingest token may not read"),
        Scope::Reader | Scope::Analyst | Scope::Auditor | Scope::Admin => Ok(()),
    };
    let Admitted { mut read, route } = admit(&shared, &mut request, may).await?;
    let response = next.run(request).await;
    read.rows = response.extensions().get::<Rows>().map_or(0, |rows| rows.0);
    // Written before the answer leaves: what cannot be audited is not told.
    shared.ledger().audit_read(&read).await?;
    shared.count(&route, response.status().as_u16());
    Ok(response)
}

/// The same for a token that may send events.
pub async fn sending(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let may = |scope: Scope| match scope {
        Scope::Ingest | Scope::Admin => Ok(()),
        Scope::Reader | Scope::Analyst | Scope::Auditor => {
            Err("only an ingest or admin token may send events")
        }
    };
    let Admitted { read, route } = admit(&shared, &mut request, may).await?;
    // Written before it happens: what cannot be audited does not.
    shared.ledger().audit_read(&read).await?;
    let response = next.run(request).await;
    shared.count(&route, response.status().as_u16());
    Ok(response)
}

/// A request that may go on.
struct Admitted {
    /// With the path that was asked for, so that it says whose access was read.
    read: Read,
    /// The path as the router has it: what is counted must not grow with what is asked for.
    route: String,
}

async fn admit(
    shared: &Shared,
    request: &mut Request,
    may: impl Fn(Scope) -> Result<(), &'static str>,
) -> Result<Admitted, Problem> {
    let unauthorized = |detail: &str| Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail);
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // The name of the scheme has no case (RFC 9110 §11.1).
    let bearer = header.and_then(|value| value.split_once(' '));
    let bearer = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"));
    let Some((_, plaintext)) = bearer else {
        return Err(unauthorized("send Authorization: Bearer TOKEN"));
    };
    let now = shared.now();
    let Some(token) = shared.ledger().token(plaintext.trim(), now).await? else {
        return Err(unauthorized("the token is unknown, revoked or expired"));
    };
    may(token.scope).map_err(|why| Problem::new(StatusCode::FORBIDDEN, "forbidden", why))?;
    let method = request.method();
    // The router that is nested sees the rest of the path only.
    let path = format!("{API}{}", request.uri().path());
    let route = request.extensions().get::<MatchedPath>().map_or(path.as_str(), MatchedPath::as_str);
    let (asked, route) = (format!("{method} {path}"), format!("{} {route}", counted(method)));
    let query = request.uri().query().unwrap_or_default().to_owned();
    let read = Read { at: now, actor: token.label.clone(), route: asked, query, rows: 0 };
    request.extensions_mut().insert(Caller { label: token.label });
    Ok(Admitted { read, route })
}

/// The method as requests are counted by it: whoever asks may think up others.
fn counted(method: &Method) -> &str {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::OPTIONS,
    ];
    if known.contains(method) { method.as_str() } else { "other" }
}
