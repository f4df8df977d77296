//! `/findings`: the ledger's list, one finding, its history, its evidence.

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::list::{LIMIT_DEFAULT, LIMIT_MAX};
use crate::findings::{Cursor, Entry, FindingQuery, Ledger, Order, Sort};
use crate::serve::answer::Answer;
use crate::serve::filter;
use crate::serve::parameters::{Nothing, Parameters};
use crate::serve::problem::Problem;
use crate::serve::state::Shared;

/// Parameters of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParameters {
    filter: Option<String>,
    sort: Option<String>,
    order: Option<String>,
    cursor: Option<String>,
    limit: Option<u32>,
}

/// Findings, the gravest first.
#[utoipa::path(get, path = "/api/v1/findings",
    params(
        ("filter" = Option<String>, Query, description = "SCIM filter, for example severity ge \"high\""),
        ("sort" = Option<String>, Query, description = "severity, score, since, first_seen_at, last_seen_at or finding_id"),
        ("order" = Option<String>, Query, description = "ascending or descending"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 1,000"),
    ),
    responses((status = 200, description = "One page: findings, total, next"), (status = 400, description = "Problem document"), (status = 401, description = "Problem document")))]
pub async fn list(
    State(shared): State<Shared>,
    Parameters(parameters): Parameters<ListParameters>,
) -> Result<Answer, Problem> {
    let list = list_name(&shared, &parameters);
    let query = query(&shared, &parameters, &list)?;
    let page = ledger(&shared).await?.list(&query).await?;
    let findings: Vec<Value> = page.entries.iter().map(document).collect();
    let next = page.next.and_then(|cursor| shared.signer().seal(&list, &cursor));
    let answer = json!({ "schema_version": 1, "findings": findings, "total": page.total, "next": next });
    Ok(Answer::list(answer, "findings"))
}

/// One finding, with its revision.
#[utoipa::path(get, path = "/api/v1/findings/{id}", params(("id" = String, Path)),
    responses((status = 200, description = "The finding"), (status = 404, description = "Problem document")))]
pub async fn one(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    _: Parameters<Nothing>,
) -> Result<Answer, Problem> {
    let entry = entry(&shared, &id).await?;
    Ok(Answer::one(document(&entry)))
}

/// What happened to a finding, oldest first.
#[utoipa::path(get, path = "/api/v1/findings/{id}/events", params(("id" = String, Path)),
    responses((status = 200, description = "Transitions"), (status = 404, description = "Problem document")))]
pub async fn events(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    _: Parameters<Nothing>,
) -> Result<Answer, Problem> {
    entry(&shared, &id).await?;
    let events = shared.ledger().events(&id).await?;
    Ok(Answer::list(json!({ "schema_version": 1, "events": events }), "events"))
}

/// The rows that prove a finding.
#[utoipa::path(get, path = "/api/v1/findings/{id}/evidence", params(("id" = String, Path)),
    responses((status = 200, description = "Evidence rows"), (status = 404, description = "Problem document")))]
pub async fn evidence(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    _: Parameters<Nothing>,
) -> Result<Answer, Problem> {
    let finding = entry(&shared, &id).await?.known.finding;
    let answer = json!({
        "schema_version": 1,
        "finding_id": finding.finding_id,
        "as_of": finding.as_of,
        "known_at": finding.known_at,
        "explanation": finding.explanation,
        "evidence": finding.evidence,
    });
    Ok(Answer::list(answer, "evidence"))
}

/// The ledger as it stands now: a waiver that has ended hides nothing.
async fn ledger(shared: &Shared) -> Result<&Ledger, Problem> {
    shared.ledger().expire_waivers(shared.now()).await?;
    Ok(shared.ledger())
}

async fn entry(shared: &Shared, id: &str) -> Result<Entry, Problem> {
    let found = ledger(shared).await?.get(id).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no finding \"{id}\"")))
}

fn document(entry: &Entry) -> Value {
    let mut value = serde_json::to_value(&entry.known.finding).unwrap_or_default();
    value["revision"] = json!(entry.revision);
    value
}

/// What a cursor is bound to: a page of one list continues no other.
fn list_name(shared: &Shared, parameters: &ListParameters) -> String {
    format!(
        "{}/findings/{:?}/{:?}/{:?}",
        shared.tenant(),
        parameters.filter,
        parameters.sort,
        parameters.order
    )
}

fn query(shared: &Shared, parameters: &ListParameters, list: &str) -> Result<FindingQuery, Problem> {
    let sort = parameters.sort.as_deref().unwrap_or("severity");
    let limit = parameters.limit.unwrap_or(LIMIT_DEFAULT);
    if limit == 0 || limit > LIMIT_MAX {
        return Err(Problem::bad_request("limit", format!("limit must be 1 to {LIMIT_MAX}")));
    }
    let after: Option<Cursor> =
        parameters.cursor.as_ref().map(|text| shared.signer().open(list, text)).transpose()?;
    Ok(FindingQuery {
        filter: parameters
            .filter
            .as_deref()
            .map(|text| filter::parse(text, shared.now()))
            .transpose()
            .map_err(|what| Problem::bad_request("filter", what))?,
        sort: Sort::parse(sort).ok_or_else(|| {
            Problem::bad_request("sort", format!("findings cannot be sorted by \"{sort}\""))
        })?,
        order: match parameters.order.as_deref() {
            None | Some("descending") => Order::Descending,
            Some("ascending") => Order::Ascending,
            Some(other) => {
                return Err(Problem::bad_request(
                    "order",
                    format!("\"{other}\" is neither ascending nor descending"),
                ));
            }
        },
        after,
        limit,
    })
}
