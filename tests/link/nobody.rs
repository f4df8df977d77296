//! Accounts that are tied to nobody: shared addresses, machines, and names without more.

use lychgate::state::link::AccountFacts;

use super::{Given, account, ada, at, check, person, with_email, with_login};

/// If it failed, two people who work here at once and share a mailbox would be told apart by luck.
#[test]
fn colleagues_who_share_an_address_stay_undecided() {
    let given = Given {
        accounts: vec![
            AccountFacts { created_at: Some(at("2024-01-01")), ..with_email("crm", "1", "desk@example.com") },
            with_login("erp", "1", "desk", "Ada Park"),
        ],
        people: vec![
            person("P1", "Ada Park", &["desk@example.com"]),
            person("P2", "Bo Ruiz", &["desk@example.com"]),
            person("P3", "Cy Tan", &["desk@example.com"]),
        ],
        ..Given::default()
    };
    check(&given, &[("crm/1", None, "ambiguous", 0.60, 3), ("erp/1", None, "ambiguous", 0.60, 3)]);
}

/// If it failed, a job that runs the payroll would be switched off with the person whose
/// address it was set up under, or counted as that person's access.
#[test]
fn an_account_of_a_machine_belongs_to_nobody() {
    let listed = |id: &'static str, class: &'static str| AccountFacts {
        listed_class: Some(class),
        ..with_email("crm", id, "ada.park@example.com")
    };
    let declared = |id: &'static str, class: &'static str| AccountFacts {
        declared_class: Some(class),
        ..with_email("crm", id, "ada.park@example.com")
    };
    let given = Given {
        accounts: vec![
            listed("listed", "service"),
            declared("declared", "service_account"),
            declared("agent", "ai_agent"),
            declared("emergency", "break_glass"),
            with_login("crm", "named", "svc-backup", "Ada Park"),
            // A listing's "user" says only that no robot is meant.
            listed("person", "user"),
        ],
        people: vec![ada()],
        ..Given::default()
    };
    let nobody = |key| (key, None, "none", 0.0, 0);
    check(
        &given,
        &[
            nobody("crm/listed"),
            nobody("crm/declared"),
            nobody("crm/agent"),
            nobody("crm/emergency"),
            nobody("crm/named"),
            ("crm/person", Some("P1"), "email", 0.95, 1),
        ],
    );
    let links = given.links();
    let classes: Vec<(&str, &str)> = links.iter().map(|link| (link.class, link.class_source)).collect();
    let wanted = [
        ("service", "listing"),
        ("service", "register"),
        ("ai_agent", "register"),
        ("break_glass", "register"),
        ("service", "name"),
        ("human", "employment"),
    ];
    assert_eq!(classes, wanted);
}

/// If it failed, a namesake would be accused, or a likely owner never shown to a reviewer.
#[test]
fn a_name_alone_is_a_candidate_for_review_and_no_link() {
    let named = |id: &'static str, name: &'static str| AccountFacts {
        display_name: Some(name),
        ..account("crm", id)
    };
    let given = Given {
        accounts: vec![
            named("same", "Ada Park"),
            named("turned", "PARK, Ada"),
            named("slip", "Ada Parks"),
            named("twins", "Kim Young"),
            named("other", "Quentin Ives"),
            named("single", "Ada"),
            account("crm", "nameless"),
        ],
        people: vec![
            ada(),
            person("P2", "Kim Young", &["kim.young@example.com"]),
            person("P3", "Kim Young", &["kim.young2@example.com"]),
        ],
        ..Given::default()
    };
    check(
        &given,
        &[
            ("crm/same", None, "name", 0.55, 1),
            ("crm/turned", None, "name", 0.55, 1),
            ("crm/slip", None, "name", 0.55, 1),
            ("crm/twins", None, "name", 0.275, 2),
            ("crm/other", None, "none", 0.0, 0),
            ("crm/single", None, "none", 0.0, 0),
            ("crm/nameless", None, "none", 0.0, 0),
        ],
    );
}
