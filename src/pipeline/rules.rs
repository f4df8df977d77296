//! A company's own rules: folders of Sigma rules and of rules like those that are built in. A file that
//! cannot be read any more is told of, and runs as it was when last it could be.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use super::{Engine, Error, now};
use crate::detect::sigma::{Placeholders, RuleSet};
use crate::domain::UtcMicros;
use crate::domain::digest::hex;
use crate::models::{self, Profile, Rule};

/// Where a company keeps its rules.
#[derive(Clone, Debug, Default)]
pub struct RuleFolders {
    pub sigma: Vec<PathBuf>,
    /// Of rules as they are built in.
    pub own: Vec<PathBuf>,
    /// Values for placeholders of Sigma rules.
    pub placeholders: Placeholders,
}

/// The rules that are in force.
#[derive(Default)]
pub struct CompanyRules {
    pub own: Vec<Rule>,
    pub sigma: RuleSet,
    /// Files that do not count as they are now.
    pub broken: Vec<BrokenRule>,
    /// What each Sigma file says, and the filters that may be laid over it.
    pub(super) hashes: BTreeMap<PathBuf, String>,
}

/// A file that cannot be read as rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BrokenRule {
    pub file: PathBuf,
    /// Where it goes wrong; 1 where that is not known.
    pub line: u64,
    pub reason: String,
    /// When the text was read that runs instead; absent when none ever was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_good_at: Option<UtcMicros>,
}

/// Which of the two kinds a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Sigma,
    Own,
}

impl RuleFolders {
    pub fn is_empty(&self) -> bool {
        self.sigma.is_empty() && self.own.is_empty()
    }

    /// Changes whenever a file comes, goes or is written.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for folder in self.sigma.iter().chain(&self.own) {
            for file in files(folder).unwrap_or_default() {
                hash.update(file.to_string_lossy().as_bytes());
                let Ok(known) = fs::metadata(&file) else { continue };
                let written = known.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
                hash.update(known.len().to_le_bytes());
                hash.update(written.map_or(0, |since| since.as_nanos()).to_le_bytes());
            }
        }
        hex(&hash.finalize())
    }
}

impl BrokenRule {
    /// What is wrong and what runs instead, in a sentence.
    pub fn says(&self) -> String {
        let instead = match self.last_good_at {
            Some(at) => format!("what it said at {at} runs instead"),
            None => "nothing of it runs".to_owned(),
        };
        format!("rule file {}:{} cannot be used: {}; {instead}", self.file.display(), self.line, self.reason)
    }
}

impl Engine {
    /// Reads the company's rules as they are now, and keeps what could be read for the day when it
    /// cannot.
    ///
    /// # Errors
    /// When the ledger or what is built in fails. What is wrong with the rules is no error but told in `broken`.
    pub async fn company_rules(&self) -> Result<CompanyRules, Error> {
        let mut rules = CompanyRules::default();
        if self.rules.is_empty() {
            return Ok(rules);
        }
        let profiles = models::builtin_profiles()?;
        let ledger = self.ledger().await?;
        let mut known = ledger.rule_files().await?;
        let (mut read, mut sigma, mut own) = (Vec::new(), Vec::new(), Vec::new());
        let folders = self.rules.sigma.iter().map(|folder| (Kind::Sigma, folder));
        for (kind, folder) in folders.chain(self.rules.own.iter().map(|folder| (Kind::Own, folder))) {
            let found = match files(folder) {
                Ok(found) => found,
                Err(error) => {
                    rules.broken.push(broken(folder, 1, format!("cannot read it: {error}")));
                    // What was there last time is held to be there still.
                    known.keys().map(PathBuf::from).filter(|file| file.starts_with(folder)).collect()
                }
            };
            for file in found {
                let name = file.to_string_lossy().into_owned();
                let good = known.remove(&name);
                let text = match checked(kind, &file, &profiles) {
                    Ok(text) => {
                        if good.as_ref().is_none_or(|good| good.text != text) {
                            read.push((name, text.clone()));
                        }
                        text
                    }
                    Err(mut problem) => {
                        problem.last_good_at = good.as_ref().map(|good| good.loaded_at);
                        warn!("{}", problem.says());
                        rules.broken.push(problem);
                        let Some(good) = good else { continue };
                        good.text
                    }
                };
                let place = if kind == Kind::Sigma { &mut sigma } else { &mut own };
                place.push((file, text));
            }
        }
        let gone: Vec<String> = known.into_keys().collect();
        if !read.is_empty() || !gone.is_empty() {
            ledger.keep_rule_files(&read, &gone, now()).await?;
            info!(read = read.len(), gone = gone.len(), "rules changed");
        }
        rules.lay_sigma(&sigma, &self.rules.placeholders);
        rules.lay_own(&own)?;
        Ok(rules)
    }

