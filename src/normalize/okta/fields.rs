//! The parts of a record by their keys, for the walks that read nearly all of them. Names and shapes
//! are those of `record`, whose derives read the others; a test holds the two together.

use super::record::{
    Authentication, Client, DebugContext, DebugData, Ending, Entry, Hop, Party, Record, Request, Transaction,
    UserAgent,
};
use crate::normalize::fields::{Fields, Walk};

/// A number a field, its keys, how it is read and where to.
macro_rules! fields {
    ($part:ident { $($number:literal: $($key:literal)|+ => $read:ident($($place:tt)+),)+ }) => {
        impl<'a> Fields<'a> for $part<'a> {
            fn field(key: &str) -> Option<u8> {
                match key {
                    $($($key)|+ => Some($number),)+
                    _ => None,
                }
            }

            fn take(&mut self, field: u8, walk: &mut impl Walk<'a>) -> Option<()> {
                match field {
                    $($number => walk.$read(&mut self.$($place)+),)+
                    _ => None,
                }
            }
        }
    };
}

fields!(Record {
    0: "uuid" => text(uuid.0),
    1: "published" => text(published.0),
    2: "p_event_time" => text(p_event_time.0),
    3: "eventType" | "eventtype" => text(event_type.0),
    4: "actor" => nested(actor),
    5: "client" => nested(client),
    6: "outcome" => nested(outcome),
    7: "target" => list(target),
    8: "transaction" => nested(transaction),
    9: "authenticationContext" | "authenticationcontext" => nested(authentication),
    10: "debugContext" | "debugcontext" => nested(debug),
    11: "request" => nested(request),
});

fields!(Party {
    0: "id" => text(id.0),
    1: "type" => text(kind.0),
    2: "alternateId" | "alternateid" => text(alternate_id.0),
    3: "displayName" | "displayname" => text(display_name.0),
    4: "changeDetails" | "changedetails" => rare(change_details),
});

fields!(Client {
    0: "ipAddress" | "ipaddress" => text(ip_address.0),
    1: "userAgent" | "useragent" => nested(user_agent),
});

fields!(UserAgent { 0: "rawUserAgent" | "rawuseragent" => text(raw.0), });

fields!(Ending {
    0: "result" => text(result.0),
    1: "reason" => text(reason.0),
});

fields!(Transaction { 0: "id" => text(id.0), });

fields!(Authentication { 0: "externalSessionId" | "externalsessionid" => text(external_session_id.0), });

fields!(Request { 0: "ipChain" | "ipchain" => list(ip_chain), });

fields!(Hop { 0: "ip" => text(ip.0), });

fields!(DebugContext { 0: "debugData" | "debugdata" => nested(debug_data), });

impl<'a> Fields<'a> for DebugData<'a> {
    /// Several keys say the same.
    const MAY_REPEAT: bool = true;

    fn field(key: &str) -> Option<u8> {
        Entry::of(key).map(|entry| entry as u8)
    }

    fn take(&mut self, field: u8, walk: &mut impl Walk<'a>) -> Option<()> {
        let entry = Entry::ALL.get(usize::from(field))?;
        walk.text(&mut self.entry(*entry).0)
    }
}
