//! JumpCloud Directory Insights: one record is one event, or one a state where a user's
//! update changes several.
//!
//! Takes a record's text. An association has two ends in either order: which of them is the
//! user, and what the other is, makes of it a membership or an assignment; one with a device
//! or a directory stays what it is. Sign-ins say whether they succeeded, a sign-in to an
//! application by `sso_token_success`; changes are told when they are done.

use serde_json::Value;

use super::changes::{self, Change};
use super::{Context, JsonFormat, draft, event_id, json};
use crate::domain::{AccountRef, Actor, AppRef, EntitlementKind, EntitlementRef, Event, Outcome};
use crate::domain::{Rejection, Row, Verb};
use crate::models::verbs;

pub const FORMAT: JsonFormat =
    JsonFormat { name: SOURCE, title: "JumpCloud Directory Insights", recognises, normalize };

const SOURCE: &str = "jumpcloud";

/// The fields of a user that are states, and what each means when it becomes true or false.
const STATES: [(&str, &str, &str); 3] = [
    ("suspended", "account.suspend", "account.unsuspend"),
    ("activated", "account.activate", "account.deactivate"),
    ("account_locked", "account.lock", "account.unlock"),
];

fn recognises(value: &Value) -> bool {
    let has = |key: &str| json::text_ci(value, &[key]).is_some();
    let parties = ["initiated_by", "resource", "association", "geoip", "client_ip", "success"];
    has("event_type")
        && has("service")
        && has("organization")
        && parties.iter().any(|key| json::ci(value, key).is_some())
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let value = json::parse(raw)?;
    let text = |path: &[&str]| json::text_ci(&value, path);
    let event_type = text(&["event_type"]).ok_or_else(|| draft::missing("JumpCloud", "event_type"))?;
    let occurred_at = draft::occurred_at(&value, &[&["timestamp"], &["p_event_time"]], "JumpCloud")?;
    let named = verbs::verb(SOURCE, &event_type).unwrap_or(Verb::OTHER);
    let ends = Ends::of(&value);
    let (verb, entitlement) =
        ends.as_ref().and_then(Ends::access).unwrap_or((named, EntitlementRef::default()));
    let event = Event {
        event_id: text(&["id"]).unwrap_or_else(|| event_id::of_record(&value)),
        actor: actor(&value),
        account: account(&value, ends.as_ref(), &verb),
        app: app(&value, ends.as_ref()),
        entitlement,
        outcome: outcome(&value, &verb),
        reason: text(&["error_message"]),
        client_ip: text(&["client_ip"]),
        changes: changes::to_column(&changes_of(&value)),
        verb,
        ..draft::event(SOURCE, context, &event_type, occurred_at)
    };
    Ok(draft::rows(one_a_state(event, &value)))
}

/// The two ends of an association.
struct Ends<'a> {
    added: bool,
    user: Option<&'a Value>,
    group: Option<&'a Value>,
    app: Option<&'a Value>,
}

