//! One SCIM request with its answer: what it did, to which account or group.
//!
//! Takes method, path, status and bodies; gives acts in the words of `domain`: one for most
//! requests, one a member for a change of members, those of every operation for `/Bulk`. A
//! body that is missing or unreadable makes the act coarser (`account.update`), never absent.
//! It knows neither the application nor the time: the log's format adds them.

use serde_json::Value;

use super::answer;
use super::attribute;
use super::endpoint::{self, Endpoint, Resource};
use super::filter::parse_lenient;
use super::members::{Member, MemberEdit};
use super::patch::{self, Change, Edit};
use super::resource::{self, User};
use super::{Deviation, deviation};
use crate::domain::{AccountRef, EntitlementKind, EntitlementRef, Outcome};

/// A request and its answer, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// In capitals.
    pub method: String,
    /// With the query, as sent.
    pub path: String,
    pub status: Option<u16>,
    pub request: Option<Value>,
    pub response: Option<Value>,
    /// The resource's id where the log has it apart from the path.
    pub resource_id: Option<String>,
}

/// One thing that an exchange did, or failed to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// Method and path template: `PATCH /Users/{id}`.
    pub event_type: String,
    pub verb: &'static str,
    pub status: Option<u16>,
    pub outcome: Outcome,
    pub reason_code: Option<String>,
    /// The detail of the error.
    pub reason: Option<String>,
    /// What the answer to a success shows ([`answer::notes`]).
    pub notes: Vec<String>,
    /// Without the application, which the exchange does not name.
    pub account: AccountRef,
    pub entitlement: EntitlementRef,
    pub changes: Vec<Change>,
}

/// What an exchange says, and how its request deviates. At least one act.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    pub acts: Vec<Act>,
    pub deviations: Vec<Deviation>,
}

/// Reads one exchange.
pub fn read(exchange: &Exchange) -> Reading {
    let endpoint = endpoint::read(&exchange.path);
    let mut reading = Reading { acts: Vec::new(), deviations: endpoint.deviations.clone() };
    let scene = Scene::new(exchange, &endpoint);
    match (endpoint.resource, scene.method) {
        (_, "GET" | "HEAD" | "OPTIONS") | (Resource::Search, _) => reading.acts.push(scene.lookup()),
        (Resource::Users, "DELETE") => reading.acts.push(scene.on_account("account.delete", Vec::new())),
        (Resource::Groups, "DELETE") => reading.acts.push(scene.on_group("group.delete", Vec::new())),
        (Resource::Users, "POST" | "PUT" | "PATCH") => scene.write_account(&mut reading),
        (Resource::Groups, "POST" | "PUT" | "PATCH") => scene.write_group(&mut reading),
        (Resource::Bulk, "POST") => bulk(exchange, &mut reading),
        _ => {}
    }
    if reading.acts.is_empty() {
        reading.acts.push(scene.act("other"));
    }
    reading
}

/// The answer still has whom the request took out of the group.
pub const MEMBER_KEPT: &str = "member_kept";
/// The answer has the account as enabled, which the request disabled.
pub const ACTIVE_KEPT: &str = "active_kept";

struct Scene<'a> {
    exchange: &'a Exchange,
    /// What the request does. Clients that cannot send PATCH post its operations to the resource.
    method: &'a str,
    endpoint: &'a Endpoint,
    notes: Vec<String>,
}

