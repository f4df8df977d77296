//! Okta System Log: one record is one event, or one a role where several are granted.
//!
//! Takes the record's text, gives events whose accounts are those of Okta (`00u…`). An
//! application's own account is not named by these events, but for the login in it. The
//! outcome comes from `outcome.result`, and never from the event's name, except for the
//! names that Okta reserves for failures. Records are read by the shapes of others ([`fields`](super::fields)), which
//! changes nothing of what is read; no other state is kept between them.

mod fields;
mod record;

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use self::record::{ChangeDetails, Party, Record};
use super::changes::{self, Change};
use super::{Context, JsonFormat, event_id, fields::Shapes, fields::read, json};
use crate::domain::{
    AccountRef, Actor, AppRef, CredentialRef, EntitlementKind, EntitlementRef, Event, Outcome, Rejection,
    Row, Text, UtcMicros, Verb,
};
use crate::models::verbs;

pub const FORMAT: JsonFormat = JsonFormat { name: SOURCE, title: "Okta System Log", recognises, normalize };

const SOURCE: &str = "okta";

thread_local! {
    static SHAPES: RefCell<Shapes> = RefCell::new(Shapes::told_by("\"eventType\":\""));
}

fn recognises(value: &Value) -> bool {
    let value = json::ci(value, "detail").filter(|_| json::ci(value, "eventType").is_none()).unwrap_or(value);
    let has = |key: &str| json::ci(value, key).is_some();
    let text = |key: &str| json::text_ci(value, &[key]);
    text("eventType").is_some_and(|event_type| event_type.contains('.'))
        && (has("uuid") || has("published"))
        && (has("actor") || has("outcome") || has("target") || has("legacyEventType"))
}

fn normalize<'a>(raw: &'a str, context: &'a Context) -> Result<Vec<Row<'a>>, Rejection> {
    let record: Record = read(raw, &SHAPES).map_err(|error| json::rejection(&error, raw))?;
    if record.event_type.kept().is_none()
        && let Some(raw) = detail(raw)
    {
        let record = serde_json::from_str(raw).map_err(|error| json::rejection(&error, raw))?;
        return rows(&record, raw, context);
    }
    rows(&record, raw, context)
}

/// The record in the envelope in which Amazon EventBridge carries it.
fn detail(raw: &str) -> Option<&str> {
    #[derive(Deserialize)]
    struct Envelope<'a> {
        #[serde(borrow)]
        detail: &'a RawValue,
    }
    serde_json::from_str::<Envelope>(raw).ok().map(|envelope| envelope.detail.get())
}

fn rows<'a>(record: &Record<'a>, raw: &'a str, context: &'a Context) -> Result<Vec<Row<'a>>, Rejection> {
    let event_type = record.event_type.kept().ok_or_else(|| missing("eventType"))?;
    let occurred_at = occurred_at(record)?;
    let event_id = match record.uuid.kept() {
        Some(uuid) => uuid,
        None => event_id::of_record(&json::parse(raw)?).into(),
    };
    let mut changes: Vec<Change> = record.target.iter().flatten().flat_map(changes_of).collect();
    changes.extend(named_changes(record));
    let verb = refined(verbs::verb(SOURCE, &event_type).unwrap_or(Verb::OTHER), &changes);
    let app = app(record);
    let (entitlement, further) = entitlements(record, &verb, &app);
    let event = Event {
        event_id,
        source: SOURCE,
        org: context.org.as_deref().map(Text::from),
        event_type,
        occurred_at,
        account: account(record, &verb),
        app,
        outcome: outcome(record, &verb),
        changes: changes::to_column(&changes).map(Text::from),
        expires_at: expires_at(record, &verb, &entitlement),
        credential: credential(record),
        entitlement,
        verb,
        ..circumstances(record, occurred_at)
    };
    Ok(one_a_role(event, further))
}

/// Who did it, from where and why, around an event that says nothing yet.
fn circumstances<'a>(record: &Record<'a>, occurred_at: UtcMicros) -> Event<Text<'a>> {
    let client = record.client.as_ref();
    let reason = record.outcome.as_ref().and_then(|ending| ending.reason.kept());
    Event {
        event_id: Text::default(),
        source: SOURCE,
        org: None,
        event_type: Text::default(),
        verb: Verb::OTHER,
        occurred_at,
        actor: actor(record),
        account: AccountRef::default(),
        app: AppRef::default(),
        entitlement: EntitlementRef::default(),
        outcome: Outcome::Unknown,
        reason_code: reason.clone().filter(|text| is_code(text)),
        reason,
        correlation_id: record.transaction.as_ref().and_then(|transaction| transaction.id.kept()),
        session_id: record.authentication.as_ref().and_then(|by| by.external_session_id.kept()),
        client_ip: client_ip(record),
        user_agent: client.and_then(|client| client.user_agent.as_ref()?.raw.kept()),
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
fn one_a_role<'a>(event: Event<Text<'a>>, further: Vec<EntitlementRef<Text<'a>>>) -> Vec<Row<'a>> {
    if further.is_empty() {
        return vec![Row::Event(Box::new(event))];
    }
    let mut rows = Vec::with_capacity(1 + further.len());
    for (at, entitlement) in further.into_iter().enumerate() {
        let event_id = format!("{}/{}", event.event_id, at + 1).into();
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
    let is = |word: &str| result.eq_ignore_ascii_case(word);
    if is("SUCCESS") || is("ALLOW") {
        Outcome::Success
    } else if is("FAILURE") || is("DENY") {
        Outcome::Failure
    } else if is("SKIPPED") {
        Outcome::Skipped
    } else {
        Outcome::Unknown
    }
}

/// Whether a reason is a word to count by, such as `INVALID_CREDENTIALS`.
fn is_code(reason: &str) -> bool {
    reason.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

fn actor<'a>(record: &Record<'a>) -> Actor<Text<'a>> {
    let Some(actor) = &record.actor else { return Actor::default() };
    Actor {
        id: actor.id.kept(),
        kind: actor.kind.get().map(lower_case),
        name: known(&actor.alternate_id).or(actor.display_name.kept()),
    }
}

/// Nearly every actor is of one of these kinds.
fn lower_case<'a>(kind: &str) -> Text<'a> {
    match kind {
        "User" => "user".into(),
        "SystemPrincipal" => "systemprincipal".into(),
        "PublicClientApp" => "publicclientapp".into(),
        _ => kind.to_ascii_lowercase().into(),
    }
}

/// Okta writes `unknown` where it has no login.
fn known<'a>(alternate_id: &record::Text<'a>) -> Option<Text<'a>> {
    alternate_id.kept().filter(|text| !text.eq_ignore_ascii_case("unknown"))
}

