//! Security event tokens: SCIM events, CAEP and RISC, bare, signed and several at once.

use lychgate::normalize::scim_set::FORMAT;
use serde_json::{Value, json};

use super::{fixture, rows};
use crate::support::holds;

// Signals arrive in three vocabularies and two wrappings; each must name the same account.
#[test]
fn security_events() {
    let check = |given: &Value, expect: &[Value]| {
        assert!((FORMAT.recognises)(given), "{given}");
        holds(&rows(&FORMAT, &given.to_string()), expect, &given.to_string());
    };
    let risc = "https://schemas.openid.net/secevent/risc/event-type/";
    let claims = json!({
        "iss": "https://acme.okta.com", "jti": "j1", "iat": 1772359200, "aud": "https://rp.example.com", "txn": "t",
        "sub_id": {"format": "iss_sub", "iss": "https://acme.okta.com", "sub": "00u1"},
        "events": {(format!("{risc}account-disabled")): {"reason": "hijacking", "event_timestamp": 1772359100}}});
    let disabled = json!({"event_id": "j1", "source": "scim_set", "verb": "account.deactivate",
        "occurred_at": "2026-03-01T09:58:20Z", "account": {"app": "okta", "id": "00u1"}, "correlation_id": "t",
        "reason_code": "hijacking", "app": {"id": "https://rp.example.com"}, "outcome": "success"});
    check(&claims, std::slice::from_ref(&disabled));
    check(&json!({"set": claims}), std::slice::from_ref(&disabled));
    // The same token signed; the signature is not ours to check.
    let token = format!("{}.{}.c2ln", base64url(r#"{"alg":"RS256"}"#), base64url(&claims.to_string()));
    check(&json!(token), std::slice::from_ref(&disabled));
    check(&json!({"sets": {"j1": token}}), std::slice::from_ref(&disabled));
    holds(&rows(&FORMAT, &token), std::slice::from_ref(&disabled), &token);
    // Two events in one token are two rows.
    let mut two = claims.clone();
    two["events"][format!("{risc}identifier-changed")] = json!({"new-value": "new@example.com"});
    two["sub_id"] = json!({"format": "email", "email": "old@example.com"});
    check(
        &two,
        &[
            json!({"event_id": "j1", "verb": "account.deactivate", "account": {"email": "old@example.com"}}),
            json!({"event_id": "j1/1", "verb": "account.rename", "occurred_at": "2026-03-01T10:00:00Z",
                   "changes": r#"[{"attribute":"email","from":"old@example.com","to":"new@example.com"}]"#}),
        ],
    );
    // A SCIM patch is read as finely as the request that it reports.
    let scim = json!({"iss": "https://scim.example.com", "jti": "j2", "iat": 1772359200,
        "sub_id": {"format": "scim", "uri": "/Users/u1", "externalId": "e1"},
        "events": {"urn:ietf:params:scim:event:prov:patch:full": {"data": {"Operations": [
            {"op": "replace", "path": "active", "value": false}]}}}});
    check(
        &scim,
        &[json!({"verb": "account.deactivate", "event_type": "urn:ietf:params:scim:event:prov:patch:full",
                 "account": {"app": "https://scim.example.com", "id": "u1", "external_id": "e1"}})],
    );
    let unknown = json!({"iss": "x", "jti": "j3", "toe": 1772359200, "sub": "s", "events": {"urn:x:y": {}}});
    check(&unknown, &[json!({"verb": "other", "account": {"id": "s"}})]);
    let reject = |given: Value, code: &str| {
        assert_eq!(rows(&FORMAT, &given.to_string()), [json!({"rejection": code})], "{given}");
    };
    reject(json!({"jti": "j", "events": {"urn:x:y": {}}}), "missing_field");
    reject(json!({"jti": "j", "iat": "soon", "events": {"urn:x:y": {}}}), "bad_time");
    reject(json!({"jti": "j", "iat": 1772359200, "events": {}}), "missing_field");
    reject(json!("eyJ.eyJ*.x"), "bad_value");
}

fn base64url(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let encode = |chunk: &[u8]| -> String {
        let bits = (0..3).fold(0_usize, |bits, at| (bits << 8) | usize::from(*chunk.get(at).unwrap_or(&0)));
        (0..=chunk.len()).map(|at| char::from(LETTERS[(bits >> (18 - 6 * at)) & 63])).collect()
    };
    text.as_bytes().chunks(3).map(encode).collect()
}

// The specifications' own examples: what a conforming transmitter will send.
#[test]
fn published_security_events() {
    let Some(text) = fixture("set/sets.ndjson") else { return };
    let expect = [
        "session.revoke",
        "session.revoke",
        "session.revoke",
        "account.claims_change",
        "credential.change",
        "assurance.change",
        "device.compliance",
        "account.claims_change",
        "account.claims_change",
        "stream.verify",
        "feed.add",
        "account.create",
        "group.member.add",
        "account.update",
        "account.update",
        "account.delete",
        "provision.async_result",
    ];
    assert_eq!(text.lines().count(), expect.len());
    for (line, verb) in text.lines().zip(expect) {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!((FORMAT.recognises)(&record), "{line}");
        let found = rows(&FORMAT, line);
        let event_type = record["event"].clone();
        holds(
            &found,
            &[json!({"verb": verb, "event_type": event_type, "event_id": record["set"]["jti"]})],
            line,
        );
        let told = found[0].to_string();
        assert!(!told.contains("some-token-value"), "{told}");
        let named = ["id", "name", "email"].iter().any(|part| !found[0]["account"][part].is_null());
        let nobody = ["session.revoke", "account.claims_change", "device.compliance"].contains(&verb);
        assert!(named || nobody, "{told}");
    }
}
