//! A [`Filter`] as SQL. Every comparison decides what an absent value means, so that
//! `NOT` never meets a null; every value is bound.

use sqlx::{QueryBuilder, Sqlite};

use super::columns::rank;
use super::filter::Holds;
use super::{Column, Error, Filter, Op, Value};
use crate::domain::Severity;

/// Far above what people write, far below what SQLite's parser takes.
const DEPTH_MAX: usize = 64;
const TERMS_MAX: usize = 500;

/// Appends `filter` to a statement, in brackets.
pub(super) fn push(builder: &mut QueryBuilder<Sqlite>, filter: &Filter) -> Result<(), Error> {
    let mut terms = 0;
    push_term(builder, filter, 0, &mut terms)
}

fn push_term(
    builder: &mut QueryBuilder<Sqlite>,
    filter: &Filter,
    depth: usize,
    terms: &mut usize,
) -> Result<(), Error> {
    *terms += 1;
    if depth > DEPTH_MAX || *terms > TERMS_MAX {
        return Err(refused(format!("more than {TERMS_MAX} terms or {DEPTH_MAX} levels")));
    }
    match filter {
        // The empty conjunction is true and the empty disjunction false.
        Filter::And(all) => push_joined(builder, all, " AND ", "1", depth, terms),
        Filter::Or(any) => push_joined(builder, any, " OR ", "0", depth, terms),
        Filter::Not(inner) => {
            builder.push("(NOT ");
            push_term(builder, inner, depth + 1, terms)?;
            builder.push(")");
            Ok(())
        }
        Filter::Present(column) => {
            builder.push("(").push(column.sql()).push(" IS NOT NULL)");
            Ok(())
        }
        Filter::Compare { column, op, value } => push_comparison(builder, *column, *op, value),
    }
}

fn push_joined(
    builder: &mut QueryBuilder<Sqlite>,
    parts: &[Filter],
    joint: &'static str,
    empty: &'static str,
    depth: usize,
    terms: &mut usize,
) -> Result<(), Error> {
    builder.push("(");
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            builder.push(joint);
        }
        push_term(builder, part, depth + 1, terms)?;
    }
    if parts.is_empty() {
        builder.push(empty);
    }
    builder.push(")");
    Ok(())
}

fn push_comparison(
    builder: &mut QueryBuilder<Sqlite>,
    column: Column,
    op: Op,
    value: &Value,
) -> Result<(), Error> {
    let symbol = match op {
        Op::Eq => " IS ",
        Op::Ne => " IS NOT ",
        Op::Lt => " < ",
        Op::Le => " <= ",
        Op::Gt => " > ",
        Op::Ge => " >= ",
        Op::Contains | Op::StartsWith | Op::EndsWith => return push_search(builder, column, op, value),
    };
    // The words of the ledger are in small letters; whoever wrote another text chose its letters.
    match column.holds() {
        Holds::Text => builder.push("coalesce(lower(").push(column.sql()).push(")").push(symbol),
        _ => builder.push("coalesce(").push(column.sql()).push(symbol),
    };
    match (column.holds(), value) {
        (Holds::Text, Value::Text(text)) => builder.push_bind(text.to_ascii_lowercase()),
        (Holds::Word(words), Value::Text(text)) => {
            let word = words.iter().find(|word| word.eq_ignore_ascii_case(text));
            let word = word.ok_or_else(|| {
                refused(format!("\"{text}\" is no {}; there are {}", column.name(), words.join(", ")))
            })?;
            builder.push_bind(*word)
        }
        (Holds::Severity, Value::Text(text)) => {
            let severity = Severity::parse(&text.to_ascii_lowercase());
            let severity = severity.ok_or_else(|| {
                refused(format!("\"{text}\" is no severity; there are {}", wanted(Holds::Severity)))
            })?;
            builder.push_bind(rank(severity))
        }
        (Holds::Number, Value::Number(number)) => builder.push_bind(*number),
        (Holds::Time, Value::Time(at)) => builder.push_bind(at.0),
        (holds, _) => {
            return Err(refused(format!("{} is compared with {}", column.name(), wanted(holds))));
        }
    };
    builder.push(", 0)");
    Ok(())
}

fn push_search(
    builder: &mut QueryBuilder<Sqlite>,
    column: Column,
    op: Op,
    value: &Value,
) -> Result<(), Error> {
    let (Holds::Text | Holds::Word(_), Value::Text(text)) = (column.holds(), value) else {
        return Err(refused(format!("{} cannot be searched for a text", column.name())));
    };
    let needle = text.to_ascii_lowercase();
    builder.push("coalesce(");
    match op {
        Op::EndsWith => {
            // Not substr's negative start: for the empty needle that would be 0, the whole text.
            let chars = needle.chars().count() as i64;
            builder.push("substr(lower(").push(column.sql()).push("), length(").push(column.sql());
            builder.push(") + 1 - ").push_bind(chars).push(", ").push_bind(chars).push(") = ");
            builder.push_bind(needle)
        }
        _ => {
            builder.push("instr(lower(").push(column.sql()).push("), ").push_bind(needle);
            builder.push(if op == Op::StartsWith { ") = 1" } else { ") > 0" })
        }
    };
    builder.push(", 0)");
    Ok(())
}

fn wanted(holds: Holds) -> &'static str {
    match holds {
        Holds::Text | Holds::Word(_) => "a text",
        Holds::Severity => "info, low, medium, high or critical",
        Holds::Number => "a number",
        Holds::Time => "a time",
    }
}

fn refused(reason: String) -> Error {
    Error::Filter { reason }
}
