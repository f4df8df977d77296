//! SCIM formats: request logs, access logs, resources of a listing, security event tokens.
//!
//! Cases of our own, then the published fixtures where they are at hand.

use std::path::PathBuf;

use lychgate::normalize::{JsonFormat, access_log, scim_http, scim_resource, scim_set};
use serde_json::{Value, json};

use crate::support::{context, holds, rows_as_json};

mod postman;
mod security_events;

const JSON_FORMATS: [JsonFormat; 3] = [scim_http::FORMAT, scim_resource::FORMAT, scim_set::FORMAT];

fn rows(format: &JsonFormat, raw: &str) -> Vec<Value> {
    rows_as_json((format.normalize)(raw, &context(None)))
}

/// A request-log record on the connection `figma` with these fields.
fn record(fields: Value) -> Value {
    let mut record = json!({"time": "2026-03-01T10:00:00Z", "connection": "figma"});
    record.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    record
}

fn check_http(given: Value, expect: &[Value]) {
    let record = record(given);
    assert!((scim_http::FORMAT.recognises)(&record), "{record}");
    holds(&rows(&scim_http::FORMAT, &record.to_string()), expect, &record.to_string());
}

/// Checks what the answer to a request is noted to show.
fn check_answer(method: &str, path: &str, request: Value, response: Value, expect: Value) {
    let given =
        json!({"method": method, "path": path, "status": 200, "request": request, "response": response});
    check_http(given, &[json!({"outcome": "success", "reason": expect})]);
}

// What only the answer shows would be lost, and a log that keeps something else there would be accused.
#[test]
fn request_log_answers() {
    let none = Value::Null;
    let user = |more: Value| {
        let mut user = json!({"id": "u1", "userName": "bo"});
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    };
    let look = |path: &str, response: Value, expect: Value| {
        check_answer("GET", path, none.clone(), response, expect)
    };
    for (location, internal) in [
        ("http://scim.example.com/Users/u1", true),
        ("https://10.0.0.7:8443/Users/u1", true),
        ("https://scim-backend/Users/u1", true),
        ("https://scim.prod.svc/Users/u1", true),
        ("https://scim.example.com/Users/u1", false),
        ("/Users/u1", false),
    ] {
        let expect = if internal { json!("answer: location_internal") } else { Value::Null };
        look("/Users/u1", user(json!({"meta": {"location": location}})), expect);
    }
    // A client inside reaches what it asks for.
    look(
        "http://scim:80/Users/u1",
        user(json!({"meta": {"location": "http://scim:80/Users/u1"}})),
        none.clone(),
    );

    for answer in [json!([]), json!("<html>"), json!("[]"), json!({"users": []})] {
        look("/Users?count=2", answer, json!("answer: no_list"));
    }
    for answer in
        [json!("cut {\"Resour"), json!({"bytes": 12}), json!({"headers": {}}), json!({"totalResults": 0})]
    {
        look("/Users?count=2", answer, none.clone());
    }
    let text = json!({"totalResults": "1", "startIndex": 1, "Resources": [{"id": "u1"}]});
    look("/Users?filter=userName%20eq%20%22a%22", text, json!("answer: number_as_text"));
    let page = json!({"totalResults": 250, "startIndex": 101, "itemsPerPage": 2, "Resources": [{"id": "a b"}, {"id": "a2"}]});
    let facts = "answer: start=101, count=2, total=250, per_page=2, given=2, first=a%20b, last=a2";
    look("/Users?startIndex=101&count=2", page, json!(facts));

    let emails =
        json!({"active": "False", "emails": [{"type": "Work"}, {"type": "home"}, {"type": "work"}, {}]});
    look("/Users/u1", user(emails), json!("answer: active=false, emails=:1+home:1+work:2"));
    let group = json!({"id": "g1", "displayName": "G"});
    look("/Groups/g1", group.clone(), json!("answer: members=0"));
    look("/Groups/g1?excludedAttributes=members", group, none.clone());
    let operation = |operation: Value| json!({"Operations": [operation]});
    let off = operation(json!({"op": "replace", "value": {"active": false}}));
    check_answer(
        "PATCH",
        "/Users/u1",
        off,
        user(json!({"active": true})),
        json!("answer: active_kept, active=true"),
    );
    let out = operation(json!({"op": "Remove", "path": "members", "value": [{"value": "u1"}]}));
    let left = |id: &str| json!({"id": "g1", "members": [{"value": id}]});
    check_answer("PATCH", "/Groups/g1", out.clone(), left("u1"), json!("answer: member_kept, members=1"));
    check_answer("PATCH", "/Groups/g1", out, left("u2"), json!("answer: members=1"));
}

