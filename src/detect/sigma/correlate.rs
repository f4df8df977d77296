//! Runs correlations over matches, as window plans: partitioned by what matches have in common,
//! ordered by time. The order in which matches come makes no difference.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Int64Type};
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
    pub names: Arc<[String]>,
    pub at_us: i64,
    /// Tells events apart, and says which of one instant comes first.
    pub event_id: String,
    /// The values of fields that correlations ask for.
    pub fields: BTreeMap<String, String>,
}

/// A correlation held for a group: it began to at one match, and the matches at which it held lie no further
/// from each other than its span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fired {
    /// Its place in the list of correlations.
    pub correlation: usize,
    /// What the matches have in common, by field.
    pub key: BTreeMap<String, String>,
    /// When it began to hold.
    pub at_us: i64,
    /// The match that made it hold.
    pub hit: usize,
    /// The group's matches within the span up to then, in order of time; those that other correlations
    /// rest on for these.
    pub hits: Vec<usize>,
    /// The matches at which it held, the first one first.
    pub held: Vec<usize>,
    /// When it held last.
    pub until_us: i64,
}

/// Runs the `wanted` correlations; one that looks at others runs after them. Each fires when it begins to hold
/// for a group, and again only when it has not held for as long as its span: so matches that come later add
/// to what was found, and part nothing that was one. Sorted by correlation, group and time.
///
/// # Errors
/// When a plan does not run, or correlations look at each other in a circle.
pub async fn correlate(
    correlations: &[Correlation],
    wanted: &BTreeSet<usize>,
    hits: &[Hit],
) -> Result<Vec<Fired>, Error> {
    let context = SessionContext::new();
    let mut waiting: Vec<usize> = wanted.iter().copied().filter(|one| *one < correlations.len()).collect();
    let mut fired = Vec::new();
    while !waiting.is_empty() {
        let unfinished: Vec<&String> =
            waiting.iter().flat_map(|waiting| correlations[*waiting].heading.names.iter()).collect();
        let is_ready = |one: &usize| correlations[*one].rules.iter().all(|rule| !unfinished.contains(&rule));
        let Some(ready) = waiting.iter().position(is_ready) else {
            let titles = waiting.iter().map(|one| correlations[*one].heading.title.as_str());
            return Err(Error::Circle(titles.collect::<Vec<_>>().join(", ")));
        };
        let of = Running { correlations, number: waiting.remove(ready), hits, fired: &fired };
        let found = of.run(&context).await?;
        fired.extend(found);
    }
    fired.sort_by(|a, b| {
        (a.correlation, &a.key, a.at_us, a.hit).cmp(&(b.correlation, &b.key, b.at_us, b.hit))
    });
    Ok(fired)
}

/// One correlation and what it may look at: matches, numbered from 0, then what others found.
struct Running<'a> {
    correlations: &'a [Correlation],
    number: usize,
    hits: &'a [Hit],
    fired: &'a [Fired],
}

