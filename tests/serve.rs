//! The query API over a real socket: who may read, which findings a list shows, what is
//! refused and how, and that every read leaves a trace.

mod api;
mod batches;
mod listings;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use api::{APPS, Api, FINDINGS, NOW, SEVERITIES, target, with_api, with_profiled_api, with_unrecorded_api};
use lychgate::domain::UtcMicros;
use lychgate::findings::{By, Decision, Terms};
use lychgate::models;
use lychgate::serve::{Error, bind, description};
use serde_json::{Value, json};

const LIST: &str = "/api/v1/findings";
/// Every route under `/api/v1`, with ids that name nothing.
const ROUTES: [(&str, &str); 14] = [
    ("/api/v1/findings", "/api/v1/findings"),
    ("/api/v1/findings/{id}", "/api/v1/findings/none"),
    ("/api/v1/findings/{id}/events", "/api/v1/findings/none/events"),
    ("/api/v1/findings/{id}/evidence", "/api/v1/findings/none/evidence"),
    ("/api/v1/identities", "/api/v1/identities"),
    ("/api/v1/identities/{id}/access", "/api/v1/identities/none/access"),
    ("/api/v1/accounts", "/api/v1/accounts"),
    ("/api/v1/accounts/{app}/{id}/access", "/api/v1/accounts/crm/none/access"),
    ("/api/v1/time-to-zero-access", "/api/v1/time-to-zero-access"),
    ("/api/v1/costs", "/api/v1/costs"),
    ("/api/v1/sources", "/api/v1/sources"),
    ("/api/v1/detectors", "/api/v1/detectors"),
    ("/api/v1/runs", "/api/v1/runs"),
    ("/api/v1/rules", "/api/v1/rules"),
];

/// A refusal: status, code, and what its sentence must name.
struct Refused<'a>(u16, &'a str, &'a [&'a str]);

/// Asks for `given` and expects a problem document.
async fn check(api: &Api, given: (&str, Option<&str>), expect: &Refused<'_>) {
    let (asked, token) = given;
    let answer = api.get(asked, token).await;
    let Refused(status, code, named) = *expect;
    assert_eq!(answer.status, status, "{asked}: {answer:?}");
    assert!(answer.head.contains("content-type: application/problem+json"), "{asked}: {answer:?}");
    let problem = answer.json();
    assert_eq!(problem["status"].as_u64(), Some(u64::from(status)), "{asked}: {answer:?}");
    assert_eq!(problem["code"].as_str(), Some(code), "{asked}: {answer:?}");
    assert_eq!(answer.head.contains("www-authenticate: bearer"), status == 401, "{asked}: {answer:?}");
    let detail = problem["detail"].as_str().unwrap();
    for part in named {
        assert!(detail.contains(part), "{asked}: \"{detail}\" does not name {part}");
    }
}

/// If it failed, whoever reaches the port would read who has access to what.
#[test]
fn only_a_live_token_that_may_read_opens_a_route() {
    with_api(async |api| {
        for (_, asked) in ROUTES {
            check(api, (asked, None), &Refused(401, "unauthorized", &["Bearer"])).await;
            check(api, (asked, Some("lychgate_00")), &Refused(401, "unauthorized", &["unknown"])).await;
            check(api, (asked, Some(&api.expired)), &Refused(401, "unauthorized", &["expired"])).await;
            check(api, (asked, Some(&api.ingest)), &Refused(403, "forbidden", &["ingest"])).await;
            let answer = api.read(asked).await;
            assert!([200, 404].contains(&answer.status), "{asked}: {answer:?}");
        }
    });
}

/// Follows `next` to the end; the items of every page, and how many pages there were.
async fn pages(api: &Api, path: &str, query: &[(&str, &str)], list: &str) -> (Vec<Value>, usize) {
    let (mut items, mut count, mut cursor) = (Vec::new(), 0, None::<String>);
    loop {
        let mut query = query.to_vec();
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let answer = api.read(&target(path, &query)).await;
        assert_eq!(answer.status, 200, "{query:?}: {answer:?}");
        let page = answer.json();
        items.extend(page[list].as_array().expect("a list").iter().cloned());
        count += 1;
        assert!(count <= 100, "{query:?} does not end");
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return (items, count),
        }
    }
}

fn ids(findings: &[Value]) -> Vec<&str> {
    findings.iter().map(|finding| finding["finding_id"].as_str().expect("an id")).collect()
}

