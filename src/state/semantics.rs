//! How applications behave, as a table: one row a name, from the models and the configuration.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray};

use crate::models::semantics::{self, DEFAULT, Semantics};
use crate::query::Error;

/// The table `semantics`: `name`, `rank` (`configuration`, `model` or `default`), `soft_delete`,
/// `sso_only`, `suspend`, `lag_minutes`, `dialect`. No two rows share name and rank.
///
/// # Errors
/// When a built-in file is unsound.
pub fn table(configured: &[Semantics]) -> Result<RecordBatch, Error> {
    let failed = |reason: String| Error::Run {
        name: "semantics".to_owned(),
        source: Box::new(arrow::error::ArrowError::ExternalError(reason.into()).into()),
    };
    let built_in = semantics::semantics().map_err(|error| failed(error.to_string()))?;
    let mut rows: Vec<(&str, &str, &Semantics)> = Vec::new();
    for (line, rank) in
        built_in.iter().map(|line| (line, "model")).chain(configured.iter().map(|c| (c, "configuration")))
    {
        if line.id == DEFAULT && rank == "model" {
            rows.push((DEFAULT, DEFAULT, line));
        }
        rows.extend(line.names.iter().map(|name| (name.as_str(), rank, line)));
    }
    let texts = |f: fn(&(&str, &str, &Semantics)) -> Option<String>| -> ArrayRef {
        Arc::new(rows.iter().map(f).collect::<StringArray>())
    };
    let truths = |f: fn(&Semantics) -> Option<bool>| -> ArrayRef {
        Arc::new(rows.iter().map(|row| f(row.2)).collect::<BooleanArray>())
    };
    let columns: [(&str, ArrayRef); 7] = [
        ("name", texts(|row| Some(row.0.to_owned()))),
        ("rank", texts(|row| Some(row.1.to_owned()))),
        ("soft_delete", truths(Semantics::soft_delete)),
        ("sso_only", truths(Semantics::sso_only)),
        ("suspend", texts(|row| row.2.suspend.map(|suspend| suspend.as_str().to_owned()))),
        ("lag_minutes", Arc::new(rows.iter().map(|row| row.2.lag_minutes()).collect::<Int64Array>())),
        ("dialect", texts(|row| row.2.dialect.clone())),
    ];
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).map_err(|error| failed(error.to_string()))
}
