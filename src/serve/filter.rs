//! SCIM filters (RFC 7644 §3.4.2.2) over findings, as predicates of the ledger.

use jiff::tz::TimeZone;

use crate::domain::UtcMicros;
use crate::findings::{Column, Filter, Op, Value};
use crate::scim::filter::{self as scim, CompareOp, Literal};

/// Reads a filter such as `severity ge "high" and since lt "now-90d"`.
///
/// # Errors
/// A sentence that says what does not parse, or which paths may be named.
pub fn parse(text: &str, now: UtcMicros) -> Result<Filter, String> {
    let parsed = scim::parse(text).map_err(|error| format!("filter: {error}"))?;
    lowered(&parsed, now)
}

fn lowered(filter: &scim::Filter, now: UtcMicros) -> Result<Filter, String> {
    Ok(match filter {
        scim::Filter::And(left, right) => Filter::And(vec![lowered(left, now)?, lowered(right, now)?]),
        scim::Filter::Or(left, right) => Filter::Or(vec![lowered(left, now)?, lowered(right, now)?]),
        scim::Filter::Not(inner) => Filter::Not(Box::new(lowered(inner, now)?)),
        scim::Filter::Present(path) => Filter::Present(column(path)?),
        scim::Filter::Compare { path, op, value } => compare(path, *op, value, now)?,
        scim::Filter::ValuePath { path, .. } => {
            return Err(format!("filter: \"{path}[…]\" has no meaning for findings"));
        }
    })
}

fn compare(path: &str, op: CompareOp, value: &Literal, now: UtcMicros) -> Result<Filter, String> {
    let column = column(path)?;
    if matches!(value, Literal::Null) {
        return match op {
            CompareOp::Equal => Ok(Filter::Not(Box::new(Filter::Present(column)))),
            CompareOp::NotEqual => Ok(Filter::Present(column)),
            _ => Err(format!("filter: \"{path}\" cannot be compared with null in that way")),
        };
    }
    let value = match value {
        Literal::Text(text) => {
            match UtcMicros::parse_relative(text, now, &TimeZone::UTC).filter(|_| column_is_time(path)) {
                Some(time) => Value::Time(time),
                None => Value::Text(text.clone()),
            }
        }
        Literal::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Literal::Bool(_) | Literal::Null => {
            return Err(format!("filter: \"{path}\" is neither true nor false"));
        }
    };
    Ok(Filter::compare(column, operator(op), value))
}

fn column_is_time(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path == "since" || path.ends_with("_at") || path == "waived_until"
}

fn column(path: &str) -> Result<Column, String> {
    Column::parse(path).ok_or_else(|| {
        let known: Vec<&str> = Column::paths().collect();
        format!("filter: \"{path}\" is not a path of findings; known are {}", known.join(", "))
    })
}

fn operator(op: CompareOp) -> Op {
    match op {
        CompareOp::Equal => Op::Eq,
        CompareOp::NotEqual => Op::Ne,
        CompareOp::Contains => Op::Contains,
        CompareOp::StartsWith => Op::StartsWith,
        CompareOp::EndsWith => Op::EndsWith,
        CompareOp::Greater => Op::Gt,
        CompareOp::GreaterOrEqual => Op::Ge,
        CompareOp::Less => Op::Lt,
        CompareOp::LessOrEqual => Op::Le,
    }
}
