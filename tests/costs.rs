//! What unused seats and work by hand cost, against sums by hand.

use std::fs;
use std::path::Path;

use lychgate::domain::UtcMicros;
use lychgate::models::costs::{CostModel, cost_model, parse_cost_model};
use lychgate::pipeline::{CostReport, Engine, LicenceLine, Range, Reading};
use lychgate::query::At;

use crate::support::block_on;

/// 2026-06-30T00:00:00Z; 180 days before 2026-12-27.
const AT: UtcMicros = UtcMicros(1_782_777_600_000_000);
const TEXT: &str = include_str!("../models/costs/default.yml");
const REGISTER: &str = "app_id,sku,seats,unit_price,currency,renewal_on,period,price_low,price_high,seats_min,starts_on,ends_on,lower_sku";

/// Ada and Fay have left; Bo has two accounts; Cy does nothing; Di uses nothing of the premium tier.
fn write(folder: &Path, licences: &[&str]) {
    let put = |name: &str, text: String| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put(
        "hr/roster_2026-06-29.csv",
        "employee_id,name,email,start_on,end_on\n\
         1,Ada Low,ada@example.com,2020-01-01,2026-06-01\n2,Bo Hay,bo@example.com,2020-01-01,\n\
         3,Cy Ray,cy@example.com,2020-01-01,\n4,Di May,di@example.com,2020-01-01,\n\
         6,Fay Orr,fay@example.com,2020-01-01,2026-06-02\n"
            .to_owned(),
    );
    put(
        "crm/accounts_2026-06-29.csv",
        "account_id,account_name,email,status,employee_id,created_at,last_active_at\n\
         a1,ada,ada@example.com,active,1,2020-01-01,2026-05-30T00:00:00Z\na2,bo,bo@example.com,active,2,2020-01-01,2026-06-28T00:00:00Z\n\
         a3,cy,cy@example.com,active,3,2020-01-01,2026-01-01T00:00:00Z\na4,bo2,bo2@example.com,active,2,2020-01-01,2026-06-28T00:00:00Z\n\
         a5,di,di@example.com,active,4,2020-01-01,2026-06-28T00:00:00Z\na6,fay,fay@example.com,active,6,2020-01-01,2026-05-30T00:00:00Z\n"
            .to_owned(),
    );
    put(
        "crm/grants_2026-06-29.csv",
        "account_id,entitlement_id,entitlement_kind,last_used_at\n\
         a1,standard,licence,2026-05-30T00:00:00Z\na2,standard,licence,2026-06-28T00:00:00Z\n\
         a3,standard,licence,2026-01-01T00:00:00Z\na4,standard,licence,2026-06-28T00:00:00Z\n\
         a5,premium,licence,2026-01-02T00:00:00Z\n"
            .to_owned(),
    );
    put("registers/licences_2026-06-29.csv", format!("{REGISTER}\n{}\n", licences.join("\n")));
}

fn report(licences: &[&str], model: Option<CostModel>) -> CostReport {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("files"), licences);
    block_on(async || {
        let engine = Engine::new(&folder.path().join("data"), "acme").with_costs(model);
        let paths = lychgate::ingest::files(&[folder.path().join("files")]).unwrap();
        let read = engine.ingest(&paths, &|_| Reading::default(), &mut |_| {}).await.unwrap();
        for file in &read.files {
            assert!(file.refused.is_none() && file.quarantined == 0, "{file:?}");
        }
        let at = At { as_of: AT, known_at: UtcMicros(4_102_444_800_000_000) };
        engine.costs(at, "default").await.unwrap()
    })
}

fn range([low, mid, high]: [f64; 3]) -> Range {
    Range { low, mid, high }
}

fn unused(line: &LicenceLine) -> Vec<(&str, usize)> {
    line.unused.iter().map(|(rule, seats)| (rule.as_str(), *seats)).collect()
}

