//! Seats and what they cost, summed: the arithmetic of the report on costs. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::UtcMicros;
use crate::models::costs::{CostModel, Estimate, Period, Unused};

const DAYS_PER_YEAR: f64 = 365.0;

/// Money, hours or prices from the least to the most that they may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Range {
    pub low: f64,
    pub mid: f64,
    pub high: f64,
}

impl Range {
    fn times(self, factor: f64) -> Range {
        Range { low: self.low * factor, mid: self.mid * factor, high: self.high * factor }
    }

    fn by(self, other: Range) -> Range {
        Range { low: self.low * other.low, mid: self.mid * other.mid, high: self.high * other.high }
    }

    pub fn plus(self, other: Range) -> Range {
        Range { low: self.low + other.low, mid: self.mid + other.mid, high: self.high + other.high }
    }

    /// To the cent.
    fn rounded(self) -> Range {
        let cents = |amount: f64| (amount * 100.0).round() / 100.0;
        Range { low: cents(self.low), mid: cents(self.mid), high: cents(self.high) }
    }
}

impl From<&Estimate> for Range {
    fn from(Estimate { low, mid, high, .. }: &Estimate) -> Range {
        Range { low: *low, mid: *mid, high: *high }
    }
}

impl From<&Unused> for Range {
    fn from(Unused { low, mid, high, .. }: &Unused) -> Range {
        Range { low: *low, mid: *mid, high: *high }
    }
}

/// One line of the register of licences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Licence {
    pub app_id: String,
    pub sku: String,
    pub seats: Option<f64>,
    /// Seats that must be paid for until the contract ends.
    pub seats_min: Option<f64>,
    pub unit_price: Option<f64>,
    pub price_low: Option<f64>,
    pub price_high: Option<f64>,
    pub currency: Option<String>,
    pub period: Option<String>,
    pub starts_on: Option<String>,
    pub ends_on: Option<String>,
    pub renewal_on: Option<String>,
    pub lower_sku: Option<String>,
}

/// One seat that a rule found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat {
    pub app_id: String,
    pub account_id: String,
    /// Where the account is known to hold one that the register names.
    pub sku: Option<String>,
    /// Id of the rule.
    pub rule: String,
}

/// The unused seats of one application and SKU.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LicenceLine {
    pub app_id: String,
    /// Absent where it is not known which of several SKUs the accounts hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Seats of the contract.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seats: Option<f64>,
    /// Unused seats by the rule that found them.
    pub unused: BTreeMap<String, usize>,
    /// Of one seat, a year.
    pub price: Range,
    /// What the unused seats cost in a year, by how likely they are unused.
    pub per_year: Range,
    /// The same until the contract ends or renews, or for the term that is assumed.
    pub value: Range,
    /// The part of `value` that lowering the seats today saves.
    pub reclaimable_now: Range,
    /// The rest: paid whatever is done, until then.
    pub committed: Range,
    /// What a year from the renewal on need not cost any more.
    pub reclaimable_at_renewal: Range,
    /// The day on which the contract ends or renews, where one is to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// Sums of one currency.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Total {
    pub seats: usize,
    pub per_year: Range,
    pub value: Range,
    pub reclaimable_now: Range,
    pub committed: Range,
    pub reclaimable_at_renewal: Range,
}

/// The lines in order of application and SKU. Each account must come once.
pub fn lines(seats: &[Seat], licences: &[Licence], model: &CostModel, as_of: UtcMicros) -> Vec<LicenceLine> {
    let mut groups: BTreeMap<(&str, Option<&str>), Vec<&Seat>> = BTreeMap::new();
    for seat in seats {
        groups.entry((&seat.app_id, seat.sku.as_deref())).or_default().push(seat);
    }
    // What contracts leave free goes to the seats whose SKU is known; the rest to the others.
    let (named, others): (Vec<_>, Vec<_>) = groups.into_iter().partition(|((_, sku), _)| sku.is_some());
    let mut taken: BTreeMap<&str, f64> = BTreeMap::new();
    let mut lines = Vec::new();
    for ((app, sku), seats) in named.into_iter().chain(others) {
        let of_app = licences.iter().filter(|licence| licence.app_id == app && begun(licence, as_of));
        let fits = of_app.filter(|licence| sku.is_none_or(|sku| licence.sku.eq_ignore_ascii_case(sku)));
        let contracts = Contracts { licences: fits.collect(), all: licences, model, as_of };
        let before = if sku.is_none() { taken.get(app).copied().unwrap_or(0.0) } else { 0.0 };
        if let Some((line, free)) = contracts.line((app, sku), &seats, before) {
            *taken.entry(app).or_default() += free;
            lines.push(line);
        }
    }
    lines.sort_by(|a: &LicenceLine, b| (&a.app_id, &a.sku).cmp(&(&b.app_id, &b.sku)));
    lines
}

