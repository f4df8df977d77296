//! Raw records to rows: one source format a file, listed here.
//!
//! Takes a raw record of `ingest` and the circumstances of its file; gives events,
//! accounts, grants, employments or register lines, or the reason why not. A format is
//! recognised by content ([`choose`]). No clock, no I/O, nothing is stored; the same record
//! gives the same rows, whatever came before it.
//!
//! A new format is a file with a `FORMAT` and a line in an array below.

pub mod event_id;
pub mod json;

pub mod access_log;
pub mod auth0;
pub mod aws_cloudtrail;
pub mod baton;
mod changes;
mod draft;
mod entra;
pub mod entra_audit;
pub mod entra_provisioning;
pub mod entra_signin;
pub mod fields;
pub mod gcp_audit;
pub mod github;
pub mod google_workspace;
pub mod jumpcloud;
pub mod keycloak;
pub mod m365;
pub mod ocsf;
pub mod okta;
pub mod onelogin;
pub mod pingfederate;
pub mod pingone;
mod recognise;
pub mod salesforce;
pub mod scim_http;
pub mod scim_resource;
pub mod scim_set;
pub mod slack;
pub mod table;

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::domain::{Listing, Rejection, Row, UtcMicros};
use crate::ingest::{Body, RawRecord};
pub use recognise::{Refused, choose, names};

/// Formats of JSON records. The first that recognises a record has it, so that the
/// narrower of two stands first.
pub const JSON_FORMATS: [JsonFormat; 21] = [
    okta::FORMAT,
    entra_provisioning::FORMAT,
    entra_signin::FORMAT,
    m365::FORMAT,
    entra_audit::FORMAT,
    google_workspace::FORMAT,
    github::FORMAT,
    slack::FORMAT,
    aws_cloudtrail::FORMAT,
    onelogin::FORMAT,
    jumpcloud::FORMAT,
    auth0::FORMAT,
    keycloak::FORMAT,
    gcp_audit::FORMAT,
    salesforce::FORMAT,
    pingone::FORMAT,
    ocsf::FORMAT,
    scim_set::FORMAT,
    baton::FORMAT,
    scim_resource::FORMAT,
    scim_http::FORMAT,
];

/// Logs that their vendor sends as one stream: each of these formats reads the records of the others, too.
const STREAMS: [&[&str]; 1] = [&["entra_provisioning", "entra_signin", "entra_audit"]];

/// The formats of JSON records that come as tables too, a record a row with the names of its
/// fields above.
pub const ROW_FORMATS: [RowFormat; 2] = [salesforce::ROWS, m365::ROWS];

/// Formats of log lines.
pub const LINE_FORMATS: [LineFormat; 2] = [access_log::FORMAT, pingfederate::FORMAT];

/// A format of JSON records.
#[derive(Clone, Copy)]
pub struct JsonFormat {
    /// The name as in `--source`, and the `source` of its events.
    pub name: &'static str,
    pub title: &'static str,
    pub recognises: fn(&Value) -> bool,
    /// Takes the record's own text, since a parsed value is too slow for the busiest sources.
    pub normalize: for<'a> fn(&'a str, &'a Context) -> Result<Vec<Row<'a>>, Rejection>,
}

/// A format of JSON records that also come as rows of a table.
#[derive(Clone, Copy)]
pub struct RowFormat {
    pub name: &'static str,
    pub recognises: fn(&Value) -> bool,
    /// Takes the row as a JSON object, whose text does not outlive the call.
    pub normalize: fn(&str, &Context) -> Result<Vec<Row<'static>>, Rejection>,
}

/// A format of log lines.
#[derive(Clone, Copy)]
pub struct LineFormat {
    pub name: &'static str,
    pub title: &'static str,
    pub recognises: fn(&str) -> bool,
    pub normalize: for<'a> fn(&'a str, &'a Context) -> Result<Vec<Row<'a>>, Rejection>,
}

/// What a record does not say of itself.
#[derive(Clone, Debug)]
pub struct Context {
    /// The application that a listing or a request log belongs to.
    pub app: Option<String>,
    /// It is that of the folder's name: what a record says goes before it.
    pub app_guessed: bool,
    pub org: Option<String>,
    /// Zone of dates and times that name none.
    pub zone: TimeZone,
    pub listing: Listing,
    /// The instant of ingest.
    pub now: UtcMicros,
}

/// How the records of one input are read.
pub enum Reader {
    Json(&'static JsonFormat),
    Line(&'static LineFormat),
    Table(Box<table::Table>),
    /// Records of a JSON format in a table, with its header.
    Rows(&'static RowFormat, Vec<String>),
    /// JSON that no format recognises: its records wait in quarantine until one does.
    Unknown,
}

impl Reader {
    /// The format's name, as in `--source`.
    pub fn name(&self) -> &'static str {
        match self {
            Reader::Json(format) => format.name,
            Reader::Rows(format, _) => format.name,
            Reader::Line(format) => format.name,
            Reader::Table(table) => table.kind().as_str(),
            Reader::Unknown => "unknown",
        }
    }

    /// The rows of one record: at least one, but for a line of an access log that is no SCIM
    /// request, and for what is listed beside accounts and grants, which give none.
    ///
    /// # Errors
    /// The [`Rejection`] with which the record goes to quarantine.
    pub fn read<'a>(
        &self,
        record: &'a RawRecord<'_>,
        context: &'a Context,
    ) -> Result<Vec<Row<'a>>, Rejection> {
        match (self, &record.body) {
            (Reader::Json(format), Body::Json(raw)) => {
                check_object(raw)?;
                (format.normalize)(raw, context)
            }
            // Tokens on lines: the format of security event tokens takes them bare.
            (Reader::Json(format), Body::Line(raw)) => (format.normalize)(raw, context),
            (Reader::Line(format), Body::Line(raw) | Body::Json(raw)) => (format.normalize)(raw, context),
            (Reader::Table(table), Body::Fields(fields)) => table.read(fields, context),
            (Reader::Rows(format, header), Body::Fields(fields)) => {
                (format.normalize)(&as_record(header, fields).to_string(), context)
            }
            (Reader::Unknown, _) => {
                Err(Rejection::new("unknown_format", "no format recognises records of this file"))
            }
            _ => Err(Rejection::new(
                "unknown_format",
                format!("the record is laid out as no record of {} is", self.name()),
            )),
        }
    }
}

/// A row of a table as the record that it is.
fn as_record(header: &[String], fields: &[String]) -> Value {
    let text = |field: &String| Value::String(field.clone());
    header.iter().cloned().zip(fields.iter().map(text)).collect()
}

/// Turns away arrays and bare words before a format sees them. Text in quotes passes:
/// it may be a token.
fn check_object(raw: &str) -> Result<(), Rejection> {
    if raw.trim_start().starts_with(['{', '"']) {
        return Ok(());
    }
    json::parse(raw)?;
    Err(Rejection::new("not_an_object", "the record is a JSON value other than an object"))
}
