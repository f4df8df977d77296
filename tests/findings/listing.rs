//! Lists of findings: filters, order and pages.

use std::collections::BTreeSet;

use lychgate::domain::finding::NamedRef;
use lychgate::domain::{Finding, Severity, UtcMicros, Verdict};
use lychgate::findings::{
    Column, Coverage, Cursor, Error, Filter, FindingQuery, Ledger, Op, Order, Sort, Value,
};

use super::{day, finding, held, run};

/// 57 findings with few distinct values in every sort column, seen over two runs.
async fn ledger(folder: &tempfile::TempDir) -> (Ledger, Vec<Finding>) {
    let ledger = Ledger::open(&folder.path().join("state.db"), "acme").await.unwrap();
    let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
    let mut findings: Vec<Finding> = (0..57_usize)
        .map(|n| {
            let app = ["crm", "erp", "wiki"][n % 3];
            let mut finding = finding("dormant", app, &format!("a{n:02}"), "r1");
            finding.severity = severities[n % 4];
            // Thirds do not survive a decimal notation unharmed.
            finding.score = (n % 5) as f64 * 100.0 / 3.0 / 2.0;
            finding.since = (n % 7 != 0).then(|| day(-(n as i64 % 4)));
            finding.org = (n % 2 == 0).then(|| "North_50%".to_owned());
            finding.app = Some(NamedRef { id: app.to_owned(), name: None });
            finding
        })
        .collect();
    for (at, until) in [(1, 20), (2, 40), (3, 57)] {
        let run = run(day(at), &[("dormant", Coverage::Incomplete("partial".to_owned()))]);
        ledger.record_run(&run, &held(&findings[..until]), day(at)).await.unwrap();
    }
    let again = run(day(4), &[]);
    ledger.record_run(&again, &held(&findings[50..]), day(4)).await.unwrap();
    findings.sort_by(|a, b| a.finding_id.cmp(&b.finding_id));
    (ledger, findings)
}

async fn pages(ledger: &Ledger, query: &FindingQuery) -> Vec<Finding> {
    let mut query = query.clone();
    let mut all = Vec::new();
    loop {
        let page = ledger.list(&query).await.unwrap();
        assert!(page.entries.len() <= query.limit as usize);
        let ends = page.next.is_none();
        all.extend(page.entries.into_iter().map(|entry| entry.known.finding));
        assert!(all.len() as u64 <= page.total, "a page repeats another");
        if ends {
            assert_eq!(all.len() as u64, page.total);
            return all;
        }
        // A client sends the cursor back through JSON.
        let text = serde_json::to_string(&page.next).unwrap();
        query.after = serde_json::from_str::<Option<Cursor>>(&text).unwrap();
    }
}

/// A finding skipped between two pages is one that no export ever shows.
#[tokio::test]
async fn pages_show_each_finding_once_in_every_order() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, findings) = ledger(&folder).await;
    let ids: BTreeSet<_> = findings.iter().map(|f| f.finding_id.clone()).collect();
    let sorts =
        [Sort::Severity, Sort::Score, Sort::Since, Sort::FirstSeenAt, Sort::LastSeenAt, Sort::FindingId];
    for sort in sorts {
        for limit in [1, 2, 7, 57, 1000] {
            let query = FindingQuery { sort, order: Order::Ascending, limit, ..FindingQuery::default() };
            let up = pages(&ledger, &query).await;
            let seen: BTreeSet<_> = up.iter().map(|f| f.finding_id.clone()).collect();
            assert_eq!((up.len(), &seen), (57, &ids), "{sort:?} by {limit}");
            assert!(up.is_sorted_by(|a, b| key(sort, a) < key(sort, b)), "{sort:?} by {limit}");
            let mut down = pages(&ledger, &FindingQuery { order: Order::Descending, ..query }).await;
            down.reverse();
            assert_eq!(up, down);
        }
    }
}

/// The documented order: the sort value, absent first, then the id.
fn key(sort: Sort, f: &Finding) -> (i64, u64, String) {
    let at = |at: Option<UtcMicros>| at.map_or(i64::MIN, |at| at.0);
    let first = match sort {
        Sort::Severity => f.severity as i64,
        Sort::Score => 0,
        Sort::Since => at(f.since),
        Sort::FirstSeenAt => at(f.first_seen_at),
        Sort::LastSeenAt => at(f.last_seen_at),
        Sort::FindingId => 0,
    };
    let score = if sort == Sort::Score { f.score.to_bits() } else { 0 };
    (first, score, f.finding_id.clone())
}

/// New findings between two pages must not push others out of the second.
#[tokio::test]
async fn a_cursor_holds_while_findings_arrive_and_fits_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = ledger(&folder).await;
    let query = FindingQuery { sort: Sort::FindingId, limit: 20, ..FindingQuery::default() };
    let query = FindingQuery { order: Order::Ascending, ..query };
    let first = ledger.list(&query).await.unwrap();
    let early = finding("aaa", "crm", "a", "r1");
    ledger.record_run(&run(day(5), &[]), &held(&[early]), day(5)).await.unwrap();
    let next = FindingQuery { after: first.next.clone(), ..query.clone() };
    let second = ledger.list(&next).await.unwrap();
    assert!(second.entries[0].known.finding.finding_id > first.entries[19].known.finding.finding_id);
    let other = FindingQuery { sort: Sort::Score, ..next };
    assert!(matches!(ledger.list(&other).await, Err(Error::Cursor)));
}

