//! Conditions on a count of all rows. The library asks a condition before it counts where that names no column: what is
//! to be left out is then told of as a count of nothing, and an answer has a row that no row should be.

use std::sync::Arc;

use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::optimizer::{ApplyOrder, Optimizer};
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};

/// The library's rules, of which the one that asks conditions early keeps them above a count of all rows.
pub fn rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let guarded = |rule: Arc<dyn OptimizerRule + Send + Sync>| match rule.name() {
        "push_down_filter" => Arc::new(AboveCounts(rule)) as _,
        _ => rule,
    };
    Optimizer::new().rules.into_iter().map(guarded).collect()
}

/// A rule that is not asked of conditions on a count of all rows.
#[derive(Debug)]
struct AboveCounts(Arc<dyn OptimizerRule + Send + Sync>);

impl OptimizerRule for AboveCounts {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.0.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        match is_of_count(&plan) {
            true => Ok(Transformed::no(plan)),
            false => self.0.rewrite(plan, config),
        }
    }
}

fn is_of_count(plan: &LogicalPlan) -> bool {
    let LogicalPlan::Filter(filter) = plan else { return false };
    let LogicalPlan::Aggregate(counted) = filter.input.as_ref() else { return false };
    // A set of groups may have one of all rows.
    counted.group_expr.iter().all(|group| matches!(group, Expr::GroupingSet(_)))
}
