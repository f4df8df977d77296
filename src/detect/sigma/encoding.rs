//! Values as attackers write them: base64, UTF-16, dashes of other kinds.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsigma_parser::Modifier;

/// What the modifier `windash` takes for a dash.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
/// Five to this power is the most variants that one value may have.
const DASHES_MAX: usize = 5;

/// The bytes of a value after its UTF-16 encodings, if any.
pub fn bytes(text: &str, encodings: &[Modifier]) -> Vec<u8> {
    let units = || text.encode_utf16();
    let mut bytes = text.as_bytes().to_vec();
    for encoding in encodings {
        bytes = match encoding {
            Modifier::Wide => units().flat_map(u16::to_le_bytes).collect(),
            Modifier::Utf16be => units().flat_map(u16::to_be_bytes).collect(),
            Modifier::Utf16 => [0xff, 0xfe].into_iter().chain(units().flat_map(u16::to_le_bytes)).collect(),
            _ => bytes,
        };
    }
    bytes
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What base64 makes of the bytes wherever they stand in a longer text: three variants, without
/// the characters that depend on what stands beside them.
pub fn base64_anywhere(bytes: &[u8]) -> Vec<String> {
    let mut variants = Vec::new();
    for before in 0..3_usize {
        let padded: Vec<u8> = std::iter::repeat_n(0, before).chain(bytes.iter().copied()).collect();
        let encoded = STANDARD.encode(&padded);
        // Each byte before fills 8 of the 6 bits of a character; bits left over at the end join
        // those of the byte that follows.
        let start = (before * 8).div_ceil(6);
        let end = padded.len() * 8 / 6;
        if let Some(stable) = encoded.get(start..end).filter(|stable| !stable.is_empty()) {
            variants.push(stable.to_owned());
        }
    }
    variants
}

/// The text with each of its dashes in every spelling.
///
/// # Errors
/// A sentence, when there are too many dashes.
pub fn dashes(text: &str) -> Result<Vec<String>, String> {
    if text.matches('-').count() > DASHES_MAX {
        return Err(format!("\"{text}\" has more than {DASHES_MAX} dashes"));
    }
    let mut variants = vec![String::new()];
    for c in text.chars() {
        if c == '-' {
            variants = variants
                .iter()
                .flat_map(|text| DASHES.iter().map(move |dash| format!("{text}{dash}")))
                .collect();
        } else {
            variants.iter_mut().for_each(|text| text.push(c));
        }
    }
    Ok(variants)
}
