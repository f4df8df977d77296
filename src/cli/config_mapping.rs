//! Names in the configuration that a run would look up in vain: formats, orders of dates and tables. A name
//! with a slip would be without effect, and say so to nobody.

use super::Error;
use super::config::{Mapping, nearest};
use super::reading::date_order;
use crate::normalize;
use crate::store::tables::TABLES;

/// Checks the names of one `[[mapping]]`.
///
/// # Errors
/// [`Error::Usage`] with the names that exist.
pub fn check(mapping: &Mapping) -> Result<(), Error> {
    let files = &mapping.files;
    if let Some(source) = &mapping.source {
        known(&format!("source of the mapping of \"{files}\""), source, &normalize::names())?;
    }
    match mapping.date_order.as_deref() {
        Some(order) if date_order(order).is_none() => Err(Error::Usage(format!(
            "date_order of the mapping of \"{files}\" is year-first, day-first or month-first, not \"{order}\""
        ))),
        _ => Ok(()),
    }
}

/// Checks the tables of `legal_hold` or `--hold`.
///
/// # Errors
/// [`Error::Usage`] with the tables that exist.
pub fn check_tables(held: &[String]) -> Result<(), Error> {
    let names: Vec<&str> = TABLES.iter().map(|table| table.name).collect();
    held.iter().try_for_each(|table| known("table to hold", table, &names))
}

fn known(what: &str, given: &str, names: &[&str]) -> Result<(), Error> {
    if names.contains(&given) {
        return Ok(());
    }
    let owned: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let meant = nearest(given, &owned).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    Err(Error::Usage(format!("{what} is \"{given}\", which is none of {}{meant}", names.join(", "))))
}
