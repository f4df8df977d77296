//! Account exports: what their columns are called, and one row as an account. Takes the cells
//! of a row, gives an `AccountRow`. Where several columns speak about the status, one that
//! says "cannot sign in" outweighs the others; where none is known, `active` stays absent.

use super::cell::{flag, person_name};
use super::cells::Cells;
use super::field::Expect::{Code, Email, Flag, Identifier, Instant, Login, Standing as Status, Text};
use super::field::Field;
use super::field::Weight::{Deciding, Described, Key, Many};
use super::standing::{Standing, standing, usable};
use super::words::normal;
use crate::domain::{AccountClass, AccountRow, Rejection, Row, UtcMicros};

#[rustfmt::skip]
pub const FIELDS: [Field; 28] = [
    Field { name: "account_id", expects: Identifier, weight: Key,
        words: &["user id", "sys id", "member id", "account number", "object id", "user guid", "user uuid", "user key", "account uuid", "userid", "okta id", "salesforce id", "unique id", "user sid", "contact id", "agent id", "principal id", "arn", "benutzer id", "user pk", "team member id"],
        weak: &["id", "uid", "guid", "uuid", "key"] },
    // Where the native id is an upper-case name beside the login (Snowflake).
    Field { name: "account_code", expects: Code, weight: Described, words: &[], weak: &["name"] },
    Field { name: "account_name", expects: Login, weight: Key,
        words: &["login", "login name", "username", "user name", "user login", "account name", "user principal name", "upn", "sam account name", "sign in name", "signin name", "login id", "user", "handle", "benutzername", "anmeldename", "nom d utilisateur", "identifiant", "logon name", "network id"],
        weak: &["name", "account"] },
    Field { name: "display_name", expects: Text, weight: Described,
        words: &["full name", "name full name", "fullname", "real name", "person name", "member name", "anzeigename", "nom complet", "name surname"], weak: &["name", "user name", "user"] },
    Field { name: "first_name", expects: Text, weight: Described,
        words: &["given name", "firstname", "vorname", "prenom", "user first name"], weak: &["first"] },
    Field { name: "last_name", expects: Text, weight: Described,
        words: &["surname", "family name", "lastname", "nachname", "nom", "nom de famille", "user last name", "sn"], weak: &["last"] },
    Field { name: "email", expects: Email, weight: Deciding,
        words: &["email address", "e mail", "primary email", "user email", "user email address", "work email", "mail", "email id", "member email", "e mail adresse", "adresse e mail", "courriel", "saml name id email"], weak: &["user", "member", "login", "name", "account"] },
    Field { name: "external_id", expects: Identifier, weight: Described,
        words: &["federation identifier", "federation id", "saml name id", "saml nameid", "scim external id", "sso id", "external user id", "idp id", "scim id", "immutable id", "name id", "saml identity", "externe id"], weak: &[] },
    Field { name: "employee_id", expects: Identifier, weight: Described,
        words: &["employee number", "employee no", "worker id", "personnel number", "personalnummer", "matricule", "staff id", "employee"], weak: &[] },
    Field { name: "active", expects: Status, weight: Deciding,
        words: &["is active", "enabled", "account enabled", "is enabled", "user active", "active user", "account active", "user enabled", "aktiv", "actif", "enabled?", "login enabled", "is user active"], weak: &[] },
    Field { name: "status", expects: Status, weight: Deciding,
        words: &["user status", "account status", "state", "member status", "user state", "account state", "lifecycle state", "lifecycle status", "activity status", "benutzerstatus", "statut", "etat", "membership status", "status user"], weak: &[] },
    Field { name: "disabled", expects: Flag, weight: Many,
        words: &["is disabled", "deactivated", "is deactivated", "inactive", "is inactive", "suspended", "is suspended", "account disabled", "user disabled", "blocked", "is blocked", "deleted", "is deleted", "archived", "is archived", "sign in blocked", "block credential", "block sign in", "deaktiviert", "gesperrt", "desactive", "frozen", "is frozen"], weak: &[] },
    Field { name: "locked", expects: Flag, weight: Deciding,
        words: &["locked out", "is locked", "account locked", "is locked out"], weak: &[] },
    Field { name: "deactivated_at", expects: Instant, weight: Deciding,
        words: &["deactivated", "disabled", "suspended", "deleted", "deactivation", "date deactivated", "removed", "deletion", "suspension", "archived", "deactivated on", "disabled on"], weak: &[] },
    Field { name: "credential_active", expects: Flag, weight: Many,
        words: &["password enabled", "access key 1 active", "access key 2 active", "cert 1 active", "cert 2 active"], weak: &[] },
    Field { name: "last_active_at", expects: Instant, weight: Many,
        words: &["last login", "last active", "last sign in", "last signin", "last activity", "last seen", "last seen in *", "last success login", "last successful login", "last logon", "last access", "last accessed", "last used", "last login successful", "last active in *", "last authenticated", "last authentication", "last auth", "login last", "most recent login", "latest login", "last interactive sign in", "last successful sign in", "last sign in date time", "password last used", "access key 1 last used", "access key 2 last used", "last activity in *", "last session", "last connection", "last visit", "letzte anmeldung", "letzter login", "letzte aktivitat", "derniere connexion", "derniere activite", "last logged in", "last login in *", "last logon timestamp", "last platform activity", "last interaction", "last seen at"], weak: &["seen"] },
    Field { name: "created_at", expects: Instant, weight: Described,
        words: &["created", "creation", "created on", "added to org", "user creation", "account created", "added", "registered", "join", "joined", "sys created on", "member since", "sign up", "signup", "account creation", "when created", "date added", "erstellt", "erstellt am", "angelegt am", "date de creation", "cree le", "created by date", "provisioned"], weak: &[] },
    Field { name: "expires_at", expects: Instant, weight: Deciding,
        words: &["expires", "expiration", "expiry", "account expires", "account expiration", "valid until", "expiration timestamp", "access expires", "ablaufdatum", "gultig bis", "date d expiration", "account expiry", "guest expiration", "end"], weak: &[] },
    Field { name: "class", expects: Text, weight: Described,
        words: &["user type", "account type", "usertype", "member type", "identity type", "kind", "account class", "benutzertyp", "type d utilisateur", "principal type"], weak: &["type"] },
    Field { name: "role", expects: Text, weight: Described,
        words: &["user role", "profile", "profile name", "admin role", "org role", "organization role", "site role", "account role", "role name", "team member role", "default role", "rolle", "workspace role"], weak: &["access level"] },
    Field { name: "mfa", expects: Flag, weight: Described,
        words: &["mfa active", "mfa enabled", "has mfa", "2fa", "has 2fa", "2fa enabled", "two factor enabled", "two factor authentication", "two step verification", "2sv enrolled", "2 step verification", "mfa enrolled", "is mfa enabled", "two factor auth", "two factor", "multi factor authentication", "two step login", "mfa registered", "two factor authentication enabled", "2 step verification enrolled"], weak: &[] },
    Field { name: "local_login", expects: Flag, weight: Described,
        words: &["has password", "password login", "local login", "password login enabled", "local account", "local user", "password auth enabled", "direct login enabled", "can use password", "password set"], weak: &[] },
    Field { name: "privileged", expects: Flag, weight: Described,
        words: &["is admin", "admin", "administrator", "is administrator", "super admin", "is super admin", "superuser", "is superuser", "is owner", "site admin", "org admin", "is privileged", "global admin", "is staff", "account admin", "team admin"], weak: &[] },
    Field { name: "app", expects: Text, weight: Described,
        words: &["app id", "application id", "app", "application", "application name", "app name", "system", "system name", "anwendung"], weak: &[] },
    // Read so that they are not taken for use or an end, then left aside.
    Field { name: "noted_at", expects: Instant, weight: Described,
        words: &["updated", "modified", "last updated", "last modified", "sys updated on", "password changed", "password last changed", "status changed", "password last set", "last password change", "activated", "password next rotation", "access key 1 last rotated", "access key 2 last rotated", "invited", "last synced", "last sync", "locked until time", "last failed login", "last password reset", "cert 1 last rotated", "cert 2 last rotated", "password next rotation date", "invited on", "last status change", "deleted on source", "owner since"], weak: &[] },
    Field { name: "title", expects: Text, weight: Described, words: &["job title", "position", "stellenbezeichnung"], weak: &[] },
    Field { name: "department", expects: Text, weight: Described, words: &["division", "cost center", "abteilung", "organization unit", "org unit path"], weak: &[] },
    Field { name: "manager", expects: Text, weight: Described, words: &["manager id", "manager email", "manager name"], weak: &[] },
];

