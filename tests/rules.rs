//! A company's own rules through the real pipeline: what Sigma rules match becomes findings that nobody
//! but a person ends, each event is shown to each rule once, and a slip in a file takes no rule away.

use std::fs;
use std::path::PathBuf;

use lychgate::domain::{Finding, Severity, Status, UtcMicros};
use lychgate::findings::{By, Decision};
use lychgate::models;
use lychgate::pipeline::{DetectRequest, Engine, Reading, RuleFolders, RunReport, WriteOptions};
use lychgate::query::At;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{block_on, now};

const ID: &str = "5c0ab7a6-0000-4000-8000-000000000001";

/// A company: a data folder, a folder of Sigma rules and one of rules like ours.
struct Company {
    folder: TempDir,
    engine: Engine,
}

fn rule(result: &str, more: &str) -> String {
    format!(
        "title: Sign-in fails\nid: {ID}\n{more}level: high\ntags: [attack.initial-access, attack.t1078.004, cve.2021-1]\n\
         logsource: {{product: okta, service: okta}}\ndetection:\n  s: {{eventType: user.session.start, outcome.result: {result}}}\n  \
         condition: s\n"
    )
}

/// Events of the given days of May 2026.
fn events(days: impl IntoIterator<Item = u32>) -> String {
    let line = |day: u32| {
        json!({ "uuid": format!("u-{day}"), "published": format!("2026-05-{day:02}T10:00:00Z"),
            "eventType": "user.session.start", "outcome": { "result": if day.is_multiple_of(5) { "SUCCESS" } else { "FAILURE" } },
            "actor": { "id": "00uada", "type": "User", "alternateId": "ada@acme.example", "displayName": "Ada" },
            "target": [] })
        .to_string()
            + "\n"
    };
    days.into_iter().map(line).collect()
}

