//! What the OpenAPI document says of every route alike: the token, who is refused, and the two clocks.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, RefOr, Response};

use super::API;

const SCHEME: &str = "token";
const REFUSED: [(&str, &str); 2] = [
    ("401", "No token, or one that is unknown, revoked or expired: problem document"),
    ("403", "The token may not do this: problem document"),
];
const INSTANTS: [(&str, &str); 2] = [
    (
        "as_of",
        "True when, RFC 3339. Without both instants, those of the newest recorded run, or now before the first",
    ),
    (
        "known_at",
        "As known when, RFC 3339. Where only `as_of` is given, now, told as when something was ingested last",
    ),
];

/// Adds it.
pub struct Alike;

impl Modify for Alike {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_with(Components::default);
        let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.security_schemes.insert(SCHEME.to_owned(), bearer.into());
        for (path, item) in &mut document.paths.paths {
            if path.starts_with(API) {
                operations(item).for_each(describe);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post].into_iter().flatten()
}

fn describe(operation: &mut Operation) {
    operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>(SCHEME, [])]);
    for (status, description) in REFUSED {
        let refused = RefOr::T(Response::new(description));
        operation.responses.responses.entry(status.to_owned()).or_insert(refused);
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            describe_instant(parameter);
        }
    }
}

fn describe_instant(parameter: &mut Parameter) {
    let said = INSTANTS.iter().find(|(name, _)| *name == parameter.name);
    if let (None, Some((_, description))) = (&parameter.description, said) {
        parameter.description = Some((*description).to_owned());
    }
}
