//! What to do about a finding: the rule's advice and, where a request says it, the dry run in the
//! dialect of the application.

use std::collections::BTreeMap;

use super::Error;
use super::cells::Cells;
use super::rule::{Run, query};
use crate::domain::finding::{Json, Remediation};
use crate::models::rule::{Advice, AdviceKind};
use crate::models::{Dialect, Rule, semantics};
use crate::scim::request;

/// Which dialect each application reads.
pub struct Dialects {
    dialects: BTreeMap<String, Dialect>,
    by_app: BTreeMap<String, String>,
    otherwise: Option<String>,
}

impl Dialects {
    /// Reads what the applications of the session speak, if the rule advises a request at all.
    pub async fn read(rule: &Rule, run: Run<'_>) -> Result<Dialects, Error> {
        let none = Dialects { dialects: BTreeMap::new(), by_app: BTreeMap::new(), otherwise: None };
        if !matches!(rule.remediation.kind, AdviceKind::ScimDeactivate | AdviceKind::ScimGroupRemove) {
            return Ok(none);
        }
        let rows = query(&rule.id, run.session, "SELECT app_id, dialect FROM applications", None).await?;
        let by_app = rows.iter().filter_map(|row| Some((row.text("app_id")?, row.text("dialect")?)));
        let model = |source| Error::Model { rule: rule.id.clone(), source };
        let lines = semantics::semantics().map_err(model)?;
        Ok(Dialects {
            dialects: semantics::dialects().map_err(model)?,
            by_app: by_app.collect(),
            otherwise: lines
                .into_iter()
                .find(|line| line.id == semantics::DEFAULT)
                .and_then(|line| line.dialect),
        })
    }

    fn of(&self, row: &Cells) -> Option<&Dialect> {
        let spoken = row.text("app_id").and_then(|app| self.by_app.get(&app));
        self.dialects.get(spoken.or(self.otherwise.as_ref())?)
    }
}

/// The advice for one row. A request is made only for an account that the row names.
pub fn remediation(advice: &Advice, row: &Cells, dialects: &Dialects) -> Remediation {
    let (request, inverse) = match advice.kind {
        AdviceKind::ScimDeactivate => account_requests(row, dialects),
        AdviceKind::ScimGroupRemove => group_requests(row, dialects),
        _ => None,
    }
    .unzip();
    Remediation {
        kind: advice.kind.as_str().to_owned(),
        text: advice.text.trim().to_owned(),
        request,
        inverse,
        reach: row.number("reach").map_or(1, |reach| reach as u32),
    }
}

type Requests = Option<(Json, Json)>;

fn account_requests(row: &Cells, dialects: &Dialects) -> Requests {
    let (account_id, dialect) = (row.text("account_id")?, dialects.of(row)?);
    let request = |operation| Json::new(&request::patch_user(&account_id, operation));
    request(&dialect.deactivate).zip(request(&dialect.reactivate))
}

fn group_requests(row: &Cells, dialects: &Dialects) -> Requests {
    if row.text("entitlement_kind").as_deref() != Some("group") {
        return None;
    }
    let (account_id, group_id) = (row.text("account_id")?, row.text("entitlement_id")?);
    let dialect = dialects.of(row)?;
    let request = |operation| Json::new(&request::patch_group(&group_id, &account_id, operation));
    request(&dialect.remove_member).zip(request(&dialect.add_member))
}
