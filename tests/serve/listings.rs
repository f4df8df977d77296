//! Listings that are sent: what they are of is said by what is sent with them, not by who sends them; and one
//! ends only what it continues.

use std::io::{Cursor, Write};

use lychgate::findings::Scope;
use lychgate::ingest::unpacks_beyond;
use lychgate::query::{At, feeds, json_rows};
use serde_json::Value;

use super::api::{Answer, Api, NOW, with_api};

const ACCOUNTS: &str = "/api/v1/events?source=accounts&app=hub";

fn accounts(ids: &[&str]) -> String {
    let line = |id: &&str| format!("{id},{id}@example.com,Active,2025-01-01T00:00:00Z\n");
    format!("account_id,email,status,created_at\n{}", ids.iter().map(line).collect::<String>())
}

fn counts(answer: &Answer) -> (u64, u64) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    (told["new"].as_u64().unwrap(), told["duplicate"].as_u64().unwrap())
}

async fn rows(api: &Api, sql: &str) -> Vec<Value> {
    let session = api.engine.session(At { as_of: NOW, known_at: NOW }).await.unwrap();
    json_rows(&session.collect("asked", sql).await.unwrap())
}

/// The accounts of `hub` that are there.
async fn there(api: &Api) -> Vec<String> {
    let sql = "SELECT account_id FROM accounts_now WHERE app_id = 'hub' ORDER BY account_id";
    let ids = rows(api, sql).await;
    ids.iter().map(|row| row["account_id"].as_str().unwrap().to_owned()).collect()
}

async fn token(api: &Api, label: &str, byte: u8) -> String {
    let (over, made) = (NOW.plus(jiff::SignedDuration::from_hours(24)), NOW);
    api.ledger.add_token(label, Scope::Ingest, over, &[byte; 32], made).await.unwrap()
}

/// Else a token that somebody called `okta` would make every account that it sends one of okta, and one called
/// `delta-sync` would keep leavers' accounts for ever.
#[test]
fn the_label_of_a_token_says_nothing_of_what_is_sent() {
    with_api(async |api| {
        let body = accounts(&["a1", "a2", "a3", "a4"]);
        for (label, byte) in [("okta", 20), ("hr-2026-01-15", 21), ("delta-sync", 22)] {
            let token = token(api, label, byte).await;
            let unsaid = api.post("/api/v1/events?source=accounts", Some(&token), &body).await;
            assert_eq!((unsaid.status, unsaid.json()["code"].as_str()), (422, Some("refused")), "{label}");
            assert!(unsaid.body.contains("which application?"), "{unsaid:?}");
            let (app, sent) = (format!("app_{byte}"), format!("source=accounts&app=app_{byte}"));
            let answer = api.post(&format!("/api/v1/events?{sent}"), Some(&token), &body).await;
            assert_eq!(counts(&answer), (4, 0), "{label}");
            let sql = "SELECT app_id, complete, feed, listed_at FROM loads WHERE file LIKE 'api/%'";
            let loads = rows(api, sql).await;
            let load = loads.iter().find(|load| load["app_id"] == app.as_str()).unwrap();
            assert_eq!((&load["complete"], &load["feed"]), (&true.into(), &"api".into()), "{label}");
            assert!(load["listed_at"].as_str() > Some("2026-06"), "{label}: {load}");
        }
        let empty = api.post("/api/v1/events?source=accounts&app=", Some(&api.ingest), &body).await;
        assert_eq!(empty.status, 422, "{empty:?}");
        assert_eq!(api.get("/api/v1/events?partial=maybe", Some(&api.ingest)).await.status, 405);
        assert_eq!(
            api.post(&format!("{ACCOUNTS}&partial=maybe"), Some(&api.ingest), &body).await.status,
            400
        );
    });
}

/// Else what a partial listing omits would be gone.
#[test]
fn a_listing_may_be_said_to_be_partial() {
    let scim = |ids: &[&str]| -> String {
        let one = |id: &&str| {
            format!(
                "{{\"schemas\":[\"urn:ietf:params:scim:schemas:core:2.0:User\"],\"id\":\"{id}\",\"userName\":\"{id}\",\
                 \"active\":true,\"meta\":{{\"resourceType\":\"User\"}}}}\n"
            )
        };
        ids.iter().map(one).collect()
    };
    with_api(async |api| {
        let all = ["a1", "a2", "a3", "a4"];
        for (source, whole, part) in [
            ("accounts", accounts(&all), accounts(&["a4", "a5"])),
            ("scim_resource", scim(&all), scim(&["a4", "a5"])),
        ] {
            let target = format!("/api/v1/events?source={source}&app=hub_{source}");
            assert_eq!(counts(&api.post(&target, Some(&api.ingest), &whole).await), (4, 0));
            let answer = api.post(&format!("{target}&partial=true"), Some(&api.ingest), &part).await;
            assert_eq!(counts(&answer), (2, 0));
            let sql = "SELECT app_id FROM accounts_now WHERE app_id LIKE 'hub_%'";
            let held = rows(api, sql).await;
            let held = held.iter().filter(|row| row["app_id"].as_str().unwrap().ends_with(source));
            assert_eq!(held.count(), 5, "{source}");
        }
    });
}

