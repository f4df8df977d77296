//! Tables that are no listing of access. Read as one, each would fill the lake with people
//! and accounts that do not exist.

use super::*;

#[test]
fn other_tables_are_refused() {
    for (file, text) in [
        (
            "invoices.csv",
            "Invoice No,Customer,Email,Amount,Due Date,Status\n1,Acme,a@acme.example,10.00,2026-07-01,Open\n\
             2,Bcme,b@bcme.example,12.00,2026-07-01,Paid",
        ),
        (
            "servers.csv",
            "Hostname,IP Address,OS,Owner,Status,Created,Last Seen\nweb1,10.0.0.1,Linux,ada,Active,2020-01-01,2026-06-01\n\
             web2,10.0.0.2,Linux,ben,Active,2020-01-01,2026-06-01",
        ),
        (
            "audit.csv",
            "Timestamp,User,Email,Event,IP Address,Status\n2026-06-01T09:00:00Z,ada,ada@acme.example,login,10.0.0.1,Success\n\
             2026-06-01T09:01:00Z,ada,ada@acme.example,logout,10.0.0.1,Success",
        ),
        (
            "activity.csv",
            "Date,User ID,Name,Last login,State\n2026-06-01,7,Ada Low,2026-06-01,Active\n2026-06-02,7,Ada Low,2026-06-02,Active\n\
             2026-06-03,7,Ada Low,2026-06-03,Active",
        ),
        ("devices.csv", "ID,Name,State,Last seen\n1,Printer,Active,2026-06-01\n2,Scanner,Active,2026-06-01"),
        (
            "labels.csv",
            "code,subject,planted,since,detectable_from,note\nZMB-01,app/1,true,2026-01-01,2026-01-02,x",
        ),
        ("links.csv", "app_id,account_id,person_id\nerp,1,P1\nerp,2,P2"),
        ("prices.csv", "SKU,Product,Unit price,Currency\nA1,Chair,10.00,EUR"),
        ("contacts.csv", "Name,Email,Phone\nAda Low,ada@acme.example,+49 1"),
        ("numbers.csv", "a,b,c\n1,2,3\n4,5,6"),
        ("empty.csv", ""),
    ] {
        check(given(file, text), Expect::Asked(&["--source"]));
    }
}

/// A table that could be two things is asked about.
#[test]
fn a_forced_kind_still_asks_for_its_key() {
    let text = "Colour,Size\ngreen,1\nred,2";
    check(given("x.csv", text).kind("accounts"), Expect::Asked(&["account_id", "--map account_id="]));
    check(given("x.csv", text).kind("roster"), Expect::Asked(&["employee_id", "\"Colour\" or \"Size\""]));
    check(given("x.csv", text).kind("owners"), Expect::Asked(&["object_kind"]));
}
