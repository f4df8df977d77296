//! The shapes of the records of a format, as far as they were met.

use std::collections::HashMap;

use memchr::memchr;
use memchr::memmem::Finder;

use super::shape::{Place, Shape};
use super::{Fields, by_quotes, by_shape};

/// Shapes of one format. They are found out anew where there are none, so that it does no harm to
/// lose them; what is read does not depend on them.
pub struct Shapes {
    /// What stands before the text that tells one kind of record from another.
    kind_key: Finder<'static>,
    by_kind: HashMap<Box<[u8]>, OfKind, ahash::RandomState>,
    places: Vec<Place>,
}

/// Shapes of the records of one kind.
struct OfKind {
    shapes: Vec<Shape>,
    /// What trying may still cost, in shapes tried in vain; below zero, records that are read without.
    trust: i32,
}

/// Where all records of a kind differ in shape, trying costs this much of each `REST` records.
const TRUST: i32 = 100;
const REST: i32 = 2_000;
/// What it costs to learn a shape.
const LEARNED: i32 = 8;
/// So that all shapes stay in the processor's cache: those of Okta have some 6 KiB, and most kinds of its
/// records two or three of them.
const OF_A_KIND_MAX: usize = 8;
const KINDS_MAX: usize = 64;
const TEXT_MAX: usize = 8 << 10;

impl Shapes {
    /// `kind_key` is the key of the text that tells kinds apart, with what stands around it.
    pub fn told_by(kind_key: &'static str) -> Shapes {
        Shapes { kind_key: Finder::new(kind_key), by_kind: HashMap::default(), places: Vec::new() }
    }

    /// Reads a record that has nothing unusual, and keeps its shape if it is another than those before.
    pub fn read<'a, T: Fields<'a>>(&mut self, text: &'a str) -> Option<T> {
        let kind = kind(&self.kind_key, text);
        let has_room = self.by_kind.len() < KINDS_MAX;
        let may_learn = match self.by_kind.get_mut(kind) {
            Some(known) => match known.like(text, &mut self.places) {
                Some(record) => return Some(record),
                None => known.trust > 0,
            },
            None => has_room,
        };
        if !may_learn || text.len() > TEXT_MAX {
            return by_quotes::usual(text);
        }
        let (record, notes) = by_quotes::noted(text)?;
        if !notes.partial {
            let known = self.by_kind.entry(kind.into());
            known.or_insert(OfKind { shapes: Vec::new(), trust: TRUST }).learn(Shape::new(text, notes));
        }
        Some(record)
    }

    /// Reads a record by the shape of one that was read before, if there is any that is like it.
    pub fn like<'a, T: Fields<'a>>(&mut self, text: &'a str) -> Option<T> {
        self.by_kind.get_mut(kind(&self.kind_key, text))?.like(text, &mut self.places)
    }
}

impl OfKind {
    fn like<'a, T: Fields<'a>>(&mut self, text: &'a str, places: &mut Vec<Place>) -> Option<T> {
        if self.trust <= 0 {
            self.trust = if self.trust < -REST { TRUST } else { self.trust - 1 };
            return None;
        }
        for number in 0..self.shapes.len() {
            let shape = self.shapes.get_mut(number)?;
            if shape.find(text, places).is_some()
                && let Some(record) = by_shape::read(&shape.notes.steps, places, text)
            {
                self.trust = (self.trust + 1).min(TRUST);
                // Those that serve more often come to stand before the others.
                self.shapes.swap(number.saturating_sub(1), number);
                return Some(record);
            }
            self.trust -= 1;
        }
        None
    }

    fn learn(&mut self, shape: Shape) {
        self.trust -= LEARNED;
        self.shapes.truncate(OF_A_KIND_MAX - 1);
        self.shapes.push(shape);
    }
}

fn kind<'t>(key: &Finder, text: &'t str) -> &'t [u8] {
    let text = text.as_bytes();
    let Some(found) = key.find(text) else { return &[] };
    let rest = &text[found + key.needle().len()..];
    &rest[..memchr(b'"', rest).unwrap_or_default()]
}
