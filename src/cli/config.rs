//! Configuration: defaults, a TOML file, the environment and flags, in rising order. The
//! only reader of the environment.
//!
//! Every value remembers where it came from, and an unknown key is an error that names the
//! nearest known one. The JSON Schema is `lychgate init --schema`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Error;
use super::config_mapping::{self, check_tables, check_variables, check_zone};
use super::config_models::{Application, Costs, costs, semantics};
use crate::pipeline::{CostModel, Credentials, Durability, RuleFolders, Semantics};
use crate::{models, serve};

/// The file's content; every key is optional.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Folder of the lake and the ledger.
    pub data: Option<PathBuf>,
    /// Where the lake is instead: `s3://bucket/prefix`, with conditional put. The ledger stays in the
    /// data folder; credentials are in the environment.
    pub lake: Option<String>,
    /// The security boundary: tenants share nothing.
    pub tenant: Option<String>,
    /// IANA zone of the organisation, for times and dates that name none.
    pub zone: Option<String>,
    /// Threshold profile, such as `default` or `pci-4.0`.
    pub profile: Option<String>,
    /// Address of `serve`; only loopback addresses are accepted.
    pub listen: Option<String>,
    /// Seconds that `POST /api/v1/events` waits until events are durable, before it answers 202 with an
    /// address to ask; at most 110.
    pub events_wait_s: Option<u64>,
    /// Threads that ingest uses; 0 for one a core.
    pub threads: Option<usize>,
    /// Whether the lake keeps the text of every record beside its columns.
    pub keep_raw: Option<bool>,
    /// What an acknowledged batch survives: `fsync` (power loss) or `os` (the end of the process).
    pub durability: Option<String>,
    /// Tables of which `compact` removes nothing.
    #[serde(default)]
    pub legal_hold: Vec<String>,
    /// Rules that a company has beside those that are built in.
    #[serde(default)]
    pub rules: Rules,
    /// How to read files whose format or columns cannot be told with certainty.
    #[serde(default)]
    pub mapping: Vec<Mapping>,
    /// How applications delete, suspend and let people in, before what the register and we say.
    #[serde(default)]
    pub application: Vec<Application>,
    /// What the report on costs assumes of work by hand.
    #[serde(default)]
    pub costs: Costs,
}

/// The rules that `detect` runs beside those that are built in. Folders are read with their sub-folders.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Folders of Sigma rules, also for `sigma check`.
    #[serde(default)]
    pub sigma: Vec<PathBuf>,
    /// Folders of rules that are written as those that are built in.
    #[serde(default)]
    pub own: Vec<PathBuf>,
    /// Values for placeholders (`%admins%`) of Sigma rules, by name.
    #[serde(default)]
    pub placeholders: BTreeMap<String, Vec<String>>,
}

/// One rule for files; the first whose `files` matches decides.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Part of the path, with `*` for any run of characters: `hr/workers_*.csv`.
    pub files: String,
    /// Source format, as in `--source`.
    pub source: Option<String>,
    /// Application whose accounts or grants the file lists.
    pub app: Option<String>,
    /// Canonical column name to the file's header.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// IANA zone of times without one.
    pub zone: Option<String>,
    /// `year-first`, `day-first` or `month-first`.
    pub date_order: Option<String>,
    /// A full listing (what it does not name is gone), or not.
    pub complete: Option<bool>,
    /// Feed of the listing, as in `--feed`.
    pub feed: Option<String>,
}

/// A value and where it came from: `default`, `LYCHGATE_DATA`, `--data`, or the file.
#[derive(Clone, Debug)]
pub struct Setting<T> {
    pub value: T,
    pub origin: String,
}

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Config {
    pub file: Option<PathBuf>,
    pub data: Setting<PathBuf>,
    /// Empty for the data folder.
    pub lake: Setting<String>,
    pub tenant: Setting<String>,
    pub zone: Setting<String>,
    pub profile: Setting<String>,
    pub listen: Setting<String>,
    pub events_wait_s: Setting<u64>,
    pub threads: Setting<usize>,
    pub keep_raw: Setting<bool>,
    pub durability: Setting<String>,
    pub legal_hold: Vec<String>,
    pub rules: Rules,
    pub mapping: Vec<Mapping>,
    pub semantics: Vec<Semantics>,
    /// Absent when the configuration says nothing of costs.
    pub costs: Option<CostModel>,
}

/// What flags said.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub data: Option<PathBuf>,
    pub lake: Option<String>,
    pub tenant: Option<String>,
    /// The file is about to be written, and may be missing.
    pub begins: bool,
}

