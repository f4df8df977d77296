//! The payload of a compact JWS (RFC 7515 §7.1), read without checking its signature.

use serde_json::Value;

use super::super::json;
use crate::domain::Rejection;

/// Three parts of base64url, the first of which opens a JSON object; the third is empty in
/// an unsecured token.
pub(super) fn is_compact(text: &str) -> bool {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.starts_with("eyJ") && text.split('.').count() == 3 && text.chars().all(plain)
}

/// The claims of a token.
pub(super) fn payload(token: &str) -> Result<Value, Rejection> {
    let bad = |what| Rejection::new("bad_value", format!("the compact JWS has {what}"));
    let part = token.trim().split('.').nth(1).ok_or_else(|| bad("no payload"))?;
    let bytes = decoded(part).ok_or_else(|| bad("a payload that is not base64url"))?;
    let text = String::from_utf8(bytes).map_err(|_| bad("a payload that is not UTF-8"))?;
    let claims = json::parse(&text)?;
    if claims.is_object() { Ok(claims) } else { Err(bad("a payload that is no JSON object")) }
}

/// base64url without padding (RFC 4648 §5); the only place that needs it.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in text.trim_end_matches('=').bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        held = (held << 6) | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    Some(out)
}