/// If it failed, a company would be told of money that is not there, or be kept from money that is.
#[test]
fn seats_are_priced_as_a_person_with_a_calculator_would() {
    let told = report(
        &[
            "crm,standard,10,12,EUR,2026-12-27,month,10,15,7,,,",
            "crm,premium,5,360,EUR,2026-12-27,year,,,,,,standard",
            "crm,next,500,1,EUR,2028-01-01,month,,,,2027-01-01,,",
        ],
        None,
    );
    let lines: Vec<Option<&str>> = told.licences.iter().map(|line| line.sku.as_deref()).collect();
    assert_eq!(lines, [None, Some("premium"), Some("standard")]);
    assert_eq!(told.unpriced, 0);

    // Ada, one of Bo's two, and Cy. 120, 144 or 180 a year, by .95 + .5 + .6, 1 + .8 + .8, and 3.
    let standard = &told.licences[2];
    assert_eq!(unused(standard), [("dormant_seat", 1), ("duplicate_seat", 1), ("leaver_seat", 1)]);
    assert_eq!(standard.price, range([120.0, 144.0, 180.0]));
    assert_eq!(standard.per_year, range([246.0, 374.4, 540.0]));
    // 180 of 365 days; three of ten seats are above the committed seven, so that all three can go.
    assert_eq!(standard.value, range([121.32, 184.64, 266.3]));
    assert_eq!((standard.reclaimable_now, standard.committed), (standard.value, Range::default()));
    assert_eq!(standard.reclaimable_at_renewal, Range::default());

    // Di: 360 less 180, 144 or 120, by .5, .7 or .9; nothing says how few seats are allowed.
    let premium = &told.licences[1];
    assert_eq!(unused(premium), [("over_tier", 1)]);
    assert_eq!(premium.per_year, range([90.0, 151.2, 216.0]));
    assert_eq!(
        (premium.committed, premium.reclaimable_now),
        (range([44.38, 74.56, 106.52]), Range::default())
    );
    assert_eq!(premium.reclaimable_at_renewal, premium.per_year);
    assert_eq!(premium.until.as_deref(), Some("2026-12-27"));

    // Fay, of whom nobody knows which she holds; what is above the commitment is given up already.
    let any = &told.licences[0];
    assert_eq!(unused(any), [("leaver_seat", 1)]);
    // (10 · 144 + 5 · 360) / 15; the contract of 2027 has not begun.
    assert_eq!(any.price, range([120.0, 216.0, 360.0]));
    assert_eq!(
        (any.reclaimable_now, any.reclaimable_at_renewal),
        (Range::default(), range([114.0, 216.0, 360.0]))
    );

    let total = &told.totals["EUR"];
    assert_eq!((told.totals.len(), total.seats), (1, 5));
    assert_eq!(total.per_year, range([450.0, 741.6, 1116.0]));
    for line in &told.licences {
        let sum = line.reclaimable_now.plus(line.committed);
        assert!(
            (sum.mid - line.value.mid).abs() < 1e-6 && (sum.high - line.value.high).abs() < 1e-6,
            "{line:?}"
        );
    }
}

/// Otherwise a rolling subscription would look like money that is lost until a renewal nobody agreed to.
#[test]
fn without_a_contract_all_can_be_had_back_now_and_currencies_are_not_added() {
    let told =
        report(&["crm,standard,10,12,EUR,,,,,,,2026-01-31,", "crm,premium,5,30,USD,,month,,,,,,"], None);
    let standard = told.licences.iter().find(|line| line.sku.as_deref() == Some("standard")).unwrap();
    // A price without a period is for a month, and a contract that ended long ago binds nobody.
    assert_eq!((standard.price.mid, standard.until.as_deref()), (144.0, None));
    assert_eq!((standard.value, standard.reclaimable_now), (standard.per_year, standard.per_year));
    assert_eq!((standard.committed, standard.reclaimable_at_renewal), (Range::default(), Range::default()));
    assert_eq!(told.totals.keys().collect::<Vec<_>>(), ["EUR"]);
    // Fay's seat is of either currency.
    assert_eq!(told.unpriced, 1);
}

/// If it failed, the hours behind a business case could not be recounted.
#[test]
fn work_by_hand_is_hours_of_applications_and_gaps_and_ones_own_numbers_count() {
    let licences = ["crm,standard,10,12,EUR,,month,,,,,,"];
    let told = report(&licences, None);
    let manual = &told.manual;
    assert_eq!((manual.applications.join(","), manual.gaps), ("crm".to_owned(), 2));
    // A year of one application, and two gaps.
    assert_eq!(manual.hours, range([6.5, 13.0, 26.0]));
    assert_eq!((manual.cost, manual.currency.as_str()), (range([260.0, 780.0, 2340.0]), "EUR"));
    assert!(told.incomplete.iter().any(|why| why.contains("identity provider")), "{:?}", told.incomplete);

    let mut own = cost_model().unwrap();
    own.manual.hourly_cost.mid = 80.0;
    own.manual.hourly_cost.source = "finance".to_owned();
    let told = report(&licences, Some(own));
    assert_eq!(told.manual.cost.mid, 1040.0);
    assert_eq!(told.assumptions.manual.hourly_cost.source, "finance");
}

/// A slip in an assumption would be multiplied by every seat.
#[test]
fn assumptions_that_cannot_be_are_refused() {
    let refused = |from: &str, to: &str, why: &str| {
        assert!(TEXT.contains(from), "{from}");
        let error = parse_cost_model("costs.yml", &TEXT.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    };
    refused("low: 6, mid: 12", "low: 13, mid: 12", "hours_per_application must rise");
    refused("mid: 1.0, high: 1.0", "mid: 1.0, high: 1.5", "leaver_seat");
    refused("rule: over_tier", "rule: overtier", "there is no rule \"overtier\"");
    refused("high: 90, source: house", "high: 90, source: ''", "hourly_cost names no source");
    refused("value: month", "value: fortnight", "fortnight");
}