/// If it failed, an export would miss a finding or show one twice, and nobody would know.
#[test]
fn pages_visit_every_finding_of_a_filter_once() {
    type Admits = fn(usize) -> bool;
    let filters: [(Option<&str>, Admits); 5] = [
        (None, |_| true),
        (Some("severity ge \"high\""), |n| SEVERITIES[n % 3] != "low"),
        (Some("app.id eq \"crm\" and not (severity eq \"low\")"), |n| {
            APPS[n % 2] == "crm" && SEVERITIES[n % 3] != "low"
        }),
        (Some("since pr and score lt 40"), |n| n % 4 != 0 && (n % 5) as f64 * 100.0 / 7.0 < 40.0),
        (Some("subject.id sw \"nowhere\""), |_| false),
    ];
    with_api(async |api| {
        for (filter, admits) in filters {
            let wanted: BTreeSet<String> =
                (0..FINDINGS).filter(|n| admits(*n)).map(|n| format!("f{n}")).collect();
            for sort in ["severity", "score", "since", "first_seen_at", "last_seen_at", "finding_id"] {
                for order in ["ascending", "descending"] {
                    let mut query = vec![("sort", sort), ("order", order), ("limit", "2")];
                    query.extend(filter.map(|filter| ("filter", filter)));
                    let (found, count) = pages(api, LIST, &query, "findings").await;
                    let seen: BTreeSet<String> = ids(&found).into_iter().map(str::to_owned).collect();
                    assert_eq!((found.len(), &seen), (wanted.len(), &wanted), "{query:?}");
                    assert_eq!(count, wanted.len().div_ceil(2).max(1), "{query:?}");
                }
            }
        }
    });
}

/// If it failed, a reader who stops after the first page would stop before the gravest.
#[test]
fn the_gravest_come_first_and_the_total_is_of_all_pages() {
    with_api(async |api| {
        let rank = |finding: &Value| SEVERITIES.iter().position(|s| finding["severity"] == *s).unwrap();
        for (limit, pages_wanted) in [("1", FINDINGS), ("4", 3), ("9", 1), ("1000", 1)] {
            let (found, count) = pages(api, LIST, &[("limit", limit)], "findings").await;
            assert!(found.is_sorted_by_key(|finding| std::cmp::Reverse(rank(finding))), "{found:?}");
            assert_eq!((found.len(), count), (FINDINGS, pages_wanted), "limit {limit}");
        }
        let page = api.read(&target(LIST, &[("limit", "1")])).await.json();
        assert_eq!(page["total"].as_u64(), Some(FINDINGS as u64));
        let (up, _) = pages(api, LIST, &[("sort", "finding_id"), ("order", "ascending")], "findings").await;
        assert!(ids(&up).is_sorted());
    });
}

/// If it failed, a cursor could be forged, or one list continued in the middle of another.
#[test]
fn a_cursor_continues_its_own_list_only() {
    with_api(async |api| {
        let next = async |asked: String| {
            let page = api.read(&asked).await.json();
            page["next"].as_str().expect("a further page").to_owned()
        };
        let own = next(target(LIST, &[("limit", "2")])).await;
        let people = next(target("/api/v1/identities", &[("limit", "2")])).await;
        let first = if own.starts_with('A') { 'B' } else { 'A' };
        let tampered = format!("{first}{}", &own[1..]);
        let cut = &own[..own.len() - 4];
        let longer = target(LIST, &[("limit", "5"), ("cursor", &own)]);
        assert_eq!(api.read(&longer).await.status, 200, "another limit is the same list");
        let refused: [&[(&str, &str)]; 7] = [
            &[("cursor", &tampered)],
            &[("cursor", cut)],
            &[("cursor", "")],
            &[("cursor", &people)],
            &[("cursor", &own), ("filter", "severity ge \"high\"")],
            &[("cursor", &own), ("sort", "score")],
            &[("cursor", &own), ("order", "ascending")],
        ];
        for query in refused {
            let asked = target(LIST, query);
            check(api, (&asked, Some(&api.reader)), &Refused(400, "cursor", &["begin again"])).await;
        }
    });
}

/// If it failed, lists would end at their first page until the first run is recorded.
#[test]
fn a_list_goes_on_at_the_instants_at_which_it_began() {
    const ACCOUNTS: &str = "/api/v1/accounts";
    with_unrecorded_api(async |api| {
        let (accounts, count) = pages(api, ACCOUNTS, &[("limit", "1")], "accounts").await;
        assert_eq!((accounts.len(), count), (3, 3), "{accounts:?}");
        let first = api.read(&target(ACCOUNTS, &[("limit", "1")])).await.json();
        let (as_of, next) = (first["as_of"].as_str().unwrap(), first["next"].as_str().unwrap());
        let repeated = target(ACCOUNTS, &[("as_of", as_of), ("cursor", next)]);
        let page = api.read(&repeated).await.json();
        assert_eq!((&page["as_of"], &page["known_at"]), (&first["as_of"], &first["known_at"]));
        for other in ["as_of", "known_at"] {
            let asked = target(ACCOUNTS, &[(other, "2026-06-30T00:00:00Z"), ("cursor", next)]);
            check(api, (&asked, Some(&api.reader)), &Refused(400, "cursor", &["begin again"])).await;
        }
    });
}

