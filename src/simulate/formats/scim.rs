//! `scim/<app_id>_requests.ndjson`: the SCIM requests that a provider received, in the
//! dialects of Okta and, for one application, of Entra.

use rand::Rng;
use serde_json::{Value, json};

use super::Folder;
use crate::domain::UtcMicros;
use crate::simulate::Error;
use crate::simulate::apps::JIRA;
use crate::simulate::calendar::{DAY, MINUTE, millis};
use crate::simulate::noise::skew;
use crate::simulate::stream::stream;
use crate::simulate::world::{Account, Provisioning, World};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Create,
    Activate,
    Deactivate,
    DeactivateFailed,
    Update,
    UpdateThrottled,
    Delete,
    DeleteGone,
    Poll,
}

pub fn write(world: &World, folder: &mut Folder) -> Result<(), Error> {
    for (index, app) in world.apps.iter().enumerate() {
        if app.provisioning != Provisioning::ScimLog {
            continue;
        }
        let mut calls = calls(world, index);
        calls.retain(|(at, ..)| *at >= world.start_at && *at < world.end_at());
        calls.sort_unstable();
        let skew = skew(world.plan.seed, world.plan.noise, &app.id);
        let rng = &mut stream(world.plan.seed, &format!("scim/latency/{}", app.id));
        let name = format!("scim/{}_requests.ndjson", app.id);
        for (at, call, account) in calls {
            let at = UtcMicros((at.0 + skew).clamp(world.start_at.0, world.end_at().0 - 1));
            let latency = rng.gen_range(40..600);
            let account = account.map(|account| &world.accounts[account]);
            folder.log(&name, &line(&app.id, index == JIRA, at, call, account, latency))?;
        }
    }
    folder.close()
}

fn calls(world: &World, app: usize) -> Vec<(UtcMicros, Call, Option<usize>)> {
    let mut calls = Vec::new();
    let mut active = Vec::new();
    for (index, account) in world.accounts.iter().enumerate() {
        if account.app != app || account.assignments.is_empty() {
            continue;
        }
        let mut add = |at: UtcMicros, call| calls.push((at, call, Some(index)));
        for (n, (from, to)) in account.spans.iter().enumerate() {
            let opened = if n == 0 { account.created_at } else { *from };
            add(opened, if n == 0 { Call::Create } else { Call::Activate });
            if account.deleted_at.is_none_or(|at| *to < at) {
                add(*to, Call::Deactivate);
            }
        }
        account.failed_deactivations.iter().for_each(|at| add(*at, Call::DeactivateFailed));
        if let Some(at) = account.deleted_at {
            add(at, Call::Delete);
            if index % 5 == 0 {
                add(UtcMicros(at.0 + 10 * MINUTE), Call::DeleteGone);
            }
        }
        if account.active_at(world.end_at()) {
            active.push(index);
        }
    }
    // The provider is asked for its configuration every day, so that its log is known to be whole.
    calls.extend((0..60).map(|day| (UtcMicros(world.end_at().0 - day * DAY - 7 * MINUTE), Call::Poll, None)));
    for burst in world.bursts.iter().filter(|burst| burst.app == app && !active.is_empty()) {
        for n in 0..burst.operations {
            let at = UtcMicros(burst.from.0 + i64::from(n) * 4 * MINUTE);
            let failed = n * burst.failures % burst.operations < burst.failures;
            let call = if failed { Call::UpdateThrottled } else { Call::Update };
            calls.push((at, call, Some(active[n as usize % active.len()])));
        }
    }
    calls
}

fn line(
    app: &str,
    entra: bool,
    at: UtcMicros,
    call: Call,
    account: Option<&Account>,
    latency: u32,
) -> String {
    let (method, status) = match call {
        Call::Create => ("POST", 201),
        Call::Activate | Call::Deactivate | Call::Update => ("PATCH", 200),
        Call::DeactivateFailed => ("PATCH", 500),
        Call::UpdateThrottled => ("PATCH", 429),
        Call::Delete => ("DELETE", 204),
        Call::DeleteGone => ("DELETE", 404),
        Call::Poll => ("GET", 200),
    };
    let path = match (call, account) {
        (Call::Create, _) => "/scim/v2/Users".to_owned(),
        (_, Some(account)) => format!("/scim/v2/Users/{}", account.id),
        _ => "/scim/v2/ServiceProviderConfig".to_owned(),
    };
    let (request, response) = bodies(entra, call, account);
    let detail = match status {
        429 => json!("rate limit exceeded"),
        500 => json!("internal error while deactivating the user"),
        404 => json!("resource not found"),
        _ => Value::Null,
    };
    let agent = if entra { "Microsoft-Azure-AD-Provisioning" } else { "Okta SCIM Client 1.0.0" };
    json!({
        "time": millis(at), "connection": app, "method": method, "path": path, "status": status,
        "scim_type": null, "detail": detail, "latency_ms": latency, "client_ip": "198.18.250.9",
        "user_agent": agent, "request": request, "response": response,
    })
    .to_string()
}

fn bodies(entra: bool, call: Call, account: Option<&Account>) -> (Value, Value) {
    let Some(account) = account else { return (Value::Null, json!({"patch": {"supported": true}})) };
    match call {
        Call::Create => (resource(account, true, false), resource(account, true, true)),
        Call::Activate => (patch(entra, "active", json!(true)), resource(account, true, true)),
        Call::Deactivate => (patch(entra, "active", json!(false)), resource(account, false, true)),
        Call::DeactivateFailed => (patch(entra, "active", json!(false)), error(500)),
        Call::Update => (patch(entra, "title", json!("Specialist")), resource(account, true, true)),
        Call::UpdateThrottled => (patch(entra, "title", json!("Specialist")), error(429)),
        Call::DeleteGone => (Value::Null, error(404)),
        Call::Delete | Call::Poll => (Value::Null, Value::Null),
    }
}

/// Okta sends no path and booleans; Entra sends a path, a capital, and booleans as words.
fn patch(entra: bool, attribute: &str, value: Value) -> Value {
    let operation = match (&value, entra) {
        (Value::Bool(on), true) => {
            json!({"op": "Replace", "path": attribute, "value": if *on { "True" } else { "False" }})
        }
        (_, true) => json!({"op": "Replace", "path": attribute, "value": value}),
        _ => json!({"op": "replace", "value": {attribute: value}}),
    };
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation]})
}

fn resource(account: &Account, active: bool, stored: bool) -> Value {
    let mut user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": account.name,
        "externalId": account.external_id,
        "displayName": account.display_name,
        "emails": [{"value": account.email, "type": "work", "primary": true}],
        "active": active,
    });
    if let (true, Some(fields)) = (stored, user.as_object_mut()) {
        fields.insert("id".to_owned(), json!(account.id));
        fields.insert("meta".to_owned(), json!({"resourceType": "User"}));
    }
    user
}

fn error(status: u16) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string()})
}
