//! What to do about a finding: the rule's advice and, where a request says it, the dry run.

use crate::domain::finding::Remediation;
use crate::models::rule::{Advice, AdviceKind};
use crate::scim::request::{self, Dialect};

use super::cells::Cells;

/// The advice for one row. A request is made only for an account that the row names; it is
/// in Okta's dialect, which RFC 7644 providers read, unless the identity provider is Entra.
pub fn remediation(advice: &Advice, row: &Cells) -> Remediation {
    let (request, inverse) = match advice.kind {
        AdviceKind::ScimDeactivate => account_requests(row),
        AdviceKind::ScimGroupRemove => group_requests(row),
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

type Requests = Option<(serde_json::Value, serde_json::Value)>;

fn account_requests(row: &Cells) -> Requests {
    let account_id = row.text("account_id")?;
    let dialect = dialect(row);
    Some((request::deactivate(dialect, &account_id), request::reactivate(dialect, &account_id)))
}

fn group_requests(row: &Cells) -> Requests {
    if row.text("entitlement_kind").as_deref() != Some("group") {
        return None;
    }
    let (account_id, group_id) = (row.text("account_id")?, row.text("entitlement_id")?);
    let dialect = dialect(row);
    let remove = request::remove_group_member(dialect, &group_id, &account_id);
    Some((remove, request::add_group_member(dialect, &group_id, &account_id)))
}

fn dialect(row: &Cells) -> Dialect {
    match row.text("app_id").as_deref() {
        Some("entra") => Dialect::Entra,
        _ => Dialect::Okta,
    }
}