/// If it failed, who asks about an instant to come would be told today's answer until the restart.
#[test]
fn what_is_ingested_before_an_instant_comes_belongs_to_it() {
    let event = "{\"uuid\":\"sent-1\",\"published\":\"2026-06-01T00:00:00Z\",\"eventType\":\"user.session.start\",\
         \"outcome\":{\"result\":\"SUCCESS\"},\"actor\":{\"id\":\"00u1\",\"type\":\"User\"}}\n";
    with_api(async |api| {
        let to_come = [("as_of", "2026-06-30T00:00:00Z"), ("known_at", "2100-06-01T00:00:00Z")];
        let asked = target("/api/v1/sources", &to_come);
        let sources = async || api.read(&asked).await.json()["sources"].as_array().unwrap().len();
        let before = sources().await;
        assert_eq!(api.post("/api/v1/events", Some(&api.ingest), event).await.status, 200);
        assert_eq!(sources().await, before + 1);
    });
}

/// If it failed, what was asked while a batch was on its way would be told for ever without it, and a run could not be
/// performed again.
#[test]
fn an_instant_is_not_remembered_while_a_batch_is_on_its_way() {
    let asked = target(
        "/api/v1/accounts",
        &[("as_of", "2026-06-30T00:00:00Z"), ("known_at", "2099-01-01T00:00:00Z")],
    );
    let more = "account_id,email,status,created_at\nnew,new@example.com,Active,2026-01-01\n";
    let sent = "/api/v1/events?source=accounts&app=erp&listed_at=2026-06-29T00:00:00Z";
    with_api(async |api| {
        let accounts = async || api.read(&asked).await.json()["accounts"].as_array().unwrap().len();
        let newest = api.engine.newest_known_at(NOW).await.unwrap();
        assert!(newest < NOW);
        assert_eq!(api.engine.settled_at(NOW).await.unwrap(), NOW);
        // As a writer holds it that has begun and not ended.
        let lock = std::fs::File::open(api.engine.data().join("lychgate.lock")).unwrap();
        lock.lock().unwrap();
        assert_eq!(api.engine.settled_at(NOW).await.unwrap(), newest);
        let before = accounts().await;
        drop(lock);
        assert_eq!(api.post(sent, Some(&api.ingest), more).await.status, 200);
        assert_eq!(accounts().await, before + 1);
    });
}

/// A request that is refused: path, parameters, and how.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Refused<'a>);

/// If it failed, a mistyped question would be answered as another question.
#[test]
fn what_is_not_understood_is_refused_by_name() {
    let access = "/api/v1/identities/E101/access";
    let cases: [Case<'_>; 18] = [
        (LIST, &[("filter", "colour eq \"red\"")], Refused(400, "filter", &["colour", "severity", "app.id"])),
        (LIST, &[("filter", "severity zz \"high\"")], Refused(400, "filter", &["zz"])),
        (LIST, &[("filter", "severity ge \"high\" and")], Refused(400, "filter", &[])),
        (LIST, &[("filter", "severity eq \"crit\"")], Refused(400, "filter", &["crit", "critical"])),
        (LIST, &[("filter", "status eq \"opne\"")], Refused(400, "filter", &["opne", "open", "in_progress"])),
        (LIST, &[("filter", "verdict eq \"failed\"")], Refused(400, "filter", &["failed", "fail, pass"])),
        (LIST, &[("filter", "since lt \"now-90x\"")], Refused(400, "filter", &["since", "time"])),
        (LIST, &[("sort", "colour")], Refused(400, "sort", &["colour"])),
        (LIST, &[("order", "sideways")], Refused(400, "order", &["sideways"])),
        (LIST, &[("limit", "0")], Refused(400, "limit", &["1000"])),
        (LIST, &[("limit", "1001")], Refused(400, "limit", &["1000"])),
        ("/api/v1/identities", &[("limit", "0")], Refused(400, "limit", &[])),
        (access, &[("as_of", "yesterday")], Refused(400, "time", &["as_of", "yesterday"])),
        (access, &[("known_at", "2026-02-30T00:00:00Z")], Refused(400, "time", &["known_at"])),
        ("/api/v1/findings/none", &[], Refused(404, "not_found", &["none"])),
        ("/api/v1/findings/none/events", &[], Refused(404, "not_found", &["none"])),
        ("/api/v1/findings/none/evidence", &[], Refused(404, "not_found", &["none"])),
        ("/api/v1/nowhere", &[], Refused(404, "not_found", &["/api/v1/nowhere", "/openapi.json"])),
    ];
    with_api(async |api| {
        for (path, query, expect) in &cases {
            check(api, (&target(path, query), Some(&api.reader)), expect).await;
        }
    });
}

