//! GitHub audit log: of an organisation or an enterprise, from the REST API, an export or
//! a stream.
//!
//! Takes a record's text, gives one event, or two where a role was changed for another.
//! Fields stand at the top, in exports of older kind under `data`. GitHub writes what has
//! been done and no outcome, so that an event is a success; but an answer to a sign-in is
//! only an attempt, its own names for failed sign-ins are failures, and an API request has
//! a status. `token_id` and the external identity are those of the actor.

mod access;

use serde_json::Value;

use super::changes::{self, Change};
use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, Event, Outcome, Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "GitHub audit log", recognises, normalize };

const SOURCE: &str = "github";

/// What GitHub writes when a SAML answer has come, whatever it says.
const SSO_ANSWERS: [&str; 2] = ["org.sso_response", "business.sso_response"];

fn recognises(value: &Value) -> bool {
    let record = Record(value);
    let named = record.text("action").is_some_and(|action| action.contains('.') && !action.contains(' '));
    let by_name = json::ci(value, "actor").is_none_or(|actor| actor.is_string() || actor.is_null());
    let own = ["_document_id", "org", "business", "repo"].iter().any(|key| record.text(key).is_some())
        || record.text("actor").is_some();
    let foreign = ["eventType", "type", "event", "method"].iter().any(|key| json::ci(value, key).is_some());
    // The run of a workflow has an `event` too.
    named && by_name && own && (!foreign || record.text("_document_id").is_some())
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let record = Record(&value);
    let action = record.text("action").ok_or_else(|| draft::missing("GitHub", "action"))?;
    // `created_at` may be when the thing was created that the event is about.
    let times: [&[&str]; 4] = [&["@timestamp"], &["at_sign_timestamp"], &["created_at"], &["p_event_time"]];
    let occurred_at = draft::occurred_at(&value, &times, "GitHub")?;
    let verb = verbs::verb(SOURCE, &action).unwrap_or(Verb::OTHER);
    let status = record.text("status_code").and_then(|code| code.parse::<u16>().ok());
    let event = Event {
        event_id: record.text("_document_id").unwrap_or_else(|| event_id::of_record(&value)),
        actor: actor(&record),
        account: account(&record, &action, &verb),
        app: app(&record),
        entitlement: access::entitlement(&record, &action, &verb),
        credential: access::credential(&record, &action),
        outcome: outcome(&action, &verb, status),
        reason: record.text("reason"),
        correlation_id: record.text("request_id"),
        client_ip: record.text("actor_ip"),
        user_agent: record.text("user_agent"),
        http_method: record.text("request_method"),
        http_path: record.text("url_path"),
        http_status: status,
        changes: changes::to_column(&changes_of(&record, &verb)),
        verb,
        ..draft::event(SOURCE, context, &action, occurred_at)
    };
    Ok(draft::rows(access::one_a_role(&record, event)))
}

/// A record, whose fields may stand one level down.
pub(super) struct Record<'a>(&'a Value);

impl Record<'_> {
    pub fn text(&self, key: &str) -> Option<String> {
        json::text_ci(self.0, &[key]).or_else(|| json::text_ci(self.0, &["data", key]))
    }

    pub fn text_any(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.text(key))
    }

    /// The organisation, else the enterprise, in which it happened.
    pub fn place(&self) -> Option<String> {
        self.text_any(&["org", "business"])
    }
}

fn actor(record: &Record) -> Actor {
    let name = record.text("actor");
    let kind = match record.text("actor_is_bot").as_deref() {
        Some("true") => Some("bot".to_owned()),
        Some(_) => Some("user".to_owned()),
        None => None,
    };
    Actor { id: record.text("actor_id").or(name.clone()), kind, name }
}

/// The account that it happened to: the user that the record names, else the actor where
/// the event is about the actor's own sign-in, factors or credentials.
fn account(record: &Record, action: &str, verb: &Verb) -> AccountRef {
    const OWN: [&str; 6] = ["signin", "signout", "mfa.", "credential.", "token.", "consent."];
    const OF_USERS: [&str; 8] =
        ["account.", "org.", "role.", "group.member.", "group.owner.", "app.", "session.", "access."];
    let of = |families: &[&str]| families.iter().any(|family| verb.as_str().starts_with(family));
    let own = of(&OWN);
    // A team's repositories are given to the team, whoever else the record names.
    let of_team = action.starts_with("team.") && action.ends_with("_repository");
    if of_team || !(own || of(&OF_USERS)) {
        return AccountRef::default();
    }
    let by = record.text("actor");
    let (id, name) = match record.text("user") {
        Some(user) => (record.text("user_id"), Some(user)),
        None if own => (record.text("actor_id"), by.clone()),
        None => return AccountRef::default(),
    };
    let actors_own = name == by;
    let external = record.text("external_identity_nameid").filter(|_| actors_own);
    let email = external.filter(|text| text.contains('@'));
    AccountRef { email, ..draft::account(SOURCE, id, name) }
}

fn app(record: &Record) -> AppRef {
    let id = record.text("repo").or_else(|| record.place());
    AppRef { name: id.clone(), id }
}

fn outcome(action: &str, verb: &Verb, status: Option<u16>) -> Outcome {
    if SSO_ANSWERS.contains(&action) {
        return Outcome::Unknown;
    }
    let failed = verb.as_str().ends_with(".failed") || status.is_some_and(|code| code >= 400);
    if failed { Outcome::Failure } else { Outcome::Success }
}

fn changes_of(record: &Record, verb: &Verb) -> Vec<Change> {
    let login = record.text("old_login").filter(|_| verb.as_str() == "account.rename");
    let renamed = login.map(|from| ("login", Some(from), record.text("user")));
    let to = record.text("permission");
    let from = record.text("old_permission");
    let permission = (to.is_some() || from.is_some()).then_some(("permission", from, to));
    let change = |(attribute, from, to): (&str, _, _)| Change { attribute: attribute.to_owned(), from, to };
    renamed.into_iter().chain(permission).map(change).collect()
}
