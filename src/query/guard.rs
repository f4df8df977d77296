//! What a statement from outside may do: one SELECT over this tenant's tables.
//!
//! DataFusion's SQL is open by default (DDL, COPY, SET); the planner's options refuse those,
//! and an allow-list of plan nodes refuses whatever a later version may add.

use std::collections::HashSet;

use arrow::datatypes::Schema;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;

/// Options that refuse everything but queries.
pub fn options() -> SQLOptions {
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false)
}

/// Refuses a plan that holds anything but reading.
pub fn check(plan: &LogicalPlan) -> Result<(), DataFusionError> {
    plan.apply_with_subqueries(|node| match refused(node) {
        Some(what) => Err(DataFusionError::Plan(format!("{what} is not allowed here: write one SELECT"))),
        None => Ok(TreeNodeRecursion::Continue),
    })?;
    Ok(())
}

/// The first name that two columns of an answer share: whoever looks a value up by it would get
/// that of the other.
pub fn repeated(columns: &Schema) -> Option<&str> {
    let mut seen = HashSet::new();
    columns.fields().iter().map(|field| field.name().as_str()).find(|name| !seen.insert(*name))
}

fn refused(node: &LogicalPlan) -> Option<&'static str> {
    match node {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Unnest(_) => None,
        LogicalPlan::Ddl(_) => Some("changing tables"),
        LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => Some("writing"),
        LogicalPlan::Explain(_) | LogicalPlan::Analyze(_) | LogicalPlan::DescribeTable(_) => Some("EXPLAIN"),
        _ => Some("this statement"),
    }
}
