//! Opaque cursors: signed, and bound to the tenant and to the list that they page through.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use super::problem::Problem;

const SIGNATURE_BYTES: usize = 32;

/// Signs cursors with a key that lives as long as the process.
#[derive(Clone)]
pub struct Signer {
    key: [u8; 32],
}

impl Signer {
    /// `key` must come from the operating system's generator.
    pub fn new(key: [u8; 32]) -> Signer {
        Signer { key }
    }

    /// The cursor as text. `list` names tenant, filter and order, so that it fits no other list.
    pub fn seal<T: Serialize>(&self, list: &str, cursor: &T) -> Option<String> {
        let payload = serde_json::to_vec(cursor).ok()?;
        let mut bytes = self.mac(list, &payload)?.finalize().into_bytes().to_vec();
        bytes.extend_from_slice(&payload);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// # Errors
    /// A problem when the text is not a cursor of ours for this list.
    pub fn open<T: DeserializeOwned>(&self, list: &str, text: &str) -> Result<T, Problem> {
        let refused = || {
            Problem::bad_request("cursor", "the cursor is not valid for this list: begin again without it")
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| refused())?;
        let (signature, payload) = bytes.split_at_checked(SIGNATURE_BYTES).ok_or_else(refused)?;
        let mac = self.mac(list, payload).ok_or_else(refused)?;
        mac.verify_slice(signature).map_err(|_| refused())?;
        serde_json::from_slice(payload).map_err(|_| refused())
    }

    fn mac(&self, list: &str, payload: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(list.as_bytes());
        mac.update(&[0]);
        mac.update(payload);
        Some(mac)
    }
}
