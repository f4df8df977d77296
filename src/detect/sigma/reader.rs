//! Reads a record once and keeps the values of the fields that rules name.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::columns::{Column, Leaf};
use super::paths::{Names, Node, Slot};

/// What is asked of every record of a logsource.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub root: &'a Node,
    pub names: Names,
    /// The column of all texts anywhere in a record, when a rule looks for keywords.
    pub texts: Option<usize>,
}

/// Reads one record into `columns`.
///
/// # Errors
/// When `raw` is not JSON; values read until then stay.
pub fn read(
    raw: &str,
    record: u32,
    wanted: Wanted<'_>,
    columns: &mut [Column],
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(raw);
    Walk { node: Some(wanted.root), within: None, record, wanted, columns }.deserialize(&mut json)
}

struct Walk<'a> {
    /// Where in the tree; nowhere below its leaves.
    node: Option<&'a Node>,
    /// The objects around this value that a rule asks for as a whole.
    within: Option<&'a Within<'a>>,
    record: u32,
    wanted: Wanted<'a>,
    columns: &'a mut [Column],
}

/// An object that a rule asks for: it has the values that stand anywhere in it.
#[derive(Clone, Copy)]
struct Within<'a> {
    slots: &'a [Slot],
    around: Option<&'a Within<'a>>,
}

impl Walk<'_> {
    fn keep(&mut self, leaf: Leaf<'_>) {
        for slot in self.node.iter().flat_map(|node| &node.slots) {
            self.columns[slot.column].push(slot.rank, self.record, leaf);
        }
        let mut within = self.within;
        while let Some(object) = within {
            for slot in object.slots {
                self.columns[slot.column].push(slot.rank, self.record, leaf);
            }
            within = object.around;
        }
        if let (Some(texts), Leaf::Text(_)) = (self.wanted.texts, leaf) {
            self.columns[texts].push(0, self.record, leaf);
        }
    }

    fn keep_number(&mut self, number: impl fmt::Display) {
        if self.within.is_some() || self.node.is_some_and(|node| !node.slots.is_empty()) {
            self.keep(Leaf::Number(&number.to_string()));
        }
    }

    fn below<'b>(&'b mut self, node: Option<&'b Node>, within: Option<&'b Within<'b>>) -> Walk<'b> {
        Walk { node, within, record: self.record, wanted: self.wanted, columns: self.columns }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(mut self, truth: bool) -> Result<(), E> {
        self.keep(Leaf::Bool(truth));
        Ok(())
    }

    fn visit_i64<E>(mut self, number: i64) -> Result<(), E> {
        self.keep_number(number);
        Ok(())
    }

    fn visit_u64<E>(mut self, number: u64) -> Result<(), E> {
        self.keep_number(number);
        Ok(())
    }

    fn visit_f64<E>(mut self, number: f64) -> Result<(), E> {
        self.keep_number(number);
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.keep(Leaf::Text(text));
        Ok(())
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.keep(Leaf::Null);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let (node, within) = (self.node, self.within);
        let mut empty = true;
        while seq.next_element_seed(self.below(node, within))?.is_some() {
            empty = false;
        }
        if empty {
            self.keep(Leaf::Nested);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.keep(Leaf::Nested);
        let slots = self.node.map(|node| node.slots.as_slice()).filter(|slots| !slots.is_empty());
        let here = slots.map(|slots| Within { slots, around: self.within });
        let within = here.as_ref().or(self.within);
        while let Some(below) = map.next_key_seed(Key { node: self.node, names: self.wanted.names })? {
            if below.is_none() && within.is_none() && self.wanted.texts.is_none() {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(self.below(below, within))?;
            }
        }
        Ok(())
    }
}

/// A key, as the place in the tree that it leads to.
struct Key<'a> {
    node: Option<&'a Node>,
    names: Names,
}

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = Option<&'a Node>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = Option<&'a Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.node.and_then(|node| node.at(key, self.names)))
    }
}
