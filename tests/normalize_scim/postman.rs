//! Microsoft's Postman collection for SCIM servers, as a request log.

use lychgate::normalize::scim_http::FORMAT;
use serde_json::{Value, json};

use super::{fixture, record, rows};

/// Every request in a Postman collection, folders opened.
fn requests(items: &Value, found: &mut Vec<(String, String, Option<String>)>) {
    for item in items.as_array().into_iter().flatten() {
        requests(&item["item"], found);
        if let Some(method) = item["request"]["method"].as_str() {
            let url = item["request"]["url"]["raw"].as_str().unwrap_or_default();
            let body = item["request"]["body"]["raw"].as_str().map(str::to_string);
            found.push((method.to_string(), url.to_string(), body));
        }
    }
}

// Microsoft's own requests to a SCIM server, the junk among them included: none may be
// lost, and the ones that switch an account off must be seen to.
#[test]
fn published_requests() {
    let Some(text) = fixture("scim/ms_scim_reference_PostmanCollection.json") else { return };
    let collection: Value = serde_json::from_str(&text).unwrap();
    let mut all = Vec::new();
    requests(&collection["item"], &mut all);
    assert_eq!(all.len(), 79);
    let mut deactivations = 0;
    for (method, url, body) in all {
        let status = match method.as_str() {
            "POST" => 201,
            "DELETE" => 204,
            _ => 200,
        };
        let switches_off = method != "POST"
            && body.as_ref().is_some_and(|body| {
                let body: String = body.to_lowercase().split_whitespace().collect();
                body.contains(r#""active":false"#)
                    || body.contains(r#""active":"false""#)
                    || body.contains(r#""path":"active","value":false"#)
            });
        let given = record(json!({"method": method, "path": url, "status": status, "request": body}));
        let found = rows(&FORMAT, &given.to_string());
        assert!(!found.is_empty() && found.iter().all(|row| row["row"] == "event"), "{given}");
        assert!(found.iter().all(|row| row["verb"] != "other"), "{given}");
        assert_eq!(found[0]["verb"] == "account.deactivate", switches_off, "{given}");
        deactivations += usize::from(switches_off);
    }
    assert_eq!(deactivations, 4);
}
