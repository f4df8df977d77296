//! Texts packed by an example. Whoever tells of one thing many times repeats itself: two findings of a
//! detector differ in names, ids and days. So a text is kept as what differs from the first that was said.

use std::collections::BTreeMap;
use std::io;

use zstd::bulk::{Compressor, Decompressor};

/// Higher levels take longer and save little of texts so short.
const LEVEL: i32 = 1;

/// The first text of each detector, which those after it are packed with.
pub type Examples = BTreeMap<String, Vec<u8>>;

/// A text that cannot be packed or unpacked: it is damaged, or there is no memory.
#[derive(Debug, thiserror::Error)]
#[error("cannot pack or unpack what detector \"{detector}\" said")]
pub struct PackError {
    pub detector: String,
    pub source: io::Error,
}

/// A text as it is kept.
#[derive(Clone, Debug)]
pub struct Packed {
    pub bytes: Vec<u8>,
    /// Of the text; absent where it is not packed.
    pub size_bytes: Option<usize>,
}

/// Packs texts, each with its detector's example.
pub struct Packer<'a> {
    examples: &'a Examples,
    compressors: BTreeMap<&'a str, Compressor<'static>>,
}

impl<'a> Packer<'a> {
    pub fn new(examples: &'a Examples) -> Packer<'a> {
        Packer { examples, compressors: BTreeMap::new() }
    }

    /// Packs a text of `detector`; one without an example stays as it is.
    ///
    /// # Errors
    /// When the library has no memory.
    pub fn pack(&mut self, detector: &str, text: &[u8]) -> Result<Packed, PackError> {
        let plain = || Packed { bytes: text.to_vec(), size_bytes: None };
        let Some((detector, example)) = self.examples.get_key_value(detector) else { return Ok(plain()) };
        let failed = |source| PackError { detector: detector.clone(), source };
        if !self.compressors.contains_key(detector.as_str()) {
            self.compressors.insert(detector, compressor(example).map_err(failed)?);
        }
        let Some(compressor) = self.compressors.get_mut(detector.as_str()) else { return Ok(plain()) };
        let bytes = compressor.compress(text).map_err(failed)?;
        let packed = bytes.len() < text.len();
        Ok(if packed { Packed { bytes, size_bytes: Some(text.len()) } } else { plain() })
    }
}

fn compressor(example: &[u8]) -> io::Result<Compressor<'static>> {
    let mut compressor = Compressor::with_dictionary(LEVEL, example)?;
    // What keeps the text says these beside it.
    compressor.include_contentsize(false)?;
    compressor.include_dictid(false)?;
    compressor.include_checksum(false)?;
    Ok(compressor)
}

/// Reads what a [`Packer`] made.
#[derive(Default)]
pub struct Unpacker {
    decompressors: BTreeMap<String, Decompressor<'static>>,
}

impl Unpacker {
    /// Gives the text of `size_bytes` that was packed with the detector's example.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn unpack(
        &mut self,
        detector: &str,
        example: &[u8],
        packed: &[u8],
        size_bytes: usize,
    ) -> Result<Vec<u8>, PackError> {
        let failed = |source| PackError { detector: detector.to_owned(), source };
        if !self.decompressors.contains_key(detector) {
            let decompressor = Decompressor::with_dictionary(example).map_err(failed)?;
            self.decompressors.insert(detector.to_owned(), decompressor);
        }
        let decompressor =
            self.decompressors.get_mut(detector).ok_or_else(|| failed(io::ErrorKind::NotFound.into()))?;
        decompressor.decompress(packed, size_bytes).map_err(failed)
    }
}
