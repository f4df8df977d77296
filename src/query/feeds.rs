//! Which exports of one application, or of one personnel system, continue each other: those of one feed. A complete
//! listing says who is gone of what its own feed has named, and nothing of what another names.
//!
//! A feed is known by the name of its files without what changes from one day to the next. Whoever names files
//! otherwise says the feed (`--feed`).

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_string_array;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

/// Words that say when, which copy or in what form, and not what.
const PASSING: &str = "jan january feb february mar march apr april may jun june jul july aug august sep sept september \
                       oct october nov november dec december mon monday tue tuesday wed wednesday thu thursday fri \
                       friday sat saturday sun sunday am pm utc gmt z t copy final corrected fixed updated latest \
                       newest new old current today yesterday csv tsv txt json ndjson jsonl gz zst";
/// Words that say when, or which copy, where a number is behind them: `week47`, `v2`, `part3`.
const COUNTED: &str =
    "q w kw cw wk week day month year fy h v ver version rev part run copy batch no nr page chunk";

/// `feed_name(file)`, for views.
pub fn function() -> ScalarUDF {
    let named = |arguments: &[ColumnarValue]| -> Result<ColumnarValue, DataFusionError> {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let [files] = arrays.as_slice() else {
            return Err(DataFusionError::Plan("feed_name takes one text".to_owned()));
        };
        let names: StringArray = as_string_array(files)?.iter().map(|file| file.map(name)).collect();
        Ok(ColumnarValue::Array(Arc::new(names) as ArrayRef))
    };
    create_udf("feed_name", vec![DataType::Utf8], DataType::Utf8, Volatility::Immutable, Arc::new(named))
}

/// The name of the feed of which this file is: `crm_guests` of `exports/CRM guests 2026-11-28.csv`. Empty where the
/// name says nothing but when.
pub fn name(file: &str) -> String {
    let base = file.rsplit(['/', '\\']).next().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = base.split(|c: char| !c.is_alphanumeric()).collect();
    let (mut lasts, mut rest) = (Vec::with_capacity(words.len()), words.as_slice());
    while let Some((word, behind)) = rest.split_first() {
        rest = rest.get(UUID.len()..).filter(|_| begins_with_uuid(rest)).unwrap_or_else(|| {
            lasts.extend(lasting(word));
            behind
        });
    }
    lasts.join("_")
}

/// How long the groups of a UUID are, some of which may look like words.
const UUID: [usize; 5] = [8, 4, 4, 4, 12];

fn begins_with_uuid(words: &[&str]) -> bool {
    let is_group = |(word, length): (&&str, usize)| word.len() == length && is_hex(word);
    words.len() >= UUID.len() && words.iter().zip(UUID).all(is_group)
}

/// What of a word says what is listed. A short number behind a name is part of it: `plant1`, `b2b`, `o365`.
fn lasting(word: &str) -> Option<&str> {
    let among = |list: &str, word: &str| list.split(' ').any(|one| one == word);
    let (name, number) = word.split_at(word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len()));
    let counts = !number.is_empty() && (among(COUNTED, name) || word.len() >= 8 && is_hex(word));
    if name.is_empty() || counts || among(PASSING, name) {
        return None;
    }
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    Some(if digits > 3 { name } else { word })
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_hexdigit())
}