impl<'a> Scene<'a> {
    fn new(exchange: &'a Exchange, endpoint: &'a Endpoint) -> Scene<'a> {
        let operations = |body: &Value| attribute::get(body, "Operations").is_some();
        let patches = exchange.method == "POST"
            && endpoint.id.is_some()
            && exchange.request.as_ref().is_some_and(operations);
        let method = if patches { "PATCH" } else { exchange.method.as_str() };
        Scene { exchange, endpoint, method, notes: answer::notes(exchange, endpoint) }
    }

    /// A request that only reads; a filter names the account that was looked for.
    fn lookup(&self) -> Act {
        let mut act = self.act("scim.read");
        match self.endpoint.resource {
            Resource::Users => {
                act.account.id = self.endpoint.id.clone();
                let filter = endpoint::parameter(&self.exchange.path, "filter");
                if let Some(filter) = filter.and_then(|text| parse_lenient(&text).ok()) {
                    let sought = |path| filter.texts_sought(path).first().map(|text| text.to_string());
                    act.account.name = sought("userName");
                    act.account.external_id = sought("externalId");
                    act.account.email = sought("emails.value");
                }
            }
            Resource::Groups if self.endpoint.id.is_some() => act.entitlement = self.group(&[]),
            _ => {}
        }
        act
    }

    fn write_account(&self, reading: &mut Reading) {
        let edit = self.edit();
        let active = patch::active_change(&edit.changes);
        let done = self.act("").outcome == Outcome::Success;
        reading.deviations.extend(edit.deviations);
        let changes = edit.changes;
        let method = self.method;
        let verb = match (method, active) {
            ("POST", _) => "account.create",
            (_, Some(false)) => "account.deactivate",
            ("PATCH", Some(true)) => "account.reactivate",
            _ => "account.update",
        };
        reading.acts.push(self.on_account(verb, changes));
        // What an answer to a POST shows is how the account begins, whatever was asked for.
        let begins = self.answered().and_then(|body| resource::user(body).active).or(active);
        // A PUT repeats the whole account, so `active: true` mostly changes nothing; and a
        // POST may create an account that is inactive from the start. Both are the state
        // after the request, so they follow as acts of their own once it succeeded.
        let after = if method == "POST" { begins } else { active };
        match (method, after) {
            ("POST", Some(false)) if done => {
                reading.acts.push(self.on_account("account.deactivate", Vec::new()));
            }
            ("PUT", Some(true)) if done => {
                reading.acts.push(self.on_account("account.reactivate", Vec::new()));
            }
            _ => {}
        }
    }

    fn write_group(&self, reading: &mut Reading) {
        let Edit { mut changes, members, deviations } = self.edit();
        reading.deviations.extend(deviations);
        let verb = if self.method == "POST" { "group.create" } else { "group.update" };
        if members.rest_removed && self.method != "POST" {
            changes.push(whole_membership(&members));
        }
        // A PATCH of nothing but members is told by the acts of its members.
        let told_by_members = self.method == "PATCH" && changes.is_empty() && !members.is_empty();
        let group = self.group(&changes);
        if !told_by_members {
            let mut act = self.act(verb);
            act.entitlement = group.clone();
            act.changes = changes;
            reading.acts.push(act);
        }
        let moved = [("group.member.add", &members.added), ("group.member.remove", &members.removed)];
        for (verb, members) in moved {
            let accounts = members.iter().filter(|member| !member.nested);
            reading.acts.extend(accounts.map(|member| self.on_member(verb, &group, member)));
        }
    }

    fn on_account(&self, verb: &'static str, changes: Vec<Change>) -> Act {
        let mut act = self.act(verb);
        let answered = self.answered().map(resource::user).unwrap_or_default();
        // The body of a PUT or POST is a resource, that of a PATCH is none.
        let sent = match self.method {
            "POST" | "PUT" => self.exchange.request.as_ref().map(resource::user).unwrap_or_default(),
            _ => User::default(),
        };
        let changed = |attribute| patch::text_change(&changes, attribute);
        act.account = AccountRef {
            app: None,
            id: self.id(answered.id),
            name: answered.user_name.or(sent.user_name).or_else(|| changed("userName")),
            email: answered.email.or(sent.email),
            external_id: answered.external_id.or(sent.external_id).or_else(|| changed("externalId")),
        };
        if verb == "account.deactivate" && answered.active == Some(true) {
            act.notes.insert(0, ACTIVE_KEPT.to_string());
        }
        act.changes = changes;
        act
    }

    fn on_group(&self, verb: &'static str, changes: Vec<Change>) -> Act {
        let mut act = self.act(verb);
        act.entitlement = self.group(&changes);
        act.changes = changes;
        act
    }

    fn on_member(&self, verb: &'static str, group: &EntitlementRef, member: &Member) -> Act {
        let mut act = self.act(verb);
        act.entitlement = group.clone();
        act.account.id = Some(member.id.clone());
        let left = self.answered().map(resource::group).unwrap_or_default().members;
        if verb == "group.member.remove" && left.iter().any(|left| left.id == member.id) {
            act.notes.insert(0, MEMBER_KEPT.to_string());
        }
        act
    }

    fn group(&self, changes: &[Change]) -> EntitlementRef {
        let answered = self.answered().map(resource::group).unwrap_or_default();
        EntitlementRef {
            kind: Some(EntitlementKind::Group),
            id: self.id(answered.id),
            name: answered.name.or_else(|| patch::text_change(changes, "displayName")),
        }
    }

    /// The path's id is what the request was about; an answer may hold another's.
    fn id(&self, answered: Option<String>) -> Option<String> {
        self.endpoint.id.clone().or_else(|| self.exchange.resource_id.clone()).or(answered)
    }

    /// The resource in the answer; an error message is none.
    fn answered(&self) -> Option<&'a Value> {
        let success = self.exchange.status.is_none_or(|status| (200..300).contains(&status));
        self.exchange.response.as_ref().filter(|_| success)
    }

    fn edit(&self) -> Edit {
        match &self.exchange.request {
            Some(body) if self.method == "PATCH" => patch::read_patch(body),
            Some(body) => patch::read_resource(body),
            None => Edit::default(),
        }
    }

    fn act(&self, verb: &'static str) -> Act {
        let Exchange { method, status, response, .. } = self.exchange;
        let message = |name| response.as_ref().and_then(|body| attribute::text(body, name));
        let (outcome, reason_code) = outcome(method, *status);
        let failed = outcome == Outcome::Failure;
        Act {
            event_type: format!("{method} {}", self.endpoint.template),
            verb,
            status: *status,
            outcome,
            reason_code: message("scimType").filter(|_| failed).or(reason_code),
            reason: message("detail").filter(|_| failed),
            notes: self.notes.clone(),
            account: AccountRef::default(),
            entitlement: EntitlementRef::default(),
            changes: Vec::new(),
        }
    }
}

