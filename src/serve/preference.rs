//! What a client prefers, as the header `Prefer` says it (RFC 7240): `respond-async`, `wait=SECONDS`.

use std::time::Duration;

use axum::http::HeaderMap;

/// The preferences that are known here; others are passed over, as the standard asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preference {
    pub respond_async: bool,
    pub wait: Option<Duration>,
}

impl Preference {
    /// Reads all `Prefer` headers; of a preference that is given twice, the first counts.
    pub fn of(headers: &HeaderMap) -> Preference {
        let mut found = Preference::default();
        let lines = headers.get_all("prefer").into_iter().filter_map(|line| line.to_str().ok());
        for preference in lines.flat_map(|line| line.split(',')) {
            // Parameters after a semicolon change neither of the two.
            let token = preference.split(';').next().unwrap_or_default();
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("respond-async") {
                found.respond_async = true;
            }
            if name.eq_ignore_ascii_case("wait") && found.wait.is_none() {
                found.wait = value.parse().ok().map(Duration::from_secs);
            }
        }
        found
    }

    /// How long to wait where the server waits for `most`.
    pub fn patience(self, most: Duration) -> Duration {
        let asked = if self.respond_async { Some(self.wait.unwrap_or_default()) } else { self.wait };
        asked.unwrap_or(most).min(most)
    }
}
