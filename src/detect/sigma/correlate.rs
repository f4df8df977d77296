//! Runs correlations over matches, as window plans: partitioned by what matches have in common,
//! ordered by time. The order in which matches come makes no difference.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::common::ScalarValue;
use datafusion::functions_aggregate::count::count;
use datafusion::functions_aggregate::expr_fn::{count_distinct, max};
use datafusion::logical_expr::expr::{AggregateFunction, WindowFunction};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, WindowFrame, WindowFrameBound, WindowFrameUnits, WindowFunctionDefinition, col,
    lit, when,
};
use datafusion::prelude::{DataFrame, SessionContext};
use rsigma_parser::{ConditionExpr, ConditionOperator, Quantifier};

use super::Error;
use super::correlation::{Correlation, Counted};

/// A rule matched an event.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The names by which correlations may mean the rule: id, name, title.
    pub names: Vec<String>,
    pub at_us: i64,
    pub event_id: String,
    /// The values of fields that correlations ask for.
    pub fields: BTreeMap<String, String>,
}

/// A correlation began to hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fired {
    pub title: String,
    /// What the matches have in common, by field.
    pub key: BTreeMap<String, String>,
    pub at_us: i64,
    /// The event that made it hold.
    pub event_id: String,
}

/// Runs every correlation; one that looks at others runs after them. Each fires when it begins to
/// hold for a group, and again only after it has ceased to.
///
/// # Errors
/// When a plan does not run, or correlations look at each other in a circle.
pub async fn correlate(correlations: &[Correlation], mut hits: Vec<Hit>) -> Result<Vec<Fired>, Error> {
    let context = SessionContext::new();
    let mut waiting: Vec<&Correlation> = correlations.iter().collect();
    let mut fired = Vec::new();
    while !waiting.is_empty() {
        let unfinished: Vec<&String> = waiting.iter().flat_map(|waiting| &waiting.names).collect();
        let ready = waiting.iter().position(|one| one.rules.iter().all(|rule| !unfinished.contains(&rule)));
        let Some(ready) = ready else {
            let titles: Vec<&str> = waiting.iter().map(|one| one.title.as_str()).collect();
            return Err(Error::Circle(titles.join(", ")));
        };
        let correlation = waiting.remove(ready);
        let found = run(&context, correlation, &hits).await?;
        hits.extend(found.iter().map(|fired| Hit {
            names: correlation.names.clone(),
            at_us: fired.at_us,
            event_id: fired.event_id.clone(),
            fields: fired.key.clone(),
        }));
        fired.extend(found);
    }
    fired.sort();
    Ok(fired)
}

async fn run(context: &SessionContext, of: &Correlation, hits: &[Hit]) -> Result<Vec<Fired>, Error> {
    let failed = |source| Error::Run { source: Box::new(source) };
    let frame = context.read_batch(matches(of, hits)?).map_err(failed)?;
    let planned = match &of.counted {
        Counted::Events(predicates) => {
            let counted = within(count(lit(1_i64)), of.span_us).map_err(failed)?;
            holding(frame, counted, |n| compared(n, predicates))
        }
        Counted::Values(_, predicates) => {
            let counted = within(count_distinct(col("value")), of.span_us).map_err(failed)?;
            holding(frame, counted, |n| compared(n, predicates))
        }
        Counted::Rules(condition) => together(frame, of, condition),
        Counted::Sequence => in_order(frame, of),
    };
    let planned = planned.and_then(|frame| {
        let order = ["key", "at", "event_id"].map(|name| col(name).sort(true, false));
        frame.select(vec![col("key"), col("at"), col("event_id"), col("holds")])?.sort(order.to_vec())
    });
    let batches = planned.map_err(failed)?.collect().await.map_err(failed)?;
    beginnings(of, &batches)
}

/// The matches that a correlation looks at, as rows: `key`, `at`, `event_id`, `rule` (its place in
/// the correlation's list), `value`. A match without one of the group's fields belongs to no group.
fn matches(of: &Correlation, hits: &[Hit]) -> Result<RecordBatch, Error> {
    let (mut keys, mut times, mut events) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rules, mut values) = (Vec::new(), Vec::new());
    for hit in hits {
        for (place, rule) in (0_i64..).zip(&of.rules).filter(|(_, rule)| hit.names.contains(rule)) {
            let value_of = |field: &String| hit.fields.get(of.field_of(field, rule)).cloned();
            let Some(key) = of.group_by.iter().map(value_of).collect::<Option<Vec<String>>>() else {
                continue;
            };
            keys.push(serde_json::Value::from(key).to_string());
            times.push(hit.at_us);
            events.push(hit.event_id.clone());
            rules.push(place);
            values.push(match &of.counted {
                Counted::Values(field, _) => value_of(field),
                _ => None,
            });
        }
    }
    let columns: [(&str, ArrayRef); 5] = [
        ("key", Arc::new(StringArray::from(keys))),
        ("at", Arc::new(Int64Array::from(times))),
        ("event_id", Arc::new(StringArray::from(events))),
        ("rule", Arc::new(Int64Array::from(rules))),
        ("value", Arc::new(StringArray::from(values))),
    ];
    Ok(RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))?)
}

type Planned<T> = Result<T, datafusion::error::DataFusionError>;

/// An aggregate over the group's matches of the last `span_us`, this instant included.
fn within(aggregate: Expr, span_us: i64) -> Planned<Expr> {
    over(aggregate, WindowFrameBound::Preceding(ScalarValue::Int64(Some(span_us))))
}

