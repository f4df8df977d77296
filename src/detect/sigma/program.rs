//! The rules of one logsource, compiled together: every record is read once, every fact is
//! decided once, whatever the number of rules that ask for it.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::physical_expr::PhysicalExpr;

use super::Error;
use super::columns::{Column, Filled, Sides};
use super::condition;
use super::facts::{Fact, Facts, Formula, Test, fact_name};
use super::paths::{Names, Node};
use super::reader::{self, Wanted};
use super::rules::Question;
use super::scope::{Asked, Reading, Scope};

/// Rules that are ready to run.
pub struct Program {
    facts: Facts,
    root: Node,
    columns: Vec<Asked>,
    /// By column: what its tests ask of its values.
    sides: Vec<Sides>,
    wanted_texts: Option<usize>,
    names: Names,
    conditions: Vec<(Formula, Arc<dyn PhysicalExpr>)>,
    schema: SchemaRef,
    /// Columns whose values are given back, beside those that rules test.
    kept: Vec<usize>,
}

/// What came of a batch of records.
pub struct Pass {
    /// By rule of the program: which records it matches.
    pub matched: Vec<BooleanArray>,
    /// By column: whether any record has a value there.
    pub seen: Vec<bool>,
    /// By kept column: the first value of each record that a rule matches, if any.
    pub kept: Vec<Vec<Option<String>>>,
    /// Records that are not JSON.
    pub unreadable: usize,
}

impl Program {
    /// Compiles each question that can be; the others give a sentence. Rules of the program are
    /// numbered as the questions that compiled. `kept` names fields whose values are wanted too.
    pub fn compile(
        questions: &[Question<'_>],
        kept: &[String],
        reading: Reading<'_>,
    ) -> Result<(Program, Vec<Result<usize, String>>), Error> {
        let mut scope = Scope::new(reading);
        let (mut formulas, mut outcomes) = (Vec::new(), Vec::new());
        for question in questions {
            let parts = question.parts.iter().map(|part| condition::formula(part, &mut scope));
            outcomes.push(parts.collect::<Result<Vec<Formula>, String>>().map(|parts| {
                formulas.push(Formula::All(parts));
                formulas.len() - 1
            }));
        }
        let kept = kept.iter().map(|field| scope.column(Some(field))).collect();
        let (wanted_texts, names) = (scope.texts(), scope.names());
        let Scope { facts, root, columns, .. } = scope;
        let fields: Vec<Field> = (0..facts.list().len())
            .map(|number| Field::new(fact_name(number), DataType::Boolean, false))
            .collect();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        let mut conditions = Vec::new();
        for formula in formulas {
            let condition = facts.physical(formula.expression(), &schema).map_err(Error::Condition)?;
            conditions.push((formula, condition));
        }
        let sides = (0..columns.len()).map(|column| facts.sides(column)).collect();
        Ok((Program { facts, root, columns, sides, wanted_texts, names, conditions, schema, kept }, outcomes))
    }

    /// The fields that rules ask for.
    pub fn fields(&self) -> impl Iterator<Item = Option<&str>> {
        self.columns.iter().map(|asked| asked.field.as_deref())
    }

    /// Whether rule `number` can match at all, when only the columns `seen` ever have a value.
    pub fn can_match(&self, number: usize, seen: &[bool]) -> bool {
        let exists = |fact: usize| self.facts.list()[fact].0.columns().iter().all(|column| seen[*column]);
        self.conditions[number].0.outcomes(&exists).0
    }

    /// The fields that rule `number` asks for and that no record has.
    pub fn missing(&self, number: usize, seen: &[bool]) -> Vec<&str> {
        let mut columns: Vec<usize> = self.conditions[number]
            .0
            .facts()
            .into_iter()
            .flat_map(|fact| self.facts.list()[fact].0.columns())
            .filter(|column| !seen[*column])
            .collect();
        columns.sort_unstable();
        columns.dedup();
        columns.into_iter().filter_map(|column| self.columns[column].field.as_deref()).collect()
    }

    /// Runs every rule over a batch of raw records.
    ///
    /// # Errors
    /// When an expression does not run.
    pub fn run<'r>(&self, records: impl ExactSizeIterator<Item = &'r str>) -> Result<Pass, Error> {
        let count = records.len();
        let mut columns: Vec<Column> = self.columns.iter().map(|asked| Column::new(asked.slots)).collect();
        let wanted = Wanted { root: &self.root, names: self.names, texts: self.wanted_texts };
        let mut unreadable = 0;
        for (record, raw) in (0..).zip(records) {
            unreadable += usize::from(reader::read(raw, record, wanted, &mut columns).is_err());
        }
        let filled = columns.iter().zip(&self.sides).map(|(column, sides)| Filled::new(column, *sides));
        let filled = filled.collect::<Result<Vec<_>, _>>()?;
        let facts = self.decided(&filled, count)?;
        let matched = self.conditions.iter().map(|(_, condition)| truths(condition, &facts));
        let matched: Vec<BooleanArray> = matched.collect::<Result<_, _>>()?;
        let kept = match self.kept.as_slice() {
            [] => Vec::new(),
            kept => {
                let any: Vec<bool> = (0..count).map(|row| matched.iter().any(|one| one.value(row))).collect();
                kept.iter().map(|column| filled[*column].firsts(&any)).collect()
            }
        };
        Ok(Pass { matched, seen: filled.iter().map(Filled::seen).collect(), kept, unreadable })
    }

    fn decided(&self, filled: &[Filled<'_>], count: usize) -> Result<RecordBatch, Error> {
        let mut decided: Vec<ArrayRef> = Vec::with_capacity(self.facts.list().len());
        for (fact, expression) in self.facts.list() {
            decided.push(Arc::new(match fact {
                Fact::Present { column } => filled[*column].present(count),
                Fact::Same { left, right, cased } => filled[*left].sharing(&filled[*right], *cased, count),
                Fact::Any { column, test } => {
                    let column = &filled[*column];
                    column.any(&fitting(column, test, expression.as_ref())?, count)
                }
            }));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), decided, &options)?)
    }
}

/// Which of a column's distinct values fit.
fn fitting(
    column: &Filled<'_>,
    test: &Test,
    expression: Option<&Arc<dyn PhysicalExpr>>,
) -> Result<BooleanArray, Error> {
    if column.pairs.is_empty() {
        return Ok(BooleanArray::from(Vec::<bool>::new()));
    }
    match (test, expression) {
        (Test::Network(network), _) => Ok(column.test(|text| network.holds(text))),
        (Test::TimePart(part, wanted), _) => Ok(column.test(|text| part.read(text) == Some(*wanted))),
        (Test::Expression(_), Some(expression)) => truths(expression, &column.values),
        (Test::Expression(_), None) => Ok(column.test(|_| false)),
    }
}

fn truths(expression: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<BooleanArray, Error> {
    let failed = |source| Error::Run { source: Box::new(source) };
    let array =
        expression.evaluate(batch).and_then(|value| value.into_array(batch.num_rows())).map_err(failed)?;
    array.as_boolean_opt().cloned().ok_or_else(|| Error::Condition("a condition is no truth".to_owned()))
}
