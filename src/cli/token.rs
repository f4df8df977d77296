//! `token`: who may call the API.

use clap::{Args, Subcommand};
use jiff::SignedDuration;

use super::output::{self, Sheet};
use super::serve::{TOKEN_DAYS, random};
use super::{Context, Error, Outcome, times};
use crate::domain::UtcMicros;
use crate::findings::Error as LedgerError;
use crate::findings::{self, Scope};

#[derive(Subcommand)]
pub enum Token {
    /// Make a token and print it, this once
    Add(Add),
    /// List the tokens, also those that work no longer
    List,
    /// Revoke a token at once
    Revoke {
        /// Its label
        label: String,
    },
}

#[derive(Args)]
pub struct Add {
    /// What it is known by, in lists and in the audit of reads
    #[arg(long)]
    label: String,
    /// What its bearer may do
    #[arg(long, value_parser = ["ingest", "reader", "analyst", "auditor", "admin"])]
    scope: String,
    /// Days until it expires
    #[arg(long, value_name = "N", default_value_t = TOKEN_DAYS, value_parser = clap::value_parser!(i64).range(1..=3650))]
    days: i64,
}

impl Token {
    pub async fn run(self, context: &Context) -> Result<Outcome, Error> {
        match self {
            Token::Add(add) => add.run(context).await,
            Token::List => list(context).await,
            Token::Revoke { label } => revoke(context, &label).await,
        }
    }
}

impl Add {
    async fn run(self, context: &Context) -> Result<Outcome, Error> {
        let scope = Scope::parse(&self.scope)
            .ok_or_else(|| Error::Usage(format!("--scope \"{}\" is none of tokens", self.scope)))?;
        let now = times::now();
        let expires_at = now.plus(SignedDuration::from_hours(24 * self.days));
        let ledger = context.engine().ledger().await?;
        let added = ledger.add_token(&self.label, scope, expires_at, &random(), now).await;
        let token = added.map_err(|error| match error {
            refused @ (LedgerError::TokenRepeated { .. } | LedgerError::TokenTerms { .. }) => {
                Error::Usage(refused.to_string())
            }
            other => Error::Ledger(other),
        })?;
        output::say(&format!(
            "token \"{}\" ({}) until {expires_at} follows on standard output; it is shown this once",
            self.label.trim(),
            scope.as_str()
        ));
        output::print(&format!("{token}\n"))?;
        Ok(Outcome::Clean)
    }
}

async fn list(context: &Context) -> Result<Outcome, Error> {
    let (tokens, now) = (context.engine().ledger().await?.tokens().await?, times::now());
    let mut sheet = Sheet::new("tokens", &["label", "scope", "state", "created", "expires"]);
    for token in &tokens {
        let state = state(token, now);
        let mut value = serde_json::to_value(token).unwrap_or_default();
        value["state"] = serde_json::json!(state);
        let cells = [token.label.as_str(), token.scope.as_str(), state].map(str::to_owned);
        let instants = [token.created_at, token.expires_at].map(|at| at.to_string());
        sheet.push(cells.into_iter().chain(instants).collect(), value);
    }
    sheet.print(&context.output)?;
    Ok(Outcome::Clean)
}

fn state(token: &findings::Token, now: UtcMicros) -> &'static str {
    match token.revoked_at {
        Some(_) => "revoked",
        None if token.is_live(now) => "live",
        None => "expired",
    }
}

async fn revoke(context: &Context, label: &str) -> Result<Outcome, Error> {
    if !context.engine().ledger().await?.revoke_token(label, times::now()).await? {
        return Err(Error::Usage(format!(
            "there is no token \"{label}\" to revoke; lychgate token list names them"
        )));
    }
    output::say(&format!("token \"{}\" is revoked", label.trim()));
    Ok(Outcome::Clean)
}
