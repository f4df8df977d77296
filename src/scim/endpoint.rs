//! Which resource a request path names.
//!
//! Takes a path or URL as a log holds it, gives the endpoint, the id in it and the query's
//! parameters, decoded. Base paths differ by application, so the resource is found by name
//! and not by position. It knows no methods.

use super::Deviation;
use super::deviation as code;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    Users,
    Groups,
    Bulk,
    Search,
    /// Anything else: `/Schemas`, `/ServiceProviderConfig`, `/Me`, an extension's resource.
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub resource: Resource,
    pub id: Option<String>,
    /// The path without base, id and query: `/Users/{id}`.
    pub template: String,
    pub deviations: Vec<Deviation>,
}

/// Reads a path such as `/scim/v2/Users/2819c223?attributes=userName`, or a whole URL.
pub fn read(path: &str) -> Endpoint {
    let before_query = path.split(['?', '#']).next().unwrap_or_default();
    let local = match before_query.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, local)| local),
        None => before_query.strip_prefix('/').unwrap_or(before_query),
    };
    let mut endpoint =
        Endpoint { resource: Resource::Other, id: None, template: String::new(), deviations: Vec::new() };
    if local.trim_end_matches('/').contains("//") || local.starts_with('/') {
        endpoint.deviations.push(Deviation::new(code::PATH_DOUBLE_SLASH, before_query));
    }
    let segments: Vec<&str> = local.split('/').filter(|segment| !segment.is_empty()).collect();
    let Some((at, resource, name)) = segments
        .iter()
        .enumerate()
        .find_map(|(at, segment)| Some((at, resource(segment)?.0, resource(segment)?.1)))
    else {
        endpoint.template = segments.last().map(|last| format!("/{last}")).unwrap_or_default();
        return endpoint;
    };
    if segments[at] != name {
        endpoint.deviations.push(Deviation::new(code::PATH_CASE, format!("/{}", segments[at])));
    }
    endpoint.resource = resource;
    endpoint.template = format!("/{name}");
    match segments.get(at + 1) {
        Some(&".search") => {
            endpoint.resource = Resource::Search;
            endpoint.template.push_str("/.search");
        }
        Some(id) if matches!(resource, Resource::Users | Resource::Groups) => {
            endpoint.id = Some(decoded(id));
            endpoint.template.push_str("/{id}");
        }
        _ => {}
    }
    endpoint
}

fn resource(segment: &str) -> Option<(Resource, &'static str)> {
    const NAMES: [(&str, Resource); 4] = [
        ("Users", Resource::Users),
        ("Groups", Resource::Groups),
        ("Bulk", Resource::Bulk),
        (".search", Resource::Search),
    ];
    NAMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(segment))
        .map(|(name, resource)| (*resource, *name))
}

/// The decoded value of a query parameter.
pub fn parameter(path: &str, name: &str) -> Option<String> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.eq_ignore_ascii_case(name).then(|| decoded(&value.replace('+', " ")))
    })
}

/// Percent-decoded text; escapes that are none stay as they are.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escape {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// `id` as one segment of a path: everything but unreserved characters is escaped
/// (RFC 3986 §2.3).
pub fn encoded(id: &str) -> String {
    let mut out = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