/// If it failed, a client that reads problem documents would choke on what the router refuses, and a parameter with a
/// slip would be passed over.
#[test]
fn what_no_route_understands_is_a_problem_too() {
    with_api(async |api| {
        for (_, asked) in ROUTES {
            let wrong = target(asked, &[("asof", "2026-06-30")]);
            check(api, (&wrong, Some(&api.reader)), &Refused(400, "parameter", &["asof"])).await;
            let answer = api.post(asked, Some(&api.reader), "{}").await;
            assert_eq!(answer.status, 405, "{answer:?}");
            assert_eq!(answer.json()["code"], "method", "{answer:?}");
            assert!(answer.head.contains("allow: get"), "{answer:?}");
        }
        let runs = target("/api/v1/runs", &[("as_of", "2026-06-30")]);
        check(api, (&runs, Some(&api.reader)), &Refused(400, "parameter", &["as_of"])).await;
        for profiled in ["/api/v1/sources", "/api/v1/costs", "/api/v1/time-to-zero-access"] {
            let asked = target(profiled, &[("profile", "nope")]);
            check(api, (&asked, Some(&api.reader)), &Refused(400, "profile", &["nope", "default"])).await;
        }
        let path = "/api/v1/identities/%ff/access";
        check(api, (path, Some(&api.reader)), &Refused(400, "bad_request", &["UTF-8"])).await;
        let huge = "x".repeat((32 << 20) + 1);
        let answer = api.post("/api/v1/events", Some(&api.ingest), &huge).await;
        assert_eq!((answer.status, &answer.json()["code"]), (413, &json!("too_large")), "{}", answer.head);
    });
}

/// If it failed, a client that writes the scheme as the standard lets it would be locked out, and whoever thinks up
/// methods would fill the memory of whoever scrapes.
#[test]
fn the_scheme_has_no_case_and_methods_are_counted_by_name() {
    with_api(async |api| {
        for scheme in ["bearer", "BEARER", "Bearer "] {
            let answer = api.ask("GET", LIST, &format!("{scheme} {}", api.reader)).await;
            assert_eq!(answer.status, 200, "{scheme}: {answer:?}");
        }
        for method in ["X1", "X2", "BREW"] {
            assert_eq!(api.ask(method, LIST, &format!("Bearer {}", api.reader)).await.status, 405);
        }
        let metrics = api.get("/metrics", None).await.body;
        assert!(metrics.contains("route=\"other /api/v1/findings\",status=\"405\"} 3"), "{metrics}");
        assert!(!metrics.contains("BREW") && !metrics.contains("X1"), "{metrics}");
    });
}

/// If it failed, a client could not tell a ledger that is busy from one that is broken.
#[test]
fn a_ledger_that_another_process_writes_to_is_asked_again_later() {
    let busy = lychgate::findings::Error::Query { attempt: "write", source: sqlx::Error::PoolTimedOut };
    assert!(busy.is_busy());
    let broken = lychgate::findings::Error::Query { attempt: "write", source: sqlx::Error::RowNotFound };
    assert!(!broken.is_busy());
}

/// If it failed, a source that went silent after the newest run would be told to be well until the next.
#[test]
fn sources_are_told_as_of_now_and_other_instants_as_known_now() {
    with_api(async |api| {
        let sources = api.read("/api/v1/sources").await.json();
        assert_eq!(sources["as_of"].as_str().map(|at| &at[..10]), Some("2100-01-01"), "{sources}");
        let stale = sources["sources"].as_array().unwrap().iter().all(|source| source["state"] != "ok");
        assert!(stale, "{sources}");
        let accounts = target("/api/v1/accounts", &[("as_of", "2026-06-30T00:00:00Z")]);
        let before = api.read(&accounts).await.json();
        assert!(before["known_at"].as_str() > Some("2026-06-30"), "{before}");
        assert_eq!(api.read(&accounts).await.json()["known_at"], before["known_at"]);
        let more = "account_id,email,status,created_at\nnew,new@example.com,Active,2026-01-01\n";
        let sent = "/api/v1/events?source=accounts&app=erp&listed_at=2026-06-29T00:00:00Z";
        assert_eq!(api.post(sent, Some(&api.ingest), more).await.status, 200);
        let after = api.read(&accounts).await.json();
        assert_eq!(after["accounts"].as_array().unwrap().len(), 4, "{after}");
    });
}

