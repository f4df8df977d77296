//! Rosters as HR suites export them.

use super::*;

/// A leaver whose termination date went unread would keep every account without a finding.
#[test]
fn workday_like() {
    let text = "
Employee ID,Universal ID,Worker,Email - Work,Worker Type,Worker Status,Hire Date,Termination Date,Business Title,Cost Center,Manager ID,Location,Time Zone,Company
10001,U-77,Ada Low,ada.low@acme.example,Employee,Active,2019-04-01,,Analyst,CC100 Finance,10009,Berlin,Europe/Berlin,Acme GmbH
10002,U-78,\"Roe, Ben (On Leave)\",ben.roe@acme.example,Employee,On Leave,2020-02-03,,Analyst,CC100 Finance,10009,Auckland,Pacific/Auckland,Acme NZ
10003,U-79,Cy Tan,cy.tan@acme.example,Contingent Worker,Terminated,2021-05-05,2026-03-31,Engineer,CC200,10009,Auckland,Pacific/Auckland,Acme NZ
10004,U-80,Di Fox,di.fox@acme.example,Employee,Terminated,2021-05-05,,Engineer,CC200,10009,Berlin,Europe/Berlin,Acme GmbH";
    let expect = json!([
        { "employee_id": "10001", "person_id": "U-77", "name": "Ada Low", "email": "ada.low@acme.example",
          "kind": "employee", "status": "Active", "start_at": "2019-03-31T22:00:00Z", "end_at": null,
          "end_date_only": false, "manager": "10009", "department": "CC100 Finance", "title": "Analyst",
          "zone": "Europe/Berlin", "company": "Acme GmbH", "on_leave": false },
        { "name": "Ben Roe", "on_leave": true, "status": "On Leave", "zone": "Pacific/Auckland" },
        // 24:00 on 31 March in Auckland (UTC+13).
        { "kind": "contractor", "end_at": "2026-03-31T11:00:00Z", "end_date_only": true, "status": "Terminated" },
        { "status": "Terminated", "end_at": null, "end_date_only": false }
    ]);
    check(given("hr/workers_2026-06-29.csv", text), rows("roster", expect));
}

/// Slashes read in the wrong order would move an end by months.
#[test]
fn bamboo_like_month_first() {
    let text = "
Employee #,\"Last Name, First Name\",First Name,Last Name,Work Email,Status,Employment Status,Hire Date,Termination Date,Job Title,Department,Reporting to,Location,Date of Birth
1,\"Low, Ada\",Ada,Low,ada@acme.example,Active,Full-Time,04/01/2019,,Analyst,Finance,\"Fox, Di\",Lindon,01/02/1980
2,\"Roe, Ben\",Ben,Roe,ben@acme.example,Inactive,Contractor,02/13/2020,03/31/2026,Analyst,Finance,\"Fox, Di\",Lindon,03/04/1981";
    let expect = json!([
        { "employee_id": "1", "name": "Ada Low", "email": "ada@acme.example", "status": "Active", "kind": "employee",
          "start_at": "2019-03-31T22:00:00Z", "end_at": null, "manager": "Fox, Di", "title": "Analyst" },
        { "employee_id": "2", "kind": "contractor", "end_at": "2026-03-31T22:00:00Z", "end_date_only": true }
    ]);
    check(given("employees.csv", text), rows("roster", expect));
}

/// A date-time end is exact, and the last working day stands in where no termination is on record.
#[test]
fn adp_like() {
    let text = "
Associate ID,Payroll Name,Position Status,Hire Date,Rehire Date,Termination Date,Last Day of Work,Home Department Description,Job Title Description,Reports To Name,Worker Category Description,Work Contact: Work Email
A1,\"Low, Ada\",Active,2019-04-01,,,,Finance,Analyst,\"Fox, Di\",Full Time,ada@acme.example
A2,\"Roe, Ben\",Terminated,2020-02-03,,2026-03-31 17:30,2026-03-15 00:00,Finance,Analyst,\"Fox, Di\",Full Time,ben@acme.example
A3,\"Tan, Cy\",Terminated,2020-02-03,,,2026-04-15 00:00,Finance,Analyst,\"Fox, Di\",Temporary,cy@acme.example
A4,\"Oak, Flo\",Active,2026-01-01,,2024-01-31 17:00,,Finance,Analyst,\"Fox, Di\",Full Time,flo@acme.example
A5,\"Elm, Gus\",Terminated,2026-01-01,,2024-01-31 17:00,,Finance,Analyst,\"Fox, Di\",Full Time,gus@acme.example
A6,\"Ash, Ida\",Rescinded,2026-08-01,,2026-06-20,,Finance,Analyst,\"Fox, Di\",Full Time,ida@acme.example
A7,\"Yew, Jo\",Unheard of,2026-08-01,,2026-06-20,,Finance,Analyst,\"Fox, Di\",Full Time,jo@acme.example";
    let expect = json!([
        { "employee_id": "A1", "name": "Ada Low", "end_at": null },
        { "employee_id": "A2", "end_at": "2026-03-31T15:30:00Z", "end_date_only": false },
        { "employee_id": "A3", "end_at": "2026-04-15T22:00:00Z", "end_date_only": true, "kind": "temporary" },
        // Re-hired: the end belongs to the earlier employment.
        { "employee_id": "A4", "end_at": null, "status": "Active" },
        // Gone before the first day: it never began.
        { "employee_id": "A5", "start_at": "2024-01-31T16:00:00Z", "end_at": "2024-01-31T16:00:00Z" },
        { "employee_id": "A6", "start_at": "2026-06-20T22:00:00Z", "end_at": "2026-06-20T22:00:00Z", "end_date_only": true },
        "bad_value"
    ]);
    check(given("adp.csv", text), rows("roster", expect));
}

/// A last day in Los Angeles ends nine hours after one in Berlin: a zone that is passed over moves it without a word.
#[test]
fn zones_are_read_or_asked_about() {
    let roster = |zones: [&str; 4]| {
        let line =
            |zone: &str| format!("7,Ada Low,ada@acme.example,Fin,2020-01-01,2026-03-31,{zone},Terminated\n");
        let lines: String = zones.into_iter().map(line).collect();
        format!("Employee ID,Name,Email,Department,Hire Date,Termination Date,Time Zone,Status\n{lines}")
    };
    let text = roster(["America/Los_Angeles", "Pacific Standard Time", "", "Pacific Time"]);
    let west = json!({ "end_at": "2026-04-01T07:00:00Z", "zone": "America/Los_Angeles" });
    let expect = json!([west, west, { "end_at": "2026-03-31T22:00:00Z" }, "bad_value"]);
    check(given("r.csv", &text).map("zone", "Time Zone"), rows("roster", expect));
    let text = roster(["EST", "PST", "CET", "EST"]);
    check(given("r.csv", &text), Expect::Asked(&["\"Time Zone\"", "\"EST\"", "--map zone="]));
    check(given("r.csv", &text).map("zone", ""), rows("roster", json!([{}, {}, {}, {}])));
}