/// By currency; a line without one counts under no name.
pub fn totals(lines: &[LicenceLine]) -> BTreeMap<String, Total> {
    let mut totals: BTreeMap<String, Total> = BTreeMap::new();
    for line in lines {
        let total = totals.entry(line.currency.clone().unwrap_or_default()).or_default();
        total.seats += line.unused.values().sum::<usize>();
        total.per_year = total.per_year.plus(line.per_year).rounded();
        total.value = total.value.plus(line.value).rounded();
        total.reclaimable_now = total.reclaimable_now.plus(line.reclaimable_now).rounded();
        total.committed = total.committed.plus(line.committed).rounded();
        total.reclaimable_at_renewal =
            total.reclaimable_at_renewal.plus(line.reclaimable_at_renewal).rounded();
    }
    totals
}

/// Hours and money of accounts that are kept by hand.
pub fn by_hand(applications: usize, gaps: usize, model: &CostModel) -> (Range, Range) {
    let manual = &model.manual;
    let hours = Range::from(&manual.hours_per_application)
        .times(applications as f64)
        .plus(Range::from(&manual.hours_per_gap).times(gaps as f64));
    (hours.rounded(), hours.by(Range::from(&manual.hourly_cost)).rounded())
}

/// The contracts that unused seats may fall under.
struct Contracts<'a> {
    licences: Vec<&'a Licence>,
    all: &'a [Licence],
    model: &'a CostModel,
    as_of: UtcMicros,
}

impl Contracts<'_> {
    /// The line of some seats, and how many of them can be given up today where contracts leave that
    /// free and `taken` of it are given up already.
    fn line(
        &self,
        (app, sku): (&str, Option<&str>),
        seats: &[&Seat],
        taken: f64,
    ) -> Option<(LicenceLine, f64)> {
        let Contracts { licences, model, as_of, .. } = self;
        let price = price(licences, model)?;
        let currencies: BTreeSet<&String> = licences.iter().filter_map(|l| l.currency.as_ref()).collect();
        // Prices in two currencies have no mean.
        if currencies.len() > 1 {
            return None;
        }
        let mut unused: BTreeMap<String, usize> = BTreeMap::new();
        let mut per_year = Range::default();
        for seat in seats {
            let likely = model.licences.unused.iter().find(|unused| unused.rule == seat.rule);
            let Some(likely) = likely else { continue };
            *unused.entry(seat.rule.clone()).or_default() += 1;
            let saved = if seat.rule == TIER_RULE { tier(price, licences, self.all, model) } else { price };
            per_year = per_year.plus(saved.by(Range::from(likely)));
        }
        let number = unused.values().sum::<usize>() as f64;
        let until = licences.iter().filter_map(|licence| ahead(licence, *as_of)).min();
        let free = licences.iter().map(|licence| free(licence, *as_of)).sum::<f64>() - taken;
        let free = free.clamp(0.0, number);
        let days = match &until {
            Some((at, _)) => (at.0 - as_of.0) as f64 / UtcMicros::MICROS_PER_DAY as f64,
            None => f64::from(model.licences.term_days.value),
        };
        let share = if number > 0.0 { free / number } else { 0.0 };
        let value = per_year.times(days / DAYS_PER_YEAR).rounded();
        let reclaimable_now = value.times(share).rounded();
        let line = LicenceLine {
            app_id: app.to_owned(),
            sku: sku.map(str::to_owned),
            currency: currencies.first().map(|currency| (*currency).clone()),
            seats: sum(licences, |licence| licence.seats),
            unused,
            price: price.rounded(),
            per_year: per_year.rounded(),
            value,
            reclaimable_now,
            committed: value.plus(reclaimable_now.times(-1.0)).rounded(),
            reclaimable_at_renewal: per_year.times(1.0 - share).rounded(),
            until: until.map(|(_, day)| day),
        };
        Some((line, free))
    }
}

