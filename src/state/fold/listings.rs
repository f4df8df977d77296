//! Listings that may say who is gone: trusted ones, by application and in the order of time.

use std::collections::HashMap;

use arrow::array::RecordBatch;

use super::described::Said;
use crate::query::{Error, Numbered, Rows, Session};

const TRUSTED: &str = "SELECT row_kind, app_id, listing_id, listed_at FROM listings WHERE trusted ORDER BY listed_at, listing_id";

/// The trusted listings of a session.
pub struct Listings(Vec<Listing>);

struct Listing {
    row_kind: String,
    app_id: String,
    listing_id: String,
    listed_at: i64,
}

/// Those of one kind of row, by application.
pub struct Trusted(HashMap<u32, Vec<Said>>);

impl Listings {
    pub async fn of(session: &Session) -> Result<Listings, Error> {
        let mut listings = Vec::new();
        for batch in session.collect("listings", TRUSTED).await? {
            read(&batch, &mut listings)?;
        }
        Ok(Listings(listings))
    }

    /// Those of accounts, or those of grants.
    pub fn trusted(&self, row_kind: &str, texts: &mut Numbered) -> Trusted {
        let mut trusted: HashMap<u32, Vec<Said>> = HashMap::new();
        for listing in self.0.iter().filter(|listing| listing.row_kind == row_kind) {
            let said = Said { at: listing.listed_at, by: texts.number(&listing.listing_id) };
            trusted.entry(texts.number(&listing.app_id)).or_default().push(said);
        }
        Trusted(trusted)
    }
}

impl Trusted {
    /// Those of `app` after `first_at` that are not among the ones that `named` it.
    pub fn without(&self, app: u32, first_at: i64, named: impl Iterator<Item = u32>) -> Vec<Said> {
        let Some(listings) = self.0.get(&app) else { return Vec::new() };
        let later = &listings[listings.partition_point(|listing| listing.at <= first_at)..];
        if later.is_empty() {
            return Vec::new();
        }
        let mut named: Vec<u32> = named.collect();
        named.sort_unstable();
        later.iter().filter(|listing| named.binary_search(&listing.by).is_err()).copied().collect()
    }
}

fn read(batch: &RecordBatch, listings: &mut Vec<Listing>) -> Result<(), Error> {
    let rows = Rows::new("listings", batch);
    let (row_kind, app_id) = (rows.texts("row_kind")?, rows.texts("app_id")?);
    let (listing_id, listed_at) = (rows.texts("listing_id")?, rows.times("listed_at")?);
    for row in 0..rows.len() {
        let (Some(row_kind), Some(app_id)) = (row_kind.owned(row), app_id.owned(row)) else { continue };
        let (Some(listing_id), Some(listed_at)) = (listing_id.owned(row), listed_at.get(row)) else {
            continue;
        };
        listings.push(Listing { row_kind, app_id, listing_id, listed_at: listed_at.0 });
    }
    Ok(())
}
