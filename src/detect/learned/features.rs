//! How many peers hold what, for every grant: the features of the peer models.
//!
//! The only room of polars. Data comes in as plain columns and goes out as plain columns, so
//! that no data frame crosses the border.

use polars::prelude::{Column, DataFrame, GroupsIndicator, PolarsError};

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
/// Cost: two group-bys a scope, linear in grants and people.
///
/// # Errors
/// When polars cannot group the columns, which is a bug of ours.
pub fn peer_counts(holdings: &Holdings, peers: &Peers) -> Result<Vec<PeerCounts>, PolarsError> {
    let people = people_frame(peers)?;
    let grants = grants_frame(holdings, peers)?;
    let scope = |keys: &[&str]| -> Result<Vec<Count>, PolarsError> {
        let totals = group_sizes(&people, keys)?;
        let holder_keys: Vec<&str> = keys.iter().copied().chain(["entitlement"]).collect();
        let holders = group_sizes(&grants, &holder_keys)?;
        // The holder is counted in both and is nobody's peer.
        let count = |(person, holders): (&u32, u32)| Count {
            total: totals[*person as usize].saturating_sub(1),
            holders: holders.saturating_sub(1),
        };
        Ok(holdings.person.iter().zip(holders).map(count).collect())
    };
    let organisation = scope(&[])?;
    let department = scope(&["department"])?;
    let role = scope(&["department", "title"])?;
    Ok(organisation
        .into_iter()
        .zip(department)
        .zip(role)
        .map(|((organisation, department), role)| PeerCounts { organisation, department, role })
        .collect())
}

/// For every row, how many rows share its `keys`; without keys, how many rows there are.
fn group_sizes(frame: &DataFrame, keys: &[&str]) -> Result<Vec<u32>, PolarsError> {
    let rows = frame.height();
    if keys.is_empty() || rows == 0 {
        return Ok(vec![rows as u32; rows]);
    }
    let mut sizes = vec![0; rows];
    for group in frame.group_by(keys)?.into_groups().iter() {
        let size = group.len() as u32;
        match group {
            GroupsIndicator::Idx((_, members)) => {
                members.iter().for_each(|row| sizes[*row as usize] = size);
            }
            GroupsIndicator::Slice([first, length]) => {
                sizes[first as usize..(first + length) as usize].fill(size);
            }
        }
    }
    Ok(sizes)
}

fn people_frame(peers: &Peers) -> Result<DataFrame, PolarsError> {
    let columns =
        vec![Column::new("department".into(), &peers.department), Column::new("title".into(), &peers.title)];
    DataFrame::new(peers.department.len(), columns)
}

/// The grants, each with the attributes of its holder.
fn grants_frame(holdings: &Holdings, peers: &Peers) -> Result<DataFrame, PolarsError> {
    let of_holders = |attribute: &[String]| -> Vec<String> {
        holdings.person.iter().map(|person| attribute[*person as usize].clone()).collect()
    };
    let columns = vec![
        Column::new("entitlement".into(), &holdings.entitlement),
        Column::new("department".into(), of_holders(&peers.department)),
        Column::new("title".into(), of_holders(&peers.title)),
    ];
    DataFrame::new(holdings.person.len(), columns)
}