/// If it failed, a question with a capital letter, or of a time that moves, would be answered with nothing.
#[test]
fn a_filter_may_be_written_in_any_case_and_with_relative_times() {
    let cases = [
        ("status eq \"OPEN\" and verdict eq \"Fail\" and code eq \"dor-01\"", FINDINGS),
        ("severity eq \"CRITICAL\"", 3),
        ("app.id eq \"CRM\"", 5),
        // The server's clock is at 2100-01-01, and the findings are of June 2026.
        ("since lt \"now-90d\"", 6),
        ("since lt \"now-4000w\"", 0),
        ("first_seen_at gt \"now-1s\" and first_seen_at le \"now\"", FINDINGS),
    ];
    with_api(async |api| {
        for (filter, total) in cases {
            let answer = api.read(&target(LIST, &[("filter", filter)])).await;
            assert_eq!(answer.status, 200, "{filter}: {answer:?}");
            assert_eq!(answer.json()["total"], json!(total), "{filter}");
        }
    });
}

/// If it failed, a client that reads problem documents would choke on the commonest mistake.
#[test]
fn a_parameter_of_the_wrong_type_is_a_problem_too() {
    with_api(async |api| {
        for limit in ["many", "-1"] {
            let answer = api.read(&target(LIST, &[("limit", limit)])).await;
            assert_eq!(answer.status, 400, "{answer:?}");
            assert!(answer.head.contains("content-type: application/problem+json"), "{answer:?}");
        }
    });
}

/// If it failed, "who had access then, as we knew it then" would be answered with today.
#[test]
fn access_is_told_for_both_clocks() {
    let late = "2100-01-01T00:00:00Z";
    let cases: [(&str, &str, &str, &[&str]); 7] = [
        ("/api/v1/identities/E101/access", "2026-06-30T00:00:00Z", late, &["crm/u2"]),
        ("/api/v1/identities/ben@example.com/access", "2026-06-30T00:00:00Z", late, &["crm/u2"]),
        ("/api/v1/identities/E102/access", "2026-06-30T00:00:00Z", late, &["crm/u3"]),
        ("/api/v1/accounts/crm/u2/access", "2026-06-30T00:00:00Z", late, &["crm/u2"]),
        // The listing is of the 29th, and it was not known before it was read.
        ("/api/v1/identities/E101/access", "2026-06-28T00:00:00Z", late, &[]),
        ("/api/v1/identities/E101/access", "2026-06-30T00:00:00Z", "2020-01-01T00:00:00Z", &[]),
        ("/api/v1/identities/E999/access", "2026-06-30T00:00:00Z", late, &[]),
    ];
    with_api(async |api| {
        for (path, as_of, known_at, wanted) in cases {
            let answer = api.read(&target(path, &[("as_of", as_of), ("known_at", known_at)])).await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            let told = answer.json();
            assert_eq!((told["as_of"].as_str(), told["known_at"].as_str()), (Some(as_of), Some(known_at)));
            let held = |row: &Value| {
                format!("{}/{}", row["app_id"].as_str().unwrap(), row["account_id"].as_str().unwrap())
            };
            let found: Vec<String> = told["access"].as_array().unwrap().iter().map(held).collect();
            assert_eq!(found, wanted, "{path} as of {as_of}, known at {known_at}");
        }
        // Without clocks the newest recorded run decides.
        let told = api.read("/api/v1/identities/E101/access").await.json();
        assert_eq!(told["as_of"], "2026-06-30T00:00:00Z");
        assert_eq!(told["access"][0]["state"], "active");
        assert_eq!(told["access"][0]["link_method"], "email");
    });
}

