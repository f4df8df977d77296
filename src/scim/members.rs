//! Who joins and who leaves a group, in all the forms in which PATCH says it.
//!
//! Takes one operation on `members`, gives the members added and removed. It does not
//! know who was a member before, so "remove all" is said as such.

use serde_json::Value;

use super::Deviation;
use super::attribute;
use super::deviation as code;
use super::filter::Filter;
use super::patch::Operation;

/// A member as a request or a resource names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    pub id: String,
    pub name: Option<String>,
    /// The member is itself a group.
    pub nested: bool,
}

/// What a request does to the members of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberEdit {
    pub added: Vec<Member>,
    pub removed: Vec<Member>,
    /// Whoever is not in `added` is no longer a member.
    pub rest_removed: bool,
}

impl MemberEdit {
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && !self.rest_removed
    }

    /// Notes one operation whose path is `members` or `members[filter]`.
    pub fn apply(
        &mut self,
        operation: Operation,
        filter: Option<&Filter>,
        value: Option<&Value>,
        deviations: &mut Vec<Deviation>,
    ) {
        let named = value.map(|value| members(value, deviations)).unwrap_or_default();
        match (operation, filter) {
            (Operation::Remove, Some(filter)) => {
                let sought = filter.texts_sought("value").into_iter();
                self.removed.extend(sought.map(|id| Member { id: id.to_string(), ..Member::default() }));
            }
            (Operation::Remove, None) if !named.is_empty() => {
                let detail = format!("remove members with {} values", named.len());
                deviations.push(Deviation::new(code::REMOVE_WITH_VALUE, detail));
                self.removed.extend(named);
            }
            (Operation::Remove, None) => self.rest_removed = true,
            (Operation::Replace, None) => {
                self.rest_removed = true;
                self.added = named;
            }
            (Operation::Add | Operation::Replace, _) => self.added.extend(named),
        }
    }
}

/// The members in the value of `members`: a list or one, objects or bare ids.
pub fn members(value: &Value, deviations: &mut Vec<Deviation>) -> Vec<Member> {
    match value {
        Value::Array(items) => items.iter().filter_map(|item| member(item, deviations)).collect(),
        one => member(one, deviations).into_iter().collect(),
    }
}

fn member(value: &Value, deviations: &mut Vec<Deviation>) -> Option<Member> {
    if let Some(id) = attribute::scalar(value) {
        deviations.push(Deviation::new(code::MEMBER_AS_TEXT, format!("member \"{id}\" as bare text")));
        return Some(Member { id, ..Member::default() });
    }
    let reference = attribute::text(value, "$ref");
    let at_end = |url: &String| url.trim_end_matches('/').rsplit('/').next().map(str::to_string);
    let id = attribute::text(value, "value").or_else(|| reference.as_ref().and_then(at_end))?;
    let kind = attribute::text(value, "type");
    let nested = match kind {
        Some(kind) => kind.eq_ignore_ascii_case("group"),
        None => reference.is_some_and(|url| url.to_ascii_lowercase().contains("/groups/")),
    };
    let name = attribute::text(value, "display").or_else(|| attribute::text(value, "displayName"));
    Some(Member { id, name, nested })
}
