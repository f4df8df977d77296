//! How many peers hold what, for every grant: the features of the peer models.
//!
//! The only room of polars. Data comes in as plain columns and goes out as plain columns, so
//! that no data frame crosses the border.

use polars::prelude::{
    Column, DataFrame, IntoLazy, JoinArgs, JoinType, LazyFrame, PolarsError, col, len, lit,
};

/// Why peers could not be counted.
pub type CountError = PolarsError;

/// Who holds what, one entry a grant: indices into people and entitlements.
pub struct Holdings {
    pub person: Vec<u32>,
    pub entitlement: Vec<u32>,
}

/// Two attributes a person, by index; an empty text means that HR does not say.
pub struct Peers {
    pub department: Vec<String>,
    pub title: Vec<String>,
}

/// Peers of one scope without the holder: `total` of them, of whom `holders` hold the entitlement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub total: u32,
    pub holders: u32,
}

/// The counts of one grant, from wide to narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerCounts {
    pub organisation: Count,
    pub department: Count,
    /// Same department and same title.
    pub role: Count,
}

/// Counts peers for every grant, in the order of `holdings`, with the grant itself left out.
/// Cost: a handful of group-bys, linear in grants and people.
///
/// # Errors
/// When polars cannot evaluate the plan, which is a bug of ours.
pub fn peer_counts(holdings: &Holdings, peers: &Peers) -> Result<Vec<PeerCounts>, PolarsError> {
    let people = people_frame(peers)?;
    let grants = grants_frame(holdings)?.join(
        people.clone(),
        [col("person")],
        [col("person")],
        JoinArgs::new(JoinType::Inner),
    );
    let scopes: [(&str, &[&str]); 3] =
        [("organisation", &[]), ("department", &["department"]), ("role", &["department", "title"])];
    let mut counted = grants.clone();
    for (scope, keys) in scopes {
        counted = with_counts(counted, &people, &grants, scope, keys);
    }
    let frame = counted.sort(["row"], Default::default()).collect()?;
    let column = |name: &str| -> Result<Vec<u32>, PolarsError> {
        Ok(frame.column(name)?.cast(&polars::prelude::DataType::UInt32)?.u32()?.into_no_null_iter().collect())
    };
    let read = |scope: &str| -> Result<Vec<Count>, PolarsError> {
        let (totals, holders) = (column(&format!("{scope}_total"))?, column(&format!("{scope}_holders"))?);
        // The holder is counted in both and is nobody's peer.
        Ok(totals
            .into_iter()
            .zip(holders)
            .map(|(total, holders)| Count {
                total: total.saturating_sub(1),
                holders: holders.saturating_sub(1),
            })
            .collect())
    };
    let (organisation, department, role) = (read("organisation")?, read("department")?, read("role")?);
    Ok(organisation
        .into_iter()
        .zip(department)
        .zip(role)
        .map(|((organisation, department), role)| PeerCounts { organisation, department, role })
        .collect())
}

/// Adds `<scope>_total` (people who share `keys`) and `<scope>_holders` (those of them who
/// hold the row's entitlement).
fn with_counts(
    rows: LazyFrame,
    people: &LazyFrame,
    grants: &LazyFrame,
    scope: &str,
    keys: &[&str],
) -> LazyFrame {
    let scope_keys: Vec<_> = keys.iter().map(|key| col(*key)).chain([lit(1i32).alias("everybody")]).collect();
    let join_keys: Vec<_> = keys.iter().map(|key| col(*key)).chain([col("everybody")]).collect();
    let totals = people.clone().group_by(scope_keys.clone()).agg([len().alias(format!("{scope}_total"))]);
    let mut holder_keys = scope_keys;
    holder_keys.push(col("entitlement"));
    let holders = grants.clone().group_by(holder_keys).agg([len().alias(format!("{scope}_holders"))]);
    let mut holder_join = join_keys.clone();
    holder_join.push(col("entitlement"));
    rows.with_column(lit(1i32).alias("everybody"))
        .join(totals, join_keys.clone(), join_keys, JoinArgs::new(JoinType::Left))
        .join(holders, holder_join.clone(), holder_join, JoinArgs::new(JoinType::Left))
}

fn people_frame(peers: &Peers) -> Result<LazyFrame, PolarsError> {
    let person: Vec<u32> = (0..peers.department.len() as u32).collect();
    let columns = vec![
        Column::new("person".into(), person),
        Column::new("department".into(), &peers.department),
        Column::new("title".into(), &peers.title),
    ];
    Ok(DataFrame::new(peers.department.len(), columns)?.lazy())
}

fn grants_frame(holdings: &Holdings) -> Result<LazyFrame, PolarsError> {
    let row: Vec<u32> = (0..holdings.person.len() as u32).collect();
    let columns = vec![
        Column::new("row".into(), row),
        Column::new("person".into(), &holdings.person),
        Column::new("entitlement".into(), &holdings.entitlement),
    ];
    Ok(DataFrame::new(holdings.person.len(), columns)?.lazy())
}
