//! The query API: every route on this page.
//!
//! Loopback only. Bearer tokens (hashed in the ledger) open `/api/v1`; `/livez`, `/readyz`,
//! `/metrics` and `/openapi.json` are open. Errors are problem documents (RFC 9457) and every
//! read is audited. Every answer about the state of an instant takes `as_of` and `known_at`; findings and runs are those of
//! the ledger, and rules and detectors those of the program.

mod answer;
mod auth;
mod batches;
mod cursor;
mod described;
pub mod filter;
mod instant;
mod parameters;
mod preference;
mod problem;
mod routes;
mod state;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use utoipa::OpenApi;

use crate::pipeline::Engine;
use crate::{findings, pipeline};
use described::Alike;
use routes::{
    accounts, costs, detectors, events, findings as finding_routes, health, identities, leavers, rules, runs,
    sources,
};
use state::Shared;

/// Why the API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("\"{address}\" is not an address such as 127.0.0.1:7878")]
    Address { address: String },
    #[error("\"{address}\" is not a loopback address: put a proxy with TLS in front to serve others")]
    NotLoopback { address: SocketAddr },
    #[error("cannot listen on {address}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("cannot serve")]
    Serve { source: std::io::Error },
    #[error(transparent)]
    Ledger(#[from] findings::Error),
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
}

/// Where the routes that need a token are.
const API: &str = "/api/v1";
const BODY_BYTES_MAX: usize = 1 << 20;
/// What a source may send at once.
const EVENTS_BYTES_MAX: usize = 32 << 20;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// How long requests that are under way at the end are waited for.
const DRAIN: Duration = Duration::from_secs(30);

/// How often the folders of rules are looked at when nobody asks.
const RULES_INTERVAL: Duration = Duration::from_secs(5);

/// Reads rules again when their files change, so that the log says soon what is wrong with them.
async fn follow_rules(shared: Shared) {
    let mut ticks = tokio::time::interval(RULES_INTERVAL);
    loop {
        ticks.tick().await;
        // What fails is logged where it fails; the next look tries again.
        let _ = shared.company_rules().await;
    }
}

/// The whole API.
pub fn router(shared: Shared) -> Router {
    let api = Router::new()
        .route("/findings", get(finding_routes::list))
        .route("/findings/{id}", get(finding_routes::one))
        .route("/findings/{id}/events", get(finding_routes::events))
        .route("/findings/{id}/evidence", get(finding_routes::evidence))
        .route("/identities", get(identities::list))
        .route("/identities/{id}/access", get(identities::access))
        .route("/accounts", get(accounts::list))
        .route("/accounts/{app}/{id}/access", get(accounts::access))
        .route("/time-to-zero-access", get(leavers::report))
        .route("/costs", get(costs::report))
        .route("/sources", get(sources::list))
        .route("/detectors", get(detectors::list))
        .route("/runs", get(runs::list))
        .route("/rules", get(rules::list))
        .layer(middleware::from_fn_with_state(shared.clone(), auth::reading))
        .layer(RequestBodyLimitLayer::new(BODY_BYTES_MAX));
    let sending = Router::new()
        .route("/events", post(events::take))
        .route("/events/batches/{id}", get(events::batch))
        .layer(middleware::from_fn_with_state(shared.clone(), auth::sending))
        .layer(DefaultBodyLimit::max(EVENTS_BYTES_MAX));
    Router::new()
        .nest(API, api.merge(sending))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(openapi))
        .fallback(health::no_such_route)
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIMEOUT))
        .layer(middleware::map_response(problem::documented))
        .layer(TraceLayer::new_for_http())
        .with_state(shared)
}

/// The API's description, made from the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lychgate",
        description = "Who has access that they should not have, since when, and who must act."
    ),
    paths(
        finding_routes::list,
        finding_routes::one,
        finding_routes::events,
        finding_routes::evidence,
        identities::list,
        identities::access,
        accounts::list,
        accounts::access,
        leavers::report,
        costs::report,
        sources::list,
        detectors::list,
        runs::list,
        rules::list,
        events::take,
        events::batch,
        health::live,
        health::ready,
        health::metrics,
    ),
    modifiers(&Alike)
)]
struct Description;

/// The OpenAPI 3.1 document, as served and as kept in `docs/openapi.json`.
pub fn description() -> String {
    Description::openapi().to_pretty_json().unwrap_or_default()
}

async fn openapi() -> impl axum::response::IntoResponse {
    ([(axum::http::header::CONTENT_TYPE, "application/json")], description())
}

/// Reads an address that may be listened on.
///
/// # Errors
/// [`Error::Address`] for what is no address, [`Error::NotLoopback`] for one that others reach.
pub fn address(text: &str) -> Result<SocketAddr, Error> {
    let address: SocketAddr = text.parse().map_err(|_| Error::Address { address: text.to_owned() })?;
    if address.ip().is_loopback() { Ok(address) } else { Err(Error::NotLoopback { address }) }
}

/// Binds a loopback address.
///
/// # Errors
/// When the address is none, is not loopback, or is taken.
pub async fn bind(address: &str) -> Result<TcpListener, Error> {
    let address = self::address(address)?;
    TcpListener::bind(address).await.map_err(|source| Error::Bind { address, source })
}

/// Serves until `stop` resolves; requests under way, for so long as [`DRAIN`], and batches that were taken are finished
/// first.
/// `key` signs cursors and must come from the operating system's generator. `wait` is how long a sender
/// of events waits for the answer that they are durable.
///
/// # Errors
/// When the ledger cannot be opened or the listener fails.
pub async fn serve(
    engine: &Engine,
    listener: TcpListener,
    key: [u8; 32],
    clock: fn() -> crate::domain::UtcMicros,
    wait: Duration,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    engine.begin().await?;
    let shared = Shared::new(engine.clone(), engine.ledger().await?, cursor::Signer::new(key), clock, wait);
    let following = tokio::spawn(follow_rules(shared.clone()));
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let stop = async {
        stop.await;
        drop(stopping);
    };
    let serving = axum::serve(listener, router(shared.clone())).with_graceful_shutdown(stop).into_future();
    let drained = async {
        let _ = stopped.await;
        tokio::time::sleep(DRAIN).await;
    };
    let served = tokio::select! {
        served = serving => served,
        // Whoever sent half a request and waits holds up nobody.
        () = drained => Ok(()),
    };
    following.abort();
    shared.batches().finished().await;
    served.map_err(|source| Error::Serve { source })
}