/// The rule whose seats are not given back but changed for a cheaper one.
const TIER_RULE: &str = "over_tier";

/// What a year less of a tier costs less.
fn tier(price: Range, licences: &[&Licence], all: &[Licence], model: &CostModel) -> Range {
    let lower = licences.iter().find_map(|licence| Some((licence, licence.lower_sku.as_ref()?)));
    let lower = lower.and_then(|(licence, sku)| {
        let named = |other: &&Licence| other.app_id == licence.app_id && other.sku.eq_ignore_ascii_case(sku);
        self::price(&all.iter().filter(named).collect::<Vec<_>>(), model)
    });
    let Some(lower) = lower else { return Range::default() };
    Range {
        low: (price.low - lower.high).max(0.0),
        mid: (price.mid - lower.mid).max(0.0),
        high: (price.high - lower.low).max(0.0),
    }
}

/// Of one seat, a year: over all lines the least and the most, and the mean by seats.
fn price(licences: &[&Licence], model: &CostModel) -> Option<Range> {
    let mut found: Option<(Range, f64)> = None;
    for licence in licences {
        let Some(price) = own_price(licence, model) else { continue };
        let seats = licence.seats.filter(|seats| *seats > 0.0).unwrap_or(1.0);
        found = Some(match found {
            None => (price, seats),
            Some((range, weight)) => {
                let mid = (range.mid * weight + price.mid * seats) / (weight + seats);
                (
                    Range { low: range.low.min(price.low), mid, high: range.high.max(price.high) },
                    weight + seats,
                )
            }
        });
    }
    found.map(|(range, _)| range)
}

fn own_price(licence: &Licence, model: &CostModel) -> Option<Range> {
    let Licence { unit_price, price_low, price_high, .. } = licence;
    let mid = unit_price.or_else(|| Some((price_low.as_ref()? + price_high.as_ref()?) / 2.0));
    let mid = mid.or(*price_low).or(*price_high).filter(|price| *price > 0.0)?;
    let period = licence.period.as_deref().and_then(Period::parse);
    let period = period.unwrap_or(model.licences.period_default.value);
    let range =
        Range { low: price_low.unwrap_or(mid).min(mid), mid, high: price_high.unwrap_or(mid).max(mid) };
    Some(range.times(period.per_year()))
}

/// When a contract ends or renews, if that is to come.
fn ahead(licence: &Licence, as_of: UtcMicros) -> Option<(UtcMicros, String)> {
    let days = [&licence.renewal_on, &licence.ends_on].into_iter().flatten();
    let instants = days.filter_map(|day| Some((UtcMicros::parse(day)?, day.clone())));
    instants.filter(|(at, _)| *at > as_of).min()
}

/// Seats that can be given up today: all where no end is to come, else those above the committed number;
/// none where a contract names no such number.
fn free(licence: &Licence, as_of: UtcMicros) -> f64 {
    match (ahead(licence, as_of), licence.seats, licence.seats_min) {
        (None, ..) => f64::MAX,
        (Some(_), Some(seats), Some(least)) => (seats - least).max(0.0),
        (Some(_), ..) => 0.0,
    }
}

/// A contract that is still to begin has no price yet.
fn begun(licence: &Licence, as_of: UtcMicros) -> bool {
    let starts_at = licence.starts_on.as_deref().and_then(UtcMicros::parse);
    starts_at.is_none_or(|starts_at| starts_at <= as_of)
}

fn sum(licences: &[&Licence], number: impl Fn(&Licence) -> Option<f64>) -> Option<f64> {
    let numbers: Vec<f64> = licences.iter().filter_map(|licence| number(licence)).collect();
    (!numbers.is_empty()).then(|| numbers.iter().sum())
}
