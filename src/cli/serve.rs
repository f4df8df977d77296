//! `serve`: the query API on a loopback address, until interrupted.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use rand::RngCore;
use rand::rngs::OsRng;

use super::{Context, Error, Outcome, output, times};
use crate::findings::Scope;
use crate::pipeline::Engine;
use crate::serve;

#[derive(Args)]
pub struct Serve {
    /// Loopback address and port [default: from the configuration]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Print the OpenAPI document and do nothing else
    #[arg(long)]
    openapi: bool,
}

const TOKEN_DAYS: i64 = 90;

impl Serve {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        if self.openapi {
            output::print(&format!("{}\n", serve::description()))?;
            return Ok(Outcome::Clean);
        }
        let address = self.listen.unwrap_or_else(|| context.config.listen.value.clone());
        listen(&context.engine(), &address, context.config.events_wait()).await
    }
}

/// Serves `engine` and says where, and prints the first token once. Senders of events wait so long for
/// the answer that they are durable.
pub async fn listen(engine: &Engine, address: &str, events_wait: Duration) -> Result<Outcome, Error> {
    let listener = serve::bind(address).await?;
    let bound = listener.local_addr().map_err(|source| Error::Runtime { source })?;
    output::say(&format!("serving http://{bound}/api/v1/findings (Ctrl-C stops)"));
    output::say(&format!("        http://{bound}/openapi.json"));
    if let Some(token) = first_token(engine).await? {
        output::say(&format!("first API token, shown this once, valid for {TOKEN_DAYS} days: {token}"));
        output::say(&format!(
            "  curl -H 'Authorization: Bearer {token}' http://{bound}/api/v1/findings?limit=2"
        ));
    }
    let stop = async {
        // Without a signal handler the default action stops the process all the same.
        let _ = tokio::signal::ctrl_c().await;
    };
    serve::serve(engine, listener, random(), times::now, events_wait, stop).await?;
    Ok(Outcome::Clean)
}

/// Makes the first token of a folder that has none.
pub async fn first_token(engine: &Engine) -> Result<Option<String>, Error> {
    let ledger = engine.ledger().await?;
    if !ledger.tokens().await?.is_empty() {
        return Ok(None);
    }
    let now = times::now();
    let expires_at = now.plus(SignedDuration::from_hours(24 * TOKEN_DAYS));
    Ok(Some(ledger.add_token("first", Scope::Admin, expires_at, &random(), now).await?))
}

/// 32 bytes of the operating system's generator.
fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}
