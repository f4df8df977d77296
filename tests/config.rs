//! The configuration file: what a slip is answered with, and that template, schema and
//! reader know the same keys.

use std::collections::BTreeSet;
use std::path::Path;

use lychgate::cli::config::{File, Mapping, parse};
use lychgate::cli::config_models::{costs, semantics};
use serde_json::Value;

const TEMPLATE: &str = include_str!("../src/cli/lychgate.toml");

/// What the sentence about a bad file says, and what it does not.
fn check(given: &str, says: &[&str], not: &[&str]) {
    let refused = parse(given).expect_err(given);
    for part in says {
        assert!(refused.contains(part), "{given}\n\"{refused}\" does not say {part}");
    }
    for part in not {
        assert!(!refused.contains(part), "{given}\n\"{refused}\" says {part}");
    }
}

/// If it failed, a setting with a slip would be silently without effect, or take hours to find.
#[test]
fn an_unknown_key_is_answered_with_the_nearest() {
    let cases = [
        ("tenent = \"acme\"", "did you mean `tenant`?"),
        ("profil = \"default\"", "did you mean `profile`?"),
        ("lisen = \"127.0.0.1:1\"", "did you mean `listen`?"),
        ("Data = \"here\"", "did you mean `data`?"),
        ("[[mappings]]\nfiles = \"*.csv\"", "did you mean `mapping`?"),
        ("[[mapping]]\nfile = \"*.csv\"", "did you mean `files`?"),
        ("[rules]\nsigmas = [\"sigma\"]", "did you mean `sigma`?"),
        ("[[mapping]]\nfiles = \"*.csv\"\ndate-order = \"day-first\"", "did you mean `date_order`?"),
        ("[[mapping]]\nfiles = \"*.csv\"\ncomplet = true", "did you mean `complete`?"),
    ];
    for (text, says) in cases {
        check(text, &["unknown field", says], &[]);
    }
    check("colour_scheme = \"dark\"", &["unknown field `colour_scheme`", "`tenant`"], &["did you mean"]);
}

/// If it failed, a person would look for the slip in the wrong line.
#[test]
fn a_slip_is_named_with_its_line() {
    let cases = [
        ("tenant = 3", "line 1:", "expected a string"),
        ("data = \"x\"\ntenant = 3\n", "line 2:", "expected a string"),
        ("# one\n# two\n\nlisten = [\"a\"]\n", "line 4:", "expected a string"),
        ("data = \"x\"\r\n[[mapping]]\r\nfiles = \"a\"\r\ncomplete = \"yes\"\r\n", "line 4:", "boolean"),
        ("[[mapping]]\nfiles = \"a\"\ncolumns = { employee_id = 1 }\n", "line 3:", "expected a string"),
        ("data = \"x\"\ntenent = \"y\"\n", "line 2:", "unknown field"),
        ("\n\n[[mapping]]\nfiles = \"a\"\ncomplet = true\n", "line 5:", "unknown field"),
        ("data = \"x\"\nzone = \n", "line 2:", ""),
    ];
    for (text, line, says) in cases {
        check(text, &[line, says], &[]);
    }
}

