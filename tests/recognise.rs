//! Which format an input has, and the pieces that all JSON formats read with.

use std::io::Cursor;

use lychgate::ingest::{Input, Limits};
use lychgate::normalize::table::Overrides;
use lychgate::normalize::{choose, event_id, json};

/// What `normalize` chooses for the given bytes, or how it refuses.
fn chosen(given: &str, forced: Option<&str>) -> String {
    let bytes = Cursor::new(given.as_bytes().to_vec());
    let input = Input::from_reader("given", bytes, Limits::default()).expect("it opens");
    match choose(input.sample(), "given", forced, &Overrides::default()) {
        Ok(reader) => reader.name().to_owned(),
        Err(refused) => refused.to_string(),
    }
}

/// A file would be read as what it is not, and wrong facts stored.
#[test]
fn formats_are_recognised_by_most_records() {
    let okta =
        r#"{"eventType":"user.session.start","uuid":"1","published":"2026-01-01T00:00:00Z","actor":{}}"#;
    let scim = r#"{"time":"2026-01-01T00:00:00Z","method":"GET","path":"/scim/v2/Users","status":200}"#;
    let google =
        r#"{"id":{"applicationName":"admin","time":"2026-01-01T00:00:00Z"},"events":[{"name":"x"}]}"#;
    let user = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"1","userName":"ann"}"#;
    let resource =
        r#"{"resource":{"id":{"resourceType":"user","resource":"u-1"}},"resourceType":{"id":"user"}}"#;
    let grant = r#"{"grant":{"entitlement":{"id":"e-1"},"principal":{"id":{"resourceType":"user","resource":"u-1"}}}}"#;
    let log = "10.0.0.1 - - [01/Mar/2026:10:00:00 +0000] \"GET /scim/v2/Users HTTP/1.1\" 200 512";
    let sign_in = r#"{"category":"SignInLogs","time":"2026-01-01T00:00:00Z","properties":{"userId":"u"}}"#;
    let audit =
        r#"{"category":"AuditLogs","time":"2026-01-01T00:00:00Z","properties":{"activityDisplayName":"x"}}"#;
    let ping = "2026-03-01 10:00:00,237| tid:xDm3| AUTHN_ATTEMPT| ann| 10.0.0.1 | | cl| | host| IdP| success| Form| | 12";
    for (given, forced, expect) in [
        (format!("{okta}\n{okta}\n{scim}\n"), None, "okta"),
        (format!("[{okta}]"), None, "okta"),
        (format!("{okta}\nbroken\n"), None, "okta"),
        (google.to_owned(), None, "google_workspace"),
        (format!("{{\"items\":[{google}]}}"), None, "google_workspace"),
        (format!("{{\"totalResults\":1,\"Resources\":[{user}]}}"), None, "scim_resource"),
        (format!("{{\"resources\":[{resource}]}}"), None, "baton"),
        (format!("{{\"grants\": [{grant}]}}"), None, "baton"),
        (scim.to_owned(), None, "scim_http"),
        (format!("{log}\n{log}\n"), None, "access_log"),
        (format!("{ping}\n"), None, "pingfederate"),
        (
            format!("{okta}\n{scim}\n"),
            None,
            "of 2 records 1 look like okta, 1 look like scim_http; use --source",
        ),
        (format!("{okta}\n{scim}\n"), Some("okta"), "okta"),
        (format!("{sign_in}\n{sign_in}\n{audit}\n{audit}\n{okta}\n"), None, "entra_"),
        ("{\"x\":1}\n".to_owned(), None, "none looks like a known format; use --source"),
        ("[]".to_owned(), None, "it holds no records"),
        ("[]".to_owned(), Some("okta"), "okta"),
        ("{\"x\":1}\n".to_owned(), Some("octa"), "no format has this name"),
        ("{\"x\":1}\n".to_owned(), Some("roster"), "it is laid out as JSON lines"),
        ("a,b\n1,2\n".to_owned(), Some("okta"), "it is laid out as a table"),
        ("domain,kind\nexample.com,own\n".to_owned(), Some("trusted_domains"), "trusted_domains"),
    ] {
        let got = chosen(&given, forced);
        assert!(got.contains(expect), "{given}: {got}");
    }
}

/// Re-ingesting an export whose keys are ordered otherwise would double its events.
#[test]
fn ids_do_not_depend_on_the_order_of_keys() {
    let id = |raw: &str| event_id::of_record(&json::parse(raw).unwrap());
    let first = id(r#"{"b":[1,{"d":"ü","c":null}],"a":1.5}"#);
    assert_eq!(first, id(" {\"a\": 1.5, \"b\": [1, {\"c\": null, \"d\": \"\\u00fc\"}]}"));
    assert_ne!(first, id(r#"{"b":[{"d":"ü","c":null},1],"a":1.5}"#));
    assert_eq!(first.len(), 32);
    // Pinned: ids are stored, so a change of the canonical form needs a migration.
    assert_eq!(id(r#"{"b":1,"a":"x"}"#), event_id::of_text(r#"{"a":"x","b":1}"#));
}

/// A field would be missed for its type or its case, or a rejection counted as another.
#[test]
fn fields_are_read_as_text() {
    let value = json::parse(r#"{"A":{"b":[{"c":7},true]},"t":1700000000,"s":" ","n":null}"#).unwrap();
    assert_eq!(json::text(&value, &["A", "b", "0", "c"]).as_deref(), Some("7"));
    assert_eq!(json::text(&value, &["A", "b", "1"]).as_deref(), Some("true"));
    assert_eq!(json::text(&value, &["a", "b", "1"]), None);
    assert_eq!(json::text_ci(&value, &["a", "B", "1"]).as_deref(), Some("true"));
    assert_eq!(json::text_any(&value, &[&["s"], &["n"], &["A"], &["t"]]).as_deref(), Some("1700000000"));
    assert_eq!(json::time(&value, &["t"]).map(|at| at.0), Some(1_700_000_000_000_000));
    let deep = "[".repeat(200) + &"]".repeat(200);
    for (raw, code) in [("{\"a\":", "truncated"), ("{a}", "not_json"), ("", "not_json"), (&deep, "too_deep")]
    {
        assert_eq!(json::parse(raw).unwrap_err().code, code, "{raw}");
    }
}