impl Company {
    fn new() -> Company {
        let folder = TempDir::new().unwrap();
        let [sigma, own] = ["sigma", "own"].map(|name| folder.path().join(name));
        fs::create_dir(&sigma).unwrap();
        fs::create_dir(&own).unwrap();
        let folders = RuleFolders { sigma: vec![sigma], own: vec![own], ..RuleFolders::default() };
        let engine = Engine::new(&folder.path().join("data"), "acme").with_rules(folders);
        Company { folder, engine }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    async fn ingest(&self, name: &str, text: &str) {
        self.write(name, text);
        self.engine.ingest(&[self.path(name)], &|_| Reading::default(), &mut |_| {}).await.unwrap();
    }

    /// A run as of a day of May 2026; rules that are built in would only take time.
    async fn detect(&self, day: u32) -> RunReport {
        self.run(day, &[&format!("sigma/{ID}")]).await
    }

    async fn run(&self, day: u32, detectors: &[&str]) -> RunReport {
        let as_of = UtcMicros::parse(&format!("2026-05-{day:02}T23:00:00Z")).unwrap();
        let at = At { as_of, known_at: now() };
        let detectors = detectors.iter().map(|name| (*name).to_owned()).collect();
        let request = DetectRequest { at, profile: "default".to_owned(), detectors, record: true };
        self.engine.detect(&request).await.unwrap()
    }
}

/// The days of May of the events that findings are about.
fn days(findings: &[Finding]) -> Vec<u32> {
    let mut days: Vec<u32> = findings
        .iter()
        .map(|finding| finding.evidence[0].event_id.as_ref().unwrap()[2..].parse().unwrap())
        .collect();
    days.sort_unstable();
    days
}

/// Compares a run: how many events were new to the rules, what it opened, and what is open.
fn check(report: &RunReport, events: usize, opened: u64, open: &[u32]) {
    let changes = report.changes.as_ref().unwrap();
    assert_eq!(report.sigma.events, events, "events that were new");
    assert_eq!((changes.counts.opened, changes.counts.reopened), (opened, 0), "{:?}", changes.counts);
    assert_eq!(changes.counts.resolved, 0, "{:?}", changes.counts);
    let mut sigma = report.findings.to_vec().unwrap();
    sigma.retain(|finding| finding.code == "SIGMA");
    assert_eq!(days(&sigma), open);
}

/// Else a match would be gone with the next run, come back with every export, or be lost because its
/// event came late.
#[test]
fn each_event_opens_one_finding_whenever_it_comes() {
    block_on(async || {
        let company = Company::new();
        company.write("sigma/fails.yml", &rule("FAILURE", "status: test\n"));
        company.ingest("a.ndjson", &events([1, 3, 5, 9])).await;
        // What has not happened yet is not told, and is not passed over for good.
        let report = company.detect(4).await;
        check(&report, 2, 2, &[1, 3]);
        let finding = report.findings.to_vec().unwrap().remove(0);
        assert_eq!((finding.severity, finding.code.as_str()), (Severity::High, "SIGMA"));
        assert_eq!(finding.controls, ["ATT&CK initial-access", "ATT&CK T1078.004", "CVE-2021-1"]);
        assert_eq!(finding.detector, format!("sigma/{ID}"));
        assert!(finding.evidence[0].says.contains("fails.yml"), "{finding:?}");
        assert!(
            finding.explanation.contains("ada@acme.example") && finding.ages_out_at.is_some(),
            "{finding:?}"
        );

        check(&company.detect(4).await, 0, 0, &[1, 3]);
        check(&company.detect(10).await, 2, 1, &[1, 3, 9]);
        // The same file once more, then an older event and the same events in another file.
        company.ingest("a.ndjson", &events([1, 3, 5, 9])).await;
        check(&company.detect(10).await, 0, 0, &[1, 3, 9]);
        company.ingest("late.ndjson", &events([1, 2, 3])).await;
        check(&company.detect(10).await, 1, 1, &[1, 2, 3, 9]);

        // What a person decided stays decided, also when the rule is changed and sees all events anew.
        let ledger = company.engine.ledger().await.unwrap();
        let open = ledger.occurrences().await.unwrap();
        let third = open.iter().find(|finding| finding.since == open[0].since).unwrap();
        let third_day = days(std::slice::from_ref(third))[0];
        ledger
            .decide(&third.finding_id, &Decision::Resolve, &By::new("ada", "a drill"), at_end())
            .await
            .unwrap();
        let left: Vec<u32> = [1, 2, 3, 9].into_iter().filter(|day| *day != third_day).collect();
        check(&company.detect(10).await, 0, 0, &left);
        company.write("sigma/fails.yml", &rule("FAILURE", "status: stable\n"));
        check(&company.detect(10).await, 5, 0, &left);
        // A rule that looks for something else opens that, and what it found before stays a person's.
        company.write("sigma/fails.yml", &rule("SUCCESS", ""));
        let mut more = left.clone();
        more.extend([5]);
        more.sort_unstable();
        check(&company.detect(10).await, 5, 1, &more);
        // A rule that is gone takes nothing with it.
        fs::remove_file(company.path("sigma/fails.yml")).unwrap();
        company.write("sigma/other.yml", &rule("NEVER", "").replace(ID, "other"));
        check(&company.run(10, &["sigma/other"]).await, 5, 0, &[]);
        fs::remove_file(company.path("sigma/other.yml")).unwrap();
        let report = company.run(10, &[]).await;
        check(&report, 0, report.changes.as_ref().unwrap().counts.opened, &more);
    });
}

fn at_end() -> UtcMicros {
    UtcMicros(4_102_444_800_000_000)
}

/// Else a question about an earlier day would be answered with what is known today, or spoil what the
/// next run starts from.
#[test]
fn a_run_about_the_past_sees_what_there_was_and_changes_nothing() {
    block_on(async || {
        let company = Company::new();
        company.write("sigma/fails.yml", &rule("FAILURE", ""));
        company.ingest("a.ndjson", &events([1, 2, 3])).await;
        check(&company.detect(9).await, 3, 3, &[1, 2, 3]);
        let past = company.detect(2).await;
        assert_eq!(days(&past.findings.to_vec().unwrap()), [1, 2]);
        assert_eq!(past.changes.unwrap().transitions, []);
        company.ingest("b.ndjson", &events([4])).await;
        check(&company.detect(9).await, 1, 1, &[1, 2, 3, 4]);
    });
}

/// Else a typing error at night would switch a detector off, and nobody would be told where it is.
#[test]
fn a_broken_file_runs_as_it_last_was_and_is_named_with_its_line() {
    block_on(async || {
        let company = Company::new();
        company.write("sigma/fails.yml", &rule("FAILURE", ""));
        company.ingest("a.ndjson", &events([1])).await;
        assert_eq!(company.detect(9).await.incomplete, Vec::<String>::new());
        company.write("sigma/fails.yml", &rule("FAILURE", "").replace("condition: s", "condition: s and ("));
        company.write("sigma/never.yml", "title: x\nlogsource: {product: [\n");
        company.ingest("b.ndjson", &events([2])).await;
        let report = company.detect(9).await;
        check(&report, 1, 1, &[1, 2]);
        let says = report.incomplete.join("\n");
        assert!(says.contains("sigma/fails.yml:8 cannot be used") && says.contains("runs instead"), "{says}");
        assert!(says.contains("sigma/never.yml:") && says.contains("nothing of it runs"), "{says}");
        // A folder that is away for a while takes no rule with it.
        fs::rename(company.path("sigma"), company.path("away")).unwrap();
        company.ingest("c.ndjson", &events([3])).await;
        let report = company.detect(9).await;
        check(&report, 1, 1, &[1, 2, 3]);
        assert!(report.incomplete.join("\n").contains("sigma:1 cannot be used"), "{:?}", report.incomplete);
        fs::rename(company.path("away"), company.path("sigma")).unwrap();
        fs::remove_file(company.path("sigma/never.yml")).unwrap();
        company.write("sigma/fails.yml", &rule("FAILURE", "status: stable\n"));
        assert_eq!(company.detect(9).await.incomplete, Vec::<String>::new());
    });
}

/// Else a company would believe in rules that never run.
#[test]
fn rules_that_do_not_run_are_told_of() {
    block_on(async || {
        let company = Company::new();
        let other = |id: &str, text: &str| text.replace(ID, id).replace("Sign-in fails", id);
        company.write("sigma/a.yml", &rule("FAILURE", "status: deprecated\n"));
        company.write("sigma/b.yml", &other("b", &rule("FAILURE", "status: unsupported\n")));
        company.write(
            "sigma/c.yml",
            &other("c", &rule("FAILURE", "")).replace("outcome.result:", "'outcome.result|re': '('\n   ,x:"),
        );
        company.write(
            "sigma/d.yml",
            &other("d", &rule("FAILURE", "")).replace("product: okta, service: okta", "product: windows"),
        );
        company.write("sigma/e.yml", &other("e", &rule("FAILURE", "")));
        company.write("sigma/f.yml", &other("e", &rule("FAILURE", "")));
        company.write(
            "sigma/g.yml",
            "title: often\ncorrelation:\n  type: event_count\n  rules: [h]\n  group-by: [actor.id]\n  timespan: 1d\n  condition: {gte: 2}\n",
        );
        company.write("sigma/h.yml", &other("h", &rule("FAILURE", "")));
        company.ingest("a.ndjson", &events([1])).await;
        let names = ["a", "b", "c", "d", "e", "h"].map(|name| format!("sigma/{name}"));
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        let first = format!("sigma/{ID}");
        names[0] = &first;
        let report = company.run(9, &names).await;
        check(&report, 1, 1, &[1]);
        let told = report.not_run.join("\n");
        for (file, why) in [
            ("a.yml", "its status is deprecated"),
            ("b.yml", "its status is unsupported"),
            ("c.yml", "regex"),
            ("d.yml", "no format that is read"),
            ("f.yml", "e.yml has its id"),
            ("h.yml", "only a correlation"),
        ] {
            let line = report.not_run.iter().find(|line| line.contains(file));
            assert!(line.is_some_and(|line| line.contains(why)), "{file}: {told}");
        }
        assert_eq!(report.not_run.len(), 6, "{told}");
    });
}

/// Else "no match" would be said of events that no rule could read.
#[test]
fn events_without_their_raw_record_make_the_evidence_incomplete() {
    block_on(async || {
        let mut company = Company::new();
        let options = WriteOptions { raw_kept: false, ..WriteOptions::default() };
        company.engine = company.engine.clone().writing(options);
        company.write("sigma/fails.yml", &rule("FAILURE", ""));
        company.ingest("a.ndjson", &events([1, 2])).await;
        let report = company.detect(9).await;
        check(&report, 0, 0, &[]);
        assert!(report.incomplete.join("\n").contains("2 new events of okta"), "{:?}", report.incomplete);
    });
}

/// Else what a rule found would stand for ever once nobody can ask the rule again.
#[test]
fn what_a_removed_rule_found_is_superseded() {
    let (_, text) = models::builtin_texts().iter().find(|(id, _)| *id == "never_used").unwrap();
    let code = models::parse_rule("never_used.yml", text).unwrap().code;
    let own = text
        .replace("id: never_used\n", "id: acme_never_used\n")
        .replace(&format!("code: {code}\n"), "code: ACM-01\n");
    block_on(async || {
        let mut company = Company::new();
        company.write("own/acme_never_used.yml", &own);
        let accounts = "User ID,Username,Email,Status,Created Date,Last Login\n\
            u1,ada,ada@example.com,Active,2020-01-16,2026-05-01\nu2,ben,ben@example.com,Active,2021-03-02,\n";
        fs::create_dir(company.path("crm")).unwrap();
        company.ingest("crm/accounts_2026-05-20.csv", accounts).await;
        let report = company.run(21, &["acme_never_used", "never_used"]).await;
        let ids: Vec<&str> = report.findings.heads().iter().map(|head| &*head.finding_id).collect();
        let ledger = company.engine.ledger().await.unwrap();
        let standing = async |status| {
            let statuses = ledger.statuses(&ids).await.unwrap();
            statuses.values().filter(|found| **found == status).count()
        };
        assert_eq!(ids.len(), 2, "{:?}", report.findings);
        // Not named is not removed, and neither is what a run without the company's configuration does not know.
        company.run(22, &["TBA-02"]).await;
        let configured = company.engine.clone();
        company.engine = configured.clone().with_rules(RuleFolders::default());
        company.run(23, &["TBA-02"]).await;
        company.engine = configured;
        // A file that cannot be used may be the one that is missing.
        fs::rename(company.path("own/acme_never_used.yml"), company.path("kept")).unwrap();
        company.write("own/broken.yml", "id: broken\n");
        company.run(24, &["TBA-02"]).await;
        assert_eq!(standing(Status::Open).await, 2);
        fs::remove_file(company.path("own/broken.yml")).unwrap();
        let report = company.run(25, &["TBA-02"]).await;
        assert_eq!(report.changes.unwrap().counts.superseded, 1);
        assert_eq!((standing(Status::Open).await, standing(Status::Superseded).await), (1, 1));
        // Back again, it tells anew.
        fs::rename(company.path("kept"), company.path("own/acme_never_used.yml")).unwrap();
        company.run(26, &["acme_never_used"]).await;
        assert_eq!(standing(Status::Open).await, 2);
    });
}

/// Else a company's own rules would run otherwise than ours, or take a name that is ours.
#[test]
fn own_rules_run_like_those_that_are_built_in() {
    let (_, text) = models::builtin_texts().iter().find(|(id, _)| *id == "never_used").unwrap();
    let code = models::parse_rule("never_used.yml", text).unwrap().code;
    let own = text
        .replace("id: never_used\n", "id: acme_never_used\n")
        .replace(&format!("code: {code}\n"), "code: ACM-01\n");
    block_on(async || {
        let company = Company::new();
        company.write("own/acme_never_used.yml", &own);
        company.write("own/never_used.yml", text);
        company.write(
            "own/acme_broken.yml",
            &own.replace("acme_never_used", "acme_broken").replace("title:", "titel:"),
        );
        let accounts = "User ID,Username,Email,Status,Created Date,Last Login\n\
            u1,ada,ada@example.com,Active,2020-01-16,2026-05-01\nu2,ben,ben@example.com,Active,2021-03-02,\n";
        fs::create_dir(company.path("crm")).unwrap();
        company.ingest("crm/accounts_2026-05-20.csv", accounts).await;
        let report = company.run(21, &["acme_never_used", "never_used"]).await;
        let subjects = |detector: &str| -> Vec<&str> {
            let of = report.findings.heads().iter().filter(|finding| &*finding.detector == detector);
            of.map(|finding| &*finding.subject_id).collect()
        };
        assert_eq!(subjects("acme_never_used"), subjects("never_used"));
        assert_eq!(subjects("never_used").len(), 1, "{:?}", report.findings);
        let says = report.incomplete.join("\n");
        assert!(
            says.contains("own/never_used.yml:1 cannot be used: another rule is called never_used"),
            "{says}"
        );
        assert!(says.contains("own/acme_broken.yml:") && says.contains("titel"), "{says}");
        // A rule whose SQL does not run keeps no other from running.
        company.write("own/acme_never_used.yml", &own.replace("FROM", "FORM"));
        let report = company.run(21, &["acme_never_used", "never_used"]).await;
        assert_eq!(report.findings.len(), 1, "{:?}", report.findings);
        assert!(
            report.incomplete.join("\n").contains("rule acme_never_used of yours fails"),
            "{:?}",
            report.incomplete
        );
        let ledger = company.engine.ledger().await.unwrap();
        let statuses = ledger.statuses(&[&*report.findings.heads()[0].finding_id]).await.unwrap();
        assert_eq!(statuses.values().collect::<Vec<_>>(), [&Status::Open]);
    });
}
