//! SCIM filters (RFC 7644 §3.4.2.2): the expression, its text, and whether a resource
//! satisfies it.
//!
//! A filter is at most [`LENGTH_MAX`] bytes and [`DEPTH_MAX`] levels, so that reading and
//! evaluating it is bounded. It knows no schema: which attributes exist is for the caller.

use std::fmt;

use serde_json::{Number, Value};

pub use super::matching::matches;
pub use super::parser::{parse, parse_lenient};

/// Longest filter that is read, in bytes.
pub const LENGTH_MAX: usize = 8192;
/// Deepest nesting of parentheses, brackets and `not`.
pub const DEPTH_MAX: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare {
        path: String,
        op: CompareOp,
        value: Literal,
    },
    /// `path pr`: there is a value, and it is not empty.
    Present(String),
    /// `path[filter]`: one element of a multi-valued attribute satisfies the whole filter.
    ValuePath {
        path: String,
        filter: Box<Filter>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
    EndsWith,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl CompareOp {
    pub const ALL: [CompareOp; 9] = [
        CompareOp::Equal,
        CompareOp::NotEqual,
        CompareOp::Contains,
        CompareOp::StartsWith,
        CompareOp::EndsWith,
        CompareOp::Greater,
        CompareOp::GreaterOrEqual,
        CompareOp::Less,
        CompareOp::LessOrEqual,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            CompareOp::Equal => "eq",
            CompareOp::NotEqual => "ne",
            CompareOp::Contains => "co",
            CompareOp::StartsWith => "sw",
            CompareOp::EndsWith => "ew",
            CompareOp::Greater => "gt",
            CompareOp::GreaterOrEqual => "ge",
            CompareOp::Less => "lt",
            CompareOp::LessOrEqual => "le",
        }
    }

    /// Reads an operator, whatever its case.
    pub fn parse(word: &str) -> Option<CompareOp> {
        CompareOp::ALL.into_iter().find(|op| op.as_str().eq_ignore_ascii_case(word))
    }
}

/// A comparison value: the JSON scalars.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Text(String),
    Number(Number),
    Bool(bool),
    Null,
}

impl Filter {
    pub fn and(self, other: Filter) -> Filter {
        Filter::And(Box::new(self), Box::new(other))
    }

    pub fn or(self, other: Filter) -> Filter {
        Filter::Or(Box::new(self), Box::new(other))
    }

    /// The texts that `path` must equal for the filter to hold, as far as `and`, `or` and
    /// brackets say so: the one sought in `userName eq "x"`, the members of a remove.
    /// Inside brackets the path is the element's own.
    pub fn texts_sought(&self, path: &str) -> Vec<&str> {
        match self {
            Filter::And(left, right) | Filter::Or(left, right) => {
                let mut found = left.texts_sought(path);
                found.extend(right.texts_sought(path));
                found
            }
            Filter::Compare { path: at, op: CompareOp::Equal, value: Literal::Text(text) }
                if at.eq_ignore_ascii_case(path) =>
            {
                vec![text]
            }
            Filter::ValuePath { path: at, filter } => match path.get(at.len()..) {
                Some(rest) if rest.starts_with('.') && path[..at.len()].eq_ignore_ascii_case(at) => {
                    filter.texts_sought(&rest[1..])
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for Filter {
    /// The text that [`parse`] reads back as the same filter, with no more parentheses
    /// than it needs. `and` and `or` bind to the left.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::And(left, right) => {
                write_operand(f, left, matches!(**left, Filter::Or(..)))?;
                f.write_str(" and ")?;
                write_operand(f, right, matches!(**right, Filter::Or(..) | Filter::And(..)))
            }
            Filter::Or(left, right) => {
                write!(f, "{left} or ")?;
                write_operand(f, right, matches!(**right, Filter::Or(..)))
            }
            Filter::Not(inner) => write!(f, "not ({inner})"),
            Filter::Compare { path, op, value } => write!(f, "{path} {} {value}", op.as_str()),
            Filter::Present(path) => write!(f, "{path} pr"),
            Filter::ValuePath { path, filter } => write!(f, "{path}[{filter}]"),
        }
    }
}

fn write_operand(f: &mut fmt::Formatter<'_>, operand: &Filter, in_parentheses: bool) -> fmt::Result {
    if in_parentheses { write!(f, "({operand})") } else { write!(f, "{operand}") }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A JSON value displays as JSON text, with the escapes that the grammar wants.
            Literal::Text(text) => write!(f, "{}", Value::String(text.clone())),
            Literal::Number(number) => write!(f, "{number}"),
            Literal::Bool(flag) => write!(f, "{flag}"),
            Literal::Null => f.write_str("null"),
        }
    }
}
