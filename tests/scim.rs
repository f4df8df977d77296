//! SCIM as it is really spoken: filters, PATCH dialects, exchanges and dry-run requests.

use lychgate::domain::Outcome;
use lychgate::models::semantics::dialects;
use lychgate::scim::exchange::{self, Exchange};
use lychgate::scim::filter::{
    CompareOp, DEPTH_MAX, Filter, LENGTH_MAX, Literal, matches, parse, parse_lenient,
};
use lychgate::scim::request;
use lychgate::scim::{Error, patch};
use proptest::prelude::*;
use serde_json::{Value, json};

fn person() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": "2819c223", "externalId": "Emp-7", "userName": "Bjensen@Example.com", "active": true,
        "title": "", "loginCount": 42, "score": 71.5, "nickName": null,
        "name": {"familyName": "O'Malley", "givenName": "Barbara"},
        "emails": [{"type": "work", "value": "bjensen@example.com", "primary": true},
                   {"type": "home", "value": "babs@jensen.org"}],
        "meta": {"resourceType": "User", "lastModified": "2011-05-13T04:42:34Z"},
        "tags": ["blue", "green"],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Tour", "employeeNumber": "701984"}
    })
}

// The findings API and the SCIM look-ups answer by this: a wrong row here shows people
// findings that they did not ask for, or hides those that they did.
#[test]
fn filter_matches() {
    let check = |given: &str, expect: bool| {
        let filter = parse(given).unwrap_or_else(|error| panic!("{given}: {error}"));
        assert_eq!(matches(&filter, &person()), expect, "{given}");
    };
    // The examples of RFC 7644 §3.4.2.2.
    check(r#"userName Eq "bjensen@example.com""#, true);
    check(r#"name.familyName co "O'Malley""#, true);
    check(r#"userName sw "J""#, false);
    check(r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "b""#, true);
    check("title pr", false);
    check(r#"meta.lastModified gt "2011-05-13T04:42:34Z""#, false);
    check(r#"meta.lastModified ge "2011-05-13T04:42:34Z""#, true);
    check(r#"meta.lastModified lt "2011-05-13T04:42:34Z""#, false);
    check(r#"meta.lastModified le "2011-05-13T04:42:34Z""#, true);
    check(r#"title pr and userType eq "Employee""#, false);
    check(r#"title pr or userType eq "Intern""#, false);
    check(r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:User""#, true);
    check(r#"userType eq "Employee" and (emails co "example.com" or emails.value co "example.org")"#, false);
    check(
        r#"userType ne "Employee" and not (emails co "example.com" or emails.value co "example.org")"#,
        false,
    );
    check(r#"emails[type eq "work" and value co "@example.com"]"#, true);
    check(r#"emails[type eq "work" and value co "@jensen.org"] or ims[type eq "xmpp"]"#, false);
    // Same instant in another zone, with more digits, and a bare date.
    check(r#"meta.lastModified eq "2011-05-13T06:42:34.0000000+02:00""#, true);
    check(r#"meta.lastModified gt "2011-05-13""#, true);
    // Numbers are numbers: 42 > 5, although "42" < "5".
    check("loginCount gt 5", true);
    check("loginCount ge 42.0", true);
    check("score lt 71.6", true);
    // Names and operators ignore case, values too, but ids do not (RFC 7643 §7).
    check(r#"NAME.FAMILYNAME EQ "o'malley""#, true);
    check(r#"externalId eq "emp-7""#, false);
    check(r#"externalId eq "Emp-7""#, true);
    // Absent, null and empty.
    check("nickName pr", false);
    check("nickName eq null", true);
    check(r#"nickName ne "x""#, true);
    check("nothing.at.all pr", false);
    check("tags pr", true);
    // Plain lists, booleans, extensions, Entra's sub-attribute behind brackets.
    check(r#"tags eq "GREEN""#, true);
    check(r#"tags[value eq "red"]"#, false);
    check("active eq true", true);
    check("active gt false", false);
    check(r#"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber eq "701984""#, true);
    check(r#"emails[type eq "work"].value eq "bjensen@example.com""#, true);
    check(r#"emails[type eq "home"].value eq "bjensen@example.com""#, false);
    // `and` binds tighter than `or`.
    check(r#"id pr or id pr and title pr"#, true);
    check(r#"(id pr or id pr) and title pr"#, false);
}

// A filter that is refused without saying where sends people to guess.
#[test]
fn filter_errors_name_the_place() {
    let check = |given: &str, expect: usize| match parse(given) {
        Err(Error::FilterSyntax { position, .. }) => assert_eq!(position, expect, "{given}"),
        other => panic!("{given}: {other:?}"),
    };
    check("", 1);
    check("userName", 9);
    check("userName is 1", 10);
    check("userName eq", 12);
    check("userName eq O", 13);
    check(r#"userName eq "open"#, 13);
    check(r#"ähnlich eq "x""#, 1);
    check(r#"title eq "ä" x"#, 14);
    check(r#"(title pr"#, 10);
    check(r#"emails[type eq "work""#, 22);
    check("title pr and", 13);
    check("a..b pr", 1);
    check(r#"title eq "\q""#, 10);
    assert_eq!(parse_lenient("userName sw O").unwrap().to_string(), r#"userName sw "O""#);
}

// Unbounded nesting or length would let one request stop the server.
#[test]
fn filter_is_bounded() {
    let nested = |levels: usize| format!("{}title pr{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    assert!(matches!(parse(&nested(DEPTH_MAX + 1)), Err(Error::FilterTooDeep { .. })));
    assert!(matches!(parse(&"x".repeat(LENGTH_MAX + 1)), Err(Error::FilterTooLong { .. })));
    let chain = vec!["a pr"; LENGTH_MAX / 9].join(" and ");
    assert!(!matches(&parse(&chain).unwrap(), &json!({})));
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let path = "[a-z]{1,5}(\\.[a-z]{1,5})?"
        .prop_filter("no keyword", |path| !matches!(path.as_str(), "and" | "or" | "not" | "pr"));
    let literal = prop_oneof![
        any::<String>().prop_map(Literal::Text),
        any::<i64>().prop_map(|number| Literal::Number(number.into())),
        (-1e9..1e9_f64)
            .prop_filter_map("finite", |number| serde_json::Number::from_f64(number).map(Literal::Number)),
        any::<bool>().prop_map(Literal::Bool),
        Just(Literal::Null),
    ];
    let op = prop::sample::select(CompareOp::ALL.to_vec());
    let leaf = prop_oneof![
        path.clone().prop_map(Filter::Present),
        (path.clone(), op, literal).prop_map(|(path, op, value)| Filter::Compare { path, op, value }),
    ];
    leaf.prop_recursive(5, 32, 2, move |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.and(right)),
            (inner.clone(), inner.clone()).prop_map(|(left, right)| left.or(right)),
            inner.clone().prop_map(|filter| Filter::Not(Box::new(filter))),
            (path.clone(), inner)
                .prop_map(|(path, filter)| Filter::ValuePath { path, filter: Box::new(filter) }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    // A filter that is stored as text and read again must ask the same question.
    #[test]
    fn filter_text_reads_back(filter in any_filter()) {
        prop_assert_eq!(parse(&filter.to_string()), Ok(filter));
    }

    // Whatever a client sends is an answer or an error, never a crash.
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = parse(&text);
        let _ = parse_lenient(&text);
    }
}

/// The changes as `{attribute: to}`, members apart, and the deviation codes in order.
fn read(body: Value) -> (Value, Vec<String>, Vec<String>, Vec<&'static str>) {
    let edit = patch::read_patch(&body);
    let changes =
        edit.changes.iter().map(|change| (change.attribute.clone(), change.to.clone().unwrap_or_default()));
    let ids = |members: &[lychgate::scim::members::Member]| members.iter().map(|m| m.id.clone()).collect();
    let mut codes: Vec<&str> = edit.deviations.iter().map(|deviation| deviation.code).collect();
    codes.sort_unstable();
    codes.dedup();
    (changes.collect(), ids(&edit.members.added), ids(&edit.members.removed), codes)
}

// The same intention in each vendor's words. Where one is missed, a leaver that was
// disabled shows as active, or a password ends up in the lake.
#[test]
fn patch_dialects() {
    let check = |operation: Value, changes: Value, codes: &[&str]| {
        let (found, _, _, deviations) = read(json!({"Operations": [operation.clone()]}));
        assert_eq!(found, changes, "{operation}");
        assert_eq!(deviations, codes, "{operation}");
    };
    let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let inactive = json!({"active": false});
    check(json!({"op": "replace", "path": "active", "value": false}), inactive.clone(), &[]);
    check(json!({"op": "replace", "value": {"active": false}}), inactive.clone(), &["pathless"]);
    check(
        json!({"op": "Replace", "path": "active", "value": "False"}),
        inactive.clone(),
        &["boolean_as_text", "op_capitalised"],
    );
    check(json!({"op": "Add", "path": "Active", "value": false}), inactive.clone(), &["op_capitalised"]);
    check(
        json!({"op": "replace", "path": "active", "value": [{"$ref": null, "value": "False"}]}),
        inactive.clone(),
        &["boolean_as_text", "value_wrapped"],
    );
    check(
        json!({"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": 0}),
        inactive,
        &["boolean_as_number"],
    );
    check(
        json!({"op": "replace", "value": {"name.givenName": "Bo", (format!("{extension}:department")): "Ops"}}),
        json!({"name.givenName": "Bo", (format!("{extension}:department")): "Ops"}),
        &["dotted_key", "pathless", "urn_key"],
    );
    check(
        json!({"op": "add", "value": {"name": {"givenName": "Bo"}, (extension): {"employeeNumber": "7"}}}),
        json!({"name.givenName": "Bo", (format!("{extension}:employeeNumber")): "7"}),
        &["pathless"],
    );
    check(
        json!({"op": "replace", "path": "emails[type eq \"work\"].value", "value": "b@example.com"}),
        json!({"emails[type eq \"work\"].value": "b@example.com"}),
        &[],
    );
    check(
        json!({"op": "replace", "path": (format!("{extension}:manager")), "value": "26118915"}),
        json!({(format!("{extension}:manager.value")): "26118915"}),
        &["bare_manager"],
    );
    check(
        json!({"op": "add", "path": (format!("{extension}.department")), "value": "Ops"}),
        json!({(format!("{extension}:department")): "Ops"}),
        &["urn_with_dot"],
    );
    check(json!({"op": "replace", "path": "title", "value": ""}), json!({"title": null}), &["empty_clears"]);
    check(json!({"op": "remove", "path": "title"}), json!({"title": null}), &[]);
    check(json!({"op": "replace", "path": "password", "value": "hunter2"}), json!({}), &["secret_sent"]);
    check(
        json!({"op": "replace", "value": {"id": "1", "displayName": "New"}}),
        json!({"displayName": "New"}),
        &["pathless", "read_only"],
    );
    check(json!({"op": "move", "path": "title"}), json!({}), &["op_unknown"]);
    check(json!({"op": "replace", "path": "a b[", "value": 1}), json!({"a b[": 1}), &["path_unreadable"]);
    assert_eq!(read(json!({"op": "replace"})).3, ["operations_missing"]);
    // The last word counts, as a receiver would apply it.
    let twice = json!({"Operations": [{"op": "replace", "path": "active", "value": false},
                                      {"op": "replace", "path": "active", "value": "True"}]});
    assert_eq!(patch::active_change(&patch::read_patch(&twice).changes), Some(true));
}

// Who is in a group decides who has access: a removal that is read as something else
// leaves a grant standing in our books, one that is read as "all" empties the group.
#[test]
fn patch_members() {
    let check = |operation: Value, added: &[&str], removed: &[&str], codes: &[&str]| {
        let (_, joined, left, deviations) = read(json!({"Operations": [operation.clone()]}));
        assert_eq!((joined, left), (own(added), own(removed)), "{operation}");
        assert_eq!(deviations, codes, "{operation}");
    };
    let members = |ids: &[&str]| -> Value { ids.iter().map(|id| json!({"value": id})).collect() };
    check(json!({"op": "add", "path": "members", "value": members(&["a", "b"])}), &["a", "b"], &[], &[]);
    check(
        json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "a"}]}),
        &["a"],
        &[],
        &["op_capitalised"],
    );
    check(json!({"op": "add", "path": "members", "value": "a"}), &["a"], &[], &["member_as_text"]);
    check(json!({"op": "add", "value": {"members": members(&["a"])}}), &["a"], &[], &["pathless"]);
    check(json!({"op": "remove", "path": "members[value eq \"a\"]"}), &[], &["a"], &[]);
    check(
        json!({"op": "remove", "path": "members[value eq \"a\" or value eq \"b\"]"}),
        &[],
        &["a", "b"],
        &[],
    );
    check(
        json!({"op": "remove", "path": "members", "value": members(&["a"])}),
        &[],
        &["a"],
        &["remove_with_value"],
    );
    let all = patch::read_patch(&json!({"Operations": [{"op": "remove", "path": "members"}]})).members;
    assert!(all.rest_removed && all.removed.is_empty());
    let whole = json!({"Operations": [{"op": "replace", "path": "members", "value": members(&["a"])}]});
    let whole = patch::read_patch(&whole).members;
    assert!(whole.rest_removed && whole.added.len() == 1);
}

/// A person who was made inactive would count as one who can sign in, or a deactivation as an account that is new.
#[test]
fn what_a_post_does_is_in_its_body_and_its_answer() {
    let acts = |path: &str, request: Value, response: Value| -> Vec<&str> {
        let (method, path) = ("POST".to_owned(), path.to_owned());
        let (request, response) = (Some(request), Some(response).filter(|body| !body.is_null()));
        let exchange = Exchange { method, path, status: Some(201), request, response, ..Exchange::default() };
        exchange::read(&exchange).acts.iter().map(|act| act.verb).collect()
    };
    let ann = |active: Value| json!({"id": "42", "userName": "ann@x.example", "active": active});
    for (asked, answered, expected) in [
        (json!(null), json!(false), &["account.create", "account.deactivate"][..]),
        (json!(true), json!(false), &["account.create", "account.deactivate"]),
        (json!(false), json!(null), &["account.create", "account.deactivate"]),
        (json!(true), json!(true), &["account.create"]),
        (json!(null), json!(null), &["account.create"]),
    ] {
        assert_eq!(acts("/Users", ann(asked.clone()), ann(answered.clone())), expected, "{asked} {answered}");
    }
    let off = json!({"Operations": [{"op": "replace", "path": "active", "value": false}]});
    assert_eq!(acts("/Users/42", off, json!(null)), ["account.deactivate"]);
    let member = json!({"Operations": [{"op": "add", "path": "members", "value": [{"value": "42"}]}]});
    assert_eq!(acts("/Groups/g1", member, json!(null)), ["group.member.add"]);
}

fn own(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

// The dry run is what an administrator pastes into a terminal: in the wrong dialect it is
// refused or, worse, does something else. Our own reader must find the intention in it.
#[test]
fn requests_say_what_they_mean() {
    let check = |given: Value, path: &str, verb: &str, account: &str, operation: Value| {
        assert_eq!(given["body"]["Operations"], json!([operation]), "{given}");
        assert_eq!((given["method"].as_str(), given["path"].as_str()), (Some("PATCH"), Some(path)));
        let exchange = Exchange {
            method: "PATCH".into(),
            path: path.into(),
            status: Some(204),
            request: Some(given["body"].clone()),
            ..Exchange::default()
        };
        let acts = exchange::read(&exchange).acts;
        let first = acts.first().map(|act| (act.verb, act.account.id.as_deref(), act.outcome));
        assert_eq!(first, Some((verb, Some(account), Outcome::Success)), "{given}");
    };
    let dialects = dialects().unwrap();
    let (okta, entra) = (&dialects["okta"], &dialects["entra"]);
    check(
        request::patch_user("u 1", &okta.deactivate),
        "/Users/u%201",
        "account.deactivate",
        "u 1",
        json!({"op": "replace", "value": {"active": false}}),
    );
    check(
        request::patch_user("u1", &entra.deactivate),
        "/Users/u1",
        "account.deactivate",
        "u1",
        json!({"op": "Replace", "path": "active", "value": "False"}),
    );
    for dialect in [okta, entra] {
        let given = request::patch_user("u1", &dialect.reactivate);
        let operation = given["body"]["Operations"][0].clone();
        check(given, "/Users/u1", "account.reactivate", "u1", operation);
        let given = request::patch_group("g1", "u1", &dialect.add_member);
        let operation = given["body"]["Operations"][0].clone();
        check(given, "/Groups/g1", "group.member.add", "u1", operation);
    }
    check(
        request::patch_group("g/1", "u\"1", &okta.remove_member),
        "/Groups/g%2F1",
        "group.member.remove",
        "u\"1",
        json!({"op": "remove", "path": "members[value eq \"u\\\"1\"]"}),
    );
    check(
        request::patch_group("g1", "u1", &entra.remove_member),
        "/Groups/g1",
        "group.member.remove",
        "u1",
        json!({"op": "Remove", "path": "members", "value": [{"value": "u1"}]}),
    );
}
