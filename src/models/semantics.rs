//! The typed face of `models/semantics/*.yml` (how applications and identity providers delete, suspend,
//! let people in and lag) and of `models/dialects/*.yml` (how a PATCH must be written for them).
//!
//! It decides nothing: `state` lays these lines beside the register of applications, whose word, being
//! the company's own, comes first.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;

use super::{Error, Interval, Value, parse_yaml};

/// The files that are compiled in. A new application is one line here and one file there.
const FILES: [(&str, &str); 9] = [
    ("default", include_str!("../../models/semantics/default.yml")),
    ("entra", include_str!("../../models/semantics/entra.yml")),
    ("fleet", include_str!("../../models/semantics/fleet.yml")),
    ("google_workspace", include_str!("../../models/semantics/google_workspace.yml")),
    ("okta", include_str!("../../models/semantics/okta.yml")),
    ("open_webui", include_str!("../../models/semantics/open_webui.yml")),
    ("salesforce", include_str!("../../models/semantics/salesforce.yml")),
    ("slack", include_str!("../../models/semantics/slack.yml")),
    ("unleash", include_str!("../../models/semantics/unleash.yml")),
];

/// The line that holds where no other does.
pub const DEFAULT: &str = "default";

/// The dialects that are compiled in.
const DIALECTS: [(&str, &str); 2] = [
    ("entra", include_str!("../../models/dialects/entra.yml")),
    ("okta", include_str!("../../models/dialects/okta.yml")),
];

/// How one application, or one identity provider, behaves. What is not said is not known.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Semantics {
    /// Also the name of the file.
    pub id: String,
    pub title: String,
    /// Ids and names of the application, in lower case with `_` for blanks.
    pub names: Vec<String>,
    /// Whether it provisions others, which then take what it says and they do not.
    #[serde(default)]
    pub provider: bool,
    #[serde(default)]
    pub delete: Option<Delete>,
    #[serde(default)]
    pub suspend: Option<Suspend>,
    #[serde(default)]
    pub login: Option<Login>,
    /// How long a change takes to arrive, as its vendor says.
    #[serde(default)]
    lag: Option<Value>,
    /// Id of a dialect.
    #[serde(default)]
    pub dialect: Option<String>,
    pub sources: Vec<String>,
}

/// What becomes of an account that is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delete {
    /// It can be disabled, and stays.
    Soft,
    /// It is gone.
    Hard,
}

/// What an identity provider sends when it suspends somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspend {
    /// Nothing, or nothing to rely on.
    Silent,
    /// What it sends for a deactivation.
    Deactivates,
}

impl Suspend {
    pub fn as_str(self) -> &'static str {
        match self {
            Suspend::Silent => "silent",
            Suspend::Deactivates => "deactivates",
        }
    }
}

/// How people get in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Login {
    SsoOnly,
    /// With a password of its own, whether or not there is single sign-on.
    Local,
}

impl Semantics {
    /// What a configuration says of one application, in the words of these files.
    ///
    /// # Errors
    /// What is wrong, naming the key.
    pub fn configured(
        app: &str,
        [delete, suspend, login, lag, dialect]: [Option<&str>; 5],
    ) -> Result<Semantics, String> {
        fn word<T: serde::de::DeserializeOwned>(key: &str, text: Option<&str>) -> Result<Option<T>, String> {
            let read = |text: &str| serde_json::from_value(Json::String(text.to_owned()));
            text.map(read).transpose().map_err(|error| format!("{key}: {error}"))
        }
        let semantics = Semantics {
            id: app.to_owned(),
            title: app.to_owned(),
            names: vec![folded(app)],
            provider: false,
            delete: word("delete", delete)?,
            suspend: word("suspend", suspend)?,
            login: word("login", login)?,
            lag: word("lag", lag)?,
            dialect: dialect.map(str::to_owned),
            sources: vec!["configuration".to_owned()],
        };
        let known: Vec<&str> = DIALECTS.iter().map(|(id, _)| *id).collect();
        match complaint(&semantics, &known) {
            None => Ok(semantics),
            Some(reason) => Err(reason),
        }
    }

    pub fn soft_delete(&self) -> Option<bool> {
        self.delete.map(|delete| delete == Delete::Soft)
    }

