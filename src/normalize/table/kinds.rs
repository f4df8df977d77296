//! Which kind of table a sample is: roster, account export, grant export or a register.
//! Takes the sample, gives the kinds that it can be, best first, or why it can be none. What
//! looks like a log, a bill or an inventory is none of them, however many columns fit.

use std::collections::BTreeMap;

use super::columns::{Match, Sampled, matched};
use super::field::Field;
use super::{TableKind, accounts, grants, registers, roster};
use crate::domain::RegisterKind;

/// Headers of tables that are no listing of access.
const FOREIGN: [&str; 68] = [
    "ip",
    "ip address",
    "source ip",
    "client ip",
    "remote ip",
    "hostname",
    "host name",
    "host",
    "server",
    "os",
    "operating system",
    "serial number",
    "mac address",
    "invoice",
    "invoice number",
    "invoice no",
    "invoice id",
    "invoice date",
    "amount",
    "total",
    "total amount",
    "net amount",
    "gross amount",
    "vat",
    "tax",
    "due date",
    "customer",
    "customer name",
    "customer id",
    "quantity",
    "price",
    "unit price",
    "event",
    "event type",
    "event name",
    "event id",
    "event time",
    "action",
    "activity",
    "activity type",
    "target",
    "log level",
    "message",
    "request id",
    "url",
    "http status",
    "response code",
    "order id",
    "order number",
    "po number",
    "balance",
    "iban",
    "manufacturer",
    "model",
    "warranty",
    "ticket",
    "priority",
    "payment",
    "payment method",
    "timestamp",
    "outcome",
    "result",
    "cpu",
    "ram",
    "memory",
    "environment",
    "rack",
    "outcome reason",
];

/// A kind that the table can be.
pub struct Candidate {
    pub kind: TableKind,
    pub found: Match,
    pub score: f64,
}

/// Every kind there is.
pub fn all() -> Vec<TableKind> {
    let registers = RegisterKind::ALL.into_iter().map(TableKind::Register);
    [TableKind::Roster, TableKind::Accounts, TableKind::Grants].into_iter().chain(registers).collect()
}

pub fn fields(kind: TableKind) -> Vec<Field> {
    match kind {
        TableKind::Roster => roster::FIELDS.to_vec(),
        TableKind::Accounts => accounts::FIELDS.to_vec(),
        TableKind::Grants => grants::FIELDS.to_vec(),
        TableKind::Register(kind) => registers::fields(kind),
    }
}

/// Matches the sample with one kind.
pub fn candidate(
    kind: TableKind,
    sampled: &Sampled,
    pinned: &BTreeMap<&str, Option<usize>>,
    file_words: &str,
) -> Candidate {
    let found = matched(&fields(kind), sampled, pinned);
    let named = sampled.words.iter().filter(|words| !words.is_empty()).count();
    let read = (0..sampled.words.len()).filter(|column| found.taken(*column)).count();
    let hint = if names_kind(kind, file_words) { 2.0 } else { 0.0 };
    let score = found.score + hint - 0.3 * named.saturating_sub(read) as f64;
    Candidate { kind, found, score }
}

/// Whether the file's name or folder names the kind.
fn names_kind(kind: TableKind, file_words: &str) -> bool {
    let words: &[&str] = match kind {
        TableKind::Roster => &["roster", "workers", "worker", "employees", "hr", "staff", "hris"],
        TableKind::Accounts => &["accounts", "users", "members"],
        TableKind::Grants => &["grants", "permissions", "roles", "memberships", "assignments", "access"],
        TableKind::Register(kind) => return file_words.contains(&kind.as_str().replace('_', " ")),
    };
    file_words.split(' ').any(|word| words.contains(&word))
}

/// What keeps the candidate from being its kind; none when nothing does.
pub fn objection(candidate: &Candidate, sampled: &Sampled) -> Option<String> {
    let found = &candidate.found;
    let foreign = foreign(found, sampled);
    if foreign.len() >= 2 {
        return Some(format!("columns {} belong to a log, a bill or an inventory", foreign.join(", ")));
    }
    match candidate.kind {
        TableKind::Roster => not_a_roster(found),
        TableKind::Accounts => not_accounts(found, sampled),
        TableKind::Grants => not_grants(found, sampled),
        TableKind::Register(kind) => not_a_register(kind, found, sampled),
    }
}

fn foreign(found: &Match, sampled: &Sampled) -> Vec<String> {
    let strange =
        |(column, words): &(usize, &String)| FOREIGN.contains(&words.as_str()) && !found.taken(*column);
    let columns = sampled.words.iter().enumerate().filter(strange);
    columns.map(|(column, _)| format!("\"{}\"", sampled.written[column])).collect()
}

