//! The detections of a rule and its condition, as a formula over facts.

use std::collections::BTreeMap;

use rsigma_parser::{ConditionExpr, Detection, DetectionItem, Detections, FieldSpec, Quantifier, SigmaValue};

use super::facts::Formula;
use super::item;
use super::scope::Scope;

/// The formula of a `detection` section: any of its conditions holds.
///
/// # Errors
/// A sentence that says what cannot be compiled.
pub fn formula(detections: &Detections, scope: &mut Scope<'_>) -> Result<Formula, String> {
    let mut named = BTreeMap::new();
    for (name, detection) in &detections.named {
        let formula = of_detection(detection, scope).map_err(|reason| format!("{name}: {reason}"))?;
        named.insert(name.as_str(), formula);
    }
    let conditions = detections.conditions.iter().map(|condition| of_condition(condition, &named));
    Ok(Formula::Any(conditions.collect::<Result<_, _>>()?))
}

fn of_detection(detection: &Detection, scope: &mut Scope<'_>) -> Result<Formula, String> {
    let mut each = |detections: &[Detection]| -> Result<Vec<Formula>, String> {
        detections.iter().map(|detection| of_detection(detection, scope)).collect()
    };
    match detection {
        Detection::AllOf(items) if items.is_empty() => Err("asks for nothing".to_owned()),
        Detection::AllOf(items) => {
            let items = items.iter().map(|item| of_item(item, scope));
            Ok(Formula::All(items.collect::<Result<_, _>>()?))
        }
        Detection::AnyOf(detections) => Ok(Formula::Any(each(detections)?)),
        Detection::And(detections) => Ok(Formula::All(each(detections)?)),
        Detection::Keywords(values) => keywords(values, scope),
        Detection::ArrayMatch { .. } | Detection::Conditional { .. } => {
            Err("blocks over the members of an array (sigma-version 3) are not understood".to_owned())
        }
    }
}

fn of_item(item: &DetectionItem, scope: &mut Scope<'_>) -> Result<Formula, String> {
    let named = |reason| match &item.field.name {
        Some(field) => format!("{field}: {reason}"),
        None => reason,
    };
    item::formula(item, scope).map_err(named)
}

fn keywords(values: &[SigmaValue], scope: &mut Scope<'_>) -> Result<Formula, String> {
    let item = DetectionItem { field: FieldSpec::new(None, Vec::new()), values: values.to_vec() };
    item::formula(&item, scope)
}

fn of_condition(condition: &ConditionExpr, named: &BTreeMap<&str, Formula>) -> Result<Formula, String> {
    let each = |parts: &[ConditionExpr]| -> Result<Vec<Formula>, String> {
        parts.iter().map(|part| of_condition(part, named)).collect()
    };
    match condition {
        ConditionExpr::And(parts) => Ok(Formula::All(each(parts)?)),
        ConditionExpr::Or(parts) => Ok(Formula::Any(each(parts)?)),
        ConditionExpr::Not(inner) => Ok(Formula::Not(Box::new(of_condition(inner, named)?))),
        ConditionExpr::Identifier(name) => {
            named.get(name.as_str()).cloned().ok_or_else(|| format!("there is no detection \"{name}\""))
        }
        ConditionExpr::Selector { quantifier, pattern } => {
            let chosen: Vec<Formula> = named
                .iter()
                .filter(|(name, _)| pattern.matches_detection_name(name))
                .map(|(_, formula)| formula.clone())
                .collect();
            match quantifier {
                Quantifier::Any => Ok(Formula::Any(chosen)),
                // All of none would hold for every event.
                Quantifier::All if chosen.is_empty() => Err(format!("no detection is called {pattern}")),
                Quantifier::All => Ok(Formula::All(chosen)),
                Quantifier::Count(least) => Ok(Formula::Count(*least, chosen)),
            }
        }
    }
}