/// A little less than any request may take.
const EVENTS_WAIT_S_MAX: u64 = 110;
const FILE_NAME: &str = "lychgate.toml";
/// All that are read.
const VARIABLES: [&str; 12] = [
    "LYCHGATE_CONFIG",
    "LYCHGATE_DATA",
    "LYCHGATE_DURABILITY",
    "LYCHGATE_EVENTS_WAIT_S",
    "LYCHGATE_KEEP_RAW",
    "LYCHGATE_LAKE",
    "LYCHGATE_LISTEN",
    "LYCHGATE_LOG",
    "LYCHGATE_PROFILE",
    "LYCHGATE_TENANT",
    "LYCHGATE_THREADS",
    "LYCHGATE_ZONE",
];

impl Config {
    /// Reads the configuration: `--config`, else `LYCHGATE_CONFIG`, else `./lychgate.toml`.
    ///
    /// # Errors
    /// [`Error::Usage`] for a file that cannot be read, an unknown key or a bad value.
    pub fn load(flags: &Flags) -> Result<Config, Error> {
        check_variables(&ours(), &VARIABLES)?;
        let named = flags.config.clone().or_else(|| variable("LYCHGATE_CONFIG").map(PathBuf::from));
        let path = named.or_else(|| Some(PathBuf::from(FILE_NAME)).filter(|path| path.exists()));
        let file = match &path {
            Some(path) if !flags.begins || path.exists() => read(path)?,
            _ => File::default(),
        };
        let from = path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let text = |flag: Option<(String, &str)>, env: &str, value: Option<String>, default: &str| {
            pick(flag, env, value, &from, default)
        };
        let path_text = |path: PathBuf| path.to_string_lossy().into_owned();
        let data = text(
            flags.data.clone().map(|path| (path_text(path), "--data")),
            "LYCHGATE_DATA",
            file.data.map(path_text),
            "lychgate-data",
        );
        let threads = file.threads.map(|threads| threads.to_string());
        let events_wait_s = file.events_wait_s.map(|seconds| seconds.to_string());
        let keep_raw = file.keep_raw.map(|keep| keep.to_string());
        let config = Config {
            data: Setting { value: PathBuf::from(data.value), origin: data.origin },
            lake: text(flags.lake.clone().map(|url| (url, "--lake")), "LYCHGATE_LAKE", file.lake, ""),
            tenant: text(
                flags.tenant.clone().map(|t| (t, "--tenant")),
                "LYCHGATE_TENANT",
                file.tenant,
                "default",
            ),
            zone: text(None, "LYCHGATE_ZONE", file.zone, "UTC"),
            profile: text(None, "LYCHGATE_PROFILE", file.profile, "default"),
            listen: text(None, "LYCHGATE_LISTEN", file.listen, "127.0.0.1:7878"),
            events_wait_s: parsed(
                "events_wait_s",
                text(None, "LYCHGATE_EVENTS_WAIT_S", events_wait_s, "60"),
            )?,
            threads: parsed("threads", text(None, "LYCHGATE_THREADS", threads, "0"))?,
            keep_raw: parsed("keep_raw", text(None, "LYCHGATE_KEEP_RAW", keep_raw, "true"))?,
            durability: text(None, "LYCHGATE_DURABILITY", file.durability, "fsync"),
            legal_hold: file.legal_hold,
            rules: file.rules,
            mapping: file.mapping,
            semantics: semantics(&file.application, &from)?,
            costs: costs(&file.costs, &from)?,
            file: path,
        };
        config.check()?;
        Ok(config)
    }

