//! How applications behave: the files, and whose word counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lychgate::domain::UtcMicros;
use lychgate::models::Semantics;
use lychgate::models::semantics::{dialects, parse_semantics, semantics};
use lychgate::pipeline::{DetectRequest, Engine, Reading};
use lychgate::query::{At, Session, json_rows};
use lychgate::state;
use serde_json::{Value, json};

use crate::fields;
use crate::support::{block_on, tables};

const AT: UtcMicros = UtcMicros(1_782_777_600_000_000);

fn stems(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(folder);
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// Otherwise a file would lie in the folder, and nobody would read it.
#[test]
fn every_file_is_compiled_in() {
    let ids: BTreeSet<String> = semantics().unwrap().into_iter().map(|line| line.id).collect();
    assert_eq!(ids, stems("semantics"));
    assert_eq!(dialects().unwrap().into_keys().collect::<BTreeSet<String>>(), stems("dialects"));
}

/// If it failed, a slip would change what every rule takes of an application.
#[test]
fn a_slip_in_a_file_is_named() {
    let check = |text: &str, why: &str| {
        let whole = format!("id: crm\ntitle: CRM\nsources: [house]\n{text}");
        let error = parse_semantics(&[("semantics/crm.yml".to_owned(), whole)]).unwrap_err().to_string();
        assert!(error.contains(why) && error.contains("crm.yml"), "{error}");
    };
    check("names: [CRM]", "lower case");
    check("names: [crm]\ndialect: klingon", "klingon");
    check("names: [crm]\ndelete: sometimes", "sometimes");
    check("names: [crm]\nlag: soon", "lag is not an interval");
    check("names: [crm]\nlogin: sso", "sso");
    check("names: [crm]\nsuspended: silent", "suspended");
    let twice =
        |id: &str| (format!("{id}.yml"), format!("id: {id}\ntitle: x\nnames: [crm]\nsources: [house]"));
    let error = parse_semantics(&[twice("a"), twice("b")]).unwrap_err().to_string();
    assert!(error.contains("\"crm\" is also in a.yml"), "{error}");
    assert!(
        parse_semantics(&[("b.yml".into(), twice("a").1)]).unwrap_err().to_string().contains("file's name")
    );
}

fn configured(app: &str, words: [Option<&str>; 5]) -> Semantics {
    Semantics::configured(app, words).unwrap()
}

/// Otherwise what a company says of its own application would lose against what we heard of the product.
#[test]
fn the_configuration_goes_before_the_register_and_the_register_before_the_models() {
    let register = |app: &str, soft: Option<bool>, sso: Option<bool>| {
        let line = json!({
            "app_id": app, "name": app, "soft_delete": soft.map(|b| b.to_string()), "sso_only": sso.map(|b| b.to_string()),
        });
        fields! {
            "kind" => "applications", "key" => app, "attributes" => line.to_string(),
            "listing_id" => "r1", "listed_at" => AT, "ingested_at" => AT,
        }
    };
    // Entra assigns `wiki`, so that requests to it are written in its dialect.
    let assigned = fields! {
        "event_id" => "e1", "source" => "entra_provisioning", "event_type" => "create", "verb" => "provision.create",
        "occurred_at" => AT, "ingested_at" => AT, "account_app" => "wiki", "account_id" => "w1", "outcome" => "success",
    };
    let lines = vec![
        register("fleet", None, None),
        register("unleash", Some(false), Some(true)),
        register("open_webui", Some(true), None),
        register("erp", Some(true), Some(true)),
        register("wiki", None, None),
        register("entra", None, None),
    ];
    let rows = BTreeMap::from([("registers", lines), ("events", vec![assigned])]);
    let own = [configured("ERP", [Some("hard"), Some("silent"), Some("local"), Some("2h"), Some("entra")])];
    let found: BTreeMap<String, Value> = block_on(async || {
        let session = Session::open(tables(&rows), At { as_of: AT, known_at: AT }).await.unwrap();
        state::build(&session, &own).await.unwrap();
        let sql = "SELECT app_id, soft_delete, sso_only, suspend, lag_minutes, dialect FROM applications";
        let rows = json_rows(&session.collect("applications", sql).await.unwrap());
        rows.into_iter().map(|row| (row["app_id"].as_str().unwrap().to_owned(), row)).collect()
    });
    let check = |app: &str, expect: [Value; 5]| {
        let row = &found[app];
        let got = ["soft_delete", "sso_only", "suspend", "lag_minutes", "dialect"]
            .map(|key| row.get(key).cloned().unwrap_or(Value::Null));
        assert_eq!(got, expect, "{app}");
    };
    check("fleet", [json!(false), json!(false), Value::Null, Value::Null, json!("okta")]);
    check("unleash", [json!(false), json!(true), Value::Null, json!(40), json!("okta")]);
    check("open_webui", [json!(true), json!(false), Value::Null, Value::Null, json!("okta")]);
    check("erp", [json!(false), json!(false), json!("silent"), json!(120), json!("entra")]);
    check("wiki", [Value::Null, json!(false), Value::Null, json!(40), json!("entra")]);
    check("entra", [json!(true), json!(false), json!("deactivates"), json!(40), json!("entra")]);
}

/// If it failed, an administrator would send a request that the application does not read.
#[test]
fn the_request_is_written_in_the_dialect_that_the_configuration_names() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("files/crm");
    std::fs::create_dir_all(&files).unwrap();
    std::fs::write(
        folder.path().join("files/roster_2026-06-29.csv"),
        "employee_id,name,email,start_on,end_on\n1,Ada Low,ada@example.com,2020-01-01,2026-06-01\n2,Bo Hay,bo@example.com,2020-01-01,\n",
    )
    .unwrap();
    std::fs::write(
        files.join("accounts_2026-06-29.csv"),
        "account_id,account_name,email,status,employee_id\na1,ada,ada@example.com,active,1\na2,bo,bo@example.com,active,2\n",
    )
    .unwrap();
    let request = |own: Vec<Semantics>| -> Value {
        block_on(async || {
            let engine = Engine::new(&folder.path().join("data"), "acme").with_semantics(own);
            let paths = lychgate::ingest::files(&[folder.path().join("files")]).unwrap();
            let report = engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
            assert!(report.files.iter().all(|file| file.refused.is_none()), "{:?}", report.files);
            let request = DetectRequest {
                at: At { as_of: AT, known_at: UtcMicros(4_102_444_800_000_000) },
                profile: "default".to_owned(),
                detectors: vec!["ZMB-01".to_owned()],
                record: false,
            };
            let found = engine.detect(&request).await.unwrap().findings.to_vec().unwrap();
            assert_eq!(found.len(), 1, "{found:?}");
            found[0].remediation.clone().unwrap().request.unwrap().value()["body"]["Operations"][0].clone()
        })
    };
    assert_eq!(request(Vec::new()), json!({ "op": "replace", "value": { "active": false } }));
    let entra = configured("crm", [None, None, None, None, Some("entra")]);
    assert_eq!(request(vec![entra]), json!({ "op": "Replace", "path": "active", "value": "False" }));
}
