//! PingFederate: two orders of fields, attempts in progress, partners on either side.

use jiff::tz::TimeZone;
use lychgate::normalize::{Context, pingfederate};
use serde_json::{Value, json};

use crate::support::{context, holds, rows_as_json};

fn read(line: &str, context: &Context, expect: Value) {
    assert!((pingfederate::FORMAT.recognises)(line), "{line}");
    holds(&rows_as_json((pingfederate::FORMAT.normalize)(line, context)), &[expect], line);
}

/// Each field would be its neighbour in lines of the other releases.
#[test]
fn lines_with_and_without_a_transaction_id() {
    let signed_in = json!({"event_type": "AUTHN_ATTEMPT", "verb": "signin", "outcome": "success",
        "occurred_at": "2026-03-01T10:00:00.237Z", "account": {"app": "pingfederate", "id": "ann@acme.example", "email": "ann@acme.example"},
        "client_ip": "10.0.0.1", "session_id": "tid:xDm3", "app": {"id": "ac_client"}});
    for (line, transaction) in [
        (
            "2026-03-01 10:00:00,237| tid:xDm3| AUTHN_ATTEMPT| ann@acme.example| 10.0.0.1 | | ac_client| | host| IdP| success| Form| | 12",
            None,
        ),
        (
            "2026-03-01 10:00:00,237| tid:xDm3| tr-1| AUTHN_ATTEMPT| ann@acme.example| 10.0.0.1 | | ac_client| | host| IdP| success| Form| | 12",
            Some("tr-1"),
        ),
        (
            "2026-03-01 10:00:00,237| tid:xDm3| | AUTHN_ATTEMPT| ann@acme.example| 10.0.0.1 | | ac_client| | host| IdP| success| Form| | 12",
            None,
        ),
    ] {
        read(line, &context(None), signed_in.clone());
        read(line, &context(None), json!({"correlation_id": transaction}));
    }
}

/// A form that was only shown would be a sign-in, and a refused one would have no reason.
#[test]
fn attempts_in_progress_and_failed() {
    let line = |status: &str, told: &str| {
        format!(
            "2026-03-01 10:00:00,237| tid:x| AUTHN_ATTEMPT| ann| 10.0.0.1| | c| | host| IdP| {status}| Form| {told}| 12"
        )
    };
    for (status, told, expect) in [
        ("inprogress", "", json!({"verb": "other", "outcome": "unknown", "reason": null})),
        (
            "failure",
            "Invalid login",
            json!({"verb": "signin", "outcome": "failure", "reason": "Invalid login"}),
        ),
        ("failure", "a|b", json!({"verb": "signin", "outcome": "failure", "reason": "a"})),
    ] {
        read(&line(status, told), &context(None), expect);
    }
}

/// Users would sign in to the partner that they come from.
#[test]
fn sessions_and_partners() {
    for (event, role, expect) in [
        ("SSO", "IdP", json!({"verb": "signin.app", "app": {"id": "partner"}})),
        ("SSO", "SP", json!({"verb": "signin.app", "app": {"id": "https://app.example"}})),
        ("SLO", "IdP", json!({"verb": "signout"})),
        ("AUTHN_SESSION_DELETED", "IdP", json!({"verb": "signout"})),
        ("SRI_REVOKED", "IdP", json!({"verb": "session.revoke"})),
        ("AUTHN_REQUEST", "SP", json!({"verb": "other", "outcome": "success"})),
        ("OAuth", "AS", json!({"verb": "other"})),
    ] {
        let line = format!(
            "2026-03-01 10:00:00,237| tid:x| {event}| ann| 10.0.0.1| https://app.example| partner| SAML20| host| {role}| success| | | 3"
        );
        read(&line, &context(None), expect);
    }
}

/// Summer time would be off by hours, and columns of a custom order be taken for others.
#[test]
fn clocks_and_other_orders() {
    let berlin = Context { zone: TimeZone::get("Europe/Berlin").unwrap(), ..context(None) };
    let line = "2026-07-01 10:00:00,237| tid:x| SLO| ann| 10.0.0.1| | c| | host| IdP| success| | | 3";
    read(line, &berlin, json!({"occurred_at": "2026-07-01T08:00:00.237Z"}));
    for (line, code) in [
        ("2026-07-01 10:00:00,237| tid:x| success| SLO| ann| 10.0.0.1", "bad_value"),
        ("2026-07-01 10:00:00,237| tid:x| SLO| ann| 10.0.0.1| | c| | host| IdP| | success| | 3", "bad_value"),
        ("2026-07-32 10:00:00,237| tid:x| SLO| ann| 10.0.0.1| | c| | host| IdP| success| | | 3", "bad_time"),
        (
            "2026-07-01 10:00:00,237| tid:x| | ann| 10.0.0.1| | c| | host| IdP| success| | | 3",
            "missing_field",
        ),
    ] {
        read(line, &context(None), json!({"rejection": code}));
    }
}
