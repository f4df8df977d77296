//! The parts of a record by their keys, for the walk that reads nearly all of them. Names and shapes
//! are those of `record`, whose derives read the others; a test holds the two together.

use super::record::{
    Authentication, Client, DebugContext, DebugData, Ending, Hop, Party, Record, Request, Transaction,
    UserAgent,
};
use crate::normalize::fields::{Fields, Walk};

impl<'a> Fields<'a> for Record<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "uuid" => walk.text(1, &mut self.uuid.0),
            "published" => walk.text(1 << 1, &mut self.published.0),
            "p_event_time" => walk.text(1 << 2, &mut self.p_event_time.0),
            "eventType" | "eventtype" => walk.text(1 << 3, &mut self.event_type.0),
            "actor" => walk.nested(1 << 4, &mut self.actor),
            "client" => walk.nested(1 << 5, &mut self.client),
            "outcome" => walk.nested(1 << 6, &mut self.outcome),
            "target" => walk.list(1 << 7, &mut self.target),
            "transaction" => walk.nested(1 << 8, &mut self.transaction),
            "authenticationContext" | "authenticationcontext" => {
                walk.nested(1 << 9, &mut self.authentication)
            }
            "debugContext" | "debugcontext" => walk.nested(1 << 10, &mut self.debug),
            "request" => walk.nested(1 << 11, &mut self.request),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for Party<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "id" => walk.text(1, &mut self.id.0),
            "type" => walk.text(1 << 1, &mut self.kind.0),
            "alternateId" | "alternateid" => walk.text(1 << 2, &mut self.alternate_id.0),
            "displayName" | "displayname" => walk.text(1 << 3, &mut self.display_name.0),
            "changeDetails" | "changedetails" => walk.rare(1 << 4, &mut self.change_details),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for Client<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "ipAddress" | "ipaddress" => walk.text(1, &mut self.ip_address.0),
            "userAgent" | "useragent" => walk.nested(1 << 1, &mut self.user_agent),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for UserAgent<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "rawUserAgent" | "rawuseragent" => walk.text(1, &mut self.raw.0),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for Ending<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "result" => walk.text(1, &mut self.result.0),
            "reason" => walk.text(1 << 1, &mut self.reason.0),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for Transaction<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "id" => walk.text(1, &mut self.id.0),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for Authentication<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "externalSessionId" | "externalsessionid" => walk.text(1, &mut self.external_session_id.0),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for Request<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "ipChain" | "ipchain" => walk.list(1, &mut self.ip_chain),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for Hop<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "ip" => walk.text(1, &mut self.ip.0),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for DebugContext<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match key {
            "debugData" | "debugdata" => walk.nested(1, &mut self.debug_data),
            _ => walk.pass(),
        }
    }
}

impl<'a> Fields<'a> for DebugData<'a> {
    fn take(&mut self, key: &str, walk: &mut Walk<'a>) -> Option<u32> {
        match self.entry(key) {
            // Of entries that say the same the last one counts.
            Some(entry) => walk.text(0, &mut entry.0),
            None => walk.pass(),
        }
    }
}
