//! Listings in the order of time, by application, and what those that are trusted say by silence.

use std::collections::{HashMap, HashSet};

use ahash::RandomState;
use arrow::array::{Array, RecordBatch};

use super::described::Said;
use super::life::{self, Heard, Presence};
use crate::query::{Error, Numbered, Rows, Session, Texts};

/// Of listings taken at one instant, as a corrected export of the same day, the one ingested later is the newer.
const ORDERED: &str = "SELECT row_kind, app_id, feed, listing_id, listed_at, trusted FROM listings \
                       ORDER BY listed_at, ingested_at, listing_id";

/// Which kinds of entitlement a feed has ever listed.
const KINDS: &str = "SELECT DISTINCT l.app_id, l.feed, k.entitlement_kind FROM listings AS l \
                     JOIN listed_rows AS k ON k.listing_id = l.listing_id AND k.app_id = l.app_id \
                     AND k.row_kind = l.row_kind WHERE k.entitlement_kind IS NOT NULL";

/// The listings that say of what they list whether it ends: those with a column for it, once one of their feed had an end in
/// it. One that is always empty says nothing of the ends that others state.
const ENDS: &str = "SELECT load_id FROM ( \
                      SELECT load_id, filled, max(CASE WHEN ';' || filled LIKE '%;expires_at=%' \
                          AND ';' || filled NOT LIKE '%;expires_at=0%' THEN 1 ELSE 0 END) OVER ( \
                        PARTITION BY kind, app_id, feed ORDER BY listed_at, ingested_at, load_id) AS ends_before \
                      FROM loads WHERE kind IN ('accounts', 'grants') AND listed_at <= $as_of AND filled IS NOT NULL) AS l \
                    WHERE ends_before = 1 AND ';' || filled LIKE '%;expires_at=%'";

/// The listings of a session, from older to newer.
pub struct Listings {
    all: Vec<Listing>,
    /// Application, feed and kind of entitlement.
    kinds: Vec<[String; 3]>,
}

struct Listing {
    row_kind: String,
    app_id: String,
    feed: String,
    listing_id: String,
    listed_at: i64,
    trusted: bool,
    states_ends: bool,
}

/// Which of several listings is the newer: their places in time, by id, and whether they state ends. Events have none.
#[derive(Default)]
pub struct Places(HashMap<u32, (u32, bool), RandomState>);

/// What listings of one kind of row say by silence, by application.
pub struct Silences {
    apps: HashMap<u32, App>,
    /// Application, feed and kind of entitlement.
    kinds: HashSet<[u32; 3]>,
}

#[derive(Default)]
struct App {
    /// In order.
    listings: Vec<Silence>,
    has_feeds: bool,
}

/// What one listing says of all that it does not name.
#[derive(Clone, Copy)]
struct Silence {
    said: Said,
    feed: u32,
    trusted: bool,
}

impl Listings {
    pub async fn of(session: &Session) -> Result<Listings, Error> {
        let mut listings = Vec::new();
        for batch in session.collect("listings", ORDERED).await? {
            read(&batch, &mut listings)?;
        }
        let mut stating = HashSet::new();
        for batch in session.collect("listed_ends", ENDS).await? {
            let ids = Rows::new("listed_ends", &batch).texts("load_id")?;
            stating.extend((0..batch.num_rows()).filter_map(|row| ids.owned(row)));
        }
        for listing in &mut listings {
            listing.states_ends = stating.contains(&listing.listing_id);
        }
        let mut kinds = Vec::new();
        for batch in session.collect("listed_kinds", KINDS).await? {
            let rows = Rows::new("listed_kinds", &batch);
            let columns = [rows.texts("app_id")?, rows.texts("feed")?, rows.texts("entitlement_kind")?];
            let text = |column: &Texts, row| column.owned(row).unwrap_or_default();
            kinds.extend((0..rows.len()).map(|row| columns.each_ref().map(|column| text(column, row))));
        }
        Ok(Listings { all: listings, kinds })
    }

    /// The places of those of accounts, or of those of grants.
    pub fn places(&self, row_kind: &str, texts: &mut Numbered) -> Places {
        let listings = self.of_kind(row_kind);
        let placed = listings
            .map(|(place, listing)| (texts.number(&listing.listing_id), (place, listing.states_ends)));
        Places(placed.collect())
    }

