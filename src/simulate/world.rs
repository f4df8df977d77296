//! The organisation as it truly is: the clean state from which files are written and labels
//! are worked out. Plain data; who fills it is `population`, `apps`, `accounts` and `faults`.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Plan;
use super::calendar::{DAY, date_of, end_of, midnight, plus_days};
use super::names::LOCATIONS;
use crate::domain::{AccountClass, EmploymentKind, UtcMicros};

/// Later than any end of a plan: a span that still runs.
pub const OPEN: UtcMicros = UtcMicros(i64::MAX);

pub struct World {
    pub plan: Plan,
    pub start_at: UtcMicros,
    pub zones: Vec<TimeZone>,
    pub departments: Vec<String>,
    pub people: Vec<Person>,
    pub apps: Vec<App>,
    pub accounts: Vec<Account>,
    pub tokens: Vec<Token>,
    pub owned: Vec<Owned>,
    pub sponsors: Vec<Sponsored>,
    pub sod_rules: Vec<SodRule>,
    pub exceptions: Vec<Exemption>,
    pub bursts: Vec<Burst>,
    /// Code and subject of what a fault set out to plant.
    pub planted: BTreeSet<(&'static str, String)>,
}

pub struct Person {
    pub id: String,
    pub first: String,
    pub last: String,
    pub login: String,
    pub email: String,
    /// The address before a change of name, and the day of the change.
    pub former_email: Option<(String, Date)>,
    pub location: usize,
    pub kind: EmploymentKind,
    pub story: Story,
    pub manager: Option<usize>,
    pub employments: Vec<Employment>,
    /// First day of a long leave that still runs.
    pub leave_from: Option<Date>,
    /// Rosters from this day on leave the person out.
    pub vanished_on: Option<Date>,
}

pub struct Employment {
    pub employee_id: String,
    pub company: usize,
    pub department: usize,
    /// Department before a move, and the day of the move.
    pub moved: Option<(usize, Date)>,
    pub title: &'static str,
    pub start: Date,
    /// Last day, at the place of work.
    pub end: Option<Date>,
    /// The first day on which a roster shows the end.
    pub end_known_on: Date,
    /// Days on which rosters show an end that was withdrawn later.
    pub withdrawn: Option<(Date, Date, Date)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    Steady,
    Leaver,
    /// A leaver of whom HR told late; the person had stopped in time.
    BackDated,
    RehiredSameId,
    RehiredNewId,
    Transferred,
    OnLeave,
    Suspended,
    EndWithdrawn,
    Renamed,
    /// The last date whose grace is over at the end of the plan, far east or far west.
    BoundaryPast,
    /// One day later: the grace still runs.
    BoundaryOpen,
}

pub struct App {
    pub id: String,
    pub name: String,
    pub idp_app_id: Option<String>,
    pub style: Style,
    pub idp_managed: bool,
    pub sso_only: bool,
    pub provisioning: Provisioning,
    pub activity_supported: bool,
    pub soft_delete: bool,
    pub everyone: bool,
    pub owner: usize,
    pub entitlements: Vec<Entitlement>,
    /// Days before the end at which the export was taken, oldest first.
    pub listed_days_ago: [i64; 2],
    pub grants_listed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioning {
    None,
    /// Okta pushes; its own log is the evidence.
    Okta,
    /// Okta pushes; the application's SCIM request log is the evidence.
    ScimLog,
    Entra,
}

/// Days from a roster to the last one: one a month, then one a week.
const ROSTERS_DAYS_AGO: [i64; 10] = [185, 155, 125, 95, 65, 35, 21, 14, 7, 0];

/// Whose export an application's export looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Okta,
    Google,
    Salesforce,
    GitHub,
    Jira,
    ServiceNow,
    Slack,
    Snowflake,
}

pub struct Entitlement {
    pub id: String,
    pub name: String,
    pub kind: &'static str,
    pub privileged: bool,
    pub tenant_admin: bool,
    pub jit: bool,
    pub sensitivity: &'static str,
}

pub struct Account {
    pub app: usize,
    pub id: String,
    pub name: String,
    pub display_name: String,
    pub email: Option<String>,
    pub external_id: Option<String>,
    pub employee_id: Option<String>,
    pub person: Option<usize>,
    pub class: AccountClass,
    pub created_at: UtcMicros,
    /// When it could be used, in order; the last may be open.
    pub spans: Vec<(UtcMicros, UtcMicros)>,
    pub suspended_at: Option<UtcMicros>,
    pub deleted_at: Option<UtcMicros>,
    pub expires_at: Option<UtcMicros>,
    pub local_login: bool,
    /// When the identity provider assigns the application, in order.
    pub assignments: Vec<(UtcMicros, UtcMicros)>,
    pub grants: Vec<Grant>,
    pub habit: Habit,
    /// Successful uses, ascending.
    pub uses: Vec<UtcMicros>,
    pub failures: Vec<UtcMicros>,
    /// Deactivations that were sent and failed.
    pub failed_deactivations: Vec<UtcMicros>,
}

/// How an account is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    Regular,
    Never,
    /// Regular until this instant, silent after it.
    Until(UtcMicros),
    /// Regular, with a local password rather than through the identity provider.
    Local,
    /// As a person who works here would, and once more at this instant.
    UntilEndAndAt(UtcMicros),
}

#[derive(Clone, Copy)]
pub struct Grant {
    pub entitlement: usize,
    pub granted_at: UtcMicros,
    pub expires_at: Option<UtcMicros>,
    /// Where the application records the use of what is held: of licences.
    pub last_used_at: Option<UtcMicros>,
}