/// A filter that treats an absent value as a match, or `%` as a wildcard, hides findings.
#[tokio::test]
async fn filters_admit_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = ledger(&folder).await;
    type Says = fn(&Finding) -> bool;
    let text = |column, op, value: &str| Filter::compare(column, op, Value::Text(value.to_owned()));
    let not = |filter| Filter::Not(Box::new(filter));
    let cases: Vec<(Filter, Says)> = vec![
        (text(Column::AppId, Op::Eq, "crm"), |f| f.app.as_ref().unwrap().id == "crm"),
        (text(Column::AppId, Op::Ne, "crm"), |f| f.app.as_ref().unwrap().id != "crm"),
        (text(Column::Severity, Op::Ge, "High"), |f| f.severity >= Severity::High),
        (text(Column::AppId, Op::Eq, "CRM"), |f| f.app.as_ref().unwrap().id == "crm"),
        (text(Column::AppId, Op::Ne, "Crm"), |f| f.app.as_ref().unwrap().id != "crm"),
        (text(Column::Org, Op::Eq, "nORTH_50%"), |f| f.org.is_some()),
        (text(Column::Status, Op::Eq, "OPEN"), |_| true),
        (text(Column::Status, Op::Ne, "Open"), |_| false),
        (text(Column::Status, Op::Contains, "OPE"), |_| true),
        (text(Column::Verdict, Op::Eq, "Fail"), |f| f.verdict == Verdict::Fail),
        (text(Column::Verdict, Op::Ne, "FAIL"), |f| f.verdict != Verdict::Fail),
        (text(Column::Severity, Op::Lt, "medium"), |f| f.severity < Severity::Medium),
        (text(Column::Org, Op::Eq, "North_50%"), |f| f.org.is_some()),
        (text(Column::Org, Op::Ne, "North_50%"), |f| f.org.is_none()),
        (not(text(Column::Org, Op::Eq, "North_50%")), |f| f.org.is_none()),
        (not(text(Column::Org, Op::Gt, "A")), |f| f.org.is_none()),
        (text(Column::Org, Op::Contains, "H_5"), |f| f.org.is_some()),
        (text(Column::Org, Op::Contains, "h%5"), |_| false),
        (text(Column::Org, Op::StartsWith, "north"), |f| f.org.is_some()),
        (text(Column::Org, Op::StartsWith, "orth"), |_| false),
        (text(Column::Org, Op::EndsWith, "50%"), |f| f.org.is_some()),
        (text(Column::Org, Op::EndsWith, "north_50"), |_| false),
        (text(Column::Org, Op::EndsWith, "the far north_50%"), |_| false),
        (text(Column::Org, Op::EndsWith, ""), |f| f.org.is_some()),
        (text(Column::FindingId, Op::Eq, "' OR 1=1 --"), |_| false),
        (Filter::compare(Column::Score, Op::Gt, Value::Number(33.0)), |f| f.score > 33.0),
        (Filter::compare(Column::Since, Op::Le, Value::Time(day(-2))), |f| {
            f.since.is_some_and(|s| s <= day(-2))
        }),
        (not(Filter::Present(Column::Since)), |f| f.since.is_none()),
        (Filter::And(vec![]), |_| true),
        (Filter::Or(vec![]), |_| false),
        (
            Filter::And(vec![
                Filter::Or(vec![text(Column::AppId, Op::Eq, "crm"), text(Column::AppId, Op::Eq, "erp")]),
                not(text(Column::Severity, Op::Eq, "low")),
            ]),
            |f| f.app.as_ref().unwrap().id != "wiki" && f.severity != Severity::Low,
        ),
    ];
    let all = pages(&ledger, &FindingQuery::default()).await;
    for (filter, says) in cases {
        let expect: Vec<_> = all.iter().filter(|f| says(f)).cloned().collect();
        let query = FindingQuery { filter: Some(filter.clone()), limit: 9, ..FindingQuery::default() };
        assert_eq!(pages(&ledger, &query).await, expect, "{filter:?}");
    }
}

/// A filter that cannot be meant is refused, so that it does not read as "nothing found".
#[tokio::test]
async fn filters_that_make_no_sense_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = ledger(&folder).await;
    let deep = (0..200).fold(Filter::Present(Column::Org), |inner, _| Filter::Not(Box::new(inner)));
    let text = |value: &str| Value::Text(value.to_owned());
    for filter in [
        Filter::compare(Column::Severity, Op::Eq, text("dreadful")),
        Filter::compare(Column::Severity, Op::Contains, text("hi")),
        Filter::compare(Column::Status, Op::Eq, text("opne")),
        Filter::compare(Column::Status, Op::Ne, text("closed")),
        Filter::compare(Column::Verdict, Op::Eq, text("failed")),
        Filter::compare(Column::Score, Op::Eq, text("50")),
        Filter::compare(Column::Since, Op::Gt, Value::Number(5.0)),
        Filter::compare(Column::AppId, Op::Eq, Value::Number(5.0)),
        Filter::And(vec![Filter::Present(Column::Org); 600]),
        deep,
    ] {
        let query = FindingQuery { filter: Some(filter.clone()), ..FindingQuery::default() };
        assert!(matches!(ledger.list(&query).await, Err(Error::Filter { .. })), "{filter:?}");
    }
    // Every column has a name, and names and paths lead back to columns that the file has.
    for path in Column::paths() {
        let column = Column::parse(&path.to_uppercase()).unwrap();
        let query = FindingQuery { filter: Some(Filter::Present(column)), ..FindingQuery::default() };
        assert!(ledger.list(&query).await.is_ok(), "{path}");
    }
    assert_eq!(Column::parse("app_id"), Some(Column::AppId));
    assert_eq!(Column::parse("nonsense"), None);
}