impl Running<'_> {
    async fn run(&self, context: &SessionContext) -> Result<Vec<Fired>, Error> {
        let of = &self.correlations[self.number];
        let failed = |source| Error::Run { source: Box::new(source) };
        let frame = context.read_batch(self.matches()?).map_err(failed)?;
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
            let order = ["key", "at", "event_id", "rule"].map(|name| col(name).sort(true, false));
            frame.sort(order.to_vec())?.select(["key", "at", "input", "holds"].map(col).to_vec())
        });
        let batches = planned.map_err(failed)?.collect().await.map_err(failed)?;
        match batches.first() {
            Some(first) => self.windows(&concat_batches(&first.schema(), &batches)?),
            None => Ok(Vec::new()),
        }
    }

    /// What the correlation looks at, as rows: `key`, `at`, `event_id`, `rule` (its place in the
    /// correlation's list), `value`, `input`. A match without one of the group's fields belongs to no group.
    fn matches(&self) -> Result<RecordBatch, Error> {
        let of = &self.correlations[self.number];
        let (mut keys, mut times, mut events) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rules, mut values, mut inputs) = (Vec::new(), Vec::new(), Vec::new());
        let mut add = |input: usize, names: &[String], at_us: i64, hit: usize, fields: &Fields| {
            for (place, rule) in (0_i64..).zip(&of.rules).filter(|(_, rule)| names.contains(rule)) {
                let value_of = |field: &String| fields.get(of.field_of(field, rule)).map(String::as_str);
                let key = of.group_by.iter().map(value_of).collect::<Option<Vec<&str>>>();
                let Some(key) = key else { continue };
                keys.push(serde_json::Value::from(key).to_string());
                times.push(at_us);
                events.push(self.hits[hit].event_id.as_str());
                rules.push(place);
                inputs.push(input as i64);
                values.push(match &of.counted {
                    Counted::Values(field, _) => value_of(field).map(str::to_owned),
                    _ => None,
                });
            }
        };
        for (input, hit) in self.hits.iter().enumerate() {
            add(input, &hit.names, hit.at_us, input, &hit.fields);
        }
        for (input, fired) in (self.hits.len()..).zip(self.fired) {
            let names = &self.correlations[fired.correlation].heading.names;
            add(input, names, fired.at_us, fired.hit, &fired.key);
        }
        let columns: [(&str, ArrayRef); 6] = [
            ("key", Arc::new(StringArray::from(keys))),
            ("at", Arc::new(Int64Array::from(times))),
            ("event_id", Arc::new(StringArray::from(events))),
            ("rule", Arc::new(Int64Array::from(rules))),
            ("value", Arc::new(StringArray::from(values))),
            ("input", Arc::new(Int64Array::from(inputs))),
        ];
        Ok(RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))?)
    }

    /// The windows in rows that are sorted by group and time. Where the correlation does not hold between two
    /// matches at which it does, and that lie within its span, they are one window all the same: else an
    /// event that comes late and adds nothing would part in two what was told as one.
    fn windows(&self, rows: &RecordBatch) -> Result<Vec<Fired>, Error> {
        let of = &self.correlations[self.number];
        let keys = cast(&rows["key"], &DataType::Utf8)?;
        let keys = keys.as_string::<i32>();
        let (times, inputs) =
            (rows["at"].as_primitive::<Int64Type>(), rows["input"].as_primitive::<Int64Type>());
        let holds = rows["holds"].as_boolean();
        let input = |row: usize| usize::try_from(inputs.value(row)).unwrap_or_default();
        let mut found: Vec<Fired> = Vec::new();
        let mut group = 0;
        let mut open = false;
        for row in 0..rows.num_rows() {
            if keys.value(row) != keys.value(group) {
                (group, open) = (row, false);
            }
            if !(holds.is_valid(row) && holds.value(row)) {
                continue;
            }
            let at_us = times.value(row);
            let goes_on = found.last_mut().filter(|last| open && at_us - last.until_us <= of.span_us);
            if let Some(last) = goes_on {
                last.until_us = at_us;
                last.held.push(self.hit(input(row)));
                continue;
            }
            let earlier = (group..row).rev().take_while(|other| at_us - times.value(*other) <= of.span_us);
            let peers = (row..rows.num_rows())
                .take_while(|other| times.value(*other) == at_us && keys.value(*other) == keys.value(row));
            let mut hits: Vec<usize> =
                earlier.chain(peers).flat_map(|other| self.hits_of(input(other))).collect();
            hits.sort_by_key(|hit| (self.hits[*hit].at_us, &self.hits[*hit].event_id));
            hits.dedup();
            let values: Vec<String> = serde_json::from_str(keys.value(row)).unwrap_or_default();
            let hit = self.hit(input(row));
            found.push(Fired {
                correlation: self.number,
                key: of.group_by.iter().cloned().zip(values).collect(),
                at_us,
                hit,
                hits,
                held: vec![hit],
                until_us: at_us,
            });
            open = true;
        }
        Ok(found)
    }

    /// The match that an input is, or that made another correlation hold.
    fn hit(&self, input: usize) -> usize {
        input.checked_sub(self.hits.len()).map_or(input, |fired| self.fired[fired].hit)
    }

    fn hits_of(&self, input: usize) -> Vec<usize> {
        input.checked_sub(self.hits.len()).map_or_else(|| vec![input], |fired| self.fired[fired].hits.clone())
    }
}

type Fields = BTreeMap<String, String>;

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
