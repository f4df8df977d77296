//! Listings in the order of time, and those of them that may say who is gone: trusted ones, by application.

use std::collections::HashMap;

use ahash::RandomState;
use arrow::array::{Array, RecordBatch};

use super::described::Said;
use crate::query::{Error, Numbered, Rows, Session};

/// Of listings taken at one instant, as a corrected export of the same day, the one ingested later is the newer.
const ORDERED: &str = "SELECT row_kind, app_id, listing_id, listed_at, trusted FROM listings \
                       ORDER BY listed_at, ingested_at, listing_id";

/// The listings of a session, from older to newer.
pub struct Listings(Vec<Listing>);

struct Listing {
    row_kind: String,
    app_id: String,
    listing_id: String,
    listed_at: i64,
    trusted: bool,
}

/// Which of several listings is the newer: their places in time, by id. Events have none.
#[derive(Default)]
pub struct Places(HashMap<u32, u32, RandomState>);

/// Those of one kind of row, by application.
pub struct Trusted(HashMap<u32, Vec<Said>>);

impl Listings {
    pub async fn of(session: &Session) -> Result<Listings, Error> {
        let mut listings = Vec::new();
        for batch in session.collect("listings", ORDERED).await? {
            read(&batch, &mut listings)?;
        }
        Ok(Listings(listings))
    }

    /// The places of those of accounts, or of those of grants.
    pub fn places(&self, row_kind: &str, texts: &mut Numbered) -> Places {
        let listings = self.of_kind(row_kind);
        Places(listings.map(|(place, listing)| (texts.number(&listing.listing_id), place)).collect())
    }

    /// Trusted ones of accounts, or of grants.
    pub fn trusted(&self, row_kind: &str, texts: &mut Numbered) -> Trusted {
        let mut trusted: HashMap<u32, Vec<Said>> = HashMap::new();
        for (place, listing) in self.of_kind(row_kind).filter(|(_, listing)| listing.trusted) {
            let said = Said { at: listing.listed_at, place, by: texts.number(&listing.listing_id) };
            trusted.entry(texts.number(&listing.app_id)).or_default().push(said);
        }
        Trusted(trusted)
    }

    fn of_kind(&self, row_kind: &str) -> impl Iterator<Item = (u32, &Listing)> {
        (1..).zip(&self.0).filter(move |(_, listing)| listing.row_kind == row_kind)
    }
}

impl Places {
    /// The place of a listing; nought is before all of them.
    pub fn of(&self, listing: u32) -> u32 {
        self.0.get(&listing).copied().unwrap_or_default()
    }
}

impl Trusted {
    /// Those of `app` after what was said `first` that are not among the ones that `named` it. One of the instant of an event
    /// may have been taken just before it, and does not count.
    pub fn without(&self, app: u32, first: Said, named: impl Iterator<Item = u32>) -> Vec<Said> {
        let Some(listings) = self.0.get(&app) else { return Vec::new() };
        let first = (first.at, if first.place == 0 { u32::MAX } else { first.place });
        let later = &listings[listings.partition_point(|listing| (listing.at, listing.place) <= first)..];
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
    let trusted = rows.booleans("trusted")?;
    for row in 0..rows.len() {
        let (Some(row_kind), Some(app_id)) = (row_kind.owned(row), app_id.owned(row)) else { continue };
        let (Some(listing_id), Some(listed_at)) = (listing_id.owned(row), listed_at.get(row)) else {
            continue;
        };
        let trusted = trusted.is_valid(row) && trusted.value(row);
        listings.push(Listing { row_kind, app_id, listing_id, listed_at: listed_at.0, trusted });
    }
    Ok(())
}
