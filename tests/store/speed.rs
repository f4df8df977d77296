//! A measurement of the lake, run by hand.

#![allow(clippy::disallowed_methods, reason = "a measurement needs a clock")]

use std::fs;
use std::sync::Arc;

use lychgate::domain::{Listing, Origin, Row, UtcMicros};
use lychgate::store::{Ingest, Lake, LoadSummary, SourceKind};

use super::{DAY, NOON, NOW, event};

/// Rows a second and peak memory, printed: `cargo test --release -- --ignored --nocapture store_speed`.
/// `LYCHGATE_SPEED_ROWS` sets the size; the raw record of an event is about 2.5 kB, as Okta's are.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn store_speed() {
    let rows = std::env::var("LYCHGATE_SPEED_ROWS").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000);
    let root = tempfile::tempdir().unwrap();
    let lake = Lake::open_for_write(root.path(), "acme").await.unwrap();
    for pass in ["first", "again"] {
        let started = std::time::Instant::now();
        let mut batch = lake.ingest(NOW).await.unwrap();
        add_many(&mut batch, rows);
        let added = started.elapsed();
        let done = batch.commit().await.unwrap();
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{pass}: {rows} events, {seconds:.2} s ({:.2} s to add), {:.0} rows/s, {done:?}, peak RSS {}",
            added.as_secs_f64(),
            rows as f64 / seconds,
            peak_rss()
        );
    }
}

fn add_many(batch: &mut Ingest, rows: u64) {
    let file: Arc<str> = "speed.ndjson".into();
    let listing = Listing { listing_id: String::new(), app_id: None, listed_at: NOON, complete: false };
    batch.begin("okta").unwrap();
    for id in 0..rows {
        let mut event = event(id, UtcMicros(NOON.0 + (id * 90 / rows) as i64 * DAY + id as i64));
        event.event_id =
            format!("{:032x}", u128::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
        event.client_ip = Some(format!("10.0.{}.{}", id / 256 % 256, id % 256));
        event.account.name = Some(format!("person{}@example.com", id % 5_000));
        let mut raw = String::with_capacity(2_600);
        while raw.len() < 2_500 {
            let salt = (id ^ raw.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            raw.push_str(&format!(
                "\"alternateId\":\"person{}@example.com\",\"id\":\"{salt:x}\",\"displayName\":null,",
                id % 5_000
            ));
        }
        let origin = Origin { file: file.clone(), line: id + 1 };
        batch.add(&origin, &raw, &listing, Row::Event(Box::new(event))).unwrap();
    }
    batch
        .load(LoadSummary {
            load_id: "speed".into(),
            source: "okta".into(),
            kind: SourceKind::Events,
            app_id: None,
            file,
            listing: None,
            rows_read: rows,
            announced_total: None,
        })
        .unwrap();
}

fn peak_rss() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.map_or("unknown".into(), |line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" "))
}