    pub fn sso_only(&self) -> Option<bool> {
        self.login.map(|login| login == Login::SsoOnly)
    }

    pub fn lag_minutes(&self) -> Option<i64> {
        match self.lag {
            Some(Value::Interval(lag)) => Some(minutes(lag)),
            _ => None,
        }
    }
}

/// The operations of one dialect, with `{account}`, `{account_text}` for ids.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    pub id: String,
    pub title: String,
    pub sources: Vec<String>,
    pub deactivate: Json,
    pub reactivate: Json,
    pub remove_member: Json,
    pub add_member: Json,
}

/// A name as the files write names.
pub fn folded(name: &str) -> String {
    name.trim().to_lowercase().replace(' ', "_")
}

/// The built-in lines.
///
/// # Errors
/// [`Error::Parse`], or [`Error::Invalid`] for one that says what cannot be.
pub fn semantics() -> Result<Vec<Semantics>, Error> {
    let texts = FILES.map(|(id, text)| (format!("semantics/{id}.yml"), text.to_owned()));
    parse_semantics(&texts)
}

/// The same of any texts by file name, checked together.
///
/// # Errors
/// As [`semantics`].
pub fn parse_semantics(texts: &[(String, String)]) -> Result<Vec<Semantics>, Error> {
    let dialects: Vec<String> = dialects()?.into_keys().collect();
    let dialects: Vec<&str> = dialects.iter().map(String::as_str).collect();
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let mut all = Vec::with_capacity(texts.len());
    for (file, text) in texts {
        let semantics: Semantics = parse_yaml(file, text)?;
        let invalid = |reason| Error::Invalid { file: file.clone(), line: 1, reason };
        let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".yml");
        if stem != semantics.id {
            return Err(invalid(format!("id \"{}\" is not the file's name \"{stem}\"", semantics.id)));
        }
        if let Some(reason) = complaint(&semantics, &dialects) {
            return Err(invalid(reason));
        }
        for name in &semantics.names {
            if let Some(other) = owners.insert(name.clone(), file.clone()) {
                return Err(invalid(format!("the name \"{name}\" is also in {other}")));
            }
        }
        all.push(semantics);
    }
    Ok(all)
}

/// The built-in dialects, by id.
///
/// # Errors
/// [`Error::Parse`], or [`Error::Invalid`] for one whose operations name no account.
pub fn dialects() -> Result<BTreeMap<String, Dialect>, Error> {
    let parsed = DIALECTS.iter().map(|(id, text)| {
        let file = format!("dialects/{id}.yml");
        let dialect: Dialect = parse_yaml(&file, text)?;
        let invalid =
            |reason: &str| Error::Invalid { file: file.clone(), line: 1, reason: reason.to_owned() };
        if dialect.id != *id || dialect.sources.is_empty() {
            return Err(invalid("a dialect has its file's name as id, and a source"));
        }
        if [&dialect.remove_member, &dialect.add_member].iter().any(|op| !op.to_string().contains("{account"))
        {
            return Err(invalid("an operation on members names {account} or {account_text}"));
        }
        Ok((dialect.id.clone(), dialect))
    });
    parsed.collect()
}

fn complaint(semantics: &Semantics, dialects: &[&str]) -> Option<String> {
    if let Some(name) = semantics.names.iter().find(|name| name.is_empty() || **name != folded(name)) {
        return Some(format!("the name \"{name}\" is not in lower case with _ for blanks"));
    }
    if let Some(dialect) = semantics.dialect.as_ref().filter(|id| !dialects.contains(&id.as_str())) {
        return Some(format!("dialect \"{dialect}\" is none of {}", dialects.join(", ")));
    }
    if semantics.lag.is_some() && semantics.lag_minutes().is_none_or(|minutes| minutes < 1) {
        return Some("lag is not an interval of a minute or more, such as 40m".to_owned());
    }
    let untold = semantics.sources.iter().all(|source| source.trim().is_empty());
    untold.then(|| "sources name no document, thread or `house`".to_owned())
}

fn minutes(interval: Interval) -> i64 {
    interval.micros_about() / 60_000_000
}
