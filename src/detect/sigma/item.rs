//! A detection item (`field|modifiers: values`) as a formula over facts.

use datafusion::functions::string::expr_fn::{contains, ends_with, starts_with};
use datafusion::logical_expr::{Expr, Operator, binary_expr, col, lit};
use rsigma_parser::value::{SpecialChar, StringPart};
use rsigma_parser::{DetectionItem, Modifier, SigmaString, SigmaValue};

use super::encoding;
use super::facts::{Fact, Formula, Test};
use super::modifiers::{Compare, Match, Modifiers};
use super::network::Network;
use super::scope::Scope;

/// The formula of one item; keywords when it names no field.
///
/// # Errors
/// A sentence that says what cannot be compiled.
pub fn formula(item: &DetectionItem, scope: &mut Scope<'_>) -> Result<Formula, String> {
    let modifiers = Modifiers::read(item)?;
    let column = scope.column(item.field.name.as_deref());
    match modifiers.matching {
        Match::Exists => return exists(&item.values, column, scope),
        Match::FieldRef => return same(item, column, &modifiers, scope),
        _ => {}
    }
    let mut wanted = Vec::new();
    for value in &item.values {
        for value in scope.expanded(value, modifiers.expand)? {
            let value = scope.recorded(item.field.name.as_deref(), value);
            wanted.push(one(&value, &modifiers)?);
        }
    }
    let whole = if modifiers.all {
        let each = wanted.into_iter().map(|one| any(vec![one], column, &modifiers, scope));
        Formula::All(each.collect::<Result<_, _>>()?)
    } else {
        any(wanted, column, &modifiers, scope)?
    };
    if modifiers.not_equal {
        let present = scope.facts.say(Fact::Present { column })?;
        return Ok(Formula::All(vec![present, Formula::Not(Box::new(whole))]));
    }
    Ok(whole)
}

/// What one value of an item asks of the field.
enum One {
    /// Null: the field is missing, or null everywhere.
    Absent,
    /// Equal to a text; many of them become one set.
    Equal(String),
    /// An expression over a value.
    Holds(Expr),
    /// What no expression says.
    Other(Test),
}

fn exists(values: &[SigmaValue], column: usize, scope: &mut Scope<'_>) -> Result<Formula, String> {
    let wanted = match values {
        [SigmaValue::Bool(wanted)] => *wanted,
        [SigmaValue::String(text)] if ["true", "yes"].contains(&text.original.as_str()) => true,
        [SigmaValue::String(text)] if ["false", "no"].contains(&text.original.as_str()) => false,
        _ => return Err("exists takes true or false".to_owned()),
    };
    let present = scope.facts.say(Fact::Present { column })?;
    Ok(if wanted { present } else { Formula::Not(Box::new(present)) })
}

fn same(
    item: &DetectionItem,
    left: usize,
    modifiers: &Modifiers,
    scope: &mut Scope<'_>,
) -> Result<Formula, String> {
    let mut parts = Vec::new();
    for value in &item.values {
        let right = scope.column(Some(&plain(value)?));
        let cased = modifiers.letters_differ;
        parts.push(scope.facts.say(Fact::Same { left, right, cased })?);
    }
    Ok(if modifiers.all { Formula::All(parts) } else { Formula::Any(parts) })
}