    /// What those of accounts, or of grants, say by silence.
    pub fn silences(&self, row_kind: &str, texts: &mut Numbered) -> Silences {
        let mut apps: HashMap<u32, App> = HashMap::new();
        for (place, listing) in self.of_kind(row_kind) {
            let said = Said { at: listing.listed_at, place, by: texts.number(&listing.listing_id) };
            let feed = texts.number(&listing.feed);
            let app = apps.entry(texts.number(&listing.app_id)).or_default();
            app.has_feeds |= app.listings.last().is_some_and(|before| before.feed != feed);
            app.listings.push(Silence { said, feed, trusted: listing.trusted });
        }
        let kinds = self.kinds.iter().map(|kind| kind.each_ref().map(|text| texts.number(text))).collect();
        Silences { apps, kinds }
    }

    fn of_kind(&self, row_kind: &str) -> impl Iterator<Item = (u32, &Listing)> {
        (1..).zip(&self.all).filter(move |(_, listing)| listing.row_kind == row_kind)
    }
}

impl Places {
    /// The place of a listing; nought is before all of them.
    pub fn of(&self, listing: u32) -> u32 {
        self.0.get(&listing).map_or(0, |(place, _)| *place)
    }

    /// Whether what a listing gives no end has none.
    pub fn states_ends(&self, listing: u32) -> bool {
        self.0.get(&listing).is_some_and(|(_, states_ends)| *states_ends)
    }
}

impl Silences {
    /// The silences that end something of `app`, a grant of this `kind`, of which was said `first`, which the listings of
    /// `named` places named, and of which events `told`, in order. A listing of the instant of the first event may have been
    /// taken just before it, and does not count.
    pub fn ending(
        &self,
        app: u32,
        kind: Option<u32>,
        first: Said,
        named: impl Iterator<Item = u32>,
        told: impl Iterator<Item = Presence>,
    ) -> Vec<Said> {
        let Some(App { listings, has_feeds }) = self.apps.get(&app) else { return Vec::new() };
        let first = (first.at, if first.place == 0 { u32::MAX } else { first.place });
        let later = listings.partition_point(|Silence { said, .. }| (said.at, said.place) <= first);
        if later == listings.len() {
            return Vec::new();
        }
        let mut named: Vec<u32> = named.collect();
        named.sort_unstable();
        let is_named = |said: &Said| named.binary_search(&said.place).is_ok();
        let is_of_kind = |feed| kind.is_none_or(|kind| self.kinds.contains(&[app, feed, kind]));
        if !has_feeds {
            let speaks = |feed| !named.is_empty() || is_of_kind(feed);
            // A corrected listing of the same instant may have named it since: then it is held on, with all that was said of it.
            let corrected = |at: usize| {
                let since = listings[at + 1..].iter().map(|listing| listing.said);
                since.take_while(|said| said.at == listings[at].said.at).any(|said| is_named(&said))
            };
            let silent = (later..listings.len())
                .filter(|at| listings[*at].trusted && !is_named(&listings[*at].said) && !corrected(*at));
            let ending = silent.map(|at| &listings[at]).filter(|listing| speaks(listing.feed));
            return ending.map(|listing| listing.said).collect();
        }
        let heard = listings.iter().map(|listing| Heard {
            said: listing.said,
            feed: listing.feed,
            is_named: is_named(&listing.said),
            is_trusted: listing.trusted && (listing.said.at, listing.said.place) > first,
            is_of_kind: is_of_kind(listing.feed),
        });
        life::endings(&told.collect::<Vec<_>>(), &heard.collect::<Vec<_>>())
    }
}

fn read(batch: &RecordBatch, listings: &mut Vec<Listing>) -> Result<(), Error> {
    let rows = Rows::new("listings", batch);
    let (row_kind, app_id) = (rows.texts("row_kind")?, rows.texts("app_id")?);
    let (listing_id, listed_at) = (rows.texts("listing_id")?, rows.times("listed_at")?);
    let feeds = rows.texts("feed")?;
    let trusted = rows.booleans("trusted")?;
    for row in 0..rows.len() {
        let (Some(row_kind), Some(app_id)) = (row_kind.owned(row), app_id.owned(row)) else { continue };
        let (Some(listing_id), Some(listed_at)) = (listing_id.owned(row), listed_at.get(row)) else {
            continue;
        };
        let trusted = trusted.is_valid(row) && trusted.value(row);
        let feed = feeds.owned(row).unwrap_or_default();
        listings.push(Listing {
            row_kind,
            app_id,
            feed,
            listing_id,
            listed_at: listed_at.0,
            trusted,
            states_ends: false,
        });
    }
    Ok(())
}