impl<'a> Ends<'a> {
    fn of(value: &'a Value) -> Option<Ends<'a>> {
        let connection = json::get_ci(value, &["association", "connection"])?;
        let operation = json::text_ci(value, &["association", "op"])?;
        let ends = ["from", "to"].map(|end| json::ci(connection, end));
        let typed = |kind: &str| {
            ends.into_iter()
                .flatten()
                .find(|end| json::text_ci(end, &["type"]).is_some_and(|own| own == kind))
        };
        let (user, group, app) = (typed("user"), typed("user_group"), typed("application"));
        Some(Ends { added: operation == "add", user, group, app })
    }

    /// What a user or a group gets or loses, for the pairs that are access.
    fn access(&self) -> Option<(Verb, EntitlementRef)> {
        let of = |kind, end: &Value| draft::entitlement(kind, id(end), name(end));
        let verb = |added, removed| Verb::new(if self.added { added } else { removed });
        match (self.user, self.group, self.app) {
            (Some(_), Some(group), None) => {
                let entitlement = of(EntitlementKind::Group, group);
                Some((verb("group.member.add", "group.member.remove"), entitlement))
            }
            (Some(_), None, Some(app)) => {
                Some((verb("app.assign", "app.unassign"), of(EntitlementKind::App, app)))
            }
            (None, Some(group), Some(_)) => {
                Some((verb("app.assign.group", "app.unassign.group"), of(EntitlementKind::Group, group)))
            }
            _ => None,
        }
    }
}

fn id(end: &Value) -> Option<String> {
    json::text_ci(end, &["object_id"]).or_else(|| json::text_ci(end, &["id"]))
}

fn name(end: &Value) -> Option<String> {
    json::text_ci(end, &["name"])
}

fn actor(value: &Value) -> Actor {
    let own = |key: &str| json::text_ci(value, &["initiated_by", key]);
    Actor { id: own("id"), kind: own("type"), name: own("username").or_else(|| own("email")) }
}

/// The account that it happened to: the user among the ends or the resource, and for a
/// sign-in whoever tried it. A RADIUS client knows only the name.
fn account(value: &Value, ends: Option<&Ends>, verb: &Verb) -> AccountRef {
    if let Some(user) = ends.and_then(|ends| ends.user) {
        return draft::account(SOURCE, id(user), name(user));
    }
    let of = |key: &str| {
        let text = |field: &str| json::text_ci(value, &[key, field]);
        let email = text("email");
        let account = draft::account(SOURCE, text("id"), text("username").or(email.clone()));
        AccountRef { id: text("id"), email: email.or(account.email.clone()), ..account }
    };
    let user =
        json::text_ci(value, &["resource", "type"]).is_some_and(|kind| kind == "user" || kind == "admin");
    let of_user = ["account.", "credential."].iter().any(|family| verb.as_str().starts_with(family));
    if user && of_user {
        return of("resource");
    }
    if verb.as_str().starts_with("signin") { of("initiated_by") } else { AccountRef::default() }
}

fn app(value: &Value, ends: Option<&Ends>) -> AppRef {
    if let Some(app) = ends.and_then(|ends| ends.app) {
        return AppRef { id: id(app), name: name(app) };
    }
    let text = |key: &str| json::text_ci(value, &["application", key]);
    AppRef { id: text("id"), name: text("display_label").or_else(|| text("name")) }
}

fn outcome(value: &Value, verb: &Verb) -> Outcome {
    let said = ["success", "sso_token_success"].iter().find_map(|key| json::ci(value, key)?.as_bool());
    let error = json::text_ci(value, &["error_message"]).is_some();
    match said {
        Some(true) => Outcome::Success,
        Some(false) => Outcome::Failure,
        None if error => Outcome::Failure,
        None if verb.as_str().starts_with("signin") => Outcome::Unknown,
        None => Outcome::Success,
    }
}

fn changes_of(value: &Value) -> Vec<Change> {
    let list = json::ci(value, "changes").and_then(Value::as_array);
    let one = |change: &Value| {
        let side = |key: &str| json::text_ci(change, &[key]);
        Some(Change { attribute: side("field")?, from: side("from"), to: side("to") })
    };
    list.into_iter().flatten().filter_map(one).collect()
}

/// The event, or one for each state that an update changed.
fn one_a_state(event: Event, value: &Value) -> Vec<Event> {
    if event.verb.as_str() != "account.update" {
        return vec![event];
    }
    let verb = |change: &Change| {
        if change.attribute == "username" && change.to.is_some() {
            return Some("account.rename");
        }
        let (_, on, off) = STATES.iter().find(|(field, ..)| *field == change.attribute)?;
        match change.to.as_deref() {
            Some("true") => Some(*on),
            Some("false") => Some(*off),
            _ => None,
        }
    };
    let verbs: Vec<&'static str> = changes_of(value).iter().filter_map(verb).collect();
    if verbs.is_empty() {
        return vec![event];
    }
    verbs.into_iter().map(|verb| Event { verb: Verb::new(verb), ..event.clone() }).collect()
}
