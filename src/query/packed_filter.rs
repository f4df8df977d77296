//! Conditions on one column, asked of the values that codes stand for: a condition on a state is asked some times
//! instead of a million times, and rows that it leaves out are not unpacked.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{and, prep_null_mask_filter};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::catalog::Session;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;

use super::packed::Unit;

/// Conditions that rows meet all of.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions(Vec<Condition>);

#[derive(Clone, Debug)]
struct Condition {
    column: usize,
    /// Of the column alone.
    schema: SchemaRef,
    expression: Arc<dyn PhysicalExpr>,
}

/// Whether a condition is on one column, and says the same of one value whenever it is asked.
pub(super) fn is_of_one_column(condition: &Expr) -> bool {
    let asks = |part: &Expr| {
        Ok(matches!(
            part,
            Expr::ScalarSubquery(_) | Expr::InSubquery(_) | Expr::Exists(_) | Expr::OuterReferenceColumn(..)
        ))
    };
    condition.column_refs().len() == 1 && !condition.is_volatile() && !condition.exists(asks).unwrap_or(true)
}

impl Conditions {
    /// Conditions that [`is_of_one_column`] let pass, on a table of the columns `schema`.
    pub fn new(session: &dyn Session, schema: &SchemaRef, conditions: &[Expr]) -> Result<Conditions> {
        let condition = |condition: &Expr| {
            let columns = condition.column_refs();
            // What is known of the column may have made it a word, which is the same of any column.
            let column = match columns.iter().next() {
                Some(column) => schema.index_of(&column.name)?,
                None => 0,
            };
            let schema: SchemaRef = Arc::new(Schema::new(vec![schema.field(column).clone()]));
            let named = DFSchema::try_from(Arc::clone(&schema))?;
            let expression = session.create_physical_expr(condition.clone(), &named)?;
            Ok(Condition { column, schema, expression })
        };
        conditions.iter().map(condition).collect::<Result<_>>().map(Conditions)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn expressions(&self) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
        self.0.iter().map(|condition| &condition.expression)
    }

    /// Which of the `rows` rows from `from` on meet all conditions; none where no row does.
    pub fn met(&self, unit: &Unit, from: usize, rows: usize) -> Result<Option<BooleanArray>> {
        let mut all: Option<BooleanArray> = None;
        for Condition { column, schema, expression } in &self.0 {
            let judge = |values: &ArrayRef| -> std::result::Result<BooleanArray, ArrowError> {
                let batch = RecordBatch::try_new(Arc::clone(schema), vec![Arc::clone(values)])?;
                let judged = expression.evaluate(&batch).and_then(|judged| judged.into_array(values.len()));
                let judged = judged.map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
                let judged = judged.as_boolean();
                Ok(if judged.null_count() > 0 { prep_null_mask_filter(judged) } else { judged.clone() })
            };
            let met = unit.judged(*column, from, rows, &judge)?;
            let met = match all {
                Some(all) => and(&all, &met)?,
                None => met,
            };
            if !met.has_true() {
                return Ok(None);
            }
            all = Some(met);
        }
        Ok(all)
    }
}
