//! When something of an application with several feeds is gone: what one of them leaves out is gone of what it names.

use super::described::Said;
use crate::query::feeds::LAPSES_AFTER_DAYS;

const LAPSES_AFTER_MICROS: i64 = LAPSES_AFTER_DAYS * crate::domain::UtcMicros::MICROS_PER_DAY;

/// What one event says of an account or a grant.
#[derive(Clone, Copy)]
pub struct Presence {
    pub at: i64,
    pub is_there: bool,
}

/// One listing of the application.
#[derive(Clone, Copy)]
pub struct Heard {
    pub said: Said,
    pub feed: u32,
    pub is_named: bool,
    /// Whether it says by silence that something is gone.
    pub is_trusted: bool,
    /// Whether its feed lists things of the kind at all.
    pub is_of_kind: bool,
}

/// The feeds of an application, and what they say of one account or grant from its beginning to its end.
#[derive(Default)]
struct Life {
    began: bool,
    /// Those whose newest word is that it is there: the listing.
    naming: Vec<Heard>,
    /// Those that have named it in this life, and those that were silent since an event told of it.
    known: Vec<u32>,
    silent: Vec<u32>,
}

/// The listings that end it by silence. `told` and `heard` are in order of time and place.
///
/// A feed speaks of what it named since it came: it is gone when none of these names it any more. Of what none has
/// named, all feeds speak together that list its kind and have not lapsed. Of one instant, events come first, and whoever
/// names it is heard before whoever does not.
pub fn endings(told: &[Presence], heard: &[Heard]) -> Vec<Said> {
    let (mut life, mut endings) = (Life::default(), Vec::new());
    let mut newest: Vec<Heard> = Vec::new();
    let mut told = told.iter().peekable();
    for instant in heard.chunk_by(|a, b| a.said.at == b.said.at) {
        let at = instant.first().map_or(i64::MAX, |heard| heard.said.at);
        while let Some(told) = told.next_if(|told| told.at <= at) {
            life.hear_event(told.is_there);
        }
        for heard in instant {
            newest.retain(|other| other.feed != heard.feed);
            newest.push(*heard);
        }
        instant.iter().filter(|heard| heard.is_named).for_each(|heard| life.hear_name(*heard));
        for silence in instant.iter().filter(|heard| !heard.is_named && heard.is_trusted) {
            if life.hear_silence(silence, &newest) {
                endings.push(silence.said);
                life = Life::default();
            }
        }
    }
    endings
}

impl Life {
    fn hear_event(&mut self, is_there: bool) {
        if !is_there {
            *self = Life::default();
        }
        self.began = is_there;
        self.silent.clear();
    }

    fn hear_name(&mut self, heard: Heard) {
        self.began = true;
        self.naming.retain(|other| other.feed != heard.feed);
        self.naming.push(heard);
        note(&mut self.known, heard.feed);
    }

    /// Whether it ends by this silence, beside the newest listing of each feed.
    fn hear_silence(&mut self, silence: &Heard, newest: &[Heard]) -> bool {
        // A corrected listing of the same instant may have named it since.
        let names = |named: &Heard| named.feed == silence.feed && named.said.place > silence.said.place;
        if !self.began || self.naming.iter().any(|named| named.said.at == silence.said.at && names(named)) {
            return false;
        }
        self.naming.retain(|named| named.feed != silence.feed);
        note(&mut self.silent, silence.feed);
        if !self.known.is_empty() {
            return self.known.contains(&silence.feed) && self.naming.is_empty();
        }
        let asked = newest.iter().filter(|heard| heard.is_of_kind);
        let mut asked = asked.filter(|heard| heard.said.at >= silence.said.at - LAPSES_AFTER_MICROS);
        silence.is_of_kind && asked.all(|heard| self.silent.contains(&heard.feed))
    }
}

/// Adds a feed once, however many listings it sends.
fn note(feeds: &mut Vec<u32>, feed: u32) {
    if !feeds.contains(&feed) {
        feeds.push(feed);
    }
}
