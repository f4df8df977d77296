//! `sql --tables` and `sql --describe`: what can be asked, as `docs/views.md` lists it.

use arrow::datatypes::DataType;

use super::config::nearest;
use super::output::Sheet;
use super::{Context, Error};
use crate::query::At;

const LIST: &str = include_str!("../../docs/views.md");

/// The names and what one row of each is, in the order of the document.
fn listed() -> impl Iterator<Item = (&'static str, &'static str)> {
    LIST.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "))
}

/// One line a table or view.
pub fn tables() -> Sheet<'static> {
    let mut sheet = Sheet::new("tables", &["name", "one row is"]);
    for (name, row) in listed() {
        let value = serde_json::json!({ "name": name, "row": row });
        sheet.push(vec![name.to_owned(), row.to_owned()], value);
    }
    sheet
}

/// One line a column of the table or view `name`.
///
/// # Errors
/// [`Error::Usage`] for a name that is not listed.
pub async fn describe(context: &Context, at: At, name: &str) -> Result<Sheet<'static>, Error> {
    let names: Vec<String> = listed().map(|(name, _)| name.to_owned()).collect();
    if !names.iter().any(|known| known == name) {
        let meant = nearest(name, &names).map(|name| format!("did you mean {name}?"));
        let meant = meant.unwrap_or_else(|| "`lychgate sql --tables` lists them".to_owned());
        return Err(Error::Usage(format!("there is no table or view \"{name}\"; {meant}")));
    }
    let mut sheet = Sheet::new("columns", &["column", "type"]);
    for field in context.engine().session(at).await?.columns(name).await?.fields() {
        let word = type_word(field.data_type());
        let value = serde_json::json!({ "column": field.name(), "type": word });
        sheet.push(vec![field.name().clone(), word], value);
    }
    Ok(sheet)
}

/// A type as SQL calls it.
fn type_word(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Dictionary(_, value) => type_word(value),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Timestamp(..) => "timestamp".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Float32 | DataType::Float64 => "double".to_owned(),
        kind if kind.is_integer() => "bigint".to_owned(),
        other => other.to_string(),
    }
}