// The leaver's account is off when, and only when, the request that says so succeeded.
#[test]
fn request_log_accounts() {
    let operation = |operation: Value| json!({"Operations": [operation]});
    check_http(
        json!({"method": "PATCH", "path": "/scim/v2/Users/u1", "status": 200, "latency_ms": 41.6,
               "request": operation(json!({"op": "Replace", "path": "active", "value": "False"})),
               "client_ip": "192.0.2.7", "user_agent": "Okta SCIM Client 1.0.0", "request_id": "r-1",
               "response": {"id": "u1", "userName": "bo@example.com", "externalId": "00u1", "active": false}}),
        &[json!({"row": "event", "source": "scim_http", "event_type": "PATCH /Users/{id}",
                 "verb": "account.deactivate", "outcome": "success", "reason_code": null, "reason": "answer: active=false",
                 "occurred_at": "2026-03-01T10:00:00Z", "app": {"id": "figma"}, "http_status": 200,
                 "account": {"app": "figma", "id": "u1", "name": "bo@example.com", "external_id": "00u1"},
                 "latency_ms": 42, "client_ip": "192.0.2.7", "correlation_id": "r-1", "expires_at": null,
                 "changes": r#"[{"attribute":"active","to":"false"}]"#})],
    );
    // A receiver that wants a boolean: the account is still on, and the log says why.
    check_http(
        json!({"method": "patch", "path": "/Users/u1", "status": 400,
               "request": operation(json!({"op": "Replace", "path": "active", "value": "False"})),
               "response": {"scimType": "invalidValue", "detail": "expected boolean", "status": "400"}}),
        &[json!({"verb": "account.deactivate", "outcome": "failure", "reason_code": "invalidValue",
                 "reason": "expected boolean (request: boolean_as_text, op_capitalised)"})],
    );
    check_http(
        json!({"method": "PATCH", "path": "/Users/u1", "status": 204,
               "request": operation(json!({"op": "replace", "value": {"active": true}})).to_string()}),
        &[json!({"verb": "account.reactivate", "account": {"id": "u1"}})],
    );
    check_http(
        json!({"method": "PATCH", "path": "/Users/u1", "status": 429, "detail": "slow down",
               "request": operation(json!({"op": "replace", "value": {"title": "Boss"}}))}),
        &[json!({"verb": "account.update", "outcome": "failure", "reason_code": "too_many_requests",
                 "reason": "slow down"})],
    );
    // A PUT repeats the whole account; its `active` is the state afterwards.
    check_http(
        json!({"method": "PUT", "path": "/Users/u1", "status": 200,
               "request": {"userName": "bo@example.com", "active": false, "password": "hunter2"}}),
        &[json!({"verb": "account.deactivate", "account": {"name": "bo@example.com"},
                 "changes": r#"[{"attribute":"active","to":"false"},{"attribute":"userName","to":"bo@example.com"}]"#})],
    );
    check_http(
        json!({"method": "PUT", "path": "/Users/u1", "status": 200, "request": {"active": "True"}}),
        &[json!({"verb": "account.update"}), json!({"verb": "account.reactivate", "account": {"id": "u1"}})],
    );
    check_http(
        json!({"method": "PUT", "path": "/Users/u1", "status": 405, "request": {"active": true}}),
        &[json!({"verb": "account.update", "outcome": "failure", "reason_code": "method_not_allowed"})],
    );
    check_http(
        json!({"method": "POST", "path": "/Users", "status": 201,
               "request": {"userName": "bo@example.com", "externalId": "00u1", "emails": [{"value": "b@example.com"}]},
               "response": {"id": "u1", "userName": "bo@example.com"}}),
        &[json!({"verb": "account.create", "outcome": "success",
                 "account": {"id": "u1", "name": "bo@example.com", "external_id": "00u1", "email": "b@example.com"}})],
    );
    check_http(
        json!({"method": "POST", "path": "/Users", "status": 201, "request": {"active": false}, "resource_id": "u9"}),
        &[json!({"verb": "account.create"}), json!({"verb": "account.deactivate", "account": {"id": "u9"}})],
    );
    check_http(
        json!({"method": "POST", "path": "/Users", "status": 409, "scim_type": "uniqueness",
               "request": {"userName": "bo@example.com"}}),
        &[json!({"verb": "account.create", "outcome": "failure", "reason_code": "uniqueness",
                 "account": {"id": null, "name": "bo@example.com"}})],
    );
    for (status, outcome, reason_code) in [
        (204, "success", Value::Null),
        (404, "success", json!("already_gone")),
        (410, "success", json!("already_gone")),
        (401, "failure", json!("unauthorized")),
    ] {
        check_http(
            json!({"method": "DELETE", "path": "https://x.example/scim/v2//users/u1/", "status": status}),
            &[json!({"verb": "account.delete", "outcome": outcome, "reason_code": reason_code,
                     "event_type": "DELETE /Users/{id}", "account": {"id": "u1"}})],
        );
    }
    check_http(
        json!({"method": "GET", "status": 200, "path": "/Users?filter=userName%20eq%20%22bo%40example.com%22&count=1"}),
        &[json!({"verb": "scim.read", "account": {"id": null, "name": "bo@example.com"}})],
    );
    check_http(
        json!({"method": "GET", "path": "/ServiceProviderConfig", "status": 200}),
        &[json!({"verb": "scim.read", "event_type": "GET /ServiceProviderConfig"})],
    );
}

// Each member is a grant that begins or ends; one missed is access that nobody sees.
#[test]
fn request_log_groups() {
    let ids = |ids: &[&str]| -> Value { ids.iter().map(|id| json!({"value": id})).collect() };
    let patch = |operation: Value| json!({"method": "PATCH", "path": "/Groups/g1", "status": 204, "request": {"Operations": [operation]}});
    let member = |verb: &str, id: &str| json!({"verb": verb, "account": {"app": "figma", "id": id}, "entitlement": {"kind": "group", "id": "g1"}});
    check_http(
        patch(json!({"op": "Add", "path": "members", "value": ids(&["a", "b"])})),
        &[member("group.member.add", "a"), member("group.member.add", "b")],
    );
    check_http(
        patch(json!({"op": "Remove", "path": "members", "value": ids(&["a"])})),
        &[member("group.member.remove", "a")],
    );
    check_http(
        patch(json!({"op": "remove", "path": "members[value eq \"a\"]"})),
        &[member("group.member.remove", "a")],
    );
    check_http(
        patch(json!({"op": "replace", "value": {"id": "g1", "displayName": "Ops"}})),
        &[
            json!({"verb": "group.update", "entitlement": {"id": "g1", "name": "Ops"}, "account": {"id": null}}),
        ],
    );
    check_http(
        patch(json!({"op": "replace", "path": "members", "value": ids(&["a"])})),
        &[
            json!({"verb": "group.update", "changes": r#"[{"attribute":"members","to":"[\"a\"]"}]"#}),
            member("group.member.add", "a"),
        ],
    );
    check_http(
        patch(json!({"op": "remove", "path": "members"})),
        &[json!({"verb": "group.update", "changes": r#"[{"attribute":"members"}]"#})],
    );
    check_http(
        json!({"method": "POST", "path": "/Groups", "status": 201, "response": {"id": "g1", "displayName": "Ops"},
               "request": {"displayName": "Ops", "members": ids(&["a"])}}),
        &[
            json!({"verb": "group.create", "entitlement": {"id": "g1", "name": "Ops"}}),
            member("group.member.add", "a"),
        ],
    );
    check_http(
        json!({"method": "DELETE", "path": "/Groups/g1", "status": 204}),
        &[json!({"verb": "group.delete", "entitlement": {"id": "g1"}})],
    );
}

// A script's bulk request changes as much as many requests; each part has its own answer.
#[test]
fn request_log_bulk() {
    check_http(
        json!({"method": "POST", "path": "/Bulk", "status": 200,
               "request": {"Operations": [
                   {"method": "POST", "path": "/Users", "bulkId": "q", "data": {"userName": "bo"}},
                   {"method": "PATCH", "path": "/Users/u2", "data": {"Operations": [{"op": "replace", "path": "active", "value": false}]}},
                   {"method": "DELETE", "path": "/Users/u3"},
                   {"method": "POST", "path": "/Bulk"}]},
               "response": {"Operations": [
                   {"location": "https://x.example/v2/Users/u1", "status": "201"},
                   {"status": "400", "response": {"scimType": "mutability", "detail": "no"}},
                   {"status": {"code": "204"}}]}}),
        &[
            json!({"verb": "account.create", "account": {"id": "u1", "name": "bo"}, "http_status": 201}),
            json!({"verb": "account.deactivate", "outcome": "failure", "reason_code": "mutability"}),
            json!({"verb": "account.delete", "account": {"id": "u3"}, "outcome": "success"}),
        ],
    );
}

// Logs come from many libraries; a record whose names differ must not be lost.
#[test]
fn request_log_field_names() {
    let patch = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
    let check = |given: Value| {
        assert!((scim_http::FORMAT.recognises)(&given), "{given}");
        let expect = json!({"verb": "account.deactivate", "occurred_at": "2026-03-01T10:00:00Z",
                            "account": {"app": "a", "id": "u1"}, "http_status": 200});
        holds(&rows(&scim_http::FORMAT, &given.to_string()), &[expect], &given.to_string());
    };
    check(
        json!({"Timestamp": 1772359200, "App_Id": "a", "HTTP_Method": "PATCH", "URI": "/Users/u1", "Status_Code": "200",
                 "request_body": patch.to_string()}),
    );
    check(json!({"ts": "2026-03-01T10:00:00.000Z", "app": "a",
                 "req": {"method": "PATCH", "url": "/Users/u1", "body": patch, "headers": {"authorization": "x"}},
                 "res": {"statusCode": 200}}));
    check(json!({"@timestamp": "2026-03-01T10:00:00Z", "application": "a", "url": {"path": "/Users/u1"},
                 "http": {"request": {"method": "PATCH", "body": {"content": patch.to_string()}}, "response": {"status_code": 200}}}));
    check(json!({"time": "2026-03-01T10:00:00Z", "connection_id": "a",
                 "request": {"method": "PATCH", "url": "/Users/u1", "body": patch}, "response": {"status": 200}}));
}

// What cannot be read must be counted, not guessed.
#[test]
fn request_log_rejections() {
    let check = |given: &str, expect: &str| {
        assert_eq!(rows(&scim_http::FORMAT, given), [json!({"rejection": expect})], "{given}");
    };
    check("{", "truncated");
    check("[]", "not_an_object");
    check(r#"{"path": "/Users", "status": 200, "time": "2026-03-01T10:00:00Z"}"#, "missing_field");
    check(r#"{"method": "GET", "path": "/Users", "status": 200}"#, "missing_field");
    check(r#"{"method": "GET", "path": "/Users", "status": 200, "time": "yesterday"}"#, "bad_time");
    check(r#"{"method": "GET", "path": "/Users", "status": 7, "time": "2026-03-01T10:00:00Z"}"#, "bad_value");
    check(
        r#"{"method": "LOOK", "path": "/Users", "status": 200, "time": "2026-03-01T10:00:00Z"}"#,
        "bad_value",
    );
}

// Two exports that overlap, or list their keys in another order, add nothing; and the rows
// of one record never share an id.
#[test]
fn request_log_ids() {
    let members: Value = (0..3).map(|n| json!({"value": n.to_string()})).collect();
    let given = record(json!({"method": "PATCH", "path": "/Groups/g1", "status": 204,
                              "request": {"Operations": [{"op": "add", "path": "members", "value": members}]}}));
    let reversed: String = {
        let fields = given.as_object().unwrap().iter().rev();
        let fields: Vec<String> = fields.map(|(name, value)| format!("{name:?} : {value}")).collect();
        format!("{{{}}}", fields.join(", "))
    };
    let ids = |raw: &str| -> Vec<String> {
        rows(&scim_http::FORMAT, raw)
            .iter()
            .map(|row| row["event_id"].as_str().unwrap().to_string())
            .collect()
    };
    let found = ids(&given.to_string());
    assert_eq!(found, ids(&reversed));
    assert_eq!(found.len(), 3);
    assert_eq!((&found[1], &found[2]), (&format!("{}/1", found[0]), &format!("{}/2", found[0])));
}

// Where only the web server's log exists, creations, deletions and failures still show.
#[test]
fn access_log_lines() {
    let check = |line: &str, expect: &[Value]| {
        assert!((access_log::FORMAT.recognises)(line), "{line}");
        holds(&rows_as_json((access_log::FORMAT.normalize)(line, &context(Some("figma")))), expect, line);
    };
    check(
        r#"192.0.2.7 - - [01/Mar/2026:11:00:00 +0100] "DELETE /scim/v2/Users/u1 HTTP/1.1" 204 0 "-" "Microsoft-Azure-AD-Provisioning" 0.042"#,
        &[json!({"source": "scim_http", "verb": "account.delete", "occurred_at": "2026-03-01T10:00:00Z",
                 "account": {"app": "figma", "id": "u1"}, "client_ip": "192.0.2.7", "latency_ms": 42,
                 "user_agent": "Microsoft-Azure-AD-Provisioning", "http_status": 204, "outcome": "success"})],
    );
    check(
        r#"192.0.2.7 - okta [01/Mar/2026:10:00:00 +0000] "POST /Users HTTP/2.0" 401 17"#,
        &[json!({"verb": "account.create", "outcome": "failure", "reason_code": "unauthorized",
                 "actor": {"id": "okta"}, "user_agent": null})],
    );
    check(
        r#"192.0.2.7 - - [01/Mar/2026:10:00:00 +0000] "PATCH /Users/u1 HTTP/1.1" 200 17 "-" "a \"b\" c""#,
        &[json!({"verb": "account.update", "user_agent": "a \\\"b\\\" c", "latency_ms": null})],
    );
    check(r#"192.0.2.7 - - [01/Mar/2026:10:00:00 +0000] "GET /index.html HTTP/1.1" 200 17"#, &[]);
    for line in ["", "hello", r#"{"method": "GET"}"#, r#"x - - [y] "\x16\x03" 400 0"#, r#"a - - [b] "GET /"#]
    {
        assert!(!(access_log::FORMAT.recognises)(line), "{line}");
    }
    let bad = r#"x - - [31/Feb/2026:10:00:00 +0000] "GET /Users HTTP/1.1" 200 1"#;
    holds(
        &rows_as_json((access_log::FORMAT.normalize)(bad, &context(None))),
        &[json!({"rejection": "bad_time"})],
        bad,
    );
}

// A listing is the ground truth of state: who exists, who is active, who is in which group.
#[test]
fn resources() {
    let check = |given: Value, expect: &[Value]| {
        holds(&rows(&scim_resource::FORMAT, &given.to_string()), expect, &given.to_string());
    };
    let person = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "u1", "userName": "bo", "externalId": "00u1",
        "name": {"givenName": "Bo", "familyName": "Peep"}, "active": "False", "userType": "Contractor",
        "emails": [{"value": "home@example.org", "type": "home"}, {"value": "bo@example.com", "type": "work"}],
        "meta": {"resourceType": "User", "created": "2020-01-02T03:04:05Z"},
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "E7"}});
    let account = json!({"row": "account", "account_id": "u1", "name": "bo", "display_name": "Bo Peep",
        "email": "bo@example.com", "external_id": "00u1", "employee_id": "E7", "active": false, "class": "contractor",
        "created_at": "2020-01-02T03:04:05Z"});
    assert!((scim_resource::FORMAT.recognises)(&person));
    check(person.clone(), std::slice::from_ref(&account));
    check(
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "u2"}),
        &[json!({"account_id": "u2", "active": null})],
    );
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "g1", "displayName": "Ops",
        "members": [{"value": "u1"}, {"value": "g2", "type": "Group"}, {"$ref": "https://x.example/v2/Users/u3"}]});
    let grant = |id: &str| json!({"row": "grant", "account_id": id, "entitlement_kind": "group", "entitlement_id": "g1", "entitlement_name": "Ops"});
    check(group.clone(), &[grant("u1"), grant("u3")]);
    check(json!({"totalResults": 2, "Resources": [person, group]}), &[account, grant("u1"), grant("u3")]);
    check(json!({"meta": {"resourceType": "Group"}, "id": "g2", "members": null}), &[]);
    check(
        json!({"meta": {"resourceType": "User"}, "userName": "bo"}),
        &[json!({"rejection": "missing_field"})],
    );
    check(json!({"meta": {"resourceType": "Agent"}, "id": "x"}), &[json!({"rejection": "unknown_format"})]);
}

// One format must claim each kind of record, or a file is read as something it is not.
#[test]
fn records_are_recognised_once() {
    let check = |given: Value, expect: &[&str]| {
        let formats = JSON_FORMATS.iter().filter(|format| (format.recognises)(&given));
        assert_eq!(formats.map(|format| format.name).collect::<Vec<_>>(), expect, "{given}");
    };
    check(
        json!({"method": "GET", "path": "/Users", "status": 200, "response": {"Resources": []}}),
        &["scim_http"],
    );
    check(json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "u1"}), &["scim_resource"]);
    check(json!({"jti": "j", "iss": "i", "events": {"urn:x:y": {}}}), &["scim_set"]);
    check(json!({"id": {"time": "2026-03-01T10:00:00Z"}, "events": [{"name": "login_success"}]}), &[]);
    check(json!({"uuid": "1", "eventType": "user.session.start", "published": "2026-03-01T10:00:00Z"}), &[]);
    check(json!({"records": []}), &[]);
    check(json!({"Resources": [], "totalResults": 0}), &["scim_resource"]);
    check(json!({"version": "0", "detail-type": "SystemLog", "resources": [], "detail": {}}), &[]);
    check(json!(7), &[]);
}

fn fixture(path: &str) -> Option<String> {
    let folder = std::env::var_os("LYCHGATE_FIXTURES")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"), PathBuf::from);
    let text = std::fs::read_to_string(folder.join(path)).ok();
    if text.is_none() {
        eprintln!("not run: no {path} under {}", folder.display());
    }
    text
}
