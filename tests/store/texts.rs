//! Texts of which a column has few: they go to the files as codes.

use lychgate::domain::{Row, UtcMicros};
use lychgate::store::Lake;

use super::{File, NOON, event, ingest, query};

const ROWS: u64 = 60;
const MINUTE: i64 = 60_000_000;

/// A log with so many user agents, and rows without one; its events lie between those of others.
fn log(number: u64, agents: u64) -> File {
    let row = |row: u64| {
        let at = UtcMicros(NOON.0 + (row * 7 % ROWS) as i64 * MINUTE + number as i64);
        let given = agents > 0 && row % 5 != 4;
        let user_agent = given.then(|| format!("agent {} of {number}", row % agents));
        Row::from(lychgate::domain::Event { user_agent, ..event(number * ROWS + row, at) })
    };
    File { name: "log", rows: (0..ROWS).map(row).collect(), rejections: 0 }
}

/// Else an event would be told of another's user agent.
#[tokio::test]
async fn each_row_has_its_own_text_however_many_there_are() {
    // Few; as many as are few, and one more; none in some; few in each file, and too many for a byte in all.
    for agents in [&[3][..], &[16, 2, 1], &[2, 17, 3], &[0, 5, 0], &[0, 0], &[40, 16], &[16; 20]] {
        let root = tempfile::tempdir().unwrap();
        let logs: Vec<File> = (0..).zip(agents).map(|(number, agents)| log(number, *agents)).collect();
        ingest(root.path(), &[&logs.iter().collect::<Vec<_>>()]).await;
        let lake = Lake::open(root.path(), "acme").await.unwrap();
        let stored = query(&lake, "events", "SELECT event_id, user_agent FROM events").await;
        let told = logs.iter().flat_map(|log| &log.rows).map(|row| {
            let Row::Event(event) = row else { unreachable!("a log has events") };
            let agent = event.user_agent.as_deref().unwrap_or("∅");
            format!("event_id={}|user_agent={agent}", event.event_id)
        });
        let mut told: Vec<String> = told.collect();
        told.sort();
        assert_eq!(stored, told, "{agents:?}");
    }
}
