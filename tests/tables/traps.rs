//! Traps that exports set: dates, absent values, odd headers, lines around the table.

use super::*;

fn roster(hired: &str, left: &str) -> String {
    format!(
        "Employee ID,Name,Department,Manager ID,Hire Date,Termination Date\nE1,Ada Low,Fin,E9,{hired},{left}"
    )
}

fn ends(hired: &str, left: &str, end_at: Value) {
    check(given("r.csv", &roster(hired, left)), rows("roster", json!([{ "end_at": end_at }])));
}

/// The same day in every form that exports use.
#[test]
fn forms_of_dates() {
    let end = json!("2026-03-31T22:00:00Z");
    for text in [
        "2026-03-31",
        "2026/03/31",
        "20260331",
        "31/03/2026",
        "03/31/2026",
        "31.03.2026",
        "31-Mar-2026",
        "\"March 31, 2026\"",
        "31 Mar 2026",
        "\"Tue, 31 Mar 2026\"",
        "31. März 2026",
        "2026-03-31-07:00",
        "2026-03-31Z",
        "2026-03-31T00:00:00",
        "03/31/2026 12:00:00 AM",
    ] {
        ends("2019-04-01", text, end.clone());
    }
    for (text, end) in [
        ("2026-03-31T17:00:00Z", "2026-03-31T17:00:00Z"),
        ("2026-03-31 17:00:00 +0200", "2026-03-31T15:00:00Z"),
        ("1774976400", "2026-03-31T17:00:00Z"),
        ("1774976400000", "2026-03-31T17:00:00Z"),
        ("134194500000000000", "2026-03-31T17:00:00Z"),
        ("3/31/2026 5:00 PM", "2026-03-31T15:00:00Z"),
        ("20260331170000", "2026-03-31T15:00:00Z"),
    ] {
        ends("2019-04-01", text, json!(end));
    }
}

/// "No end" written as a date would make everybody a leaver of the year 9999, or of the year 1.
#[test]
fn absent_dates() {
    for text in [
        "",
        "N/A",
        "-",
        "--",
        "NULL",
        "Never",
        "9999-12-31",
        "12/31/9999",
        "4712-12-31",
        "0001-01-01",
        "1900-01-01",
        "0000-00-00",
        "9999-12-31T23:59:59.9999999Z",
        "0",
        "none",
    ] {
        ends("2019-04-01", text, json!(null));
    }
}

/// 03/04 read as March 4 ends an employment a month early; only a person can tell.
#[test]
fn order_of_day_and_month() {
    let text = roster("01/02/2019", "03/04/2026");
    check(given("r.csv", &text), Expect::Asked(&["day first or month first", "--date-order"]));
    let day = given("r.csv", &text).dates(DateOrder::DayFirst);
    check(day, rows("roster", json!([{ "end_at": "2026-04-03T22:00:00Z" }])));
    let month = given("r.csv", &text).dates(DateOrder::MonthFirst);
    check(month, rows("roster", json!([{ "end_at": "2026-03-04T23:00:00Z" }])));
    check(
        given("r.csv", &roster("13/02/2019", "02/13/2026")),
        Expect::Asked(&["\"13/02/2019\"", "\"02/13/2026\""]),
    );
    // Another column of the same table decides.
    ends("13/02/2019", "03/04/2026", json!("2026-04-03T22:00:00Z"));
    check(given("r.csv", &roster("13/02/19", "03/04/26")), Expect::Asked(&["two digits"]));
    check(given("r.csv", &roster("45000", "45900")), Expect::Asked(&["spreadsheet"]));
    // Without a department it was taken for an account export, and its leavers were nobody's.
    let text = "Employee ID,Name,Email,Hire Date,Termination Date,Status\n\
                1,Ada Low,a@acme.example,43831,46112,Terminated\n2,Ben Roe,b@acme.example,43831,,Active";
    check(given("workday/employees.csv", text), Expect::Asked(&["\"Hire Date\"", "spreadsheet"]));
    check(given("x.csv", text), Expect::Asked(&["\"Termination Date\"", "spreadsheet"]));
}

/// A date below the sample that contradicts it is quarantined, not turned round.
#[test]
fn contradicting_date_is_rejected() {
    let text = format!("{}\nE2,Ben Roe,Fin,E9,2019-01-01,02/13/2026", roster("2019-01-01", "13/02/2026"));
    let (header, sample) = given("r.csv", &text).lines();
    let table = guess(&header, &sample[..1], "r.csv", &Overrides::default()).unwrap();
    assert_eq!(table.read(&sample[1], &context()).unwrap_err().code, "bad_time");
}

/// Title and totals lines counted as people would be identities that nobody knows.
#[test]
fn lines_around_the_table() {
    let text = "
Report generated on 2026-06-29 by fox
Employee ID,Name,Department,Manager ID,Hire Date,Termination Date
E1,Ada Low,Fin,E9,2019-04-01,
Employee ID,Name,Department,Manager ID,Hire Date,Termination Date
Total: 1";
    let expect = json!(["remark", { "employee_id": "E1" }, "remark", "remark"]);
    let given_table = given("r.csv", text);
    assert!(given_table.table().unwrap().explain().contains("passed over: 3"));
    check(given_table, rows("roster", expect));
}

