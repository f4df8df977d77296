//! Status words of personnel systems and applications, and what they say about access.
//! Takes one cell, gives a standing or none for a word that it does not know: an unknown
//! word is never taken for active or inactive.

use super::cell::flag;
use super::words::normal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Employed, or able to sign in.
    Live,
    /// Employed and away on leave.
    Away,
    /// Not yet started, or not yet accepted.
    Pending,
    /// Held back: suspended, blocked, locked by someone.
    Barred,
    /// Ended.
    Gone,
}

/// Words that also open longer statuses, as in `Terminated - Voluntary`.
const OPENING: [(Standing, &[&str]); 5] = [
    (
        Standing::Live,
        &[
            "active",
            "enabled",
            "activated",
            "employed",
            "actif",
            "active employee",
            "aktiv",
            "activo",
            "ativo",
            "actief",
            "attivo",
            "provisioned",
            "recovery",
        ],
    ),
    (
        Standing::Gone,
        &[
            "terminated",
            "inactive",
            "deactivated",
            "disabled",
            "deleted",
            "removed",
            "separated",
            "resigned",
            "retired",
            "deprovisioned",
            "revoked",
            "archived",
            "expired",
            "ausgeschieden",
            "inaktiv",
            "inactif",
            "sorti",
            "inactivo",
            "inativo",
            "inattivo",
            "deceased",
            "dismissed",
            "offboarded",
            "staged",
            "deaktiviert",
            "desactive",
            "uitdienst",
            "rescinded",
            "cancelled",
            "canceled",
            "withdrawn",
        ],
    ),
    (
        Standing::Barred,
        &["suspended", "locked", "blocked", "frozen", "banned", "gesperrt", "suspendu", "bloque"],
    ),
    (
        Standing::Away,
        &[
            "leave",
            "loa",
            "sabbatical",
            "furlough",
            "furloughed",
            "beurlaubt",
            "elternzeit",
            "conge",
            "maternity",
            "parental",
            "paternity",
        ],
    ),
    (
        Standing::Pending,
        &["invited", "pending", "prehire", "preboarding", "onboarding", "awaiting", "unactivated"],
    ),
];

/// Words that stand for a status only when they are the whole of it.
const WHOLE: [(Standing, &[&str]); 5] = [
    (
        Standing::Live,
        // An identity provider's lock-out ends by itself, so the account is live (Okta `LOCKED_OUT`).
        &[
            "a",
            "current",
            "live",
            "working",
            "member",
            "full member",
            "admin",
            "owner",
            "primary owner",
            "org admin",
            "org owner",
            "workspace admin",
            "workspace owner",
            "bot",
            "guest",
            "single channel guest",
            "multi channel guest",
            "restricted",
            "ultra restricted",
            "password expired",
            "locked out",
            "licensed",
            "en poste",
        ],
    ),
    (
        Standing::Gone,
        &[
            "t",
            "i",
            "d",
            "left",
            "former",
            "ex employee",
            "former employee",
            "not active",
            "non active",
            "ended",
        ],
    ),
    (Standing::Barred, &["on hold"]),
    (
        Standing::Away,
        &["l", "on leave", "paid leave", "unpaid leave", "long term sick", "en conge", "in elternzeit"],
    ),
    (Standing::Pending, &["pre hire", "not activated", "new hire", "future hire", "starts soon"]),
];

/// Reads a status word or a yes and no (yes = live).
pub fn standing(text: &str) -> Option<Standing> {
    let words = normal(text);
    let find = |table: &[(Standing, &[&str])], text: &str| {
        table.iter().find(|(_, list)| list.contains(&text)).map(|(standing, _)| *standing)
    };
    if let Some(found) = find(&WHOLE, &words).or_else(|| find(&OPENING, &words)) {
        return Some(found);
    }
    if let Some(yes) = flag(text) {
        return Some(if yes { Standing::Live } else { Standing::Gone });
    }
    find(&OPENING, words.split(' ').next().unwrap_or(""))
}

/// Whether a status says that the person has left.
pub fn is_gone(text: &str) -> bool {
    standing(text) == Some(Standing::Gone)
}

/// Whether the account can be used: none while an invitation is open, because a person who
/// left may still accept it.
pub fn usable(standing: Standing) -> Option<bool> {
    match standing {
        Standing::Live | Standing::Away => Some(true),
        Standing::Gone | Standing::Barred => Some(false),
        Standing::Pending => None,
    }
}
