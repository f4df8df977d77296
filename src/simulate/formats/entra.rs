//! `entra/provisioning_<yyyy-mm>.ndjson`: Entra's provisioning log in the form of Azure Monitor,
//! for the applications that Entra provisions.

use serde_json::json;

use super::Folder;
use crate::domain::UtcMicros;
use crate::simulate::Error;
use crate::simulate::calendar::{DAY, MINUTE, month, seconds};
use crate::simulate::stream::{Stream, stream, uuid};
use crate::simulate::world::{App, Provisioning, World};

const TENANT: &str = "3c6f2f0e-6d58-4f0b-9a57-2f6d1f4b7a10";

struct Operation {
    at: UtcMicros,
    account: usize,
    action: &'static str,
    failed: bool,
}

pub fn write(world: &World, folder: &mut Folder) -> Result<(), Error> {
    let mut operations = Vec::new();
    for (index, app) in world.apps.iter().enumerate() {
        if app.provisioning == Provisioning::Entra {
            lives(world, index, &mut operations);
            updates(world, index, &mut operations);
        }
    }
    operations.retain(|o| o.at >= world.start_at && o.at < world.end_at());
    operations.sort_by_key(|o| (o.at, o.account));
    let rng = &mut stream(world.plan.seed, "entra/ids");
    for operation in &operations {
        let name = format!("entra/provisioning_{}.ndjson", month(operation.at));
        folder.log(&name, &line(rng, world, operation))?;
    }
    folder.close()
}

fn lives(world: &World, app: usize, operations: &mut Vec<Operation>) {
    let of_app = |(_, a): &(usize, &_)| -> bool {
        let account: &crate::simulate::world::Account = a;
        account.app == app && account.person.is_some()
    };
    for (index, account) in world.accounts.iter().enumerate().filter(of_app) {
        for (n, (from, to)) in account.spans.iter().enumerate() {
            let action = if n == 0 { "create" } else { "update" };
            let opened = if n == 0 { account.created_at } else { *from };
            operations.push(Operation { at: opened, account: index, action, failed: false });
            operations.push(Operation { at: *to, account: index, action: "disable", failed: false });
        }
        for at in &account.failed_deactivations {
            operations.push(Operation { at: *at, account: index, action: "disable", failed: true });
        }
    }
}

/// A profile update a day in the last weeks, and whatever bursts there were.
fn updates(world: &World, app: usize, operations: &mut Vec<Operation>) {
    let active: Vec<usize> = (0..world.accounts.len())
        .filter(|index| {
            let account = &world.accounts[*index];
            account.app == app && account.person.is_some() && account.active_at(world.end_at())
        })
        .collect();
    if active.is_empty() {
        return;
    }
    for day in 0..30 {
        let at = UtcMicros(world.end_at().0 - day * DAY - 9 * MINUTE);
        let account = active[day as usize % active.len()];
        if world.accounts[account].created_at < at {
            operations.push(Operation { at, account, action: "update", failed: false });
        }
    }
    for burst in world.bursts.iter().filter(|burst| burst.app == app) {
        for n in 0..burst.operations {
            let at = UtcMicros(burst.from.0 + i64::from(n) * 4 * MINUTE);
            let account = active[n as usize % active.len()];
            let failed = n * burst.failures % burst.operations < burst.failures;
            operations.push(Operation { at, account, action: "update", failed });
        }
    }
}

fn line(rng: &mut Stream, world: &World, operation: &Operation) -> String {
    let account = &world.accounts[operation.account];
    let app: &App = &world.apps[account.app];
    let principal = app.idp_app_id.as_deref().unwrap_or_default();
    let upn = account.person.map_or(account.name.as_str(), |person| world.people[person].email.as_str());
    let (status, error) = if operation.failed {
        let reason = "The request failed with HTTP status 500 from the target application.";
        let error = json!({"errorCode": "SystemForCrossDomainIdentityManagementServiceUnavailable",
            "reason": reason, "errorCategory": "nonServiceFailure", "recommendedAction": null});
        ("failure", error)
    } else {
        ("success", serde_json::Value::Null)
    };
    let change = uuid(rng);
    json!({
        "time": seconds(operation.at),
        "resourceId": format!("/tenants/{TENANT}/providers/Microsoft.aadiam"),
        "operationName": "Provisioning activity",
        "operationVersion": "1.0",
        "category": "ProvisioningLogs",
        "tenantId": TENANT,
        "resultType": if operation.failed { "Failure" } else { "Success" },
        "correlationId": change,
        "properties": {
            "id": uuid(rng),
            "activityDateTime": seconds(operation.at),
            "tenantId": TENANT,
            "jobId": format!("scim.{}.{principal}", TENANT.replace('-', "")),
            "cycleId": uuid(rng),
            "changeId": change,
            "provisioningAction": operation.action,
            "durationInMilliseconds": 900 + operation.account % 700,
            "provisioningStatusInfo": {"Status": status, "errorInformation": error},
            "initiatedBy": {"Id": "", "Name": "Azure AD Provisioning Service", "Type": "system"},
            "servicePrincipal": {"Id": principal, "Name": app.name},
            "sourceSystem": {"Id": TENANT, "Name": "Azure Active Directory", "Details": {}},
            "targetSystem": {"Id": principal, "Name": app.name, "Details": {"ServicePrincipalId": principal}},
            "sourceIdentity": {"IdentityType": "User", "Id": source_id(world, operation.account),
                "Name": account.display_name, "Details": {"UserPrincipalName": upn}},
            "targetIdentity": {"IdentityType": "User", "Id": account.id, "Name": account.name, "Details": {}},
            "provisioningSteps": [],
            "modifiedProperties": [],
        },
    })
    .to_string()
}

/// The person's object id in Entra: the same in every application.
fn source_id(world: &World, account: usize) -> String {
    let person = world.accounts[account].person.map_or("", |person| world.people[person].id.as_str());
    uuid(&mut stream(world.plan.seed, &format!("entra/object/{person}")))
}
