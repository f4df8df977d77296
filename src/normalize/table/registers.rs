//! Registers: what their columns are called beside the canonical names, and one row as a
//! register line. Takes the cells of a row, gives a `RegisterRow` with times in RFC 3339,
//! booleans as `true` or `false` and lists separated by `;`.

use std::collections::BTreeMap;

use super::cell::{email_shaped, flag, list};
use super::cells::Cells;
use super::field::{Expect, Field, Weight};
use super::moment::{Moment, read};
use crate::domain::register::ColumnType;
use crate::domain::{RegisterKind, RegisterRow, Rejection, Row};

/// Columns whose cells hold lists.
const LISTS: [&str; 6] = ["sponsors", "side_a", "side_b", "scopes", "holds", "requires"];

/// Text columns that hold days.
const DAYS: [&str; 4] = ["renewal_on", "listed_on", "starts_on", "ends_on"];

/// The canonical columns of a kind of register as fields.
pub fn fields(kind: RegisterKind) -> Vec<Field> {
    let keys = kind.key_columns();
    let field = |(at, (name, form)): (usize, &(&'static str, ColumnType))| Field {
        name,
        expects: match form {
            ColumnType::Text => Expect::Text,
            ColumnType::Bool => Expect::Flag,
            ColumnType::Time => Expect::Instant,
            ColumnType::Number => Expect::Number,
        },
        weight: match form {
            _ if at < keys => Weight::Key,
            ColumnType::Text => Weight::Described,
            _ => Weight::Deciding,
        },
        words: synonyms(name),
        weak: &[],
    };
    // Days are kept as text and look like dates.
    let times = |mut field: Field| {
        if DAYS.contains(&field.name) {
            field.expects = Expect::Instant;
        }
        field
    };
    kind.columns().iter().enumerate().map(field).map(times).collect()
}

fn synonyms(column: &str) -> &'static [&'static str] {
    match column {
        "app_id" => &["app", "application", "application id"],
        "account_id" => &["account"],
        "entitlement_id" => &["entitlement"],
        "owner" => &["owner email", "business owner", "application owner"],
        "sponsors" => &["sponsor", "sponsor email", "accountable person"],
        "beneficiary" => &["requested for", "beneficiary email"],
        "requester" => &["requested by", "requester email"],
        "approver" => &["approved by", "approver email"],
        "valid_until" => &["expires", "end date", "valid to"],
        "valid_from" => &["start date"],
        "expires_at" => &["expiry", "expiry date", "expiration"],
        "privileged" => &["is privileged"],
        "seats" => &["quantity", "licences", "licenses", "seats purchased"],
        "unit_price" => &["price per seat", "price"],
        "renewal_on" => &["renewal date", "renewal"],
        "period" => &["billing period", "billing cycle"],
        "price_low" => &["lowest price"],
        "price_high" => &["highest price", "list price"],
        "seats_min" => &["committed seats", "minimum seats"],
        "starts_on" => &["contract start"],
        "ends_on" => &["contract end"],
        "lower_sku" => &["lower tier"],
        "request_id" => &["request", "request number"],
        "exception_id" => &["exception"],
        "token_id" => &["token"],
        "rule_id" => &["rule"],
        "file" => &["file name", "filename", "export file"],
        "rows" => &["row count", "records", "record count", "control total"],
        "sha256" => &["sha 256", "checksum"],
        "domain" => &["domain name"],
        "group_id" => &["parent group", "parent group id"],
        "member_group_id" => &["member group", "nested group", "child group"],
        "holds" => &["who holds"],
        "requires" => &["must hold", "required entitlement"],
        "item_id" => &["review item", "certification item"],
        "review" => &["campaign", "certification", "access review"],
        "reviewer" => &["reviewer email", "certifier"],
        "decision" => &["review decision"],
        _ => &[],
    }
}

/// One line of a register.
///
/// # Errors
/// `missing_field` without a key, `bad_time` or `bad_value` for a cell that its column cannot hold.
pub fn row(kind: RegisterKind, cells: &Cells, app: Option<&str>) -> Result<Row<'static>, Rejection> {
    let keys = &kind.columns()[..kind.key_columns()];
    // A line without an application may mean all of them, so only a key is filled in.
    let filled = |column: &str| column == "app_id" && keys.iter().any(|(key, _)| *key == "app_id");
    let mut attributes = BTreeMap::new();
    for (column, form) in kind.columns() {
        let value = match form {
            ColumnType::Time => time(cells, column)?,
            ColumnType::Bool => checked(cells, column, |text| flag(text).map(|yes| yes.to_string()))?,
            ColumnType::Number => checked(cells, column, number)?,
            ColumnType::Text => cells.text(column).map(|text| text_value(column, text)),
        };
        let value = value.or_else(|| app.filter(|_| filled(column)).map(str::to_string));
        attributes.extend(value.map(|value| (*column, value)));
    }
    let mut key = Vec::new();
    for (column, _) in keys {
        key.push(attributes.get(column).cloned().ok_or_else(|| cells.missing(column))?);
    }
    Ok(Row::Register(RegisterRow { kind, key: key.join("/"), attributes }))
}

/// Ends that come as bare dates count until 24:00, as people read "valid until".
fn time(cells: &Cells, column: &'static str) -> Result<Option<String>, Rejection> {
    let inclusive = matches!(column, "valid_until" | "expires_at");
    let Some(moment) = cells.moment(column)? else { return Ok(None) };
    let at = if inclusive { moment.ends_at(&cells.zone) } else { moment.starts_at(&cells.zone) };
    Ok(at.map(|at| at.to_string()))
}

fn checked(
    cells: &Cells,
    column: &'static str,
    reading: impl Fn(&str) -> Option<String>,
) -> Result<Option<String>, Rejection> {
    let Some(text) = cells.text(column) else { return Ok(None) };
    let bad = || Rejection::new("bad_value", format!("{column} is \"{text}\", which cannot be read"));
    reading(text).map(Some).ok_or_else(bad)
}

/// A plain decimal number; `1,200` may be a thousand or a fraction and is not read.
fn number(text: &str) -> Option<String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    (plain && text.parse::<f64>().is_ok()).then(|| text.to_string())
}

fn text_value(column: &str, text: &str) -> String {
    if DAYS.contains(&column) {
        return match read(text, None) {
            Ok(Some(Moment::Date(date))) => date.to_string(),
            _ => text.to_string(),
        };
    }
    if !LISTS.contains(&column) {
        return text.to_string();
    }
    let commas: Vec<&str> = text.split(',').map(str::trim).collect();
    let parts = if commas.iter().all(|part| email_shaped(part)) { commas } else { list(text) };
    parts.join(";")
}