/// Columns of which one makes a list of people or logins an account export.
pub const DISTINCT: [&str; 6] =
    ["active", "status", "disabled", "deactivated_at", "last_active_at", "credential_active"];
/// Columns of which two do.
pub const FURTHER: [&str; 8] =
    ["mfa", "local_login", "privileged", "created_at", "external_id", "class", "locked", "role"];

/// One row of an account export.
///
/// # Errors
/// `missing_field` when nothing names the account, `bad_time` for an unreadable time.
pub fn row(cells: &Cells) -> Result<Row<'static>, Rejection> {
    let name = cells.owned("account_name").or_else(|| cells.owned("account_code"));
    let email = cells.owned("email");
    let id = cells
        .owned("account_id")
        .or_else(|| cells.owned("account_code"))
        .or_else(|| name.clone())
        .or_else(|| email.clone());
    let account_id = id.ok_or_else(|| cells.missing("account_id"))?;
    let root = name.as_deref() == Some("<root_account>");
    let status = cells.owned("status");
    let words = status.as_deref().map(normal).unwrap_or_default();
    let role = cells.text("role").map(normal).unwrap_or_default();
    let class = cells.text("class").and_then(class).or_else(|| class_of_status(&words));
    Ok(Row::Account(AccountRow {
        account_id,
        display_name: cells.text("display_name").map(person_name).or_else(|| cells.joined_name()),
        external_id: cells.owned("external_id"),
        employee_id: cells.owned("employee_id"),
        // A cloud account's root user cannot be switched off.
        active: if root { Some(true) } else { active(cells)? },
        class: if root { Some(AccountClass::System) } else { class },
        created_at: starts_at(cells, "created_at")?,
        last_active_at: last_active_at(cells)?,
        expires_at: cells.moment("expires_at")?.and_then(|moment| moment.ends_at(&cells.zone)),
        mfa: cells.flag("mfa"),
        local_login: cells.flag("local_login").or_else(|| password_login(cells)),
        privileged: if root { Some(true) } else { privileged(cells, &words, &role) },
        name,
        email,
        status,
    }))
}

