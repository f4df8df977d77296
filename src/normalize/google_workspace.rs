//! Google Workspace activity reports: one row for each inner event of a record.
//!
//! Takes a record's text, in Google's own form (`events[]` with lists of parameters) or
//! flattened to one event with an object of parameters. The event type is the
//! application and the name, `admin:CREATE_USER`. Success follows from the name, since
//! these reports have no result. Events of documents, mail and devices are kept as
//! `other`.

mod parameters;

use serde_json::Value;

use self::parameters::Parameters;
use super::changes::{self, Change};
use super::{Context, JsonFormat, event_id, json};
use crate::domain::{
    AccountRef, Actor, AppRef, CredentialRef, EntitlementKind, EntitlementRef, Event, Outcome, Rejection,
    Row, UtcMicros, Verb,
};
use crate::models::verbs;

pub const FORMAT: JsonFormat =
    JsonFormat { name: SOURCE, title: "Google Workspace activity report", recognises, normalize };

const SOURCE: &str = "google_workspace";

fn recognises(value: &Value) -> bool {
    let named = json::text_ci(value, &["id", "applicationName"]).is_some();
    let kind = json::text_ci(value, &["kind"]).is_some_and(|kind| kind == "admin#reports#activity");
    (named || kind) && (json::ci(value, "events").is_some() || json::ci(value, "name").is_some())
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    if !value.is_object() {
        return Err(Rejection::new("not_an_object", "a Google Workspace record that is not an object"));
    }
    let head = Head::of(&value)?;
    let inner: Vec<&Value> = match json::ci(&value, "events") {
        Some(Value::Array(events)) => events.iter().collect(),
        _ => vec![&value],
    };
    if inner.is_empty() {
        return Err(missing("events"));
    }
    let rows = inner.into_iter().enumerate();
    rows.map(|(at, event)| Ok(Row::from(row(&head, event, at, context)?))).collect()
}

fn missing(field: &str) -> Rejection {
    Rejection::new("missing_field", format!("a Google Workspace record without {field}"))
}

/// What the inner events of a record share.
struct Head {
    /// Unique over applications and times, which `uniqueQualifier` alone is not.
    id: String,
    application: String,
    at: UtcMicros,
    email: Option<String>,
    profile_id: Option<String>,
    actor_kind: Option<String>,
    key: Option<String>,
    ip: Option<String>,
}

impl Head {
    fn of(value: &Value) -> Result<Head, Rejection> {
        let text = |path: &[&str]| json::text_ci(value, path);
        let application = text(&["id", "applicationName"]).ok_or_else(|| missing("id.applicationName"))?;
        let written = text(&["id", "time"]).or_else(|| text(&["p_event_time"]));
        let written = written.ok_or_else(|| missing("id.time"))?;
        let at = UtcMicros::parse(&written)
            .ok_or_else(|| Rejection::new("bad_time", format!("id.time is \"{written}\"")))?;
        let id = match text(&["id", "uniqueQualifier"]) {
            Some(qualifier) => format!("{at}/{application}/{qualifier}"),
            None => event_id::of_record(value),
        };
        Ok(Head {
            id,
            application,
            at,
            email: text(&["actor", "email"]),
            // Google writes a profile id of zeros for actors that have none.
            profile_id: text(&["actor", "profileId"]).filter(|id| id.bytes().any(|digit| digit != b'0')),
            actor_kind: text(&["actor", "callerType"]).map(|kind| kind.to_lowercase()),
            key: text(&["actor", "key"]),
            ip: text(&["ipAddress"]),
        })
    }

    fn actor(&self) -> Actor {
        Actor {
            id: self.profile_id.clone().or_else(|| self.email.clone()).or_else(|| self.key.clone()),
            kind: self.actor_kind.clone(),
            name: self.email.clone().or_else(|| self.key.clone()),
        }
    }
}

fn row(head: &Head, inner: &Value, at: usize, context: &Context) -> Result<Event, Rejection> {
    let name = json::text_ci(inner, &["name"]).ok_or_else(|| missing("the name of an event"))?;
    let event_type = format!("{}:{name}", head.application);
    let parameters = Parameters::of(inner);
    let verb = verbs::verb(SOURCE, &event_type).unwrap_or(Verb::OTHER);
    Ok(Event {
        event_id: format!("{}/{at}", head.id),
        source: SOURCE,
        org: context.org.clone(),
        occurred_at: head.at,
        actor: head.actor(),
        account: account(head, &verb, &parameters),
        app: app(&parameters),
        entitlement: entitlement(&verb, &name, &parameters),
        outcome: outcome(&name),
        reason_code: parameters.text(&["login_failure_type", "failure_type", "saml_status_code"]),
        reason: None,
        correlation_id: None,
        session_id: None,
        client_ip: head.ip.clone(),
        user_agent: parameters.text(&["user_agent"]),
        http_method: None,
        http_path: None,
        http_status: None,
        latency_ms: None,
        changes: changes::to_column(&change(&verb, &parameters)),
        expires_at: None,
        credential: credential(&event_type, &parameters),
        event_type,
        verb,
    })
}

