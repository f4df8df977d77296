//! Okta System Log: one record is one event, or one a role where several are granted.
//!
//! Takes the record's text, gives events whose accounts are those of Okta (`00u…`). An
//! application's own account is not named by these events, but for the login in it. The
//! outcome comes from `outcome.result`, and never from the event's name, except for the
//! names that Okta reserves for failures. No state is kept between records.

mod record;

use serde_json::Value;

use self::record::{ChangeDetails, Party, Record, Text};
use super::changes::{self, Change};
use super::{Context, JsonFormat, event_id, json};
use crate::domain::{
    AccountRef, Actor, AppRef, CredentialRef, EntitlementKind, EntitlementRef, Event, Outcome, Rejection,
    Row, UtcMicros, Verb,
};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "Okta System Log", recognises, normalize };

const SOURCE: &str = "okta";

fn recognises(value: &Value) -> bool {
    let has = |key: &str| json::ci(value, key).is_some();
    let text = |key: &str| json::text_ci(value, &[key]);
    text("eventType").is_some_and(|event_type| event_type.contains('.'))
        && (has("uuid") || has("published"))
        && (has("actor") || has("outcome") || has("target") || has("legacyEventType"))
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row>, Rejection> {
    let record: Record = serde_json::from_str(raw).map_err(|error| json::rejection(&error, raw))?;
    let event_type = record.event_type.get().ok_or_else(|| missing("eventType"))?;
    let occurred_at = occurred_at(&record)?;
    let event_id = match record.uuid.owned() {
        Some(uuid) => uuid,
        None => event_id::of_record(&json::parse(raw)?),
    };
    let mut changes: Vec<Change> = record.target.iter().flatten().flat_map(changes_of).collect();
    changes.extend(named_changes(&record));
    let verb = refined(verbs::verb(SOURCE, event_type).unwrap_or(Verb::OTHER), &changes);
    let app = app(&record);
    let (entitlement, further) = entitlements(&record, &verb, &app);
    let event = Event {
        event_id,
        source: SOURCE,
        org: context.org.clone(),
        event_type: event_type.to_owned(),
        occurred_at,
        account: account(&record, &verb),
        app,
        outcome: outcome(&record, &verb),
        changes: changes::to_column(&changes),
        expires_at: expires_at(&record, &verb, &entitlement),
        credential: credential(&record),
        entitlement,
        verb,
        ..circumstances(&record, occurred_at)
    };
    Ok(one_a_role(event, further))
}

/// Who did it, from where and why, around an event that says nothing yet.
fn circumstances(record: &Record, occurred_at: UtcMicros) -> Event {
    let client = record.client.as_ref();
    let reason = record.outcome.as_ref().and_then(|ending| ending.reason.owned());
    Event {
        event_id: String::new(),
        source: SOURCE,
        org: None,
        event_type: String::new(),
        verb: Verb::OTHER,
        occurred_at,
        actor: actor(record),
        account: AccountRef::default(),
        app: AppRef::default(),
        entitlement: EntitlementRef::default(),
        outcome: Outcome::Unknown,
        reason_code: reason.clone().filter(|text| is_code(text)),
        reason,
        correlation_id: record.transaction.as_ref().and_then(|transaction| transaction.id.owned()),
        session_id: record.authentication.as_ref().and_then(|by| by.external_session_id.owned()),
        client_ip: client_ip(record),
        user_agent: client.and_then(|client| client.user_agent.as_ref()?.raw.owned()),
        http_method: None,
        http_path: None,
        http_status: None,
        latency_ms: None,
        changes: None,
        expires_at: None,
        credential: CredentialRef::default(),
    }
}

/// The event, and a copy of it for each further role. A grant of two roles at once must
/// be two grants, because Okta takes them back one by one.
fn one_a_role(event: Event, further: Vec<EntitlementRef>) -> Vec<Row> {
    let mut rows = Vec::with_capacity(1 + further.len());
    for (at, entitlement) in further.into_iter().enumerate() {
        let event_id = format!("{}/{}", event.event_id, at + 1);
        rows.push(Row::Event(Box::new(Event { event_id, entitlement, ..event.clone() })));
    }
    rows.insert(0, Row::Event(Box::new(event)));
    rows
}

fn missing(field: &str) -> Rejection {
    Rejection::new("missing_field", format!("an Okta record without {field}"))
}

fn occurred_at(record: &Record) -> Result<UtcMicros, Rejection> {
    let text = record.published.get().or(record.p_event_time.get()).ok_or_else(|| missing("published"))?;
    UtcMicros::parse(text).ok_or_else(|| Rejection::new("bad_time", format!("published is \"{text}\"")))
}

/// A login changed by a profile update is a rename: Okta has no event of its own for it.
fn refined(verb: Verb, changes: &[Change]) -> Verb {
    let renamed = changes.iter().any(|change| change.attribute == "login" && change.to.is_some());
    if renamed && verb.as_str() == "account.update" { Verb::new("account.rename") } else { verb }
}

fn outcome(record: &Record, verb: &Verb) -> Outcome {
    // `application.provision.group_membership.add` and its like are written only on failure.
    if verb.as_str().ends_with(".failed") {
        return Outcome::Failure;
    }
    let result = record.outcome.as_ref().and_then(|ending| ending.result.get()).unwrap_or_default();
    match result.to_ascii_uppercase().as_str() {
        "SUCCESS" | "ALLOW" => Outcome::Success,
        "FAILURE" | "DENY" => Outcome::Failure,
        "SKIPPED" => Outcome::Skipped,
        _ => Outcome::Unknown,
    }
}

/// Whether a reason is a word to count by, such as `INVALID_CREDENTIALS`.
fn is_code(reason: &str) -> bool {
    reason.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn actor(record: &Record) -> Actor {
    let Some(actor) = &record.actor else { return Actor::default() };
    Actor {
        id: actor.id.owned(),
        kind: actor.kind.get().map(str::to_ascii_lowercase),
        name: known(&actor.alternate_id).or(actor.display_name.get()).map(str::to_owned),
    }
}

/// Okta writes `unknown` where it has no login.
fn known<'t>(alternate_id: &'t Text<'_>) -> Option<&'t str> {
    alternate_id.get().filter(|text| !text.eq_ignore_ascii_case("unknown"))
}

fn target<'r, 'a>(record: &'r Record<'a>, kind: &str) -> Option<&'r Party<'a>> {
    record.target.iter().flatten().find(|party| party.kind.is(kind))
}

/// The account that it happened to: the User among the targets, else the actor where the
/// event is about the actor's own session, factors or requests, else the account in the
/// application, in that application's name space.
fn account(record: &Record, verb: &Verb) -> AccountRef {
    let app_user = target(record, "AppUser");
    let own = record.actor.as_ref().filter(|actor| actor.kind.is("User") && concerns_actor(verb));
    if let Some(user) = target(record, "User").or(own) {
        // While provisioning, the login that matters is the one in the application.
        let downstream = app_user.filter(|_| verb.as_str().starts_with("provision."));
        let login = downstream.and_then(|party| known(&party.alternate_id));
        return AccountRef {
            app: Some(SOURCE.to_owned()),
            id: user.id.owned(),
            name: login.or(known(&user.alternate_id)).map(str::to_owned),
            email: email(user),
            external_id: None,
        };
    }
    let (Some(user), Some(app)) = (app_user, target(record, "AppInstance")) else {
        return AccountRef::default();
    };
    AccountRef {
        app: app.id.owned(),
        id: user.id.owned(),
        name: known(&user.alternate_id).map(str::to_owned),
        email: email(user),
        external_id: None,
    }
}

fn email(party: &Party) -> Option<String> {
    known(&party.alternate_id).filter(|text| text.contains('@')).map(str::to_owned)
}

fn concerns_actor(verb: &Verb) -> bool {
    const FAMILIES: [&str; 8] =
        ["signin", "signout", "session.", "mfa.", "credential.", "token.", "consent.", "access.request"];
    FAMILIES.iter().any(|family| verb.as_str().starts_with(family))
}

fn app(record: &Record) -> AppRef {
    let Some(app) = target(record, "AppInstance") else { return AppRef::default() };
    AppRef {
        id: app.id.owned(),
        name: app.display_name.get().or(known(&app.alternate_id)).map(str::to_owned),
    }
}

/// What was given or taken, and what else was with it.
fn entitlements(record: &Record, verb: &Verb, app: &AppRef) -> (EntitlementRef, Vec<EntitlementRef>) {
    let name = verb.as_str();
    // A group's assignment to an application keeps the application in `app`.
    let of_group = ["group.", "provision.group."].iter().any(|family| name.starts_with(family));
    let entitlement = if name.starts_with("role.") {
        let mut roles = roles(record).into_iter();
        return (roles.next().unwrap_or_default(), roles.collect());
    } else if of_group || name.ends_with(".group") {
        target(record, "UserGroup").map(|group| named(EntitlementKind::Group, group))
    } else if name.starts_with("app.") && app.id.is_some() {
        let AppRef { id, name } = app.clone();
        Some(EntitlementRef { kind: Some(EntitlementKind::App), id, name })
    } else {
        None
    };
    (entitlement.unwrap_or_default(), Vec::new())
}

/// The end of what was given. Tokens and requests have ends too, which are not those of
/// any access that this event gives.
fn expires_at(record: &Record, verb: &Verb, entitlement: &EntitlementRef) -> Option<UtcMicros> {
    if entitlement.kind.is_none() && !verb.as_str().starts_with("account.") {
        return None;
    }
    UtcMicros::parse(debug(record)?.end.get()?)
}

/// The API token among the targets.
fn credential(record: &Record) -> CredentialRef {
    let Some(token) = target(record, "Token") else { return CredentialRef::default() };
    CredentialRef { kind: Some("api_token"), id: token.id.owned(), name: token.display_name.owned() }
}

fn named(kind: EntitlementKind, party: &Party) -> EntitlementRef {
    let name = party.display_name.get().or(known(&party.alternate_id)).map(str::to_owned);
    EntitlementRef { kind: Some(kind), id: party.id.owned().or(name.clone()), name }
}

fn roles(record: &Record) -> Vec<EntitlementRef> {
    if let Some(privileges) = debug(record).and_then(|debug| debug.privileges.get()) {
        let role = |name: &str| EntitlementRef {
            kind: Some(EntitlementKind::Role),
            id: Some(name.to_owned()),
            name: Some(name.to_owned()),
        };
        return split_outside_parentheses(privileges).into_iter().map(role).collect();
    }
    let is_role =
        |party: &&Party| party.kind.get().is_some_and(|kind| kind.to_ascii_lowercase().contains("role"));
    let role = record.target.iter().flatten().find(is_role);
    role.map(|party| named(EntitlementKind::Role, party)).into_iter().collect()
}

/// The parts of `Super administrator, Application administrator (Box, Slack)`.
fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let separator = |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    text.split(separator).map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn client_ip(record: &Record) -> Option<String> {
    let direct = record.client.as_ref().and_then(|client| client.ip_address.owned());
    let hops = || record.request.as_ref()?.ip_chain.as_ref()?.first()?.ip.owned();
    direct.or_else(hops)
}

fn debug<'r, 'a>(record: &'r Record<'a>) -> Option<&'r record::DebugData<'a>> {
    record.debug.as_ref()?.debug_data.as_ref()
}

fn changes_of(party: &Party) -> Vec<Change> {
    let Some(ChangeDetails { from, to }) = &party.change_details else { return Vec::new() };
    let names = |side: &Value| side.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default();
    let mut attributes: Vec<String> = names(from);
    attributes.extend(names(to));
    attributes.sort_unstable();
    attributes.dedup();
    let change = |attribute: String| Change {
        from: json::text(from, &[&attribute]),
        to: json::text(to, &[&attribute]),
        attribute,
    };
    attributes.into_iter().map(change).filter(|change| change.from != change.to).collect()
}

/// Older records name the attributes that changed, but not their values.
fn named_changes(record: &Record) -> Vec<Change> {
    let names = debug(record).and_then(|debug| debug.changed_attributes.get()).unwrap_or_default();
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| Change { attribute: name.to_owned(), from: None, to: None }).collect()
}
