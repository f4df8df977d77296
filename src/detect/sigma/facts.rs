//! What rules ask of records: facts that many rules share, and formulas over them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, cast, col, lit, not};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;

use super::columns::{Column, Sides, VALUES};
use super::network::Network;
use super::time_part::TimePart;

/// A question about one record, true or false and never unknown: a field that is missing has no
/// value that could fit, so `not` of it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// Any value of the column fits.
    Any { column: usize, test: Test },
    /// The column has a value other than null.
    Present { column: usize },
    /// The columns share a value.
    Same { left: usize, right: usize, cased: bool },
}

/// A question about one value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Test {
    /// An expression over a column's distinct values ([`super::columns::VALUES`]).
    Expression(Expr),
    Network(Network),
    TimePart(TimePart, i64),
}

/// What a rule says of a record: numbers of facts, put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formula {
    Fact(usize),
    Not(Box<Formula>),
    All(Vec<Formula>),
    Any(Vec<Formula>),
    /// At least so many of them.
    Count(u64, Vec<Formula>),
}

/// The facts of a program, each once, and how their expressions are run.
pub struct Facts {
    list: Vec<(Fact, Option<Arc<dyn PhysicalExpr>>)>,
    known: HashMap<Fact, usize>,
    context: SessionContext,
}

impl Facts {
    pub fn new() -> Facts {
        Facts { list: Vec::new(), known: HashMap::new(), context: SessionContext::new() }
    }

    /// The formula that says `fact`.
    ///
    /// # Errors
    /// A sentence, when its expression does not run: a regular expression that is none.
    pub fn say(&mut self, fact: Fact) -> Result<Formula, String> {
        if let Some(number) = self.known.get(&fact) {
            return Ok(Formula::Fact(*number));
        }
        let expression = match &fact {
            Fact::Any { test: Test::Expression(expression), .. } => Some(self.tried(expression.clone())?),
            _ => None,
        };
        let number = self.list.len();
        self.known.insert(fact.clone(), number);
        self.list.push((fact, expression));
        Ok(Formula::Fact(number))
    }

    fn tried(&self, expression: Expr) -> Result<Arc<dyn PhysicalExpr>, String> {
        let physical = self.physical(expression, &VALUES)?;
        let sample = Column::new(0).values(Sides::all()).map_err(|error| error.to_string())?;
        physical.evaluate(&sample).map_err(|error| error.to_string())?;
        Ok(physical)
    }

    /// An expression over columns of `schema`, ready to run.
    pub fn physical(&self, expression: Expr, schema: &SchemaRef) -> Result<Arc<dyn PhysicalExpr>, String> {
        let named = DFSchema::try_from(Arc::clone(schema)).map_err(|error| error.to_string())?;
        self.context.create_physical_expr(expression, &named).map_err(|error| error.to_string())
    }

    /// What of a column's values its facts ask for.
    pub fn sides(&self, column: usize) -> Sides {
        let mut sides = Sides::default();
        for (fact, _) in &self.list {
            if let Fact::Any { column: of, test: Test::Expression(expression) } = fact
                && *of == column
            {
                expression.column_refs().iter().for_each(|asked| sides.add(&asked.name));
            }
        }
        sides
    }

    /// Each fact and the expression over a column's values that decides it, if one does.
    pub fn list(&self) -> &[(Fact, Option<Arc<dyn PhysicalExpr>>)] {
        &self.list
    }
}

impl Fact {
    /// The columns that the fact looks at.
    pub fn columns(&self) -> Vec<usize> {
        match self {
            Fact::Any { column, .. } | Fact::Present { column } => vec![*column],
            Fact::Same { left, right, .. } => vec![*left, *right],
        }
    }
}

impl Formula {
    /// The formula as an expression over boolean columns, one a fact.
    pub fn expression(&self) -> Expr {
        match self {
            Formula::Fact(number) => col(fact_name(*number)),
            Formula::Not(inner) => not(inner.expression()),
            Formula::All(parts) => {
                parts.iter().map(Formula::expression).reduce(Expr::and).unwrap_or_else(|| lit(true))
            }
            Formula::Any(parts) => {
                parts.iter().map(Formula::expression).reduce(Expr::or).unwrap_or_else(|| lit(false))
            }
            Formula::Count(least, parts) => {
                let one = |part: &Formula| cast(part.expression(), DataType::UInt64);
                let sum = parts.iter().map(one).reduce(|a, b| a + b).unwrap_or_else(|| lit(0_u64));
                sum.gt_eq(lit(*least))
            }
        }
    }

    /// Whether the formula can come out true and whether it can come out false, when of each fact
    /// it is known whether its fields exist at all; a fact about fields that do not is false.
    pub fn outcomes(&self, exists: &dyn Fn(usize) -> bool) -> (bool, bool) {
        let of = |parts: &[Formula]| -> Vec<(bool, bool)> {
            parts.iter().map(|part| part.outcomes(exists)).collect()
        };
        match self {
            Formula::Fact(number) => (exists(*number), true),
            Formula::Not(inner) => {
                let (can_hold, can_fail) = inner.outcomes(exists);
                (can_fail, can_hold)
            }
            Formula::All(parts) => {
                let of = of(parts);
                (of.iter().all(|(hold, _)| *hold), of.iter().any(|(_, fail)| *fail))
            }
            Formula::Any(parts) => {
                let of = of(parts);
                (of.iter().any(|(hold, _)| *hold), of.iter().all(|(_, fail)| *fail))
            }
            Formula::Count(least, parts) => {
                let of = of(parts);
                let holding = of.iter().filter(|(hold, _)| *hold).count() as u64;
                let surely = of.iter().filter(|(_, fail)| !*fail).count() as u64;
                (holding >= *least, surely < *least)
            }
        }
    }
    /// The facts that the formula asks for.
    pub fn facts(&self) -> Vec<usize> {
        match self {
            Formula::Fact(number) => vec![*number],
            Formula::Not(inner) => inner.facts(),
            Formula::All(parts) | Formula::Any(parts) | Formula::Count(_, parts) => {
                parts.iter().flat_map(Formula::facts).collect()
            }
        }
    }
}

/// The name of a fact's column.
pub fn fact_name(number: usize) -> String {
    format!("f{number}")
}