fn starts_at(cells: &Cells, field: &str) -> Result<Option<UtcMicros>, Rejection> {
    Ok(cells.moment(field)?.and_then(|moment| moment.starts_at(&cells.zone)))
}

/// The latest of all columns that report use.
fn last_active_at(cells: &Cells) -> Result<Option<UtcMicros>, Rejection> {
    let moments = cells.moments("last_active_at")?;
    Ok(moments.into_iter().filter_map(|moment| moment.starts_at(&cells.zone)).max())
}

fn active(cells: &Cells) -> Result<Option<bool>, Rejection> {
    let mut votes: Vec<Option<bool>> = Vec::new();
    // Under a header that asks a question `T` is true, not terminated.
    votes.push(cells.flag("active").or_else(|| cells.text("active").and_then(standing).and_then(usable)));
    votes.push(cells.text("status").and_then(standing).and_then(usable));
    votes.extend(cells.texts("disabled").map(|text| flag(text).map(|disabled| !disabled)));
    // Not locked is no news: only the lock speaks.
    votes.push(cells.flag("locked").filter(|locked| *locked).map(|_| false));
    if cells.has("deactivated_at") {
        let at = starts_at(cells, "deactivated_at")?;
        votes.push(Some(at.is_none_or(|at| at > cells.now)));
    }
    let credentials: Vec<bool> = cells.texts("credential_active").filter_map(flag).collect();
    if !credentials.is_empty() {
        votes.push(Some(credentials.contains(&true)));
    }
    if pending(cells) {
        votes.retain(|vote| *vote == Some(false));
    }
    let known: Vec<bool> = votes.into_iter().flatten().collect();
    Ok(if known.is_empty() { None } else { Some(!known.contains(&false)) })
}

/// An open invitation leaves it unknown whether the account can be used, whatever a flag says.
fn pending(cells: &Cells) -> bool {
    cells.text("status").and_then(standing) == Some(Standing::Pending)
}

fn password_login(cells: &Cells) -> Option<bool> {
    cells.named("credential_active", "password enabled").and_then(flag)
}

fn class(text: &str) -> Option<AccountClass> {
    let words = normal(text);
    let says = |list: &[&str]| list.iter().any(|word| words.split(' ').any(|part| part == *word));
    match () {
        () if says(&["partner", "customer", "guest", "external", "portal"]) => Some(AccountClass::Guest),
        () if says(&["service", "integration", "automated", "api", "machine", "robot"]) => {
            Some(AccountClass::Service)
        }
        () if says(&["bot"]) => Some(AccountClass::Bot),
        () => AccountClass::parse(text),
    }
}

fn class_of_status(words: &str) -> Option<AccountClass> {
    match words {
        "bot" => Some(AccountClass::Bot),
        "guest" | "single channel guest" | "multi channel guest" | "restricted" | "ultra restricted" => {
            Some(AccountClass::Guest)
        }
        _ => None,
    }
}

/// An administrator's flag, status or role; a role that is none of those says nothing.
fn privileged(cells: &Cells, status: &str, role: &str) -> Option<bool> {
    const WORDS: [&str; 8] =
        ["admin", "administrator", "owner", "root", "superuser", "accountadmin", "securityadmin", "sysadmin"];
    let says = |text: &str| text.split(' ').any(|word| WORDS.contains(&word));
    if says(status) || (says(role) && !role.contains("not ") && !role.contains("non ")) {
        return Some(true);
    }
    cells.flag("privileged")
}