/// The members after a request that names all of them.
fn whole_membership(members: &MemberEdit) -> Change {
    let ids: Vec<Value> = members.added.iter().map(|member| Value::String(member.id.clone())).collect();
    Change { attribute: "members".to_string(), to: (!ids.is_empty()).then_some(Value::Array(ids)) }
}

/// The operations of a bulk request (RFC 7644 §3.7), each with its own answer.
fn bulk(exchange: &Exchange, reading: &mut Reading) {
    let operations = |body: &Option<Value>| -> Vec<Value> {
        let listed = body.as_ref().and_then(|body| attribute::get(body, "Operations"));
        listed.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let answers = operations(&exchange.response);
    for (at, operation) in operations(&exchange.request).into_iter().enumerate() {
        let answer = answers.get(at);
        let location = answer.and_then(|answer| attribute::text(answer, "location"));
        let one = Exchange {
            method: attribute::text(&operation, "method").unwrap_or_default().to_uppercase(),
            path: attribute::text(&operation, "path").unwrap_or_default(),
            status: answer.and_then(bulk_status).or(exchange.status),
            request: attribute::get(&operation, "data").cloned(),
            response: answer.and_then(|answer| attribute::get(answer, "response")).cloned(),
            resource_id: location.and_then(|url| endpoint::read(&url).id),
        };
        if endpoint::read(&one.path).resource == Resource::Bulk {
            reading.deviations.push(Deviation::new(deviation::OP_UNKNOWN, "a bulk operation on /Bulk"));
            continue;
        }
        let inner = read(&one);
        reading.acts.extend(inner.acts);
        reading.deviations.extend(inner.deviations);
    }
}

/// Errata of RFC 7644 show `"status": "201"`, older text `{"status": {"code": "201"}}`.
fn bulk_status(answer: &Value) -> Option<u16> {
    let status = attribute::get(answer, "status")?;
    attribute::scalar(status).or_else(|| attribute::text(status, "code"))?.parse().ok()
}

/// What the status says. A DELETE that finds nothing has reached its goal, which is why
/// retries after a lost answer are no failures.
fn outcome(method: &str, status: Option<u16>) -> (Outcome, Option<String>) {
    let Some(status) = status else {
        return (Outcome::Unknown, None);
    };
    match status {
        200..300 => (Outcome::Success, None),
        304 => (Outcome::Success, None),
        404 | 410 if method == "DELETE" => (Outcome::Success, Some("already_gone".to_string())),
        300.. => (Outcome::Failure, Some(status_text(status))),
        _ => (Outcome::Unknown, None),
    }
}

/// The status in a word (RFC 9110 §15), or `http_599`.
fn status_text(status: u16) -> String {
    let text = match status {
        301 => "moved_permanently",
        302 => "found",
        307 => "temporary_redirect",
        308 => "permanent_redirect",
        400 => "bad_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        405 => "method_not_allowed",
        409 => "conflict",
        412 => "precondition_failed",
        413 => "content_too_large",
        415 => "unsupported_media_type",
        429 => "too_many_requests",
        500 => "internal_server_error",
        501 => "not_implemented",
        502 => "bad_gateway",
        503 => "service_unavailable",
        504 => "gateway_timeout",
        _ => return format!("http_{status}"),
    };
    text.to_string()
}
