//! The parts of an Okta System Log record that we keep, borrowed from its text.
//!
//! Typed structs rather than a tree of values, because this log is by far the largest:
//! what is not named here is skipped without being stored. Each key is also known in
//! lower case, as some log pipelines write it.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct Record<'a> {
    #[serde(borrow, default)]
    pub uuid: Text<'a>,
    #[serde(borrow, default)]
    pub published: Text<'a>,
    /// When the pipeline that lower-cased the record saw it; used when `published` is lost.
    #[serde(borrow, default)]
    pub p_event_time: Text<'a>,
    #[serde(borrow, default, rename = "eventType", alias = "eventtype")]
    pub event_type: Text<'a>,
    #[serde(borrow, default)]
    pub actor: Option<Party<'a>>,
    #[serde(borrow, default)]
    pub client: Option<Client<'a>>,
    #[serde(borrow, default)]
    pub outcome: Option<Ending<'a>>,
    #[serde(borrow, default)]
    pub target: Option<Vec<Party<'a>>>,
    #[serde(borrow, default)]
    pub transaction: Option<Transaction<'a>>,
    #[serde(borrow, default, rename = "authenticationContext", alias = "authenticationcontext")]
    pub authentication: Option<Authentication<'a>>,
    #[serde(borrow, default, rename = "debugContext", alias = "debugcontext")]
    pub debug: Option<DebugContext<'a>>,
    #[serde(borrow, default)]
    pub request: Option<Request<'a>>,
}

/// An actor or a target.
#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct Party<'a> {
    #[serde(borrow, default)]
    pub id: Text<'a>,
    #[serde(borrow, default, rename = "type")]
    pub kind: Text<'a>,
    #[serde(borrow, default, rename = "alternateId", alias = "alternateid")]
    pub alternate_id: Text<'a>,
    #[serde(borrow, default, rename = "displayName", alias = "displayname")]
    pub display_name: Text<'a>,
    #[serde(default, rename = "changeDetails", alias = "changedetails")]
    pub change_details: Option<ChangeDetails>,
}

/// The profile before and after; rare, so a tree of values will do.
#[derive(Debug, Deserialize, PartialEq)]
pub struct ChangeDetails {
    #[serde(default)]
    pub from: Value,
    #[serde(default)]
    pub to: Value,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct Client<'a> {
    #[serde(borrow, default, rename = "ipAddress", alias = "ipaddress")]
    pub ip_address: Text<'a>,
    #[serde(borrow, default, rename = "userAgent", alias = "useragent")]
    pub user_agent: Option<UserAgent<'a>>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct UserAgent<'a> {
    #[serde(borrow, default, rename = "rawUserAgent", alias = "rawuseragent")]
    pub raw: Text<'a>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct Ending<'a> {
    #[serde(borrow, default)]
    pub result: Text<'a>,
    #[serde(borrow, default)]
    pub reason: Text<'a>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct Transaction<'a> {
    #[serde(borrow, default)]
    pub id: Text<'a>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct Authentication<'a> {
    #[serde(borrow, default, rename = "externalSessionId", alias = "externalsessionid")]
    pub external_session_id: Text<'a>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct Request<'a> {
    #[serde(borrow, default, rename = "ipChain", alias = "ipchain")]
    pub ip_chain: Option<Vec<Hop<'a>>>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct Hop<'a> {
    #[serde(borrow, default)]
    pub ip: Text<'a>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
pub struct DebugContext<'a> {
    #[serde(borrow, default, rename = "debugData", alias = "debugdata")]
    pub debug_data: Option<DebugData<'a>>,
}

/// The few of Okta's free-form debug entries that say something about access.
#[derive(Debug, Default, PartialEq)]
pub struct DebugData<'a> {
    /// Roles given or taken, as text separated by commas.
    pub privileges: Text<'a>,
    /// When the access ends; Okta names it differently in each product.
    pub end: Text<'a>,
    /// Names of changed profile attributes, separated by commas.
    pub changed_attributes: Text<'a>,
}

/// Keys of debug data that hold the end of an access, in lower case.
const END_KEYS: [&str; 10] = [
    "expiration",
    "expirationdate",
    "expirationtime",
    "expiresat",
    "expiresdate",
    "enddate",
    "endtime",
    "scheduleddate",
    "scheduledtime",
    "scheduledat",
];

/// What an entry of debug data says.
#[derive(Clone, Copy)]
pub enum Entry {
    Privileges,
    End,
    ChangedAttributes,
}

impl Entry {
    pub const ALL: [Entry; 3] = [Entry::Privileges, Entry::End, Entry::ChangedAttributes];

    /// What the entry of this key says, if it is kept.
    pub fn of(key: &str) -> Option<Entry> {
        /// No key that is kept is shorter, or begins with another letter, and most of the others do.
        const SHORTEST: usize = "endDate".len();
        let first = key.bytes().next().map(|letter| letter.to_ascii_lowercase());
        if key.len() < SHORTEST || !matches!(first, Some(b'p' | b'c' | b'e' | b's')) {
            return None;
        }
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        if is("privilegeGranted") || is("privilegeRevoked") {
            return Some(Entry::Privileges);
        }
        if is("changedAttributes") {
            return Some(Entry::ChangedAttributes);
        }
        END_KEYS.iter().any(|name| is(name)).then_some(Entry::End)
    }
}

impl<'a> DebugData<'a> {
    pub fn entry(&mut self, entry: Entry) -> &mut Text<'a> {
        match entry {
            Entry::Privileges => &mut self.privileges,
            Entry::End => &mut self.end,
            Entry::ChangedAttributes => &mut self.changed_attributes,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for DebugData<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = DebugData<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object of debug entries")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = DebugData::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    let key = key.get().unwrap_or_default();
                    match Entry::of(key) {
                        Some(entry) => *found.entry(entry) = map.next_value()?,
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(found)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Text that is borrowed where the record has it without escapes. Numbers and booleans
/// come as text; null, blanks, objects and arrays are absent. Not an `Option<Cow>`:
/// serde's derive never borrows inside that one.
#[derive(Debug, Default, PartialEq)]
pub struct Text<'a>(pub(super) Option<Cow<'a, str>>);

/// Nearly always answered by the first byte.
fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

impl<'a> Text<'a> {
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !is_blank(text))
    }

    /// The text itself, borrowed from the record where it can be.
    pub fn kept(&self) -> Option<Cow<'a, str>> {
        self.0.as_ref().filter(|text| !is_blank(text)).cloned()
    }

    pub fn is(&self, text: &str) -> bool {
        self.0.as_deref().is_some_and(|own| own.len() == text.len() && own.eq_ignore_ascii_case(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyText)
    }
}

struct AnyText;

impl<'de> Visitor<'de> for AnyText {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_unit<E>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(flag.to_string()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }
}
