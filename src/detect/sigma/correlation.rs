//! Correlation rules, checked: what is counted, by which fields, within which time.

use std::path::Path;

use rsigma_parser::{
    ConditionExpr, ConditionOperator, CorrelationCondition, CorrelationRule, CorrelationType, Quantifier,
    WindowMode,
};

use super::heading::Heading;

/// A correlation that is ready to run.
#[derive(Clone, Debug)]
pub struct Correlation {
    pub heading: Heading,
    /// The rules whose matches it looks at, as it names them.
    pub rules: Vec<String>,
    /// Fields that matches must have in common.
    pub group_by: Vec<String>,
    /// Whether the rules that it looks at are told of by themselves, too.
    pub generates: bool,
    /// From one match to the last one, both included.
    pub span_us: i64,
    pub(super) counted: Counted,
    aliases: Vec<rsigma_parser::FieldAlias>,
}

/// What must be there within the time.
#[derive(Clone, Debug)]
pub(super) enum Counted {
    Events(Vec<(ConditionOperator, u64)>),
    /// Different values of a field.
    Values(String, Vec<(ConditionOperator, u64)>),
    /// Matches of the rules, as the condition asks.
    Rules(ConditionExpr),
    /// Matches of every rule, in the order in which they are named.
    Sequence,
}

impl Correlation {
    /// # Errors
    /// A sentence that says what is not understood.
    pub(super) fn read(file: &Path, rule: &CorrelationRule) -> Result<Correlation, String> {
        if rule.window != WindowMode::Sliding {
            return Err("'window' can only be sliding".to_owned());
        }
        if rule.rules.is_empty() {
            return Err("'rules' of the correlation names none".to_owned());
        }
        let seconds = i64::try_from(rule.timespan.seconds).ok();
        let span_us = seconds.and_then(|seconds| seconds.checked_mul(1_000_000));
        Ok(Correlation {
            heading: Heading::of_correlation(file, rule),
            rules: rule.rules.clone(),
            group_by: rule.group_by.clone(),
            generates: rule.generate,
            span_us: span_us.ok_or("'timespan' is too long")?,
            counted: counted(rule)?,
            aliases: rule.aliases.clone(),
        })
    }

    /// The field of `rule`'s matches that `field` means: an alias may say otherwise for each rule.
    pub fn field_of<'a>(&'a self, field: &'a str, rule: &str) -> &'a str {
        let alias = self.aliases.iter().find(|alias| alias.alias == field);
        alias.and_then(|alias| alias.mapping.get(rule)).map_or(field, String::as_str)
    }

    /// Whether it can fire when of each rule that it names it is known whether that can match.
    pub(super) fn can_fire(&self, can_match: impl Fn(&String) -> bool) -> bool {
        match &self.counted {
            Counted::Events(_) | Counted::Values(..) => self.rules.iter().any(can_match),
            Counted::Rules(condition) => outcomes(condition, &self.rules, &can_match).0,
            Counted::Sequence => self.rules.iter().all(can_match),
        }
    }

    /// Every field whose values the correlation needs.
    pub fn fields(&self) -> Vec<&str> {
        let value = match &self.counted {
            Counted::Values(field, _) => Some(field.as_str()),
            _ => None,
        };
        let wanted = self.group_by.iter().map(String::as_str).chain(value);
        wanted.flat_map(|field| self.rules.iter().map(move |rule| self.field_of(field, rule))).collect()
    }
}

fn counted(rule: &CorrelationRule) -> Result<Counted, String> {
    let ordered = rule.correlation_type == CorrelationType::TemporalOrdered;
    match (rule.correlation_type, &rule.condition) {
        (CorrelationType::EventCount, CorrelationCondition::Threshold { predicates, .. }) => {
            Ok(Counted::Events(predicates.clone()))
        }
        (CorrelationType::ValueCount, CorrelationCondition::Threshold { predicates, field, .. }) => {
            match field.as_deref() {
                Some([field]) => Ok(Counted::Values(field.clone(), predicates.clone())),
                _ => Err("'value_count' asks for one field".to_owned()),
            }
        }
        (CorrelationType::Temporal, CorrelationCondition::Extended(condition)) => {
            understood(condition, &rule.rules)?;
            Ok(Counted::Rules(condition.clone()))
        }
        // The parser gives "at least 1" where a rule says nothing: then all of its rules are meant.
        (
            CorrelationType::Temporal | CorrelationType::TemporalOrdered,
            CorrelationCondition::Threshold { predicates, .. },
        ) if predicates.as_slice() == [(ConditionOperator::Gte, 1)] => Ok(if ordered {
            Counted::Sequence
        } else {
            Counted::Rules(ConditionExpr::And(
                rule.rules.iter().cloned().map(ConditionExpr::Identifier).collect(),
            ))
        }),
        (kind, _) => Err(format!("'{}' with this condition is not understood", kind.as_str())),
    }
}

/// Whether every part of a condition over rules is one that can be asked.
fn understood(condition: &ConditionExpr, rules: &[String]) -> Result<(), String> {
    match condition {
        ConditionExpr::And(parts) | ConditionExpr::Or(parts) => {
            parts.iter().try_for_each(|part| understood(part, rules))
        }
        ConditionExpr::Not(inner) => understood(inner, rules),
        ConditionExpr::Identifier(name) if rules.contains(name) => Ok(()),
        ConditionExpr::Identifier(name) => {
            Err(format!("the condition names '{name}', which is none of its rules"))
        }
        ConditionExpr::Selector { quantifier: Quantifier::Count(_), .. } => {
            Err("Condition: a count of rules is not understood".to_owned())
        }
        ConditionExpr::Selector { pattern, .. } => {
            match rules.iter().any(|rule| pattern.matches_detection_name(rule)) {
                true => Ok(()),
                false => Err(format!("the condition asks for '{pattern}', which fits none of its rules")),
            }
        }
    }
}

/// Whether the condition can come out true and whether it can come out false.
fn outcomes(
    condition: &ConditionExpr,
    rules: &[String],
    can_match: &impl Fn(&String) -> bool,
) -> (bool, bool) {
    let all = |of: &[(bool, bool)]| (of.iter().all(|one| one.0), of.iter().any(|one| one.1));
    let any = |of: &[(bool, bool)]| (of.iter().any(|one| one.0), of.iter().all(|one| one.1));
    let each = |parts: &[ConditionExpr]| -> Vec<(bool, bool)> {
        parts.iter().map(|part| outcomes(part, rules, can_match)).collect()
    };
    match condition {
        ConditionExpr::And(parts) => all(&each(parts)),
        ConditionExpr::Or(parts) => any(&each(parts)),
        ConditionExpr::Not(inner) => {
            let (hold, fail) = outcomes(inner, rules, can_match);
            (fail, hold)
        }
        ConditionExpr::Identifier(name) => (can_match(name), true),
        ConditionExpr::Selector { quantifier, pattern } => {
            let chosen = rules.iter().filter(|rule| pattern.matches_detection_name(rule));
            let chosen: Vec<(bool, bool)> = chosen.map(|rule| (can_match(rule), true)).collect();
            if *quantifier == Quantifier::Any { any(&chosen) } else { all(&chosen) }
        }
    }
}