    /// Detectors of which findings stand although their rule is neither built in nor in a folder any more. None where no
    /// folder is named, for a run without the company's configuration removes no rules, nor where a file cannot be
    /// used, which may be the one that is missing.
    pub(super) async fn removed(&self, company: &CompanyRules) -> Result<Vec<String>, Error> {
        let is_own = |file: &Path| self.rules.own.iter().any(|folder| file.starts_with(folder));
        if self.rules.own.is_empty() || company.broken.iter().any(|broken| is_own(&broken.file)) {
            return Ok(Vec::new());
        }
        let mut standing = self.ledger().await?.standing_detectors().await?;
        standing.retain(|id| !models::is_built_in(id) && !company.own.iter().any(|rule| rule.id == *id));
        Ok(standing)
    }
}

impl CompanyRules {
    fn lay_sigma(&mut self, files: &[(PathBuf, String)], placeholders: &Placeholders) {
        let mut filters = Sha256::new();
        filters.update(format!("{placeholders:?}"));
        for (file, text) in files {
            let mut alone = RuleSet::default();
            alone.add(file, text);
            if alone.has_filters() {
                filters.update(text);
            }
            self.sigma.add(file, text);
        }
        let filters = hex(&filters.finalize());
        for (file, text) in files {
            let hash = hex(&Sha256::new().chain_update(text).chain_update(&filters).finalize());
            self.hashes.insert(file.clone(), hash);
        }
    }

    /// A rule whose id or code another one has would be told under the other's name.
    fn lay_own(&mut self, files: &[(PathBuf, String)]) -> Result<(), models::Error> {
        let built_in = models::builtin_rules()?;
        let mut taken: BTreeSet<String> =
            built_in.into_iter().flat_map(|rule| [rule.id, rule.code.to_uppercase()]).collect();
        for (file, text) in files {
            let Ok(rule) = models::parse_rule(&file.to_string_lossy(), text) else { continue };
            let code = rule.code.to_uppercase();
            let other = [&rule.id, &code].into_iter().find(|name| taken.contains(*name)).cloned();
            match other {
                Some(name) => {
                    let line = line_with(text, &name);
                    self.broken.push(broken(file, line, format!("another rule is called {name} already")));
                }
                None => {
                    taken.extend([rule.id.clone(), code]);
                    self.own.push(rule);
                }
            }
        }
        Ok(())
    }
}

/// The text of a file that can be used.
fn checked(kind: Kind, file: &Path, profiles: &[Profile]) -> Result<String, BrokenRule> {
    let text =
        fs::read_to_string(file).map_err(|error| broken(file, 1, format!("cannot read it: {error}")))?;
    match kind {
        Kind::Sigma => {
            let mut alone = RuleSet::default();
            alone.add(file, &text);
            match alone.unreadable.into_iter().next() {
                Some((_, reason)) => Err(broken(file, line_of(&reason, &text), reason)),
                None => Ok(text),
            }
        }
        Kind::Own => {
            let name = file.to_string_lossy().into_owned();
            match models::check::rules(&[(name, text.clone())], profiles).into_iter().next() {
                Some(
                    models::Error::Parse { line, reason, .. } | models::Error::Invalid { line, reason, .. },
                ) => Err(broken(file, line, reason)),
                Some(other) => Err(broken(file, 1, other.to_string())),
                None => Ok(text),
            }
        }
    }
}

fn broken(file: &Path, line: u64, reason: String) -> BrokenRule {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    BrokenRule { file: file.to_owned(), line, reason, last_good_at: None }
}

/// The line that a reason names ("at line 3 column 1"), or the first that has a word that it quotes.
fn line_of(reason: &str, text: &str) -> u64 {
    let named = reason
        .split("line ")
        .nth(1)
        .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
    if let Some(line) = named.and_then(|digits| digits.parse().ok()) {
        return line;
    }
    if reason.starts_with("Condition") {
        return line_with(text, "condition:");
    }
    reason.split(['\'', '"', '`']).nth(1).map_or(1, |word| line_with(text, word))
}

fn line_with(text: &str, word: &str) -> u64 {
    let word = word.to_lowercase();
    text.lines().position(|line| line.to_lowercase().contains(&word)).map_or(1, |at| at as u64 + 1)
}

/// Every `.yml` and `.yaml` below a folder, in order.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