/// Any value of the field does what any of the values asks: one fact for all expressions.
fn any(
    wanted: Vec<One>,
    column: usize,
    modifiers: &Modifiers,
    scope: &mut Scope<'_>,
) -> Result<Formula, String> {
    let (mut equal, mut expressions, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for one in wanted {
        match one {
            One::Absent => {
                let present = scope.facts.say(Fact::Present { column })?;
                parts.push(Formula::Not(Box::new(present)));
            }
            One::Equal(text) => equal.push(text),
            One::Holds(expression) => expressions.push(expression),
            One::Other(test) => parts.push(scope.facts.say(Fact::Any { column, test })?),
        }
    }
    equal.sort_unstable();
    equal.dedup();
    match equal.as_slice() {
        [] => {}
        [text] => expressions.push(modifiers.column().eq(lit(text.as_str()))),
        texts => {
            let texts = texts.iter().map(|text| lit(text.as_str())).collect();
            expressions.push(modifiers.column().in_list(texts, false));
        }
    }
    if let Some(any) = expressions.into_iter().reduce(Expr::or) {
        parts.push(scope.facts.say(Fact::Any { column, test: Test::Expression(any) })?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Formula::Any(parts) })
}

fn one(value: &SigmaValue, modifiers: &Modifiers) -> Result<One, String> {
    match modifiers.matching {
        Match::Regex => Ok(One::Holds(regex(&plain(value)?, &modifiers.flags))),
        Match::Cidr => {
            let text = plain(value)?;
            let network = Network::parse(&text).ok_or_else(|| format!("\"{text}\" is no network"))?;
            Ok(One::Other(Test::Network(network)))
        }
        Match::TimePart(part) => {
            let text = plain(value)?;
            let wanted = text.parse().map_err(|_| format!("\"{text}\" is no part of a time"))?;
            Ok(One::Other(Test::TimePart(part, wanted)))
        }
        Match::Compare(compare) => {
            let text = plain(value)?;
            let wanted: f64 = text.parse().map_err(|_| format!("\"{text}\" is no number"))?;
            Ok(One::Holds(compared(compare, wanted)))
        }
        _ => typed(value, modifiers),
    }
}

/// A value by its type: a number is equal to any way to write it, yes and no to `true` and `false`.
fn typed(value: &SigmaValue, modifiers: &Modifiers) -> Result<One, String> {
    let equality = modifiers.matching == Match::Equal;
    match value {
        SigmaValue::Null => Ok(One::Absent),
        SigmaValue::Bool(truth) if equality => Ok(One::Holds(col("truth").eq(lit(*truth)))),
        SigmaValue::Integer(number) if equality => Ok(One::Holds(col("number").eq(lit(*number as f64)))),
        SigmaValue::Float(number) if equality => Ok(One::Holds(col("number").eq(lit(*number)))),
        SigmaValue::String(text) => texts(text, modifiers),
        other => texts(&SigmaString::from_raw(&other.to_string()), modifiers),
    }
}

fn compared(compare: Compare, wanted: f64) -> Expr {
    let (number, wanted) = (col("number"), lit(wanted));
    match compare {
        Compare::Less => number.lt(wanted),
        Compare::LessOrEqual => number.lt_eq(wanted),
        Compare::Greater => number.gt(wanted),
        Compare::GreaterOrEqual => number.gt_eq(wanted),
    }
}

/// A text value after its encodings, in each of its variants.
fn texts(text: &SigmaString, modifiers: &Modifiers) -> Result<One, String> {
    let has = |modifier| modifiers.encodings.contains(&modifier);
    let Some(plain) = text.as_plain() else {
        if modifiers.encodings.is_empty() {
            return Ok(One::Holds(wildcards(text, modifiers)));
        }
        return Err(format!("\"{text}\" is encoded and has wildcards"));
    };
    if has(Modifier::WindAsh) {
        return Ok(either(encoding::dashes(&plain)?, modifiers, modifiers.matching));
    }
    let bytes = encoding::bytes(&plain, &modifiers.encodings);
    if has(Modifier::Base64Offset) {
        return Ok(either(encoding::base64_anywhere(&bytes), modifiers, Match::Contains));
    }
    let plain = if has(Modifier::Base64) {
        encoding::base64(&bytes)
    } else {
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let plain = modifiers.cased(&plain);
    Ok(match modifiers.matching {
        Match::Equal => One::Equal(plain),
        matching => One::Holds(matched(modifiers.column(), plain, matching)),
    })
}

fn either(variants: Vec<String>, modifiers: &Modifiers, matching: Match) -> One {
    let each = variants.iter().map(|text| matched(modifiers.column(), modifiers.cased(text), matching));
    One::Holds(each.reduce(Expr::or).unwrap_or_else(|| lit(false)))
}

fn matched(column: Expr, text: String, matching: Match) -> Expr {
    match matching {
        Match::Contains => contains(column, lit(text)),
        Match::StartsWith => starts_with(column, lit(text)),
        Match::EndsWith => ends_with(column, lit(text)),
        _ => column.eq(lit(text)),
    }
}

/// A text with `*` and `?`, as a regular expression; unlike LIKE it needs no escapes of its own
/// for the backslashes that paths are full of.
fn wildcards(text: &SigmaString, modifiers: &Modifiers) -> Expr {
    let (opened, closed) = match modifiers.matching {
        Match::Contains => (false, false),
        Match::StartsWith => (true, false),
        Match::EndsWith => (false, true),
        _ => (true, true),
    };
    let mut pattern = String::from("(?s)");
    pattern.push_str(if opened { "^" } else { "" });
    for part in &text.parts {
        match part {
            StringPart::Plain(plain) => pattern.push_str(&escaped(&modifiers.cased(plain))),
            StringPart::Special(SpecialChar::WildcardMulti) => pattern.push_str(".*"),
            StringPart::Special(SpecialChar::WildcardSingle) => pattern.push('.'),
        }
    }
    pattern.push_str(if closed { "$" } else { "" });
    binary_expr(modifiers.column(), Operator::RegexMatch, lit(pattern))
}

fn regex(pattern: &str, flags: &str) -> Expr {
    let pattern = if flags.is_empty() { pattern.to_owned() } else { format!("(?{flags}){pattern}") };
    binary_expr(col("text"), Operator::RegexMatch, lit(pattern))
}

/// A text that a regular expression takes literally: every sign but `<` and `>`, which mean themselves, and
/// the edge of a word behind a backslash.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !['_', '<', '>'].contains(&c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// A value as text.
fn plain(value: &SigmaValue) -> Result<String, String> {
    match value {
        SigmaValue::Null => Err("null cannot be compared so".to_owned()),
        SigmaValue::String(text) => Ok(text.as_plain().unwrap_or_else(|| text.original.clone())),
        other => Ok(other.to_string()),
    }
}
