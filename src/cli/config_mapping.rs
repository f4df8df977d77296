//! Names in the configuration that a run would look up in vain: formats, columns, zones, orders of dates, tables and
//! variables. A name with a slip would be without effect, and say so to nobody.

use jiff::tz::TimeZone;

use super::Error;
use super::config::{Mapping, nearest};
use super::reading::date_order;
use crate::normalize;
use crate::normalize::table::TableKind;
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
    if files.is_empty() || files.contains('?') {
        return Err(Error::Usage(format!(
            "files of the mapping of \"{files}\" is part of a path, with * for any run of characters and no other wildcard"
        )));
    }
    let kind = mapping.source.as_deref().and_then(TableKind::parse);
    let columns: Vec<&str> = TableKind::columns(kind).into_iter().collect();
    for column in mapping.columns.keys() {
        known(&format!("a key in columns of the mapping of \"{files}\""), column, &columns)?;
    }
    if let Some(zone) = &mapping.zone {
        check_zone(&format!("zone of the mapping of \"{files}\""), zone)?;
    }
    match mapping.date_order.as_deref() {
        Some(order) if date_order(order).is_none() => Err(Error::Usage(format!(
            "date_order of the mapping of \"{files}\" is year-first, day-first or month-first, not \"{order}\""
        ))),
        _ => Ok(()),
    }
}

/// Checks the zone that `what` names.
///
/// # Errors
/// [`Error::Usage`] when there is no such zone.
pub fn check_zone(what: &str, zone: &str) -> Result<(), Error> {
    match TimeZone::get(zone) {
        Ok(_) => Ok(()),
        Err(_) => {
            Err(Error::Usage(format!("{what} \"{zone}\" is not an IANA time zone such as Europe/Berlin")))
        }
    }
}

/// How far a variable's name may be from one of ours and still be a slip: other programs set some that begin alike.
const SLIP_MAX: usize = 2;

/// Checks the names of variables that begin as ours do.
///
/// # Errors
/// [`Error::Usage`] for one that is nearly one of `known`.
pub fn check_variables(given: &[String], known: &[&str]) -> Result<(), Error> {
    for name in given.iter().filter(|name| !known.contains(&name.as_str())) {
        let distance = |one: &&&str| strsim::damerau_levenshtein(name, one);
        if let Some(meant) = known.iter().filter(|one| distance(one) <= SLIP_MAX).min_by_key(distance) {
            return Err(Error::Usage(format!("there is no variable {name}; did you mean {meant}?")));
        }
        tracing::info!(name, "a variable begins as ours do and is none of them");
    }
    Ok(())
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