fn not_a_roster(found: &Match) -> Option<String> {
    if !found.has("employee_id") && !doubted(found, "employee_id") && !found.has("email") {
        return Some("no column names the employee".to_string());
    }
    // Day numbers of a spreadsheet under a hire date make the roster doubtful, not something else.
    let headed = |field: &str| found.sure(field) || misread(found).any(|(other, _)| other == field);
    let told = found.count(&roster::DISTINCT) > 0 || misread(found).next().is_some();
    let dated = told && (headed("start_on") || found.count(&roster::PEOPLE) > 0);
    if !dated && found.count(&roster::PEOPLE) < 2 {
        return Some("no column tells of employment (hire or end date, manager, department)".to_string());
    }
    if !found.sure("employee_id") && !dated {
        return Some("no column is headed as an employee id".to_string());
    }
    None
}

fn not_accounts(found: &Match, sampled: &Sampled) -> Option<String> {
    let key = account_key(found);
    if key.is_none() && !doubted(found, "account_id") && !doubted(found, "account_name") {
        return Some("no column names the account (id, login or e-mail)".to_string());
    }
    let telling = found.count(&accounts::DISTINCT) > 0 || found.doubts.iter().any(|doubt| tells(doubt.field));
    if !telling && found.count(&accounts::FURTHER) < 2 {
        return Some("no column tells of an account's state or use".to_string());
    }
    if let Some(column) = of_a_roster(found, sampled) {
        return Some(format!("column \"{}\" belongs to a roster", sampled.written[column]));
    }
    if repeats(key, sampled) {
        return Some("accounts repeat, and a listing names each once".to_string());
    }
    None
}

/// The columns headed as a hire or an end whose values are no dates.
fn misread(found: &Match) -> impl Iterator<Item = (&'static str, usize)> {
    let dates = found.doubts.iter().filter(|doubt| doubt.contrary && roster::DISTINCT.contains(&doubt.field));
    dates.flat_map(|doubt| doubt.columns.iter().map(|column| (doubt.field, *column)))
}

/// A column of a roster's dates that are not read, and that is nothing to an account export.
fn of_a_roster(found: &Match, sampled: &Sampled) -> Option<usize> {
    let as_roster = matched(&roster::FIELDS, sampled, &BTreeMap::new());
    let known =
        |column| found.taken(column) || found.doubts.iter().any(|doubt| doubt.columns.contains(&column));
    misread(&as_roster).map(|(_, column)| column).find(|column| !known(*column))
}

fn tells(field: &str) -> bool {
    accounts::DISTINCT.contains(&field)
}

fn not_grants(found: &Match, sampled: &Sampled) -> Option<String> {
    if account_key(found).is_none() && !doubted(found, "account_id") && !doubted(found, "account_name") {
        return Some("no column names the account".to_string());
    }
    if !found.has("entitlement_name") && !found.has("entitlement_id") {
        return Some("no column names a role, group, permission or licence".to_string());
    }
    let once = !repeats(account_key(found), sampled);
    let as_accounts = matched(&accounts::FIELDS, sampled, &BTreeMap::new());
    let state = as_accounts.count(&accounts::DISTINCT) > 0;
    if once && state && found.count(&grants::DISTINCT) == 0 {
        return Some("each account stands once, with its state: a listing of accounts".to_string());
    }
    None
}

fn not_a_register(kind: RegisterKind, found: &Match, sampled: &Sampled) -> Option<String> {
    let keys = &kind.columns()[..kind.key_columns()];
    if let Some((missing, _)) = keys.iter().find(|(column, _)| !found.has(column)) {
        return Some(format!("it has no column {missing}"));
    }
    if kind == RegisterKind::ControlTotals && !found.has("rows") {
        return Some("it has no column rows".to_string());
    }
    let named = sampled.words.iter().filter(|words| !words.is_empty()).count();
    let read = found.of_field.len();
    let small = matches!(kind, RegisterKind::TrustedDomains | RegisterKind::ControlTotals);
    let enough = read >= 3.min(kind.columns().len()) || (small && read >= 2);
    if !enough || read * 5 < named * 3 {
        return Some(format!("only {read} of {named} columns are those of the register"));
    }
    None
}

/// The column that names the account: the id when its header is sure, else login or e-mail.
fn account_key(found: &Match) -> Option<usize> {
    let login = found.of_field.get("account_name").filter(|_| found.sure("account_name"));
    let named = login.or_else(|| found.of_field.get("email"));
    let id = found.of_field.get("account_id").filter(|_| found.sure("account_id") || named.is_some());
    id.or(named).and_then(|columns| columns.first()).copied()
}

fn doubted(found: &Match, field: &str) -> bool {
    found.doubts.iter().any(|doubt| doubt.field == field)
}

/// Whether more than one in five values of the column stands twice.
fn repeats(column: Option<usize>, sampled: &Sampled) -> bool {
    column.is_some_and(|at| {
        let shape = &sampled.shapes[at];
        shape.distinct * 5 < shape.present * 4
    })
}
