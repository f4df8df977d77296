//! Exports of products whose headers the synonyms were not written for. Each must be read
//! right or refused with the question; a misread column would make wrong findings.

use super::*;

#[test]
fn help_desk_agents() {
    let text = "
Agent ID,Agent name,Agent email,Role,Suspended?,Last sign-in (UTC),Two-factor auth,Ticket restriction
3501,Ada Low,ada@acme.example,Administrator,No,2026-06-01 09:05,Yes,All
3502,Ben Roe,ben@acme.example,Agent,Yes,2026-01-01 09:05,No,Groups";
    let expect = json!([
        { "account_id": "3501", "active": true, "last_active_at": "2026-06-01T09:05:00Z", "privileged": true,
          "mfa": true },
        { "account_id": "3502", "active": false }
    ]);
    check(given("agents_export.csv", text), rows("accounts", expect));
}

#[test]
fn file_store_members_whose_status_words_are_unknown_are_asked_about() {
    let text = "
Name,Email,User ID,Storage used,Status,Created,Last activity
Ada Low,ada@acme.example,2001,10 GB,Can do everything,2020-01-02,2026-06-01
Ben Roe,ben@acme.example,2002,1 GB,Cannot delete and edit,2020-01-02,2026-06-01";
    check(
        given("file_store.csv", text),
        Expect::Asked(&["\"Status\"", "Can do everything", "--map status="]),
    );
    let expect = json!([
        { "account_id": "2001", "display_name": "Ada Low", "active": null, "last_active_at": "2026-05-31T22:00:00Z" },
        { "account_id": "2002", "active": null }
    ]);
    check(given("file_store.csv", text).map("status", ""), rows("accounts", expect));
}

#[test]
fn suite_with_unusual_employment_words() {
    let text = "
USERID,FIRSTNAME,LASTNAME,EMAIL,STATUS,HIREDATE,EMPLOYMENT_EXIT,MANAGER,DIVISION,LOCATION
s100,Ada,Low,ada@acme.example,active,2019-04-01,,s900,Finance,Berlin
s101,Ben,Roe,ben@acme.example,inactive,2020-02-03,2026-03-31,s900,Finance,Berlin";
    check(given("people.csv", text), Expect::Asked(&["last day of employment", "EMPLOYMENT_EXIT"]));
    let expect = json!([
        { "employee_id": "s100", "end_at": null, "manager": "s900" },
        { "employee_id": "s101", "name": "Ben Roe", "end_at": "2026-03-31T22:00:00Z" }
    ]);
    check(given("people.csv", text).map("end_on", "EMPLOYMENT_EXIT"), rows("roster", expect));
}

#[test]
fn german_roster() {
    let text = "
Personalnummer;Nachname;Vorname;E-Mail (dienstlich);Abteilung;Stellenbezeichnung;Vorgesetzter;Eintrittsdatum;Austrittsdatum;Status;Geburtsdatum
100;Müller;Jörg;joerg@acme.example;Einkauf;Sachbearbeiter;900;01.04.2019;;aktiv;05.06.1980
101;Weiß;Anna;anna@acme.example;Einkauf;Leiterin;900;01.02.2020;31.03.2026;ausgeschieden;07.08.1981";
    let expect = json!([
        { "employee_id": "100", "name": "Jörg Müller", "start_at": "2019-03-31T22:00:00Z", "status": "aktiv",
          "manager": "900", "department": "Einkauf" },
        { "employee_id": "101", "end_at": "2026-03-31T22:00:00Z", "end_date_only": true }
    ]);
    check(given("Mitarbeiterliste.csv", text), rows("roster", expect));
}

#[test]
fn french_accounts() {
    let text = "
Identifiant;Nom complet;Adresse e-mail;Statut;Dernière connexion;Date de création
alow;Ada Low;ada@acme.example;Actif;13/06/2026 09:05;01/02/2020
broe;Ben Roe;ben@acme.example;Suspendu;01/02/2026 09:05;01/02/2020";
    let expect = json!([
        { "account_id": "alow", "display_name": "Ada Low", "active": true, "last_active_at": "2026-06-13T07:05:00Z",
          "created_at": "2020-01-31T23:00:00Z" },
        { "account_id": "broe", "active": false, "last_active_at": "2026-02-01T08:05:00Z" }
    ]);
    check(given("utilisateurs.csv", text), rows("accounts", expect));
}

#[test]
fn spanish_accounts_are_asked_about() {
    let text = "
Usuario,Correo,Estado,Ultimo acceso
alow,ada@acme.example,Activo,2026-06-01
broe,ben@acme.example,Inactivo,2026-01-01";
    check(given("cuentas.csv", text), Expect::Asked(&["--source"]));
    let answered = given("cuentas.csv", text)
        .kind("accounts")
        .map("account_name", "Usuario")
        .map("email", "Correo")
        .map("status", "Estado")
        .map("last_active_at", "Ultimo acceso");
    let expect = json!([
        { "account_id": "alow", "active": true, "last_active_at": "2026-05-31T22:00:00Z" },
        { "account_id": "broe", "active": false }
    ]);
    check(answered, rows("accounts", expect));
}

#[test]
fn analytics_server_users() {
    let text = "
Friendly Name,Site Role,Username,Max Site Role,Auth Setting,Last Signed In,Email
Ada Low,ServerAdministrator,alow,Creator,SAML,2026-06-01T09:05:00Z,ada@acme.example
Ben Roe,Unlicensed,broe,Viewer,SAML,,ben@acme.example";
    check(given("site_users.csv", text), Expect::Asked(&["--source"]));
}

#[test]
fn meeting_service_users() {
    let text = "
Email,First Name,Last Name,User ID,Licenses,User Status,Role,Last Login(UTC),Last Client Version,Join Date,Department
ada@acme.example,Ada,Low,zQ1,Licensed,Active,Admin,06/13/2026 09:05:00 AM,5.17,01/02/2020 10:00:00 AM,Finance
ben@acme.example,Ben,Roe,zQ2,Basic,Inactive,Member,,,01/02/2020 10:00:00 PM,Finance";
    let expect = json!([
        { "account_id": "zQ1", "active": true, "last_active_at": "2026-06-13T09:05:00Z", "privileged": true,
          "created_at": "2020-01-02T09:00:00Z" },
        { "account_id": "zQ2", "active": false, "created_at": "2020-01-02T21:00:00Z" }
    ]);
    check(given("zoomus_users.csv", text), rows("accounts", expect));
}

#[test]
fn cloud_drive_team() {
    let text = "
Team member,Email address,Team member ID,Account state,Joined on,Permission tier,Most recent web session
Ada Low,ada@acme.example,dbmid:1,active,2020-01-02,Team admin,2026-06-01
Ben Roe,ben@acme.example,dbmid:2,suspended,2020-01-02,Member,2026-01-01";
    let expect = json!([
        { "account_id": "dbmid:1", "active": true, "last_active_at": null },
        { "account_id": "dbmid:2", "active": false }
    ]);
    check(given("team.csv", text), rows("accounts", expect));
}
