//! `google/activity_<yyyy-mm>.ndjson`: Google Workspace's admin and login activities. Accounts
//! are named by their address, as the admin console's own export names them.

use rand::Rng;
use serde_json::json;

use super::Folder;
use crate::domain::UtcMicros;
use crate::simulate::Error;
use crate::simulate::apps::GOOGLE;
use crate::simulate::calendar::{DAY, millis, month};
use crate::simulate::noise::skew;
use crate::simulate::stream::stream;
use crate::simulate::world::World;

const ADMIN: &str = "workspace-admin@harbour.example";

pub fn write(world: &World, folder: &mut Folder) -> Result<(), Error> {
    let mut events: Vec<(UtcMicros, &'static str, &str)> = Vec::new();
    for account in world.accounts.iter().filter(|a| a.app == GOOGLE) {
        let mut add = |at: UtcMicros, name| events.push((at, name, account.id.as_str()));
        for (n, (from, to)) in account.spans.iter().enumerate() {
            add(
                if n == 0 { account.created_at } else { *from },
                if n == 0 { "CREATE_USER" } else { "UNSUSPEND_USER" },
            );
            add(*to, "SUSPEND_USER");
        }
        // Aliases and passwords are seen to about every 90 days.
        for (from, to) in &account.spans {
            let rng = &mut stream(world.plan.seed, &format!("google/upkeep/{}/{}", account.id, from.0));
            let mut at = from.0 + rng.gen_range(DAY..90 * DAY);
            while at < to.0.min(world.end_at().0) {
                add(UtcMicros(at), "CHANGE_PASSWORD");
                at += rng.gen_range(60 * DAY..120 * DAY);
            }
        }
        account.deleted_at.into_iter().for_each(|at| add(at, "DELETE_USER"));
        account.uses.iter().for_each(|at| add(*at, "login_success"));
        account.failures.iter().for_each(|at| add(*at, "login_failure"));
    }
    events.retain(|(at, ..)| *at >= world.start_at && *at < world.end_at());
    events.sort_unstable();
    let skew = skew(world.plan.seed, world.plan.noise, "google");
    let rng = &mut stream(world.plan.seed, "google/qualifiers");
    for (at, name, email) in events {
        let at = UtcMicros((at.0 + skew).clamp(world.start_at.0, world.end_at().0 - 1));
        let line =
            line(at, name, email, rng.gen_range(-4_000_000_000_000_000_000..4_000_000_000_000_000_000));
        folder.log(&format!("google/activity_{}.ndjson", month(at)), &line)?;
    }
    folder.close()
}

fn line(at: UtcMicros, name: &str, email: &str, qualifier: i64) -> String {
    let login = name.starts_with("login");
    let (application, actor) = if login { ("login", email) } else { ("admin", ADMIN) };
    let event = if login {
        let parameters = json!([{"name": "login_type", "value": "google_password"}]);
        json!({"type": "login", "name": name, "parameters": parameters})
    } else {
        let parameters = json!([{"name": "USER_EMAIL", "value": email}]);
        json!({"type": "USER_SETTINGS", "name": name, "parameters": parameters})
    };
    json!({
        "kind": "admin#reports#activity",
        "id": {"time": millis(at), "uniqueQualifier": qualifier.to_string(), "applicationName": application,
            "customerId": "C02harbour"},
        "actor": {"callerType": "USER", "email": actor},
        "ipAddress": "198.18.240.7",
        "events": [event],
    })
    .to_string()
}
