//! What is said of findings, as the ledger keeps it.

use lychgate::domain::finding::{
    IdentityRef, Json, Link, NamedRef, Owner, Remediation, ScoreTerm, SeverityStep, Threshold,
};
use lychgate::domain::{Finding, Severity};
use lychgate::findings::{Coverage, Ledger, Run};
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use super::{day, finding, held, run};

fn complete(at: i64) -> Run {
    run(day(at), &[("dormant", Coverage::Complete)])
}

/// Texts are packed with an example of their detector, and an auditor must read every word again.
#[tokio::test]
async fn what_is_said_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let ledger = Ledger::open(&path, "acme").await.unwrap();
    let said = |words: &str| -> Vec<Finding> { (0..40).map(|n| talkative(n, words)).collect() };
    for (at, words) in [(1, "unused for 30 days"), (2, "unused for 31 days"), (3, "ändert sich — 🗝"), (4, "")]
    {
        let findings = said(words);
        ledger.record_run(&complete(at), &held(&findings), day(at)).await.unwrap();
        // The same again, which writes no text.
        ledger
            .record_run(&Run { run_id: format!("again-{at}"), ..complete(at) }, &held(&findings), day(at))
            .await
            .unwrap();
        for mut expect in findings {
            (expect.first_seen_at, expect.last_seen_at) = (Some(day(1)), Some(day(at)));
            (expect.as_of, expect.known_at) = (day(at), day(at));
            let entry = ledger.get(&expect.finding_id).await.unwrap().unwrap();
            assert_eq!((entry.known.finding, entry.revision), (expect, 1));
        }
    }
    ledger.close().await;
    let mut raw = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await.unwrap();
    let sizes = "SELECT sum(length(finding)), sum(size_bytes) FROM finding_texts";
    let (packed, whole): (i64, i64) = sqlx::query_as(sizes).fetch_one(&mut raw).await.unwrap();
    assert!(packed * 4 < whole, "{packed} of {whole} bytes");
}

/// A finding with every field, in words of its own.
fn talkative(n: usize, words: &str) -> Finding {
    let text = |what: &str| format!("{what} {n} {words}");
    let mut told = finding("dormant", "crm", &format!("a{n}"), &format!("r{n}"));
    told.explanation = text("The account");
    told.severity_base = Some(Severity::Low);
    told.severity_steps =
        vec![SeverityStep { modifier: "spread".to_owned(), levels: 1, says: text("the same in") }];
    let term =
        ScoreTerm { term: "reach".to_owned(), value: 0.5, weight: 0.25, points: 12.5, says: text("reaches") };
    told.score_terms = vec![term];
    told.identity = Some(IdentityRef { id: format!("E{n}"), name: Some(text("Ada")) });
    told.entitlement = Some(NamedRef { id: format!("g{n}"), name: Some(text("Group")) });
    told.org = Some("North".to_owned());
    told.owner = Some(Owner {
        id: "E1".to_owned(),
        name: None,
        email: Some("bo@corp.example".to_owned()),
        decided_by: text("manager of"),
    });
    told.threshold = Some(Threshold {
        name: "dormant_human".to_owned(),
        value: "30 days".to_owned(),
        source: "house".to_owned(),
    });
    told.link = Some(Link { method: "email".to_owned(), confidence: 0.75 });
    told.controls = vec!["NIST AC-2(3)(b)".to_owned(), "CIS 6.2".to_owned()];
    told.remediation = Some(Remediation {
        kind: "scim_deactivate".to_owned(),
        text: text("Disable"),
        request: Json::new(&serde_json::json!({ "method": "PATCH", "path": format!("/Users/a{n}") })),
        inverse: None,
        reach: 1,
    });
    told.cause = Some(text("a feed"));
    told.held_because = Some(text("it may be made up"));
    told
}
