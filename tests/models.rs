//! Models: every shipped rule is well formed, passes its own tests and tells its findings
//! in full; every shipped profile is complete.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lychgate::detect::rule_test;
use lychgate::domain::{Finding, Verdict};
use lychgate::models::{self, Interval, builtin_profiles, builtin_rules, builtin_texts};
use serde_json::{Value, json};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn stems(folder: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

fn complaints(text: &str) -> Vec<String> {
    let profiles = builtin_profiles().unwrap();
    let texts = [("never_used.yml".to_owned(), text.to_owned())];
    models::check::rules(&texts, &profiles).iter().map(ToString::to_string).collect()
}

/// Otherwise a rule that somebody wrote would be reviewed, merged and never asked.
#[test]
fn every_file_in_the_folder_is_built_in() {
    let built_in: BTreeSet<String> = builtin_texts().iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(built_in, stems("models/rules"));
    let profiles: BTreeSet<String> =
        builtin_profiles().unwrap().into_iter().map(|profile| profile.id).collect();
    assert_eq!(profiles, stems("models/profiles"));
}

/// Otherwise `models check` would fail for every customer on the day of the release.
#[test]
fn shipped_rules_have_nothing_to_complain_about() {
    assert_eq!(models::check::builtin(), Vec::new());
}

/// Otherwise a rule would accuse the innocent, or miss the case that it was written for.
#[test]
fn every_rule_passes_its_own_tests() {
    let (rules, profile) = (builtin_rules().unwrap(), models::profile("default").unwrap());
    let (mut run, mut wrong) = (0, Vec::new());
    for rule in &rules {
        match runtime().block_on(rule_test::run(rule, &profile)) {
            Err(error) => wrong.push(format!("{}: {error:?}", rule.id)),
            Ok(outcomes) => {
                run += outcomes.len();
                let failed =
                    outcomes.into_iter().filter_map(|outcome| Some((outcome.name, outcome.difference?)));
                wrong
                    .extend(failed.map(|(name, difference)| format!("{} \"{name}\": {difference}", rule.id)));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {run} tests fail:\n{}", wrong.len(), wrong.join("\n"));
    assert!(run >= 4 * rules.len());
}

/// The findings of a rule on its example, with one view's row changed.
fn found(rule: &str, view: &str, change: Value) -> Vec<Finding> {
    let rules = builtin_rules().unwrap();
    let rule = rules.iter().find(|known| known.id == rule).unwrap();
    let mut test = rule.tests[0].clone();
    let row = serde_json::from_value(change).unwrap();
    test.given = BTreeMap::from([(view.to_owned(), vec![row])]);
    let profile = models::profile("default").unwrap();
    runtime().block_on(rule_test::findings(rule, &test, &profile)).unwrap()
}

/// Otherwise a rename would close one finding and open another, and the clock would restart.
#[test]
fn a_finding_keeps_its_id_when_names_change() {
    let rule = "leaver_active_account";
    let before = &found(rule, "accounts_now", json!({}))[0];
    let renamed =
        &found(rule, "accounts_now", json!({"account_name": "ada.byron", "email": "ab@x.example"}))[0];
    let other = &found(rule, "accounts_now", json!({"account_id": "a2"}))[0];
    assert_eq!(before.finding_id, renamed.finding_id);
    assert_ne!(before.finding_id, other.finding_id);
    assert_eq!(before.finding_id.len(), 32);
}

/// Otherwise an auditor could not recount the finding, and nobody would know what to send.
#[test]
fn a_finding_tells_what_an_auditor_asks() {
    let finding = &found("leaver_active_account", "accounts_now", json!({}))[0];
    assert_eq!(
        finding.explanation,
        "Ada Low left 3 days ago and still has the enabled account ada in crm; the limit is 24 hours."
    );
    let evidence: Vec<(&str, &str)> =
        finding.evidence.iter().map(|row| (row.table.as_str(), row.key.as_str())).collect();
    assert_eq!(evidence, [("employments", "p1"), ("accounts", "crm/a1")]);
    let threshold = finding.threshold.as_ref().unwrap();
    assert_eq!((threshold.name.as_str(), threshold.source.as_str()), ("leaver_disable", "house"));
    assert_eq!(finding.due_at.unwrap().to_string(), "2026-06-28T00:00:00Z");
    let remediation = finding.remediation.as_ref().unwrap();
    let request = remediation.request.as_ref().unwrap().value();
    assert_eq!((&request["method"], &request["path"]), (&json!("PATCH"), &json!("/Users/a1")));
    assert_eq!(request["body"]["Operations"][0]["value"], json!({"active": false}));
    assert_eq!(
        remediation.inverse.as_ref().unwrap().value()["body"]["Operations"][0]["value"],
        json!({"active": true})
    );
    assert!((0.0..=100.0).contains(&finding.score));
}

/// Otherwise a finding on thin evidence would be acted on as if it were proved.
#[test]
fn doubt_is_told_with_its_reason() {
    let check = |view: &str, change: Value, expect: &str| {
        let finding = &found("leaver_active_account", view, change)[0];
        assert_eq!(finding.verdict, Verdict::Unknown, "{expect}");
        assert_eq!(finding.unknown_because.as_deref(), Some(expect));
        // What all that are in doubt for it have in common.
        assert_eq!(finding.cause.as_deref(), Some(expect));
    };
    check(
        "accounts_now",
        json!({"link_confidence": 0.8}),
        "the account is tied to the person with confidence 0.80, and 0.90 is needed",
    );
    check("accounts_now", json!({"active": null}), "no source says whether the account is enabled");
    check(
        "sources_now",
        json!({"source": "roster", "kind": "roster", "watermark_at": "-30h"}),
        "the newest roster is 30 hours old (limit: 26 hours)",
    );
    check(
        "sources_now",
        json!({"source": "roster", "kind": "roster", "watermark_at": "-1h"}),
        "no account listing of crm has been read",
    );
    assert!(found("leaver_active_account", "accounts_now", json!({"link_confidence": 0.4})).is_empty());
}

/// Otherwise the author of a rule would hunt for a mistake that the machine had seen.
#[test]
fn a_mistake_is_named_with_its_file_and_line() {
    let good = builtin_texts().iter().find(|(id, _)| *id == "never_used").unwrap().1;
    assert_eq!(complaints(good), Vec::<String>::new());
    let cases = [
        ("id: never_used", "id: never_usd", "never_used.yml:1 is not acceptable: id id \"never_usd\""),
        ("code: DOR-02", "code: DOR2", "never_used.yml:2 is not acceptable: code"),
        ("severity: low", "severity: lowish", "cannot read model never_used.yml:5"),
        ("subject: account", "subjet: account", "cannot read model never_used.yml:6"),
        ("{ profile: never_used }", "{ profile: never_heard }", "profile \"default\" has no \"never_heard\""),
        ("$as_of - $never_used", "$as_of - $never", "$never is not among the parameters"),
        ("controls: [NIST AC-2(3)(d), \"SOC2 CC6.2\", ISO27001 A.5.18]", "controls: []", "controls is empty"),
        ("case: unrelated", "case: negative", "has no unrelated case"),
        ("AS verdict", "AS verdikt", "gives no column verdict"),
        ("{account_name}", "{acount_name}", "quotes {acount_name}, which the rule does not have"),
        ("\nsql: |", "\ncaused_by: [a_dead_tokn]\nsql: |", "there is no rule \"a_dead_tokn\""),
        ("\nsql: |", "\nheld_by: [masschange]\nsql: |", "there is no rule \"masschange\""),
    ];
    for (from, to, expect) in cases {
        assert!(good.contains(from), "{from}");
        let everywhere = from.starts_with("case") || from.starts_with("AS ");
        let found = complaints(&good.replacen(from, to, if everywhere { 9 } else { 1 }));
        assert!(found.iter().any(|complaint| complaint.contains(expect)), "{to}: {found:?}");
    }
}

/// Otherwise two rules would fight over one code in every report.
#[test]
fn two_rules_cannot_share_a_code() {
    let text = builtin_texts().iter().find(|(id, _)| *id == "never_used").unwrap().1;
    let texts =
        [("never_used.yml".to_owned(), text.to_owned()), ("a/never_used.yml".to_owned(), text.to_owned())];
    let found = models::check::rules(&texts, &builtin_profiles().unwrap());
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().contains("DOR-02 is also the code of never_used.yml"));
}

/// Otherwise a threshold would silently be another one than the profile's author wrote.
#[test]
fn intervals_read_as_written() {
    let check = |given: &str, expect: Option<&str>| {
        assert_eq!(Interval::parse(given).map(|interval| interval.to_string()).as_deref(), expect, "{given}");
    };
    check("90d", Some("90 days"));
    check("24h", Some("24 hours"));
    check("60m", Some("1 hour"));
    check("1d12h", Some("1 day 12 hours"));
    check("2y", Some("2 years"));
    check("2w", Some("14 days"));
    check("90", None);
    check("d", None);
    check("bearer", None);
    check("", None);
}

/// Otherwise a report for PCI would quote a house number as the regime's.
#[test]
fn a_profile_keeps_what_it_does_not_override() {
    let pci = models::profile("pci-4.0").unwrap();
    let check = |key: &str, value: &str, source: &str| {
        let setting = &pci.thresholds[key];
        assert_eq!((setting.value.to_string().as_str(), setting.source.as_str()), (value, source), "{key}");
    };
    check("dormant_human", "90 days", "PCI DSS 8.2.6");
    check("review_user", "180 days", "PCI DSS 7.2.4");
    check("orphan_grace", "7 days", "house");
    assert!(matches!(pci.thresholds["link_confidence"].value, models::Value::Number(_)));
    assert!(models::profile("pci").unwrap_err().to_string().contains("default, pci-4.0"));
    // If one of these were wrong, an auditor would be told of a limit that the regime does not state.
    let limits = [
        ("fedramp-moderate", "leaver_disable", "4 hours", "FedRAMP PS-4 a moderate"),
        ("fedramp-high", "leaver_disable", "1 hour", "FedRAMP PS-4 a high"),
        ("fedramp-high", "dormant_human", "35 days", "FedRAMP AC-2(3)(d) high"),
        ("fedramp-high", "dormant_privileged", "30 days", "house"),
        ("cis-8.1", "dormant_human", "45 days", "CIS 5.3"),
        ("stig", "dormant_human", "35 days", "STIG V-273188"),
        ("stig", "review_user", "90 days", "house"),
        ("dora", "review_user", "365 days", "(EU) 2024/1774 Art. 21(e)(iv)"),
    ];
    for (profile, key, value, source) in limits {
        let setting = &models::profile(profile).unwrap().thresholds[key];
        assert_eq!(
            (setting.value.to_string().as_str(), setting.source.as_str()),
            (value, source),
            "{profile} {key}"
        );
    }
}

/// If it failed, people would wait for a rule that nobody asks, or write an exception of a kind that
/// no rule reads.
#[test]
fn the_page_on_detectors_names_what_is_off_and_each_kind_of_exception() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/detectors.md");
    let page = std::fs::read_to_string(page).unwrap();
    for rule in builtin_rules().unwrap() {
        let (off, _) = page.split_once("## Exceptions").unwrap();
        assert_eq!(!rule.on_by_default, off.contains(&rule.code) && rule.code != "ORP-02", "{}", rule.code);
        for kind in &rule.suppressed_by {
            assert!(page.contains(&format!("| `{kind}` |")), "{} reads {kind}", rule.code);
        }
    }
}