pub struct Token {
    pub id: String,
    pub app: usize,
    pub kind: &'static str,
    pub owner: String,
    /// The person who is the owner, where it is one.
    pub owner_person: Option<usize>,
    pub created_at: UtcMicros,
    pub rotated_at: Option<UtcMicros>,
}

/// An object and its owner, as the register of owners has it.
pub struct Owned {
    pub kind: &'static str,
    pub id: String,
    pub app: Option<usize>,
    pub owner: usize,
}

/// A non-human account and the people who answer for it.
pub struct Sponsored {
    pub account: usize,
    pub sponsors: Vec<usize>,
    pub purpose: &'static str,
}

pub struct SodRule {
    pub id: &'static str,
    pub title: &'static str,
    pub app: usize,
    pub side_a: usize,
    pub side_b: usize,
}

/// A line of the register of exceptions.
pub struct Exemption {
    pub kind: &'static str,
    pub subject: String,
    pub app: Option<usize>,
    pub account: Option<usize>,
    pub person: Option<usize>,
    pub reason: &'static str,
    pub valid_from: UtcMicros,
    pub valid_until: UtcMicros,
}

/// Many profile updates in a short time, some of which failed.
pub struct Burst {
    pub app: usize,
    pub from: UtcMicros,
    pub operations: u32,
    pub failures: u32,
}

impl World {
    pub fn end_at(&self) -> UtcMicros {
        self.plan.end_at
    }

    /// The end of the plan moved back by days.
    pub fn days_ago(&self, days: i64) -> UtcMicros {
        UtcMicros(self.plan.end_at.0 - days * DAY)
    }

    pub fn zone(&self, person: usize) -> &TimeZone {
        &self.zones[self.people[person].location]
    }

    /// First instant after an employment, as HR's date-only end means it.
    pub fn employment_end(&self, person: usize, employment: &Employment) -> Option<UtcMicros> {
        employment.end.map(|end| end_of(end, self.zone(person)))
    }

    pub fn employed_at(&self, person: usize, at: UtcMicros) -> bool {
        self.people[person].employments.iter().any(|employment| {
            let start = super::calendar::instant(employment.start, 0, self.zone(person));
            start <= at && self.employment_end(person, employment).is_none_or(|end| at < end)
        })
    }

    /// When the last employment that is over at `at` ended, for a person who works here no more.
    pub fn left_at(&self, person: usize, at: UtcMicros) -> Option<UtcMicros> {
        if self.employed_at(person, at) {
            return None;
        }
        let employments = &self.people[person].employments;
        employments.iter().filter_map(|e| self.employment_end(person, e)).filter(|end| *end <= at).max()
    }

    /// `<app_id>/<account_id>`, the subject text of an account.
    pub fn account_subject(&self, account: &Account) -> String {
        format!("{}/{}", self.apps[account.app].id, account.id)
    }

    pub fn grant_subject(&self, account: &Account, grant: &Grant) -> String {
        let entitlement = &self.apps[account.app].entitlements[grant.entitlement];
        format!("{}/{}", self.account_subject(account), entitlement.id)
    }

    /// A person's account in the identity provider: these come first, in the order of people.
    pub fn okta_account(&self, person: usize) -> &Account {
        &self.accounts[person]
    }

    /// Positions of each person's accounts, in the order of people.
    pub fn accounts_by_person(&self) -> Vec<Vec<usize>> {
        let mut found = vec![Vec::new(); self.people.len()];
        for (index, account) in self.accounts.iter().enumerate() {
            if let Some(person) = account.person {
                found[person].push(index);
            }
        }
        found
    }

    /// A declared exception of this kind that holds at the end.
    pub fn exempt(&self, kind: &str, account: usize) -> bool {
        let person = self.accounts[account].person;
        self.exceptions.iter().any(|line| {
            let same = line.account == Some(account) || line.person.is_some() && line.person == person;
            line.kind == kind && same && line.valid_from <= self.end_at() && self.end_at() < line.valid_until
        })
    }

    /// The instants at which an application's exports were taken, oldest first: midnights,
    /// because the files' names carry only dates.
    pub fn listings(&self, app: &App) -> [UtcMicros; 2] {
        app.listed_days_ago.map(|days| midnight(plus_days(self.last_date(), 1 - days)))
    }

    /// The dates of the rosters, oldest first.
    pub fn rosters(&self) -> [Date; ROSTERS_DAYS_AGO.len()] {
        ROSTERS_DAYS_AGO.map(|days| plus_days(self.last_date(), -days))
    }

    /// The last date that begins at least a few hours before the end of the plan.
    pub fn last_date(&self) -> Date {
        date_of(UtcMicros(self.plan.end_at.0 - super::calendar::HOUR))
    }
}

impl Account {
    pub fn active_at(&self, at: UtcMicros) -> bool {
        self.suspended_at.is_none_or(|suspended| at < suspended)
            && self.spans.iter().any(|(from, to)| *from <= at && at < *to)
    }

    pub fn exists_at(&self, at: UtcMicros) -> bool {
        self.created_at <= at && self.deleted_at.is_none_or(|deleted| at < deleted)
    }

    pub fn assigned_at(&self, at: UtcMicros) -> bool {
        self.assignments.iter().any(|(from, to)| *from <= at && at < *to)
    }

    pub fn last_use_by(&self, at: UtcMicros) -> Option<UtcMicros> {
        self.uses.iter().rev().find(|used| **used <= at).copied()
    }
}

/// Zones of the locations, in their order.
pub fn zones() -> Vec<TimeZone> {
    LOCATIONS.iter().map(|(_, name)| TimeZone::get(name).unwrap_or(TimeZone::UTC)).collect()
}
