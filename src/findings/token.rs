//! API tokens: who may call, and with which scope. Only the SHA-256 of a token is kept:
//! 32 random bytes need no slow hash. It makes no randomness and checks no route.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::Row;

use super::columns::failed;
use super::{Error, Ledger};
use crate::domain::UtcMicros;
use crate::domain::digest::hex;

/// What a token's bearer may do; which routes that opens is the API's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Ingest,
    Reader,
    Analyst,
    Auditor,
    Admin,
}

impl Scope {
    pub fn as_str(self) -> &'static str {
        match self {
            Scope::Ingest => "ingest",
            Scope::Reader => "reader",
            Scope::Analyst => "analyst",
            Scope::Auditor => "auditor",
            Scope::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Scope> {
        Some(match text {
            "ingest" => Scope::Ingest,
            "reader" => Scope::Reader,
            "analyst" => Scope::Analyst,
            "auditor" => Scope::Auditor,
            "admin" => Scope::Admin,
            _ => return None,
        })
    }
}

/// A token as lists show it: never itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    pub label: String,
    pub scope: Scope,
    pub created_at: UtcMicros,
    pub expires_at: UtcMicros,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<UtcMicros>,
}

impl Token {
    /// Whether it opens anything at `now`.
    pub fn is_live(&self, now: UtcMicros) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }
}

/// Makes a token known at sight, to people and to scanners for leaked secrets.
const PREFIX: &str = "lychgate_";

impl Ledger {
    /// Adds a token and gives its plaintext, which nobody can ask for again. `random`
    /// must come from the operating system's generator.
    ///
    /// # Errors
    /// When the label is empty or taken, or `expires_at` is not after `now`.
    pub async fn add_token(
        &self,
        label: &str,
        scope: Scope,
        expires_at: UtcMicros,
        random: &[u8; 32],
        now: UtcMicros,
    ) -> Result<String, Error> {
        if label.trim().is_empty() || expires_at <= now {
            return Err(Error::TokenTerms { label: label.to_owned() });
        }
        let plaintext = format!("{PREFIX}{}", hex(random));
        let stored = sqlx::query(
            "INSERT INTO tokens (hash, tenant, label, scope, created_at, expires_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(hash(&plaintext))
        .bind(&self.tenant)
        .bind(label.trim())
        .bind(scope.as_str())
        .bind(now.0)
        .bind(expires_at.0)
        .execute(&self.pool)
        .await;
        match stored {
            Ok(_) => Ok(plaintext),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                Err(Error::TokenRepeated { label: label.to_owned() })
            }
            Err(source) => Err(failed("store a token")(source)),
        }
    }

    /// Gives label and scope of a token that is known, not revoked and not expired.
    pub async fn token(&self, plaintext: &str, now: UtcMicros) -> Result<Option<Token>, Error> {
        // The lookup is by hash, so its time tells nothing about the plaintext.
        let row = sqlx::query(
            "SELECT label, scope, created_at, expires_at, revoked_at
            FROM tokens
            WHERE hash = ?1 AND tenant = ?2 AND expires_at > ?3 AND revoked_at IS NULL",
        )
        .bind(hash(plaintext))
        .bind(&self.tenant)
        .bind(now.0)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed("look up a token"))?;
        row.as_ref().map(read).transpose()
    }

    /// Gives only the scope of [`Ledger::token`].
    pub async fn token_scope(&self, plaintext: &str, now: UtcMicros) -> Result<Option<Scope>, Error> {
        Ok(self.token(plaintext, now).await?.map(|token| token.scope))
    }

    /// Lists all tokens by label, with those that no longer work.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        let rows = sqlx::query(
            "SELECT label, scope, created_at, expires_at, revoked_at
            FROM tokens
            WHERE tenant = ?1
            ORDER BY label",
        )
        .bind(&self.tenant)
        .fetch_all(&self.pool)
        .await
        .map_err(failed("list tokens"))?;
        rows.iter().map(read).collect()
    }

    /// Revokes a token at once; false when no live token has the label.
    pub async fn revoke_token(&self, label: &str, now: UtcMicros) -> Result<bool, Error> {
        let done = sqlx::query(
            "UPDATE tokens
            SET revoked_at = ?3
            WHERE tenant = ?1 AND label = ?2 AND revoked_at IS NULL",
        )
        .bind(&self.tenant)
        .bind(label.trim())
        .bind(now.0)
        .execute(&self.pool)
        .await
        .map_err(failed("revoke a token"))?;
        Ok(done.rows_affected() > 0)
    }
}

fn hash(plaintext: &str) -> String {
    hex(&Sha256::digest(plaintext.as_bytes()))
}

fn read(row: &sqlx::sqlite::SqliteRow) -> Result<Token, Error> {
    let failed = failed("read a token");
    let at = |column: &str| row.try_get(column).map(UtcMicros).map_err(&failed);
    let scope: String = row.try_get("scope").map_err(&failed)?;
    let revoked_at: Option<i64> = row.try_get("revoked_at").map_err(&failed)?;
    Ok(Token {
        label: row.try_get("label").map_err(&failed)?,
        scope: Scope::parse(&scope).ok_or(Error::Stored { what: "scope", value: scope })?,
        created_at: at("created_at")?,
        expires_at: at("expires_at")?,
        revoked_at: revoked_at.map(UtcMicros),
    })
}