/// Headers of one name, blank headers and a byte order mark.
#[test]
fn odd_headers() {
    let text = "
\u{feff}Employee ID,Name,,Department,Manager ID,Hire Date,Termination Date,Termination Date
E1,Ada Low,x,Fin,E9,2019-04-01,2026-03-31,2026-04-30";
    check(given("r.csv", text), Expect::Asked(&["end_on", "\"#7\" or \"#8\"", "--map end_on="]));
    let expect = json!([{ "employee_id": "E1", "end_at": "2026-03-31T22:00:00Z" }]);
    check(given("r.csv", text).map("end_on", "#7"), rows("roster", expect.clone()));
    // Columns of one name that hold the same leave no doubt.
    check(given("r.csv", &text.replace("2026-04-30", "2026-03-31")), rows("roster", expect));
    check(given("r.csv", text).map("end_on", "Exit"), Expect::Asked(&["no column has this header"]));
    check(given("r.csv", text).map("exit", "Name"), Expect::Asked(&["no such field"]));
}

/// Status columns that say the opposite, and dates that say it.
#[test]
fn inverted_columns() {
    for (header, live, gone) in [
        ("Disabled", "FALSE", "TRUE"),
        ("Is Deactivated", "no", "yes"),
        ("Suspended", "N", "Y"),
        ("Deactivated", "", "2026-01-01"),
        ("Deactivation date", "-", "2026-01-01"),
        ("Enabled", "1", "0"),
        // As NetSuite writes it: read as terminated, everybody was shut out and no leaver had access.
        ("Is Active", "T", "F"),
        ("Active", "t", "f"),
        ("Account Status", "Enabled", "Disabled"),
        ("Block credential", "False", "True"),
    ] {
        let text = format!(
            "User ID,Email,{header},Last login\n1,a@acme.example,{live},2026-06-01\n2,b@acme.example,{gone},2026-01-01"
        );
        check(given("u.csv", &text), rows("accounts", json!([{ "active": true }, { "active": false }])));
    }
    // 1 and 0 under "Status" may mean either.
    let text =
        "User ID,Email,Status,Last login\n1,a@acme.example,0,2026-06-01\n2,b@acme.example,1,2026-01-01";
    check(given("u.csv", text), Expect::Asked(&["--map status="]));
    // So may T and F: true and false, or terminated and full-time.
    let text = text.replace(",0,", ",T,").replace(",1,", ",F,");
    check(given("u.csv", &text), Expect::Asked(&["only T and F", "--map active=\"Status\""]));
    let answered = given("u.csv", &text).map("active", "Status");
    check(answered, rows("accounts", json!([{ "active": true }, { "active": false }])));
}

/// What a partial listing does not name is not gone.
#[test]
fn complete_or_partial() {
    let text = "User ID,Email,Status\n1,a@acme.example,Active\n2,b@acme.example,Active";
    let complete = |file: &str, said: Option<bool>| {
        let mut given = given(file, text);
        given.said.complete = said;
        given.table().unwrap().complete()
    };
    assert!(complete("apps/erp/accounts_2026.csv", None));
    assert!(!complete("apps/erp/accounts_delta_2026.csv", None));
    assert!(!complete("apps/erp/accounts.csv", Some(false)));
    assert_eq!(given("u.csv", text).app("erp").table().unwrap().app(), Some("erp"));
}

/// The columns may stand in any order, and others may stand between them.
#[test]
fn column_order_does_not_matter() {
    let columns = [
        ("User ID", "7"),
        ("Email", "a@acme.example"),
        ("Status", "Suspended"),
        ("Last login", "2026-06-01"),
        ("Shoe size", "44"),
        ("Favourite colour", "green"),
    ];
    for turn in 0..columns.len() {
        let mut turned = columns;
        turned.rotate_left(turn);
        let (header, row): (Vec<&str>, Vec<&str>) = turned.into_iter().unzip();
        let text = format!("{}\n{}", header.join(","), row.join(","));
        let expect =
            json!([{ "account_id": "7", "active": false, "last_active_at": "2026-05-31T22:00:00Z" }]);
        check(given("u.csv", &text), rows("accounts", expect));
    }
}

/// Two columns that both say the status or the end, and disagree.
#[test]
fn two_columns_of_one_meaning_are_asked_about() {
    let text = "User ID,Email,Status,Account Status\n1,a@acme.example,Active,Disabled\n2,b@acme.example,Active,Enabled";
    check(
        given("u.csv", text),
        Expect::Asked(&["which column is the status", "\"Status\" or \"Account Status\""]),
    );
    let text = "Employee ID,Name,Department,Manager ID,Hire Date,Termination Date,Exit Date\n\
                E1,Ada Low,Fin,E9,2019-01-01,2026-03-31,2026-05-31";
    check(given("r.csv", text), Expect::Asked(&["which column is the end_on", "\"Exit Date\""]));
}