/// If it failed, people, accounts, sources or the catalogue would be shown in part.
#[test]
fn lists_of_an_instant_are_whole() {
    with_api(async |api| {
        for limit in ["1", "2", "3"] {
            let (people, _) = pages(api, "/api/v1/identities", &[("limit", limit)], "identities").await;
            let of = |list: &[Value], key: &str| -> Vec<String> {
                list.iter().map(|row| row[key].as_str().unwrap().to_owned()).collect()
            };
            assert_eq!(of(&people, "identity_id"), ["E100", "E101", "E102"], "limit {limit}");
            let (accounts, _) = pages(api, "/api/v1/accounts", &[("limit", limit)], "accounts").await;
            assert_eq!(of(&accounts, "account_id"), ["u1", "u2", "u3"], "limit {limit}");
        }
        let sources = api.read("/api/v1/sources").await.json();
        let kinds: Vec<&str> =
            sources["sources"].as_array().unwrap().iter().map(|s| s["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["accounts", "roster"]);
        let detectors = api.read("/api/v1/detectors").await.json();
        let rules = models::builtin_rules().unwrap().len();
        assert_eq!(detectors["detectors"].as_array().unwrap().len(), rules);
        let runs = api.read("/api/v1/runs").await.json();
        assert_eq!(runs["runs"][0]["run_id"], "run-1");
        let one = api.read("/api/v1/findings/f3").await.json();
        assert_eq!((one["finding_id"].as_str(), one["revision"].as_u64()), (Some("f3"), Some(1)));
        let events = api.read("/api/v1/findings/f3/events").await.json();
        assert_eq!(events["events"][0]["change"], "opened");
        let evidence = api.read("/api/v1/findings/f3/evidence").await.json();
        assert_eq!(evidence["evidence"][0]["says"], "never used");
    });
}

/// If it failed, a risk that nobody accepts any more would stay off the list until the next run.
#[test]
fn a_waiver_that_has_ended_hides_nothing() {
    with_api(async |api| {
        let day = |days: i64| UtcMicros(NOW.0 + days * UtcMicros::MICROS_PER_DAY);
        for (id, until) in [("f1", day(0)), ("f2", day(1)), ("f3", day(0))] {
            let waive = Decision::Waive(Terms { approver: "bo".to_owned(), until });
            api.ledger.decide(id, &waive, &By::new("ada", "migration"), day(-9)).await.unwrap();
        }
        assert_eq!(api.read("/api/v1/findings/f1").await.json()["status"], "open");
        let waived = target(LIST, &[("filter", "status eq \"accepted_risk\"")]);
        let found = api.read(&waived).await.json();
        assert_eq!(ids(found["findings"].as_array().unwrap()), ["f2"]);
    });
}

/// If it failed, an orchestrator would restart a healthy server, or nobody could watch it.
#[test]
fn health_metrics_and_description_need_no_token() {
    with_api(async |api| {
        for open in ["/livez", "/readyz", "/metrics", "/openapi.json"] {
            assert_eq!(api.get(open, None).await.status, 200, "{open}");
        }
        api.read(LIST).await;
        let metrics = api.get("/metrics", None).await.body;
        let counted = "lychgate_http_requests_total{route=\"GET /api/v1/findings\",status=\"200\"} 1";
        assert!(metrics.contains(counted), "{metrics}");
        for secret in [&api.reader, &api.ingest, &api.expired] {
            assert!(!metrics.contains(secret.as_str()), "a token in the metrics");
        }
    });
}

/// If it failed, a dashboard would hold leavers against another regime than the company's runs do.
#[test]
fn the_profile_is_that_of_the_configuration_unless_a_request_names_one() {
    with_profiled_api("pci-4.0", async |api| {
        for (path, place) in
            [("/api/v1/time-to-zero-access", "/deadline/profile"), ("/api/v1/costs", "/profile")]
        {
            let named = target(path, &[("profile", "dora")]);
            for (asked, profile) in [(path, "pci-4.0"), (&named, "dora")] {
                let told = api.read(asked).await.json();
                assert_eq!(told.pointer(place), Some(&profile.into()), "{asked}: {told}");
            }
        }
        let told = api.read("/api/v1/time-to-zero-access").await.json();
        assert_eq!(told["deadline"]["seconds"], 3_600);
    });
}

/// If it failed, a dashboard would show that leavers lose their access when they do not.
#[test]
fn the_leavers_clock_is_told_and_measured() {
    with_api(async |api| {
        let told = api.read("/api/v1/time-to-zero-access").await.json();
        let leaver = &told["leavers"][0];
        assert_eq!((leaver["identity_id"].as_str(), leaver["state"].as_str()), (Some("E101"), Some("open")));
        assert_eq!(
            (leaver["late"].as_bool(), leaver["steps"][0]["app_id"].as_str()),
            (Some(true), Some("crm"))
        );
        assert_eq!((&told["overall"]["open"], &told["apps"]["crm"]["late"]), (&1.into(), &1.into()));
        assert_eq!(told["overall"]["p50_at_least"], true);
        let none =
            api.read(&target("/api/v1/time-to-zero-access", &[("since", "2026-06-15T00:00:00Z")])).await;
        assert_eq!(none.json()["overall"]["leavers"], 0);
        let refused = Refused(400, "time", &["since", "soon"]);
        check(api, ("/api/v1/time-to-zero-access?since=soon", Some(&api.reader)), &refused).await;
        let measured = "lychgate_leavers{app=\"crm\",state=\"open\"} 1";
        let mut metrics = String::new();
        // A scrape does not wait for the figures, so they are there from one of the next on; the machine may be busy.
        for _ in 0..2_000 {
            metrics = api.get("/metrics", None).await.body;
            if metrics.contains(measured) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let elapsed_s = leaver["elapsed_s"].as_i64().unwrap();
        let seconds =
            format!("lychgate_leaver_zero_access_seconds{{app=\"all\",quantile=\"0.5\"}} {elapsed_s}");
        assert!(metrics.contains(measured) && metrics.contains(&seconds), "{metrics}");
    });
}

/// If it failed, clients made from the description would lack a route, or call one that is not.
#[test]
fn the_description_names_the_routes_that_are_served() {
    with_api(async |api| {
        let answer = api.get("/openapi.json", None).await;
        assert_eq!(answer.body, description());
        let document = answer.json();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let described: BTreeSet<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut served: BTreeMap<&str, &str> = ROUTES.into_iter().collect();
        served.extend([("/livez", "/livez"), ("/readyz", "/readyz"), ("/metrics", "/metrics")]);
        let (sent, of_senders) = (BTreeSet::from(["/api/v1/events"]), "/api/v1/events/batches/{id}");
        served.insert(of_senders, "/api/v1/events/batches/none");
        assert_eq!(
            described,
            served.keys().copied().collect::<BTreeSet<&str>>().union(&sent).copied().collect()
        );
        for route in sent {
            assert!(document["paths"][route]["post"]["responses"]["200"].is_object(), "{route}");
        }
        for (route, asked) in served {
            assert!(document["paths"][route]["get"]["responses"]["200"].is_object(), "{route}");
            let answer = api.read(asked).await;
            assert!(!answer.body.contains("there is nothing at"), "{route}: {answer:?}");
        }
    });
}

/// If it failed, the API could change without anybody having looked at the change.
#[test]
fn the_description_is_the_one_that_was_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
    let renew = "renew it with: cargo run --release -- serve --openapi > docs/openapi.json";
    assert!(reviewed == format!("{}\n", description()), "{} is out of date; {renew}", path.display());
}

/// If it failed, an unencrypted port would be open to the network.
#[test]
fn only_loopback_addresses_are_bound() {
    crate::support::block_on(async || {
        for address in ["0.0.0.0:0", "192.0.2.1:7878", "[::]:0", "10.0.0.1:0"] {
            let refused = bind(address).await;
            assert!(matches!(refused, Err(Error::NotLoopback { .. })), "{address}: {refused:?}");
        }
        for address in ["localhost", "127.0.0.1", "7878", "", "example.com:80"] {
            let refused = bind(address).await;
            assert!(matches!(refused, Err(Error::Address { .. })), "{address}: {refused:?}");
        }
        let first = bind("127.0.0.1:0").await.unwrap();
        let taken = bind(&first.local_addr().unwrap().to_string()).await;
        assert!(matches!(taken, Err(Error::Bind { .. })), "{taken:?}");
    });
}

/// If it failed, nobody could tell afterwards who looked at whose access.
#[test]
fn every_read_is_audited_and_nothing_else() {
    with_api(async |api| {
        let filter = target(LIST, &[("filter", "severity ge \"high\""), ("limit", "1")]);
        let asked_for = [
            filter.as_str(),
            "/api/v1/findings/f1",
            "/api/v1/identities/E101/access",
            "/api/v1/identities/E101/access?as_of=never",
        ];
        for asked in asked_for {
            api.read(asked).await;
            api.get(asked, None).await;
            api.get(asked, Some(&api.ingest)).await;
        }
        api.get("/livez", None).await;
        let reads = api.ledger.reads(0, 100).await.unwrap();
        let told: Vec<(&str, &str, &str, u64)> = reads
            .iter()
            .map(|(_, read)| (read.actor.as_str(), read.route.as_str(), read.query.as_str(), read.rows))
            .collect();
        let access = "GET /api/v1/identities/E101/access";
        let wanted = [
            ("reader", "GET /api/v1/findings", filter.split_once('?').unwrap().1, 1),
            ("reader", "GET /api/v1/findings/f1", "", 1),
            ("reader", access, "", 1),
            ("reader", access, "as_of=never", 0),
        ];
        assert_eq!(told, wanted);
    });
}

/// Else a slip in a rule would be found at the next restart, or take the rule away until then.
#[test]
fn rules_are_read_again_without_a_restart() {
    const RULE: &str = "title: fails\nid: one\nlevel: critical\ntags: [attack.t1110]\n\
        logsource: {product: okta, service: okta}\ndetection:\n  s: {eventType: a}\n  condition: s\n";
    with_api(async |api| {
        let file = api.engine.rule_folders().sigma[0].join("one.yml");
        let told = async || api.read("/api/v1/rules").await.json();
        assert_eq!((told().await["rules"].clone(), told().await["broken"].clone()), (json!([]), json!([])));
        std::fs::write(&file, RULE).unwrap();
        let good = told().await;
        let rule = json!({ "kind": "sigma", "detector": "sigma/one", "title": "fails", "severity": "critical",
            "on_by_default": true, "controls": ["ATT&CK T1110"], "file": file });
        assert_eq!((&good["rules"], &good["broken"]), (&json!([rule]), &json!([])));
        std::fs::write(&file, RULE.replace("condition: s", "condition: (s")).unwrap();
        let broken = told().await;
        assert_eq!(broken["rules"], json!([rule]), "the last good one");
        let slip = &broken["broken"][0];
        assert_eq!((&slip["file"], &slip["line"]), (&json!(file), &json!(8)), "{broken}");
        assert!(slip["last_good_at"].is_string() && slip["reason"].is_string(), "{broken}");
        std::fs::write(&file, RULE.replace("title: fails", "title: mended")).unwrap();
        let mended = told().await;
        assert_eq!((&mended["rules"][0]["title"], &mended["broken"]), (&json!("mended"), &json!([])));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(told().await["rules"], json!([]));
    });
}

/// Else people would look in two places for what can be found, and miss what is their own.
#[test]
fn a_companys_own_rules_stand_among_the_detectors() {
    with_api(async |api| {
        let (_, text) = models::builtin_texts().iter().find(|(id, _)| *id == "never_used").unwrap();
        let own = text
            .replace("id: never_used\n", "id: acme_never_used\n")
            .replace("code: DOR-02\n", "code: ACM-01\n");
        std::fs::write(api.engine.rule_folders().own[0].join("acme_never_used.yml"), own).unwrap();
        let told = api.read("/api/v1/detectors").await.json();
        let of = |code: &str| {
            let rules = told["detectors"].as_array().unwrap();
            rules.iter().find(|rule| rule["code"] == code).unwrap().clone()
        };
        assert_eq!((&of("ACM-01")["id"], &of("ACM-01")["own"]), (&json!("acme_never_used"), &json!(true)));
        assert_eq!(of("DOR-02")["own"], json!(false));
    });
}

/// Else a source would be told that its events are safe when they are not, or anybody could write
/// evidence.
#[test]
fn what_is_sent_is_stored_before_it_is_acknowledged() {
    const EVENTS: &str = "/api/v1/events";
    let line = |id: u32| {
        format!(
            "{{\"uuid\":\"sent-{id}\",\"published\":\"2026-06-01T00:00:0{id}Z\",\"eventType\":\"user.session.start\",\
             \"outcome\":{{\"result\":\"SUCCESS\"}},\"actor\":{{\"id\":\"00u1\",\"type\":\"User\"}}}}\n"
        )
    };
    let body = format!("{}{}garbage\n", line(1), line(2));
    with_api(async |api| {
        for (token, status) in
            [(None, 401), (Some(&api.reader), 403), (Some(&api.expired), 401), (Some(&api.ingest), 200)]
        {
            let answer = api.post(EVENTS, token.map(String::as_str), &body).await;
            assert_eq!(answer.status, status, "{answer:?}");
            if status != 200 {
                continue;
            }
            let told = answer.json();
            assert_eq!(
                (&told["source"], &told["read"], &told["new"]),
                (&"okta".into(), &3.into(), &2.into())
            );
            assert_eq!((&told["duplicate"], &told["quarantined"]), (&0.into(), &1.into()), "{told}");
        }
        let again = api.post(EVENTS, Some(&api.ingest), &body).await.json();
        assert_eq!((&again["new"], &again["duplicate"]), (&0.into(), &2.into()), "{again}");
        let to_come = format!("{EVENTS}?listed_at=2100-01-03T00:00:00Z");
        assert_eq!(api.post(&to_come, Some(&api.ingest), &body).await.status, 400);
        let refused = api.post(EVENTS, Some(&api.ingest), "a,b\n1,2\n").await;
        assert_eq!(refused.status, 422, "{refused:?}");
        let huge = "x".repeat((32 << 20) + 1);
        assert_eq!(api.post(EVENTS, Some(&api.ingest), &huge).await.status, 413);
        let stored = api.stored_events("sent-").await;
        assert_eq!(stored, ["sent-1", "sent-2"]);
    });
}
