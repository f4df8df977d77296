//! `apps/<app_id>/accounts_<date>.csv` and `grants_<date>.csv`: full exports with the headers
//! that products really write. One set of columns a style; the last use is left out where the
//! application does not record it.

use super::{Folder, csv};
use crate::domain::{AccountClass, UtcMicros};
use crate::simulate::Error;
use crate::simulate::calendar::{HOUR, date_of, plain, seconds};
use crate::simulate::world::{Account, App, Style, World};

/// The application whose export has local time, in one noise switch; and so on for the others.
const LOCAL_TIME_APP: usize = 12;
const LATIN_APP: usize = 11;
const TRUNCATED_APP: usize = 13;

pub fn write(world: &World, folder: &mut Folder) -> Result<(), Error> {
    let mut of_app: Vec<Vec<&Account>> = vec![Vec::new(); world.apps.len()];
    world.accounts.iter().for_each(|account| of_app[account.app].push(account));
    for (index, app) in world.apps.iter().enumerate() {
        for (n, listed_at) in world.listings(app).into_iter().enumerate() {
            let accounts: Vec<&Account> =
                of_app[index].iter().copied().filter(|account| account.exists_at(listed_at)).collect();
            let name = |kind: &str| format!("apps/{}/{kind}_{}.csv", app.id, date_of(listed_at));
            let content = spoil(world, index, n, account_file(world, index, &accounts, listed_at)?);
            folder.put(&name("accounts"), &content)?;
            if app.grants_listed {
                folder.put(&name("grants"), &grant_file(app, &accounts, listed_at)?)?;
            }
        }
    }
    Ok(())
}

fn spoil(world: &World, app: usize, listing: usize, mut content: Vec<u8>) -> Vec<u8> {
    let noise = world.plan.noise;
    if noise.truncated_line && app == TRUNCATED_APP && listing == 0 {
        content.truncate(content.len().saturating_sub(25));
    }
    if noise.mixed_encodings && app == LATIN_APP {
        let text = String::from_utf8_lossy(&content).into_owned();
        content = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
    }
    content
}

/// A column: its header, and its text for an account at the instant of the listing.
type Column = (&'static str, fn(&Account, &Shown) -> String);

/// What a listing shows of an account beyond its own fields.
struct Shown {
    active: bool,
    used: Option<UtcMicros>,
    shift: i64,
}

fn account_file(
    world: &World,
    index: usize,
    accounts: &[&Account],
    listed_at: UtcMicros,
) -> Result<Vec<u8>, Error> {
    let app = &world.apps[index];
    let shift = if index == LOCAL_TIME_APP && world.plan.noise.local_time { -4 * HOUR } else { 0 };
    let columns: Vec<Column> = columns(app.style)
        .iter()
        .filter(|(header, _)| app.activity_supported || !LAST_USE.contains(header))
        .copied()
        .collect();
    let rows: Vec<Vec<String>> = accounts
        .iter()
        .map(|account| {
            let (active, used) = (account.active_at(listed_at), account.last_use_by(listed_at));
            let shown = Shown { active, used, shift };
            columns.iter().map(|(_, text)| text(account, &shown)).collect()
        })
        .collect();
    csv(&columns.iter().map(|(header, _)| *header).collect::<Vec<_>>(), &rows)
}

/// Headers of last use: left out where use is not recorded.
const LAST_USE: [&str; 8] = [
    "lastLogin",
    "lastLoginTime",
    "LastLoginDate",
    "last_active",
    "Last seen in Jira",
    "last_login_time",
    "Last active",
    "LAST_SUCCESS_LOGIN",
];

fn columns(style: Style) -> &'static [Column] {
    match style {
        Style::Okta => &[
            ("id", |a, _| a.id.clone()),
            ("login", |a, _| a.name.clone()),
            ("email", email),
            ("displayName", |a, _| a.display_name.clone()),
            ("status", |a, s| match (s.active, a.suspended_at) {
                (true, _) => "ACTIVE".to_owned(),
                (false, Some(_)) => "SUSPENDED".to_owned(),
                (false, None) => "DEPROVISIONED".to_owned(),
            }),
            ("created", |a, _| seconds(a.created_at)),
            ("lastLogin", |_, s| s.used.map(seconds).unwrap_or_default()),
            ("employeeNumber", employee),
        ],
        Style::Google => &[
            ("id", |a, _| a.id.clone()),
            ("primaryEmail", email),
            ("name.fullName", |a, _| a.display_name.clone()),
            ("suspended", |_, s| (!s.active).to_string()),
            ("creationTime", |a, _| seconds(a.created_at)),
            ("lastLoginTime", |_, s| s.used.map(seconds).unwrap_or_else(|| "Never".to_owned())),
        ],
        Style::Salesforce => &[
            ("Id", |a, _| a.id.clone()),
            ("Username", |a, _| a.name.clone()),
            ("Email", email),
            ("Name", |a, _| a.display_name.clone()),
            ("IsActive", |_, s| s.active.to_string()),
            ("UserType", |_, _| "Standard".to_owned()),
            ("CreatedDate", |a, s| time(a.created_at, s)),
            ("LastLoginDate", |_, s| s.used.map(|at| time(at, s)).unwrap_or_default()),
            ("FederationIdentifier", |a, _| a.external_id.clone().unwrap_or_default()),
            ("EmployeeNumber", employee),
        ],
        Style::GitHub => &[
            ("id", |a, _| a.id.clone()),
            ("login", |a, _| a.name.clone()),
            ("name", |a, _| a.display_name.clone()),
            ("email", email),
            ("role", |_, _| "member".to_owned()),
            ("suspended", |_, s| (!s.active).to_string()),
            ("saml_name_id", email),
            ("created_at", |a, _| seconds(a.created_at)),
            ("last_active", |_, s| s.used.map(seconds).unwrap_or_default()),
            ("2fa_enabled", |_, _| "true".to_owned()),
        ],
        Style::Jira => &[
            ("User id", |a, _| a.id.clone()),
            ("User name", |a, _| a.display_name.clone()),
            ("email", email),
            ("User status", |_, s| if s.active { "Active" } else { "Deactivated" }.to_owned()),
            ("Added to org", |a, _| date_of(a.created_at).to_string()),
            ("Last seen in Jira", |_, s| s.used.map(plain).unwrap_or_else(|| "Never".to_owned())),
        ],
        Style::ServiceNow => &[
            ("sys_id", |a, _| a.id.clone()),
            ("user_name", |a, _| a.name.clone()),
            ("name", |a, _| a.display_name.clone()),
            ("email", email),
            ("employee_number", employee),
            ("active", |_, s| s.active.to_string()),
            ("locked_out", |_, _| "false".to_owned()),
            ("sys_created_on", |a, _| plain(a.created_at)),
            ("last_login_time", |_, s| s.used.map(plain).unwrap_or_default()),
        ],
        Style::Slack => &[
            ("Member ID", |a, _| a.id.clone()),
            ("Username", |a, _| a.name.clone()),
            ("Email", email),
            ("Full name", |a, _| a.display_name.clone()),
            ("Account type", |a, _| match a.class {
                AccountClass::Guest => "Guest".to_owned(),
                AccountClass::Bot | AccountClass::Service | AccountClass::AiAgent => "Bot".to_owned(),
                _ => "Member".to_owned(),
            }),
            ("Status", |_, s| if s.active { "Active" } else { "Deactivated" }.to_owned()),
            ("Account created", |a, _| seconds(a.created_at)),
            ("Last active", |_, s| s.used.map(seconds).unwrap_or_default()),
            ("Expiration date", |a, _| a.expires_at.map(seconds).unwrap_or_default()),
        ],
        Style::Snowflake => &[
            ("USER_ID", |a, _| a.id.clone()),
            ("NAME", |a, _| a.name.clone()),
            ("LOGIN_NAME", |a, _| a.name.clone()),
            ("DISPLAY_NAME", |a, _| a.display_name.clone()),
            ("EMAIL", email),
            ("DISABLED", |_, s| (!s.active).to_string()),
            ("HAS_PASSWORD", |a, _| a.local_login.to_string()),
            ("CREATED_ON", |a, _| seconds(a.created_at)),
            ("LAST_SUCCESS_LOGIN", |_, s| s.used.map(seconds).unwrap_or_default()),
            ("EXPIRES_AT", |a, _| a.expires_at.map(seconds).unwrap_or_default()),
        ],
    }
}