/// The template with every setting in force: comments that are settings, without their `#`.
fn uncommented() -> String {
    let name = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let setting =
        |rest: &&str| rest.starts_with("[[") || rest.split_once(" = ").is_some_and(|(key, _)| name(key));
    let lines = TEMPLATE.lines().map(|line| line.strip_prefix("# ").filter(setting).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// If it failed, the first thing that `init` writes would be refused, or lie about a default.
#[test]
fn the_template_parses_with_and_without_its_comments() {
    let silent = parse(TEMPLATE).expect("the template");
    assert!(silent.data.is_none() && silent.tenant.is_none() && silent.mapping.is_empty(), "{silent:?}");
    let spoken = parse(&uncommented()).expect("the template, uncommented");
    assert_eq!(spoken.data.as_deref(), Some(Path::new("lychgate-data")));
    let texts = [&spoken.tenant, &spoken.zone, &spoken.profile, &spoken.listen].map(|text| text.as_deref());
    assert_eq!(texts, [Some("default"), Some("UTC"), Some("default"), Some("127.0.0.1:7878")]);
    assert_eq!(spoken.rules.sigma, [Path::new("rules/sigma")]);
    assert_eq!(spoken.rules.own, [Path::new("rules/own")]);
    assert_eq!(spoken.rules.placeholders["admins"], ["ada@example.com"]);
    let hour = spoken.costs.hourly_cost.map(|hour| (hour.low, hour.mid, hour.high));
    assert_eq!((spoken.costs.currency.as_deref(), hour), (Some("EUR"), Some((40.0, 60.0, 90.0))));
    let [crm] = spoken.application.as_slice() else { panic!("{:?}", spoken.application) };
    assert_eq!(
        (crm.app.as_str(), crm.lag.as_deref(), crm.dialect.as_deref()),
        ("crm", Some("40m"), Some("entra"))
    );
    let [roster, accounts] = spoken.mapping.as_slice() else { panic!("{:?}", spoken.mapping) };
    assert_eq!(roster.columns["employee_id"], "Personnel No");
    assert_eq!((accounts.app.as_deref(), accounts.complete), (Some("salesforce"), Some(true)));
}

fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().expect("an object").keys().cloned().collect()
}

/// If it failed, an editor would mark a good key as wrong, or `init` would hide a setting.
#[test]
fn schema_template_and_reader_name_the_same_keys() {
    let schema = schemars::schema_for!(File).to_value();
    let mapping = Mapping { files: "*.csv".to_owned(), ..Mapping::default() };
    for (of, value) in [
        (&schema, serde_json::to_value(File::default()).unwrap()),
        (&schema["$defs"]["Mapping"], serde_json::to_value(&mapping).unwrap()),
    ] {
        let named = keys(&of["properties"]);
        assert_eq!(named, keys(&value));
        assert_eq!(of["additionalProperties"], false);
        for key in named {
            let said = of["properties"][&key]["description"].as_str();
            assert!(said.is_some_and(|text| !text.is_empty()), "{key} is not described");
            let shown = [format!("# {key} = "), format!("# [[{key}]]")];
            let in_template = |line: &str| shown.iter().any(|start| line.starts_with(start));
            assert!(TEMPLATE.lines().any(in_template), "the template does not show {key}");
        }
    }
}

/// If it failed, a number that cannot be would be multiplied by every gap, or an application would be
/// taken for what nobody said it is.
#[test]
fn numbers_and_words_that_cannot_be_are_refused_with_where_they_stand() {
    let file = |text: &str| parse(text).expect("a file");
    let check = |text: &str, says: &[&str]| {
        let file = file(text);
        let error = costs(&file.costs, "my.toml")
            .map(|_| ())
            .and_then(|()| semantics(&file.application, "my.toml").map(|_| ()));
        let error = error.unwrap_err().to_string();
        assert!(says.iter().all(|word| error.contains(word)), "{error}");
    };
    check("costs = { hourly_cost = { low = 9, mid = 2, high = 3 } }", &["my.toml", "hourly_cost must rise"]);
    check("[[application]]\napp = \"crm\"\ndelete = \"gently\"", &["my.toml", "\"crm\"", "delete", "gently"]);
    check("[[application]]\napp = \"crm\"\ndialect = \"x\"", &["dialect \"x\" is none of entra, okta"]);
    check("[[application]]\napp = \"crm\"\n[[application]]\napp = \"CRM\"", &["twice"]);
    let own = file("costs = { currency = \"GBP\", hours_per_gap = { low = 1, mid = 2, high = 3 } }");
    let model = costs(&own.costs, "my.toml").unwrap().unwrap();
    assert_eq!((model.manual.currency.as_str(), model.manual.hours_per_gap.mid), ("GBP", 2.0));
    assert_eq!(
        (model.manual.hours_per_gap.source.as_str(), model.manual.hourly_cost.source.as_str()),
        ("my.toml", "house")
    );
    assert!(costs(&file("").costs, "").unwrap().is_none());
}
