//! `serve`: the query API on a loopback address, until interrupted.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use rand::RngCore;
use rand::rngs::OsRng;
#[cfg(unix)]
use tokio::signal::unix;

use super::{Context, Error, Outcome, output, times};
use crate::findings::Scope;
use crate::pipeline::Engine;
use crate::serve;

#[derive(Args)]
pub struct Serve {
    /// Loopback address and port [default: from the configuration]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Print the OpenAPI document and exit
    #[arg(long)]
    openapi: bool,
}

/// How long a token lives unless it is told otherwise.
pub const TOKEN_DAYS: i64 = 90;

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
    let mut signals = Signals::take().map_err(|source| Error::Runtime { source })?;
    let bound = listener.local_addr().map_err(|source| Error::Runtime { source })?;
    output::say(&format!("serving http://{bound}/api/v1/findings (Ctrl-C stops)"));
    output::say(&format!("        http://{bound}/openapi.json"));
    match first_token(engine).await? {
        FirstToken::Made(token) => {
            output::say(&format!("first API token, shown this once, valid for {TOKEN_DAYS} days: {token}"));
            output::say(&format!(
                "  curl -H 'Authorization: Bearer {token}' http://{bound}/api/v1/findings?limit=2"
            ));
        }
        FirstToken::Live => {}
        FirstToken::NoneLive => output::say(NONE_LIVE),
    }
    let stop = async move {
        signals.next().await;
        output::say("stopping once what is under way is finished; a second signal stops at once");
        tokio::spawn(async move {
            signals.next().await;
            std::process::exit(STOPPED);
        });
    };
    serve::serve(engine, listener, random(), times::now, events_wait, stop).await?;
    Ok(Outcome::Clean)
}

/// The exit code of a server that did not finish what was under way.
const STOPPED: i32 = 3;

/// Ctrl-C, and the signal with which services are stopped.
struct Signals {
    #[cfg(unix)]
    interrupted: unix::Signal,
    #[cfg(unix)]
    terminated: unix::Signal,
}

impl Signals {
    /// From here on they end nothing by themselves.
    fn take() -> std::io::Result<Signals> {
        Ok(Signals {
            #[cfg(unix)]
            interrupted: unix::signal(unix::SignalKind::interrupt())?,
            #[cfg(unix)]
            terminated: unix::signal(unix::SignalKind::terminate())?,
        })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupted.recv() => {}
            _ = self.terminated.recv() => {}
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// What became of the first token of a folder.
pub enum FirstToken {
    Made(String),
    /// A token works, so whoever holds it gets in.
    Live,
    /// All are expired or revoked. None is made unasked: that may be what was wanted.
    NoneLive,
}

pub const NONE_LIVE: &str = "no API token is live, so nobody gets in; make one: \
                             lychgate token add --label NAME --scope reader";

/// Makes the first token of a folder that never had one.
pub async fn first_token(engine: &Engine) -> Result<FirstToken, Error> {
    let (ledger, now) = (engine.ledger().await?, times::now());
    let tokens = ledger.tokens().await?;
    if tokens.iter().any(|token| token.is_live(now)) {
        return Ok(FirstToken::Live);
    }
    if !tokens.is_empty() {
        return Ok(FirstToken::NoneLive);
    }
    let expires_at = now.plus(SignedDuration::from_hours(24 * TOKEN_DAYS));
    Ok(FirstToken::Made(ledger.add_token("first", Scope::Admin, expires_at, &random(), now).await?))
}

/// 32 bytes of the operating system's generator.
pub fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsRng.fill_bytes(&mut bytes);
    bytes
}