fn email(account: &Account, _: &Shown) -> String {
    account.email.clone().unwrap_or_default()
}

fn employee(account: &Account, _: &Shown) -> String {
    account.employee_id.clone().unwrap_or_default()
}

/// RFC 3339 in UTC, or local time that does not say so.
fn time(at: UtcMicros, shown: &Shown) -> String {
    if shown.shift == 0 { seconds(at) } else { plain(UtcMicros(at.0 + shown.shift)) }
}

fn grant_file(app: &App, accounts: &[&Account], listed_at: UtcMicros) -> Result<Vec<u8>, Error> {
    let header = match app.style {
        Style::Salesforce | Style::Jira => {
            ["User ID", "Username", "Permission Set ID", "Permission Set", "Assigned On", "Expires On"]
        }
        Style::GitHub | Style::Snowflake => {
            ["user_id", "login", "role_id", "role", "granted_at", "expires_at"]
        }
        _ => ["Account ID", "Account Name", "Group ID", "Group Name", "Granted At", "Expires At"],
    };
    // Where licences are sold in tiers, the export says what each line is and when it was used.
    let tiered = app.entitlements.iter().any(|entitlement| entitlement.kind == "licence");
    let header: Vec<&str> = header
        .into_iter()
        .chain(["Entitlement Type", "Last Used At"].into_iter().filter(|_| tiered))
        .collect();
    let mut rows = Vec::new();
    for account in accounts.iter().filter(|account| account.active_at(listed_at)) {
        for grant in account.grants.iter().filter(|grant| grant.granted_at <= listed_at) {
            let entitlement = &app.entitlements[grant.entitlement];
            let mut row = vec![
                account.id.clone(),
                account.name.clone(),
                entitlement.id.clone(),
                entitlement.name.clone(),
                seconds(grant.granted_at),
                grant.expires_at.map(seconds).unwrap_or_default(),
            ];
            if tiered {
                let used = grant.last_used_at.filter(|at| *at <= listed_at);
                row.extend([entitlement.kind.to_owned(), used.map(seconds).unwrap_or_default()]);
            }
            rows.push(row);
        }
    }
    csv(&header, &rows)
}
