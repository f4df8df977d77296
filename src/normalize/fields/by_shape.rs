//! A walk over a record by the shape of another: takes the steps that were noted there, and looks at
//! nothing but what is kept.

use std::borrow::Cow;
use std::slice;

use serde::Deserialize;

use super::shape::{Place, Step};
use super::{Fields, LIST_USUAL, Walk};

/// Reads `text`, whose kept texts stand at `places`.
pub(super) fn read<'a, T: Fields<'a>>(steps: &[Step], places: &[Place], text: &'a str) -> Option<T> {
    let mut walk = ByShape { steps: steps.iter(), places: places.iter(), text };
    let mut record = None;
    walk.nested(&mut record)?;
    record
}

struct ByShape<'s, 'a> {
    steps: slice::Iter<'s, Step>,
    places: slice::Iter<'s, Place>,
    text: &'a str,
}

impl<'a> Walk<'a> for ByShape<'_, 'a> {
    fn text(&mut self, into: &mut Option<Cow<'a, str>>) -> Option<()> {
        let Step::Text = self.steps.next()? else { return None };
        *into = self.places.next()?.read(self.text)?;
        Some(())
    }

    fn nested<T: Fields<'a>>(&mut self, into: &mut Option<T>) -> Option<()> {
        match self.steps.next()? {
            Step::Null => Some(()),
            Step::Object => self.object(into.insert(T::default())),
            _ => None,
        }
    }

    fn list<T: Fields<'a>>(&mut self, into: &mut Option<Vec<T>>) -> Option<()> {
        match self.steps.next()? {
            Step::Null => return Some(()),
            Step::List => {}
            _ => return None,
        }
        let list = into.insert(Vec::with_capacity(LIST_USUAL));
        loop {
            match self.steps.next()? {
                Step::End => return Some(()),
                Step::Object => {
                    let mut item = T::default();
                    self.object(&mut item)?;
                    list.push(item);
                }
                _ => return None,
            }
        }
    }

    /// There is no shape of a record that has any.
    fn rare<T: Deserialize<'a>>(&mut self, _: &mut T) -> Option<()> {
        None
    }
}

impl<'a> ByShape<'_, 'a> {
    fn object<T: Fields<'a>>(&mut self, into: &mut T) -> Option<()> {
        loop {
            match *self.steps.next()? {
                Step::End => return Some(()),
                Step::Field(number) => into.take(number, self)?,
                _ => return None,
            }
        }
    }
}
