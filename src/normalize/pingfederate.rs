//! PingFederate's security audit log, `audit.log`, in the vendor's own order of fields.
//!
//! Takes a line, gives one event. Releases from 11.3 on write a transaction id behind the
//! tracking id, older ones do not: where the status stands tells them apart. The times are
//! those of the server's clock, which the line does not name. The subject is whatever the
//! adapter calls the user, and the only id there is.

use super::{Context, LineFormat, draft, event_id};
use crate::domain::{AppRef, Event, Outcome, Rejection, Row, UtcMicros, Verb};
use crate::models::verbs;

pub const FORMAT: LineFormat =
    LineFormat { name: SOURCE, title: "PingFederate audit.log", recognises, normalize };

const SOURCE: &str = "pingfederate";
/// The place of the status in lines without a transaction id.
const STATUS_AT: usize = 10;
const FIELDS_MIN: usize = 14;

/// The fields of one line, each behind its pipe.
struct Entry<'a> {
    fields: Vec<&'a str>,
    /// One where a transaction id stands among them.
    shift: usize,
}

impl<'a> Entry<'a> {
    /// The field that is the `at`-th in lines without a transaction id.
    fn get(&self, at: usize) -> Option<&'a str> {
        let field = self.fields.get(at + self.shift).copied();
        field.filter(|field| !field.is_empty())
    }

    fn text(&self, at: usize) -> Option<String> {
        self.get(at).map(str::to_owned)
    }
}

/// A line that begins with a time and a tracking id.
fn recognises(line: &str) -> bool {
    let mut fields = line.split('|').map(str::trim);
    let time = fields.next().is_some_and(|time| time.starts_with(|first: char| first.is_ascii_digit()));
    time && fields.next().is_some_and(|field| field.starts_with("tid:"))
}

fn normalize(raw: &str, context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
    let entry = entry(raw)?;
    let time = entry.fields[0];
    let occurred_at = UtcMicros::parse_in(time, &context.zone)
        .ok_or_else(|| Rejection::new("bad_time", format!("\"{time}\" is no time of PingFederate's")))?;
    let event_type = entry.get(2).ok_or_else(|| draft::missing("PingFederate", "event"))?;
    let status = entry.get(STATUS_AT).unwrap_or_default();
    let verb = verbs::verb(SOURCE, event_type).filter(|_| status != "inprogress").unwrap_or(Verb::OTHER);
    let event = Event {
        // Two equal lines in one millisecond are one event, as in an access log.
        event_id: event_id::of_text(raw),
        account: draft::account(SOURCE, None, entry.text(3)),
        app: app(&entry),
        outcome: outcome(status),
        reason: entry.text(12),
        correlation_id: (entry.shift == 1).then(|| entry.fields[2].to_owned()).filter(|id| !id.is_empty()),
        session_id: Some(entry.fields[1].to_owned()),
        client_ip: entry.text(4),
        verb,
        ..draft::event(SOURCE, context, event_type, occurred_at)
    };
    Ok(draft::rows(vec![event]))
}

/// The description is the last field but one, so that pipes in it move no field read here.
fn entry(line: &str) -> Result<Entry<'_>, Rejection> {
    let fields: Vec<&str> = line.split('|').map(str::trim).collect();
    let has_status = |shift: &usize| {
        let status = fields.get(STATUS_AT + shift).copied().unwrap_or_default();
        matches!(status, "success" | "failure" | "inprogress")
    };
    let shift = [0, 1].into_iter().find(has_status).filter(|shift| fields.len() >= FIELDS_MIN + shift);
    let told = "no status stands where PingFederate's own order of fields has it";
    Ok(Entry { shift: shift.ok_or_else(|| Rejection::new("bad_value", told))?, fields })
}

/// The partner that a user signs in to. In the role of a service provider the partner is
/// where the user comes from, and the application is the target.
fn app(entry: &Entry) -> AppRef {
    let at = if entry.get(9) == Some("SP") { 5 } else { 6 };
    AppRef { id: entry.text(at), name: None }
}

fn outcome(status: &str) -> Outcome {
    match status {
        "success" => Outcome::Success,
        "failure" => Outcome::Failure,
        _ => Outcome::Unknown,
    }
}
