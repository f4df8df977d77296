//! Who must act: the owner rules.

use lychgate::notify::{Directory, OwnerLine, Person, Question, Sponsor};
use proptest::prelude::*;

fn person(id: &str, employed: bool, manager: Option<&str>) -> Person {
    Person {
        identity_id: id.to_owned(),
        name: Some(format!("{} Low", id.to_uppercase())),
        email: Some(format!("{id}@example.com")),
        employed,
        manager_id: manager.map(str::to_owned),
    }
}

fn line(kind: &str, id: &str, app: Option<&str>, owner: &str) -> OwnerLine {
    OwnerLine {
        object_kind: kind.to_owned(),
        object_id: id.to_owned(),
        app_id: app.map(str::to_owned),
        owner_id: owner.to_owned(),
    }
}

/// ada → bo → cy (works here); dee left with nobody above; eve and fay left and manage
/// each other; gus works here under cy; ada and bo have left.
fn directory() -> Directory {
    let mut directory = Directory::default();
    for (id, employed, manager) in [
        ("ada", false, Some("bo")),
        ("bo", false, Some("cy")),
        ("cy", true, None),
        ("dee", false, None),
        ("eve", false, Some("fay")),
        ("fay", false, Some("eve")),
        ("gus", true, Some("cy")),
    ] {
        directory.add_person(person(id, employed, manager));
    }
    for (kind, id, app, owner) in [
        ("app", "crm", None, "ada"),
        ("application", "erp", None, "gus"),
        ("app", "gone", None, "dee"),
        ("app", "loop", None, "eve"),
        ("app", "ghost", None, "nobody"),
        ("entitlement", "admins", Some("erp"), "cy"),
        ("entitlement", "anywhere", None, "gus"),
        ("account", "erp/svc1", None, "cy"),
        ("database", "erp", None, "dee"),
    ] {
        directory.add_line(line(kind, id, app, owner));
    }
    for app in ["gone", "loop", "ghost", "wiki"] {
        directory.add_application(app, "gus");
    }
    directory.add_entitlement("wiki", "editors", "cy");
    let sponsor_ids = vec!["dee".to_owned(), "gus".to_owned()];
    directory.add_sponsor(Sponsor { app_id: "crm".to_owned(), account_id: "bot".to_owned(), sponsor_ids });
    directory
}

fn check(given: [Option<&str>; 4], expect: Option<(&str, &str)>) {
    let [app_id, entitlement_id, account_id, identity_id] = given;
    let owner = directory().owner_of(&Question { app_id, entitlement_id, account_id, identity_id });
    let got = owner.as_ref().map(|owner| (owner.id.as_str(), owner.decided_by.as_str()));
    assert_eq!(got, expect, "{given:?}");
}

/// A finding routed to the wrong desk, or to somebody who left, is a finding nobody reads.
#[test]
fn the_first_rule_that_leads_to_an_employed_person_decides() {
    check([Some("erp"), None, None, None], Some(("gus", "owner register: app erp")));
    check([Some("erp"), Some("admins"), None, None], Some(("cy", "owner register: entitlement admins")));
    check([Some("erp"), Some("anywhere"), None, None], Some(("gus", "owner register: entitlement anywhere")));
    // The line about admins is of erp only.
    check([Some("wiki"), Some("admins"), None, None], Some(("gus", "application inventory: wiki")));
    check([Some("wiki"), Some("editors"), None, None], Some(("cy", "entitlement register: editors")));
    check([Some("erp"), None, Some("svc1"), None], Some(("cy", "owner register: account erp/svc1")));
    check([Some("crm"), None, Some("bot"), None], Some(("gus", "sponsor of crm/bot")));
    check(
        [Some("crm"), None, None, None],
        Some((
            "cy",
            "owner register: app crm; ADA Low has left, so their manager; BO Low has left, so their manager",
        )),
    );
    // Nobody above, a circle, or a name that the roster does not know: the next rule.
    for app in ["gone", "loop", "ghost"] {
        let expect = format!("application inventory: {app}");
        check([Some(app), None, None, None], Some(("gus", expect.as_str())));
    }
    check([None, None, None, Some("gus")], Some(("cy", "manager of GUS Low")));
    check(
        [None, None, None, Some("ada")],
        Some(("cy", "manager of ADA Low; BO Low has left, so their manager")),
    );
    // The owner does not judge their own access.
    check(
        [Some("erp"), None, None, Some("gus")],
        Some(("cy", "owner register: app erp; GUS Low is the subject, so their manager")),
    );
    for identity in ["dee", "eve", "nobody", "cy"] {
        check([Some("unlisted"), None, None, Some(identity)], None);
    }
    check([None; 4], None);
}

proptest! {
    /// Managers point anywhere, in circles too: the search ends, and never at a leaver.
    #[test]
    fn no_tangle_of_managers_leads_to_a_leaver(
        people in prop::collection::vec((any::<bool>(), prop::option::of(0_usize..12)), 1..12),
        owner in 0_usize..12,
        subject in 0_usize..12,
    ) {
        let mut directory = Directory::default();
        for (index, (employed, manager)) in people.iter().enumerate() {
            let manager = manager.map(|manager| manager.to_string());
            directory.add_person(person(&index.to_string(), *employed, manager.as_deref()));
        }
        directory.add_line(line("app", "crm", None, &owner.to_string()));
        let subject = subject.to_string();
        let question = Question { app_id: Some("crm"), identity_id: Some(&subject), ..Question::default() };
        if let Some(found) = directory.owner_of(&question) {
            let index: usize = found.id.parse().unwrap();
            prop_assert!(people[index].0);
            prop_assert_ne!(found.id, subject);
        }
    }
}
