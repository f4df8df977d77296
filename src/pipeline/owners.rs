//! Fills the owner directory from a session, so that every finding names who must act.

use crate::domain::Finding;
use crate::notify::owner::{Directory, OwnerLine, Person, Question, Sponsor};
use crate::query::{Error, Rows, Session};

/// Gives every finding its owner, where the rules lead to somebody who works here.
pub fn assign(directory: &Directory, findings: &mut [Finding]) {
    for finding in findings.iter_mut() {
        finding.owner = directory.owner_of(&Question::from(&*finding));
    }
}

/// All that ownership is looked up in.
pub async fn directory(session: &Session) -> Result<Directory, Error> {
    let mut directory = Directory::default();
    people(session, &mut directory).await?;
    lines(session, &mut directory).await?;
    Ok(directory)
}

async fn people(session: &Session, directory: &mut Directory) -> Result<(), Error> {
    const PEOPLE: &str = "SELECT identity_id, name, email, employed, manager_id FROM identities_now";
    for batch in session.collect("identities_now", PEOPLE).await? {
        let rows = Rows::new("identities_now", &batch);
        let (id, name, email) = (rows.texts("identity_id")?, rows.texts("name")?, rows.texts("email")?);
        let (employed, manager) = (rows.booleans("employed")?, rows.texts("manager_id")?);
        for row in 0..rows.len() {
            let Some(identity_id) = id.owned(row) else { continue };
            directory.add_person(Person {
                identity_id,
                name: name.owned(row),
                email: email.owned(row),
                employed: employed.value(row),
                manager_id: manager.owned(row),
            });
        }
    }
    Ok(())
}

async fn lines(session: &Session, directory: &mut Directory) -> Result<(), Error> {
    const OWNERS: &str =
        "SELECT object_kind, object_id, app_id, owner_id FROM owners WHERE owner_id IS NOT NULL";
    for batch in session.collect("owners", OWNERS).await? {
        let rows = Rows::new("owners", &batch);
        let (kind, object) = (rows.texts("object_kind")?, rows.texts("object_id")?);
        let (app, owner) = (rows.texts("app_id")?, rows.texts("owner_id")?);
        for row in 0..rows.len() {
            directory.add_line(OwnerLine {
                object_kind: kind.owned(row).unwrap_or_default(),
                object_id: object.owned(row).unwrap_or_default(),
                app_id: app.owned(row),
                owner_id: owner.owned(row).unwrap_or_default(),
            });
        }
    }
    const APPLICATIONS: &str = "SELECT app_id, owner_id FROM applications WHERE owner_id IS NOT NULL";
    for (app_id, owner_id) in pairs(session, "applications", APPLICATIONS).await? {
        directory.add_application(&app_id, &owner_id);
    }
    entitlements(session, directory).await?;
    const SPONSORS: &str = "SELECT concat(app_id, chr(31), account_id) AS app_id, sponsor_ids AS owner_id \
         FROM non_human_identities WHERE sponsor_ids IS NOT NULL";
    for (key, sponsors) in pairs(session, "non_human_identities", SPONSORS).await? {
        let Some((app_id, account_id)) = key.split_once('\u{1f}') else { continue };
        directory.add_sponsor(Sponsor {
            app_id: app_id.to_owned(),
            account_id: account_id.to_owned(),
            sponsor_ids: sponsors.split(';').map(str::to_owned).collect(),
        });
    }
    Ok(())
}

async fn entitlements(session: &Session, directory: &mut Directory) -> Result<(), Error> {
    const ENTITLEMENTS: &str = "SELECT e.app_id, e.entitlement_id, p.identity_id AS owner_id \
         FROM entitlements AS e JOIN people_aliases AS p ON p.alias = lower(e.owner) \
         ORDER BY e.app_id, e.entitlement_id";
    for batch in session.collect("entitlements", ENTITLEMENTS).await? {
        let rows = Rows::new("entitlements", &batch);
        let (app, id, owner) =
            (rows.texts("app_id")?, rows.texts("entitlement_id")?, rows.texts("owner_id")?);
        for row in 0..rows.len() {
            let (Some(app), Some(id), Some(owner)) = (app.get(row), id.get(row), owner.get(row)) else {
                continue;
            };
            directory.add_entitlement(app, id, owner);
        }
    }
    Ok(())
}

/// The columns `app_id` and `owner_id` of a query.
async fn pairs(session: &Session, name: &str, sql: &str) -> Result<Vec<(String, String)>, Error> {
    let mut found = Vec::new();
    for batch in session.collect(name, sql).await? {
        let rows = Rows::new(name, &batch);
        let (left, right) = (rows.texts("app_id")?, rows.texts("owner_id")?);
        found.extend((0..rows.len()).filter_map(|row| Some((left.owned(row)?, right.owned(row)?))));
    }
    Ok(found)
}
