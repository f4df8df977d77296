//! The flags and mapping rules that say how to read a file.

use std::collections::BTreeMap;

use clap::Args;
use jiff::tz::TimeZone;

use super::config::{Config, Mapping};
use super::{Error, times};
use crate::domain::UtcMicros;
use crate::normalize::table::{DateOrder, Overrides};
use crate::pipeline::{self, Reading};

#[derive(Args, Clone, Default)]
pub struct ReadingFlags {
    /// Format of the files, instead of detecting it: okta, entra_audit, roster, accounts, …
    #[arg(long, value_name = "FORMAT")]
    source: Option<String>,
    /// Application that the files list or log
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Customer (org) that the files belong to
    #[arg(long, value_name = "ORG")]
    org: Option<String>,
    /// Map a column: CANONICAL=HEADER (repeatable)
    #[arg(long, value_name = "COLUMN=HEADER", value_parser = pair)]
    map: Vec<(String, String)>,
    /// IANA zone of times without one [default: from the configuration]
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Order of dates such as 03/04/2026
    #[arg(long, value_name = "ORDER", value_parser = ["year-first", "day-first", "month-first"])]
    date_order: Option<String>,
    /// When the listing was taken; a date or time that names no zone is of --zone [default: the date in the file's name, else its modification time]
    #[arg(long, value_name = "TIME")]
    listed_at: Option<String>,
    /// Feed of the listing: a complete listing says who is gone of those that its feed named before
    /// [default: the file's name without dates, numbers of copies and the like]
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// The listing is partial: what it omits still exists
    #[arg(long)]
    partial: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, header)) => Ok((column.trim().to_owned(), header.trim().to_owned())),
        None => Err("write CANONICAL=HEADER, for example account_id=Member ID".to_owned()),
    }
}

/// Flags that are checked, with the configuration behind them.
pub struct Readings<'a> {
    config: &'a Config,
    flags: ReadingFlags,
    listed_at: Option<UtcMicros>,
    zone: TimeZone,
}

impl<'a> Readings<'a> {
    /// # Errors
    /// [`Error::Usage`] for a zone or a time that does not exist.
    pub fn new(config: &'a Config, flags: &ReadingFlags) -> Result<Readings<'a>, Error> {
        let name = flags.zone.as_ref().unwrap_or(&config.zone.value);
        let zone = TimeZone::get(name).map_err(|_| {
            Error::Usage(format!("--zone \"{name}\" is not an IANA time zone such as Europe/Berlin"))
        })?;
        let listed_at =
            flags.listed_at.as_deref().map(|text| times::parse("--listed-at", text, &zone)).transpose()?;
        if listed_at.is_some_and(|at| pipeline::is_to_come(at, times::now())) {
            let why = "--listed-at is in the future: it says when the listing was taken";
            return Err(Error::Usage(why.to_owned()));
        }
        Ok(Readings { config, flags: flags.clone(), listed_at, zone })
    }

    /// How to read the file `name`: flags before the first mapping that fits.
    pub fn of(&self, name: &str) -> Reading {
        let (flags, none) = (&self.flags, Mapping::default());
        let mapping = self.config.mapping_for(name).unwrap_or(&none);
        let app = flags.app.clone().or_else(|| mapping.app.clone());
        let mapped_zone = mapping.zone.as_ref().and_then(|zone| TimeZone::get(zone).ok());
        let zone = if flags.zone.is_some() { None } else { mapped_zone };
        let mut columns: BTreeMap<String, String> = mapping.columns.clone();
        columns.extend(flags.map.iter().cloned());
        Reading {
            source: flags.source.clone().or_else(|| mapping.source.clone()),
            overrides: Overrides {
                app: app.clone(),
                columns,
                zone: zone.clone(),
                date_order: flags
                    .date_order
                    .as_deref()
                    .or(mapping.date_order.as_deref())
                    .and_then(date_order),
                complete: if flags.partial { Some(false) } else { mapping.complete },
                ..Overrides::default()
            },
            app,
            org: flags.org.clone(),
            zone: Some(zone.unwrap_or_else(|| self.zone.clone())),
            listed_at: self.listed_at,
            feed: flags.feed.clone().or_else(|| mapping.feed.clone()),
            growing: false,
            unnamed: false,
        }
    }
}

/// The order that a word of `--date-order` means.
pub(super) fn date_order(text: &str) -> Option<DateOrder> {
    match text {
        "year-first" => Some(DateOrder::YearFirst),
        "day-first" => Some(DateOrder::DayFirst),
        "month-first" => Some(DateOrder::MonthFirst),
        _ => None,
    }
}