/// Else the export of guests would end the members, and the leaver among them would be gone from every finding.
#[test]
fn a_list_of_others_is_asked_for_its_feed_before_it_ends_anything() {
    let members = ["m1", "m2", "m3", "m4", "m5"];
    let guests = ["g1", "g2", "g3"];
    with_api(async |api| {
        let send = async |more: &str, token: &str, ids: &[&str]| {
            api.post(&format!("{ACCOUNTS}{more}"), Some(token), &accounts(ids)).await
        };
        assert_eq!(counts(&send("", &api.ingest, &members).await), (5, 0));
        for prefer in ["wait=60", "respond-async, wait=60"] {
            let refused = api.post_preferring(ACCOUNTS, &api.ingest, prefer, &accounts(&guests)).await;
            assert_eq!(refused.status, 422, "{refused:?}");
            assert!(refused.body.contains("feed=NAME"), "{refused:?}");
        }
        assert_eq!(there(api).await, members);
        assert_eq!(rows(api, "SELECT load_id FROM sources WHERE app_id = 'hub'").await.len(), 1);
        assert_eq!(counts(&send("&feed=guests", &api.ingest, &guests).await), (3, 0));
        assert_eq!(there(api).await, ["g1", "g2", "g3", "m1", "m2", "m3", "m4", "m5"]);
        // Another token continues what the first one sent, and so does one that says so.
        let other = token(api, "rotated", 23).await;
        assert_eq!(counts(&send("", &other, &members[1..]).await), (4, 0));
        assert_eq!(there(api).await, ["g1", "g2", "g3", "m2", "m3", "m4", "m5"]);
        // Many more, and fewer, are still the list that they were.
        let many = ["m2", "m3", "m4", "m5", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9"];
        assert_eq!(counts(&send("", &other, &many).await), (13, 0));
        assert_eq!(counts(&send("", &other, &many[..5]).await), (5, 0));
        assert_eq!(counts(&send("&feed=api", &other, &["x1", "x2", "x3"]).await), (3, 0));
        assert_eq!(there(api).await, ["g1", "g2", "g3", "x1", "x2", "x3"]);
        // A roster and groups are asked alike.
        let roster = |numbers: &[&str]| -> String {
            let line = |n: &&str| format!("{n},Person {n},{n}@example.com,2020-01-05,\n");
            let lines: String = numbers.iter().map(line).collect();
            format!("employee_id,name,email,start_date,end_date\n{lines}")
        };
        let grants = |group: &str| -> String {
            let line = |id: &&str| format!("{id},{group}\n");
            format!("account_id,group\n{}", members.iter().map(line).collect::<String>())
        };
        for (target, first, other) in [
            ("/api/v1/events?source=roster", roster(&members), roster(&guests)),
            ("/api/v1/events?source=grants&app=hub", grants("sales"), grants("admins")),
        ] {
            assert_eq!(counts(&api.post(target, Some(&api.ingest), &first).await), (5, 0));
            assert_eq!(api.post(target, Some(&api.ingest), &other).await.status, 422, "{target}");
        }
    });
}

/// Else an account that came back would be gone for the rest of the day, or a retry would be stored twice.
#[test]
fn what_comes_back_the_same_day_is_there_again() {
    let with = ["a1", "a2", "a3", "a4", "bob"];
    let without = &with[..4];
    with_api(async |api| {
        for at in ["", "&listed_at=2026-06-30T12:00:00Z&feed=of_one_instant"] {
            let target = format!("{ACCOUNTS}_{}{at}", at.len());
            let send =
                async |ids: &[&str]| counts(&api.post(&target, Some(&api.ingest), &accounts(ids)).await);
            for (ids, expect) in [
                (&with[..], (5, 0)),
                (&with[..], (0, 5)),
                (without, (4, 0)),
                (without, (0, 4)),
                (&with[..], (5, 0)),
                (&with[..], (0, 5)),
                (without, (4, 0)),
                (&with[..], (5, 0)),
                (&with[..], (0, 5)),
            ] {
                assert_eq!(send(ids).await, expect, "{target}: {}", ids.len());
                let sql =
                    "SELECT account_id FROM accounts_now WHERE app_id LIKE 'hub_%' AND account_id = 'bob'";
                let bobs = rows(api, sql).await.len();
                assert_eq!(bobs, usize::from(ids.len() == 5) + usize::from(!at.is_empty()), "{target}");
            }
        }
    });
}

/// Else a lake of before would have a feed for each token, and one for each body whose hash is all digits.
#[test]
fn all_that_was_sent_is_of_one_feed() {
    for name in
        ["api/scim/0123456789012345", "api/hr/sync-2026/89abcdef01234567", "api/first/abcdefabcdefabcd"]
    {
        assert_eq!(feeds::name(name), "api", "{name}");
    }
    assert_eq!(feeds::body("scim", &[0x12; 32]), "api/scim/1212121212121212");
    assert_eq!(feeds::name("api/crm/members.csv"), "members");
}

/// Else some kilobytes would fill the disk.
#[test]
fn a_body_is_bounded_as_it_unpacks() {
    let packed = |bytes: usize| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![0; bytes]).unwrap();
        encoder.finish().unwrap()
    };
    for (bytes, expect) in [(100_000, false), (100_001, true)] {
        let body = Cursor::new(packed(bytes));
        assert_eq!(unpacks_beyond("x", Box::new(body), 100_000).unwrap(), expect, "{bytes}");
        let plain = Cursor::new(vec![b'x'; bytes]);
        assert!(!unpacks_beyond("x", Box::new(plain), 100_000).unwrap(), "{bytes}");
    }
}
