//! The applications: how each is reached, provisioned and exported, and what can be held in it.

use rand::Rng;

use super::Plan;
use super::names::APPS;
use super::stream::{letters, stream};
use super::world::{App, Entitlement, Provisioning, Style};

/// Applications with a part in the play; positions in `names::APPS`.
pub const OKTA: usize = 0;
pub const GOOGLE: usize = 1;
/// The provider's side of SCIM is logged here.
pub const SCIM_LOGGED: [usize; 5] = [2, 3, 4, 5, 8];
pub const SLACK: usize = 2;
pub const SERVICENOW: usize = 3;
pub const SALESFORCE: usize = 4;
pub const JIRA: usize = 5;
pub const EXPENSES: usize = 7;
pub const NETSUITE: usize = 8;
/// Outside the identity provider, with no record of use.
pub const LEGACY_WIKI: usize = 9;
/// Provisioned by Entra.
pub const WAREHOUSE: usize = 17;
/// Outside the identity provider; guests are invited here.
pub const WHITEBOARD: usize = 18;

const STYLES: [Style; 6] =
    [Style::Salesforce, Style::GitHub, Style::Jira, Style::ServiceNow, Style::Slack, Style::Snowflake];
const FUNCTIONS: [&str; 10] = [
    "Reports",
    "Exports",
    "Approvals",
    "Billing",
    "Integrations",
    "Templates",
    "Dashboards",
    "Workflows",
    "Archive",
    "Automation",
];

/// 60 applications for 1,000 people, 211 for 10,000 (learning reference §5.1).
pub fn apps(plan: &Plan, departments: &[String]) -> Vec<App> {
    let count = (60.0 * (f64::from(plan.people) / 1000.0).powf(0.546)).round() as usize;
    (0..count.max(APPS.len())).map(|index| app(plan, index, departments)).collect()
}

fn app(plan: &Plan, index: usize, departments: &[String]) -> App {
    let rng = &mut stream(plan.seed, &format!("app/{index}"));
    let (id, name) = match APPS.get(index) {
        Some((id, name)) => ((*id).to_owned(), (*name).to_owned()),
        None => (format!("line_app_{index}"), format!("Line App {index}")),
    };
    let (idp_managed, sso_only, provisioning, activity_supported) = access(index);
    let idp_app_id = match provisioning {
        Provisioning::Entra => Some(super::stream::uuid(rng)),
        _ if idp_managed => Some(format!("0oa{}", letters(rng, 17))),
        _ => None,
    };
    App {
        id,
        name,
        idp_app_id,
        style: style(index),
        idp_managed,
        sso_only,
        provisioning,
        activity_supported,
        soft_delete: index != LEGACY_WIKI,
        everyone: (1..=5).contains(&index) || index == EXPENSES,
        owner: rng.gen_range(0..(plan.people as usize / 4).clamp(1, 16)),
        entitlements: if index <= GOOGLE { Vec::new() } else { entitlements(rng, index, departments) },
        listed_days_ago: [7, 1],
        grants_listed: index > GOOGLE,
    }
}

/// Seven in ten sit behind the identity provider; the rest are provisioned by Entra, known
/// by export only, or silent about use.
fn access(index: usize) -> (bool, bool, Provisioning, bool) {
    match index {
        OKTA | GOOGLE => return (false, false, Provisioning::None, true),
        LEGACY_WIKI => return (false, false, Provisioning::None, false),
        EXPENSES | WAREHOUSE => return (false, false, Provisioning::Entra, true),
        WHITEBOARD => return (false, false, Provisioning::None, true),
        _ if SCIM_LOGGED.contains(&index) => {
            return (true, index == SLACK, Provisioning::ScimLog, true);
        }
        _ => {}
    }
    match index % 10 {
        7 => (false, false, Provisioning::Entra, true),
        8 => (false, false, Provisioning::None, true),
        9 => (false, false, Provisioning::None, false),
        digit @ (3 | 6) => (true, digit == 3, Provisioning::None, true),
        digit => (true, digit < 3, Provisioning::Okta, true),
    }
}

fn style(index: usize) -> Style {
    match index {
        OKTA => Style::Okta,
        GOOGLE => Style::Google,
        SLACK | WHITEBOARD => Style::Slack,
        SERVICENOW | NETSUITE => Style::ServiceNow,
        SALESFORCE => Style::Salesforce,
        JIRA => Style::Jira,
        6 => Style::GitHub,
        10 | WAREHOUSE => Style::Snowflake,
        _ => STYLES[index % STYLES.len()],
    }
}

/// Everyone's, one a department, functions in a heavy-tailed number, and two that are privileged:
/// `admin` for the tenant and `operator`, which is activated just in time.
fn entitlements(rng: &mut impl Rng, index: usize, departments: &[String]) -> Vec<Entitlement> {
    let mut all = vec![entitlement("member", "Member", "role")];
    for department in departments.iter().take(if index <= EXPENSES { departments.len() } else { 3 }) {
        let slug = department.to_lowercase().replace(' ', "-");
        all.push(entitlement(&format!("team-{slug}"), &format!("{department} team"), "group"));
    }
    let functions = rng.gen_range(2..7) + if rng.gen_bool(0.1) { rng.gen_range(5..40) } else { 0 };
    for n in 0..functions {
        let name = FUNCTIONS[n % FUNCTIONS.len()];
        let number =
            if n < FUNCTIONS.len() { String::new() } else { format!(" {}", n / FUNCTIONS.len() + 1) };
        let id = format!("fn-{}{}", name.to_lowercase(), number.replace(' ', "-"));
        all.push(entitlement(&id, &format!("{name}{number}"), "permission"));
    }
    if index == NETSUITE {
        for (id, name) in SOD_SIDES {
            all.push(entitlement(id, name, "permission"));
        }
    }
    all.push(Entitlement {
        privileged: true,
        tenant_admin: true,
        ..entitlement("admin", "Tenant Administrator", "role")
    });
    all.push(Entitlement {
        privileged: true,
        jit: true,
        ..entitlement("operator", "Operator (just in time)", "role")
    });
    if index == SALESFORCE {
        all.push(entitlement(PREMIUM, "Premium", "licence"));
    }
    all
}

/// The dearer of two tiers, which one application has.
pub const PREMIUM: &str = "premium";

/// Finance holds the first two apart from the last two.
pub const SOD_SIDES: [(&str, &str); 4] = [
    ("vendor-create", "Create vendor"),
    ("payment-approve", "Approve payment"),
    ("journal-post", "Post journal"),
    ("journal-approve", "Approve journal"),
];

fn entitlement(id: &str, name: &str, kind: &'static str) -> Entitlement {
    Entitlement {
        id: id.to_owned(),
        name: name.to_owned(),
        kind,
        privileged: false,
        tenant_admin: false,
        jit: false,
        sensitivity: "low",
    }
}

impl App {
    /// The position of an entitlement; the first one's for an id that is not there.
    pub fn entitlement(&self, id: &str) -> usize {
        self.entitlements.iter().position(|entitlement| entitlement.id == id).unwrap_or(0)
    }
}