fn over(aggregate: Expr, from: WindowFrameBound) -> Planned<Expr> {
    let Expr::AggregateFunction(AggregateFunction { func, params }) = aggregate else {
        return datafusion::common::plan_err!("no aggregate to look at");
    };
    let function = WindowFunction::new(WindowFunctionDefinition::AggregateUDF(func), params.args);
    let frame = WindowFrame::new_bounds(WindowFrameUnits::Range, from, WindowFrameBound::CurrentRow);
    let mut window = Expr::from(function)
        .partition_by(vec![col("key")])
        .order_by(vec![col("at").sort(true, false)])
        .window_frame(frame);
    if params.distinct {
        window = window.distinct();
    }
    window.build()
}

fn holding(frame: DataFrame, counted: Expr, holds: impl Fn(Expr) -> Expr) -> Planned<DataFrame> {
    frame.with_column("n", counted)?.with_column("holds", holds(col("n")))
}

fn compared(n: Expr, predicates: &[(ConditionOperator, u64)]) -> Expr {
    let each = predicates.iter().map(|(operator, wanted)| {
        let (n, wanted) = (n.clone(), lit(i64::try_from(*wanted).unwrap_or(i64::MAX)));
        match operator {
            ConditionOperator::Lt => n.lt(wanted),
            ConditionOperator::Lte => n.lt_eq(wanted),
            ConditionOperator::Gt => n.gt(wanted),
            ConditionOperator::Gte => n.gt_eq(wanted),
            ConditionOperator::Eq => n.eq(wanted),
            ConditionOperator::Neq => n.not_eq(wanted),
        }
    });
    each.reduce(Expr::and).unwrap_or_else(|| lit(true))
}

/// Which of the rules matched within the time, and what the condition makes of it.
fn together(frame: DataFrame, of: &Correlation, condition: &ConditionExpr) -> Planned<DataFrame> {
    let mut frame = frame;
    for place in 0..of.rules.len() {
        let mine = when(col("rule").eq(lit(place as i64)), lit(1_i64)).end()?;
        frame = frame.with_column(&there(place), within(count(mine), of.span_us)?)?;
    }
    let holds = said(condition, of)?;
    frame.with_column("holds", holds)
}

fn there(place: usize) -> String {
    format!("rule{place}")
}

fn said(condition: &ConditionExpr, of: &Correlation) -> Planned<Expr> {
    let each = |parts: &[ConditionExpr]| parts.iter().map(|part| said(part, of)).collect::<Planned<Vec<_>>>();
    let matched = |place: usize| col(there(place)).gt(lit(0_i64));
    Ok(match condition {
        ConditionExpr::And(parts) => each(parts)?.into_iter().reduce(Expr::and).unwrap_or_else(|| lit(true)),
        ConditionExpr::Or(parts) => each(parts)?.into_iter().reduce(Expr::or).unwrap_or_else(|| lit(false)),
        ConditionExpr::Not(inner) => datafusion::logical_expr::not(said(inner, of)?),
        ConditionExpr::Identifier(name) => match of.rules.iter().position(|rule| rule == name) {
            Some(place) => matched(place),
            None => return datafusion::common::plan_err!("the correlation names no rule {name}"),
        },
        ConditionExpr::Selector { quantifier, pattern } => {
            let places =
                (0..of.rules.len()).filter(|place| pattern.matches_detection_name(&of.rules[*place]));
            let each = places.map(matched);
            match quantifier {
                Quantifier::Any => each.reduce(Expr::or).unwrap_or_else(|| lit(false)),
                Quantifier::All => each.reduce(Expr::and).unwrap_or_else(|| lit(true)),
                Quantifier::Count(_) => {
                    return datafusion::common::plan_err!("a count of rules is not understood");
                }
            }
        }
    })
}

/// For each match of the n-th rule, when the latest sequence of matches of the rules before it, in
/// their order, began; one instant may hold several of them.
fn in_order(frame: DataFrame, of: &Correlation) -> Planned<DataFrame> {
    let mine = |place: usize| col("rule").eq(lit(place as i64));
    let mut frame = frame.with_column("began", when(mine(0), col("at")).end()?)?;
    for place in 1..of.rules.len() {
        let latest = over(max(col("began")), WindowFrameBound::Preceding(ScalarValue::Int64(None)))?;
        frame = frame.with_column("latest", latest)?;
        frame =
            frame.with_column("began", when(mine(place), col("latest")).end()?)?.drop_columns(&["latest"])?;
    }
    let took = col("at") - col("began");
    frame.with_column("holds", col("began").is_not_null().and(took.lt_eq(lit(of.span_us))))
}

/// The rows at which the correlation begins to hold for their group.
fn beginnings(of: &Correlation, batches: &[RecordBatch]) -> Result<Vec<Fired>, Error> {
    let mut fired = Vec::new();
    let mut before: Option<(String, bool)> = None;
    for batch in batches {
        let text = |name| arrow::compute::cast(&batch[name], &arrow::datatypes::DataType::Utf8);
        let (keys, events) = (text("key")?, text("event_id")?);
        let (keys, events) = (keys.as_string::<i32>(), events.as_string::<i32>());
        let (times, holds) = (batch["at"].as_primitive::<Int64Type>(), batch["holds"].as_boolean());
        for row in 0..batch.num_rows() {
            let here = holds.is_valid(row) && holds.value(row);
            let held = before.as_ref().is_some_and(|(key, held)| key == keys.value(row) && *held);
            if here && !held {
                let values: Vec<String> = serde_json::from_str(keys.value(row)).unwrap_or_default();
                fired.push(Fired {
                    title: of.title.clone(),
                    key: of.group_by.iter().cloned().zip(values).collect(),
                    at_us: times.value(row),
                    event_id: events.value(row).to_owned(),
                });
            }
            before = Some((keys.value(row).to_owned(), here));
        }
    }
    Ok(fired)
}