    /// Each key, its value and its origin.
    pub fn settings(&self) -> [(&'static str, String, &str); 10] {
        [
            ("data", self.data.value.display().to_string(), &self.data.origin),
            ("lake", self.lake_text().to_owned(), &self.lake.origin),
            ("tenant", self.tenant.value.clone(), &self.tenant.origin),
            ("zone", self.zone.value.clone(), &self.zone.origin),
            ("profile", self.profile.value.clone(), &self.profile.origin),
            ("listen", self.listen.value.clone(), &self.listen.origin),
            ("events_wait_s", self.events_wait_s.value.to_string(), &self.events_wait_s.origin),
            ("threads", self.threads.value.to_string(), &self.threads.origin),
            ("durability", self.durability.value.clone(), &self.durability.origin),
            ("keep_raw", self.keep_raw.value.to_string(), &self.keep_raw.origin),
        ]
    }

    fn lake_text(&self) -> &str {
        if self.lake.value.is_empty() { "in the data folder" } else { &self.lake.value }
    }

    /// Where the company keeps its rules.
    pub fn rule_folders(&self) -> RuleFolders {
        let Rules { sigma, own, placeholders } = self.rules.clone();
        RuleFolders { sigma, own, placeholders }
    }

    /// How long a sender of events waits for the answer that they are durable.
    pub fn events_wait(&self) -> Duration {
        Duration::from_secs(self.events_wait_s.value)
    }

    /// The first mapping that fits `path`.
    pub fn mapping_for(&self, path: &str) -> Option<&Mapping> {
        self.mapping.iter().find(|mapping| matches(&mapping.files, path))
    }

    fn check(&self) -> Result<(), Error> {
        let tenant = &self.tenant.value;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if tenant.is_empty() || !tenant.chars().all(plain) {
            return Err(Error::Usage(format!(
                "tenant \"{tenant}\" (from {}) must be letters, digits, - and _: it is a folder name",
                self.tenant.origin
            )));
        }
        if Durability::parse(&self.durability.value).is_none() {
            let Setting { value, origin } = &self.durability;
            return Err(Error::Usage(format!("durability is fsync or os, not \"{value}\" (from {origin})")));
        }
        if self.events_wait_s.value > EVENTS_WAIT_S_MAX {
            let Setting { value, origin } = &self.events_wait_s;
            return Err(Error::Usage(format!(
                "events_wait_s is {EVENTS_WAIT_S_MAX} at most, not {value} (from {origin}): no request takes longer than 120 seconds"
            )));
        }
        let listen = serve::address(&self.listen.value);
        listen.map_err(|error| Error::Usage(format!("listen (from {}): {error}", self.listen.origin)))?;
        let profile = models::profile(&self.profile.value);
        profile.map_err(|error| Error::Usage(format!("{error} (from {})", self.profile.origin)))?;
        check_zone(&format!("zone (from {})", self.zone.origin), &self.zone.value)?;
        self.mapping.iter().try_for_each(config_mapping::check).map_err(|error| self.in_file(&error))?;
        check_tables(&self.legal_hold).map_err(|error| self.in_file(&error))
    }

    /// The error, with the file that it is in.
    fn in_file(&self, error: &Error) -> Error {
        let file = self.file.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        Error::Usage(format!("config \"{file}\": {error}"))
    }
}

/// True when colour is unwelcome (https://no-color.org).
pub fn no_color() -> bool {
    variable("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// Log filter from the environment, for example `lychgate=debug`.
pub fn log_filter() -> Option<String> {
    variable("LYCHGATE_LOG")
}

/// What the environment says of S3-compatible services.
pub fn credentials() -> Credentials {
    let given = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        (name.starts_with("AWS_") && !value.is_empty()).then_some((name, value))
    });
    Credentials(given.collect())
}

/// The variables that begin as ours do.
fn ours() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter(|name| name.starts_with("LYCHGATE_")).collect()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn pick(
    flag: Option<(String, &str)>,
    env: &str,
    file: Option<String>,
    from: &str,
    default: &str,
) -> Setting<String> {
    if let Some((value, name)) = flag {
        return Setting { value, origin: name.to_owned() };
    }
    if let Some(value) = variable(env) {
        return Setting { value, origin: env.to_owned() };
    }
    match file {
        Some(value) => Setting { value, origin: from.to_owned() },
        None => Setting { value: default.to_owned(), origin: "default".to_owned() },
    }
}

fn parsed<T: FromStr>(key: &str, setting: Setting<String>) -> Result<Setting<T>, Error> {
    let Setting { value, origin } = setting;
    match value.parse() {
        Ok(value) => Ok(Setting { value, origin }),
        Err(_) => Err(Error::Usage(format!("{key} cannot be \"{value}\" (from {origin})"))),
    }
}

fn read(path: &Path) -> Result<File, Error> {
    let text = fs::read_to_string(path)
        .map_err(|e| Error::Usage(format!("cannot read config \"{}\": {e}", path.display())))?;
    parse(&text).map_err(|what| Error::Usage(format!("config \"{}\": {what}", path.display())))
}

/// Reads the text of a configuration file; the error is a sentence with line and suggestion.
pub fn parse(text: &str) -> Result<File, String> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().to_owned();
        let line =
            error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        match unknown_key(&message).and_then(|(key, known)| nearest(&key, &known)) {
            Some(suggestion) => format!("line {line}: {message}; did you mean `{suggestion}`?"),
            None => format!("line {line}: {message}"),
        }
    })
}

/// The unknown key and the known ones, from serde's "unknown field `x`, expected one of …".
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let quoted: Vec<String> = message.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let (key, known) = quoted.split_first()?;
    message.starts_with("unknown field").then(|| (key.clone(), known.to_vec()))
}

/// The name of `known` that `key` is a slip for, if one is near.
pub(super) fn nearest(key: &str, known: &[String]) -> Option<String> {
    let distance = |candidate: &String| strsim::damerau_levenshtein(key, candidate);
    known.iter().min_by_key(|candidate| distance(candidate)).filter(|best| distance(best) <= 3).cloned()
}

/// Shell-like match of `*` anywhere in the path's tail.
fn matches(pattern: &str, path: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return false };
    let Some(start) = path.find(first) else { return false };
    let mut rest = &path[start + first.len()..];
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    pattern.ends_with('*') || rest.is_empty()
}
