//! The target resources of an Entra audit record: which account, application, group or
//! role it was about.
//!
//! The same fact stands in one of two places. Either a target has the type that is asked
//! for, or the target is the other end of the relation and its modified properties name
//! this one (`Group.ObjectID`, `Role.DisplayName`, `User.UPN`), as text in a JSON string.

use serde_json::Value;

use crate::domain::{AccountRef, AppRef, EntitlementKind, EntitlementRef, Verb};
use crate::normalize::changes::Change;
use crate::normalize::entra::{self, Record};
use crate::normalize::json;

pub struct Targets {
    resources: Vec<Value>,
    /// The modified properties of all targets, in order.
    pub changes: Vec<Change>,
}

impl Targets {
    pub fn of(record: &Record) -> Targets {
        let resources = record.items(&["targetResources"]);
        let modified = resources.iter().filter_map(|target| json::ci(target, "modifiedProperties"));
        let mut changes: Vec<Change> = modified.flat_map(entra::changes).collect();
        // Microsoft 365 has one list for the whole record.
        changes.extend(entra::changes(&Value::Array(record.items(&["ModifiedProperties"]))));
        Targets { resources, changes }
    }

    /// The account that it happened to.
    pub fn account(&self, record: &Record, verb: &Verb) -> AccountRef {
        let user = self.typed(&["User"]);
        let field = |key: &str| user.and_then(|target| json::text_ci(target, &[key]));
        let name =
            field("userPrincipalName").or_else(|| self.modified(&["User.UPN", "TargetId.UserPrincipalName"]));
        let id = field("id").or_else(|| self.modified(&["User.ObjectID"]));
        if id.is_some() || name.is_some() {
            return entra::account(id, name);
        }
        if let Some((id, name)) = microsoft_365_user(record) {
            return entra::account(id, name);
        }
        // Consenting and registering factors are done to oneself.
        if verb.as_str().starts_with("consent.") || verb.as_str().starts_with("mfa.") {
            let by = |key: &str| record.text(&["initiatedBy", "user", key]);
            return entra::account(by("id"), by("userPrincipalName"));
        }
        AccountRef::default()
    }

    /// The account with the login and the e-mail that the event gave it.
    pub fn renamed(&self, account: AccountRef) -> AccountRef {
        let email = self.modified(&["Mail"]).filter(|text| text.contains('@')).or(account.email.clone());
        match self.new_value("UserPrincipalName") {
            Some(name) => AccountRef { email, ..entra::account(account.id, Some(name)) },
            None => AccountRef { email, ..account },
        }
    }

    /// The application, for the families of verbs that are about one.
    pub fn app(&self, verb: &Verb) -> AppRef {
        const FAMILIES: [&str; 5] = ["app.", "consent.", "token.", "access.", "provision."];
        if !FAMILIES.iter().any(|family| verb.as_str().starts_with(family)) {
            return AppRef::default();
        }
        let (id, name) = self.ends(
            &["ServicePrincipal", "Application"],
            &["ServicePrincipal.ObjectID"],
            &["ServicePrincipal.DisplayName", "ServicePrincipal.Name"],
        );
        AppRef { id, name }
    }

    /// What was given or taken.
    pub fn entitlement(&self, verb: &Verb) -> EntitlementRef {
        let verb = verb.as_str();
        let of = |kind, (id, name): (Option<String>, Option<String>)| {
            let found = id.is_some() || name.is_some();
            EntitlementRef { kind: found.then_some(kind), id: id.or(name.clone()), name }
        };
        if verb.starts_with("group.") || verb.ends_with(".group") {
            return of(
                EntitlementKind::Group,
                self.ends(&["Group"], &["Group.ObjectID"], &["Group.DisplayName"]),
            );
        }
        if verb.starts_with("role.") {
            // The template's id is the same in every tenant and in both logs that tell of a role.
            let ids = ["Role.TemplateId", "Role.ObjectID"];
            return of(EntitlementKind::Role, self.ends(&["Role"], &ids, &["Role.DisplayName"]));
        }
        if verb.starts_with("app.assign") || verb.starts_with("app.unassign") {
            let AppRef { id, name } = self.app(&Verb::new("app."));
            return of(EntitlementKind::App, (id, name));
        }
        if verb.starts_with("access.") {
            let package = self.resources.iter().find(|target| {
                json::text_ci(target, &["type"])
                    .is_some_and(|kind| kind.to_ascii_lowercase().contains("package"))
            });
            let field = |key: &str| package.and_then(|target| json::text_ci(target, &[key]));
            return of(EntitlementKind::Permission, (field("id"), field("displayName")));
        }
        EntitlementRef::default()
    }

    /// Id and name of the first target of one of `types`, else from the modified properties.
    fn ends(&self, types: &[&str], ids: &[&str], names: &[&str]) -> (Option<String>, Option<String>) {
        let target = self.typed(types);
        let field = |key: &str| target.and_then(|target| json::text_ci(target, &[key]));
        (field("id").or_else(|| self.modified(ids)), field("displayName").or_else(|| self.modified(names)))
    }

    fn typed(&self, types: &[&str]) -> Option<&Value> {
        let is = |target: &&Value| {
            let kind = json::text_ci(target, &["type"]).unwrap_or_default();
            types.iter().any(|name| name.eq_ignore_ascii_case(&kind))
        };
        self.resources.iter().find(is)
    }

    /// The first of `names` among the modified properties: the new value, or on removal the old.
    fn modified(&self, names: &[&str]) -> Option<String> {
        let named = |name: &&str| {
            let change = self.changes.iter().find(|change| change.attribute.eq_ignore_ascii_case(name))?;
            change.to.clone().or(change.from.clone())
        };
        names.iter().find_map(named)
    }

    fn new_value(&self, name: &str) -> Option<String> {
        self.changes.iter().find(|change| change.attribute.eq_ignore_ascii_case(name))?.to.clone()
    }
}

/// The user in Microsoft 365's list of target ids: its entries of type 5 are principal
/// names, and one of type 2 is `User_` and the object id.
fn microsoft_365_user(record: &Record) -> Option<(Option<String>, Option<String>)> {
    let targets = record.items(&["Target"]);
    let texts = |kind: &'static str| {
        let of_kind = move |item: &&Value| json::text_ci(item, &["Type"]).is_some_and(|found| found == kind);
        targets.iter().filter(of_kind).filter_map(|item| json::text_ci(item, &["ID"]))
    };
    let id = texts("2").find_map(|text| text.strip_prefix("User_").map(str::to_owned));
    let name = texts("5").next();
    (id.is_some() || name.is_some()).then_some((id, name))
}