/// The grant that a person gave a client, of the token log or as an administrator takes it back.
fn credential(event_type: &str, parameters: &Parameters) -> CredentialRef {
    if !event_type.starts_with("token:") && event_type != "admin:REVOKE_3LO_TOKEN" {
        return CredentialRef::default();
    }
    let (id, name) = (parameters.text(&["client_id", "APP_ID"]), parameters.text(&["app_name"]));
    CredentialRef { kind: Some("oauth_grant"), id: id.or(name.clone()), name }
}

fn outcome(name: &str) -> Outcome {
    let name = name.to_ascii_lowercase();
    let failed = ["failure", "failed", "_fail", "denied"].iter().any(|end| name.ends_with(end));
    if failed { Outcome::Failure } else { Outcome::Success }
}

/// The account that it happened to: the one that a parameter names, else the actor's
/// where the event is about the actor's own sign-in, factors or tokens.
fn account(head: &Head, verb: &Verb, parameters: &Parameters) -> AccountRef {
    const FAMILIES: [&str; 6] = ["signin", "signout", "mfa.", "token.", "session.", "account.suspend.auto"];
    let named = parameters.text(&["USER_EMAIL", "affected_email_address", "member_id", "target_user"]);
    if let Some(email) = named {
        // After a rename the old address is the key under which the account is known.
        let renamed = parameters.text(&["NEW_VALUE"]).filter(|_| verb.as_str() == "account.rename");
        let own = head.email.as_ref().is_some_and(|actor| actor.eq_ignore_ascii_case(&email));
        let id = head.profile_id.clone().filter(|_| own).unwrap_or_else(|| email.clone());
        return of(Some(id), Some(renamed.unwrap_or(email)));
    }
    let own = FAMILIES.iter().any(|family| verb.as_str().starts_with(family));
    if !own || (head.email.is_none() && head.profile_id.is_none()) {
        return AccountRef::default();
    }
    of(head.profile_id.clone().or_else(|| head.email.clone()), head.email.clone())
}

/// Google tells addresses apart without their case.
fn of(id: Option<String>, email: Option<String>) -> AccountRef {
    let id = id.map(|id| id.to_lowercase());
    AccountRef { app: Some(SOURCE.to_owned()), id, name: email.clone(), email, external_id: None }
}

fn app(parameters: &Parameters) -> AppRef {
    let id = parameters.text(&["client_id", "APP_ID", "API_CLIENT_NAME"]);
    AppRef { id, name: parameters.text(&["app_name", "application_name"]) }
}

/// What was given or taken.
fn entitlement(verb: &Verb, name: &str, parameters: &Parameters) -> EntitlementRef {
    let of = |kind, id: Option<String>, name: Option<String>| {
        let found = id.is_some() || name.is_some();
        EntitlementRef { kind: found.then_some(kind), id: id.or(name.clone()), name }
    };
    let verb = verb.as_str();
    if verb.starts_with("group.") {
        let id = parameters.text(&["GROUP_EMAIL", "group_id"]);
        return of(EntitlementKind::Group, id.clone(), id);
    }
    if verb.starts_with("role.") {
        // These two speak of the one role that has no name in their parameters.
        if name.ends_with("_ADMIN_PRIVILEGE") {
            return of(EntitlementKind::Role, Some("super_admin".to_owned()), Some("Super Admin".to_owned()));
        }
        return of(EntitlementKind::Role, parameters.text(&["ROLE_ID"]), parameters.text(&["ROLE_NAME"]));
    }
    if verb.starts_with("token.") || verb.starts_with("consent.") {
        return of(EntitlementKind::Scope, parameters.text(&["scope", "API_SCOPES"]), None);
    }
    EntitlementRef::default()
}

fn change(verb: &Verb, parameters: &Parameters) -> Vec<Change> {
    if verb.as_str() == "account.rename" {
        let (from, to) = (parameters.text(&["USER_EMAIL"]), parameters.text(&["NEW_VALUE"]));
        return vec![Change { attribute: "email".to_owned(), from, to }];
    }
    let Some(attribute) = parameters.text(&["SETTING_NAME", "FIELD_NAME"]) else { return Vec::new() };
    vec![Change { attribute, from: parameters.text(&["OLD_VALUE"]), to: parameters.text(&["NEW_VALUE"]) }]
}
