//! What kind of account this is, and who says so.
//!
//! Provenance in falling order: a register, the application's listing, the employment of
//! the linked person, the name of the account.

use super::link::AccountFacts;
use crate::domain::AccountClass;

/// A class with its provenance.
pub struct Classified {
    pub class: &'static str,
    /// `register`, `listing`, `employment`, `name` or `none`.
    pub source: &'static str,
    /// A person is behind it, or may be.
    pub human: bool,
}

/// Classifies one account; `employment` is the kind of the matched person's employment.
pub fn classify(account: &AccountFacts, employment: Option<&str>) -> Classified {
    let declared = account.declared_class.and_then(AccountClass::parse);
    let listed = account.listed_class.and_then(AccountClass::parse);
    let found = match (declared, listed, employment) {
        (Some(class), _, _) => Some((class, "register")),
        // A listing's "member" or "user" says only that no robot is meant.
        (None, Some(class), _) if class != AccountClass::Human => Some((class, "listing")),
        (None, _, Some(kind)) => Some((of_employment(kind), "employment")),
        (None, _, None) if named_like_a_machine(account) => Some((AccountClass::Service, "name")),
        (None, Some(class), None) => Some((class, "listing")),
        (None, None, None) => None,
    };
    match found {
        Some((class, source)) => Classified { class: class.as_str(), source, human: is_human(class) },
        None => Classified { class: "unknown", source: "none", human: true },
    }
}

/// Whether a person may be behind an account of this class, which may be `unknown`.
pub fn may_be_human(class: &str) -> bool {
    AccountClass::parse(class).is_none_or(is_human)
}

fn of_employment(kind: &str) -> AccountClass {
    match kind {
        "contractor" | "temporary" => AccountClass::Contractor,
        "guest" => AccountClass::Guest,
        _ => AccountClass::Human,
    }
}

fn is_human(class: AccountClass) -> bool {
    matches!(class, AccountClass::Human | AccountClass::Contractor | AccountClass::Guest)
}

/// Words that administrators put into the names of technical accounts.
fn named_like_a_machine(account: &AccountFacts) -> bool {
    const WORDS: [&str; 12] = [
        "svc",
        "service",
        "bot",
        "robot",
        "api",
        "integration",
        "automation",
        "sync",
        "scim",
        "ci",
        "deploy",
        "backup",
    ];
    let login = account.account_name.or(account.email).unwrap_or_default();
    let local = login.split('@').next().unwrap_or_default().to_lowercase();
    local.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| WORDS.contains(&word))
}