fn target<'r, 'a>(record: &'r Record<'a>, kind: &str) -> Option<&'r Party<'a>> {
    record.target.iter().flatten().find(|party| party.kind.is(kind))
}

/// The account that it happened to: the User among the targets, else the actor where the
/// event is about the actor's own session, factors or requests, else the account in the
/// application, in that application's name space.
fn account<'a>(record: &Record<'a>, verb: &Verb) -> AccountRef<Text<'a>> {
    let app_user = target(record, "AppUser");
    let own = record.actor.as_ref().filter(|actor| actor.kind.is("User") && concerns_actor(verb));
    if let Some(user) = target(record, "User").or(own) {
        // While provisioning, the login that matters is the one in the application.
        let downstream = app_user.filter(|_| verb.as_str().starts_with("provision."));
        let login = downstream.and_then(|party| known(&party.alternate_id));
        return AccountRef {
            app: Some(SOURCE.into()),
            id: user.id.kept(),
            name: login.or(known(&user.alternate_id)),
            email: email(user),
            external_id: None,
        };
    }
    let (Some(user), Some(app)) = (app_user, target(record, "AppInstance")) else {
        return AccountRef::default();
    };
    AccountRef {
        app: app.id.kept(),
        id: user.id.kept(),
        name: known(&user.alternate_id),
        email: email(user),
        external_id: None,
    }
}

fn email<'a>(party: &Party<'a>) -> Option<Text<'a>> {
    known(&party.alternate_id).filter(|text| text.contains('@'))
}

fn concerns_actor(verb: &Verb) -> bool {
    const FAMILIES: [&str; 8] =
        ["signin", "signout", "session.", "mfa.", "credential.", "token.", "consent.", "access.request"];
    FAMILIES.iter().any(|family| verb.as_str().starts_with(family))
}

fn app<'a>(record: &Record<'a>) -> AppRef<Text<'a>> {
    let Some(app) = target(record, "AppInstance") else { return AppRef::default() };
    AppRef { id: app.id.kept(), name: app.display_name.kept().or(known(&app.alternate_id)) }
}

/// What was given or taken, and what else was with it.
fn entitlements<'a>(
    record: &Record<'a>,
    verb: &Verb,
    app: &AppRef<Text<'a>>,
) -> (EntitlementRef<Text<'a>>, Vec<EntitlementRef<Text<'a>>>) {
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
fn expires_at(record: &Record, verb: &Verb, entitlement: &EntitlementRef<Text>) -> Option<UtcMicros> {
    if entitlement.kind.is_none() && !verb.as_str().starts_with("account.") {
        return None;
    }
    UtcMicros::parse(debug(record)?.end.get()?)
}

/// The API token among the targets.
fn credential<'a>(record: &Record<'a>) -> CredentialRef<Text<'a>> {
    let Some(token) = target(record, "Token") else { return CredentialRef::default() };
    CredentialRef { kind: Some("api_token"), id: token.id.kept(), name: token.display_name.kept() }
}

fn named<'a>(kind: EntitlementKind, party: &Party<'a>) -> EntitlementRef<Text<'a>> {
    let name = party.display_name.kept().or(known(&party.alternate_id));
    EntitlementRef { kind: Some(kind), id: party.id.kept().or(name.clone()), name }
}

fn roles<'a>(record: &Record<'a>) -> Vec<EntitlementRef<Text<'a>>> {
    if let Some(privileges) = debug(record).and_then(|debug| debug.privileges.get()) {
        let role = |name: &str| EntitlementRef {
            kind: Some(EntitlementKind::Role),
            id: Some(name.to_owned().into()),
            name: Some(name.to_owned().into()),
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

fn client_ip<'a>(record: &Record<'a>) -> Option<Text<'a>> {
    let direct = record.client.as_ref().and_then(|client| client.ip_address.kept());
    let hops = || record.request.as_ref()?.ip_chain.as_ref()?.first()?.ip.kept();
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
