//! HR rosters: what their columns are called, and one row as an employment. Takes the cells
//! of a row, gives an `EmploymentRow`. Decides nothing about access: a status of `Terminated`
//! without a date stays without an end; `state` gives it one.

use jiff::tz::TimeZone;

use super::cell::person_name;
use super::cells::Cells;
use super::field::Expect::{Email, Flag, Identifier, Instant, Standing as Status, Text, Zone};
use super::field::Field;
use super::field::Weight::{Deciding, Described, Key};
use super::moment::Moment;
use super::standing::{Standing, standing};
use super::words::normal;
use super::zones;
use crate::domain::{EmploymentKind, EmploymentRow, Rejection, Row};

#[rustfmt::skip]
pub const FIELDS: [Field; 26] = [
    Field { name: "employee_id", expects: Identifier, weight: Key,
        words: &["worker id", "employee number", "employee no", "employee nr", "employee #", "employee", "associate id", "personnel number", "personnel no", "staff id", "staff number", "workday id", "person number", "payroll id", "file number", "position id", "badge number", "personalnummer", "personal nr", "mitarbeiternummer", "mitarbeiter id", "matricule", "numero d employe", "user sys id", "eeid", "emplid", "pernr"],
        weak: &["id", "number", "nr", "no", "user id"] },
    Field { name: "person_id", expects: Identifier, weight: Described,
        words: &["universal id", "global id", "person id", "global person id", "global employee id", "person uuid", "uuid", "personen id", "person id external"], weak: &[] },
    Field { name: "name", expects: Text, weight: Described,
        words: &["worker", "full name", "employee name", "worker name", "display name", "legal name", "legal full name", "preferred name", "associate name", "payroll name", "mitarbeiter", "vollstandiger name", "nom complet"], weak: &["employee"] },
    Field { name: "first_name", expects: Text, weight: Described,
        words: &["given name", "preferred first name", "legal first name", "forename", "vorname", "prenom"], weak: &["first"] },
    Field { name: "last_name", expects: Text, weight: Described,
        words: &["surname", "family name", "legal last name", "nachname", "nom de famille", "nom"], weak: &["last"] },
    Field { name: "email", expects: Email, weight: Deciding,
        words: &["email work", "work email", "email primary work", "primary work email", "business email", "company email", "corporate email", "email address", "work email address", "work contact work email", "e mail", "mail", "mail address", "e mail adresse", "email dienstlich", "adresse e mail", "adresse mail", "courriel"], weak: &[] },
    Field { name: "aliases", expects: Text, weight: Described,
        words: &["email aliases", "other emails", "other email addresses", "alternate email", "alternative email", "secondary email", "previous email", "former email", "proxy addresses"], weak: &[] },
    Field { name: "manager_id", expects: Identifier, weight: Described,
        words: &["manager employee id", "manager s employee id", "supervisor id", "reports to id", "reports to associate id", "manager worker id", "manager number", "managers id", "vorgesetzter id", "supervisor eid", "line manager id"], weak: &[] },
    Field { name: "manager_email", expects: Email, weight: Described,
        words: &["supervisor email", "manager work email", "manager s email", "reports to email", "line manager email", "email manager"], weak: &[] },
    Field { name: "manager", expects: Text, weight: Described,
        words: &["manager name", "worker s manager", "supervisor", "supervisor name", "reports to", "reports to name", "reporting to", "line manager", "vorgesetzter", "responsable"], weak: &[] },
    Field { name: "department", expects: Text, weight: Described,
        words: &["home department", "home department description", "department name", "cost center", "cost centre", "cost center name", "supervisory organization", "division", "team", "business unit", "abteilung", "kostenstelle", "service", "departement", "org unit", "organisational unit"], weak: &["function"] },
    Field { name: "title", expects: Text, weight: Described,
        words: &["job title", "business title", "position title", "job title description", "job profile", "position", "stellenbezeichnung", "berufsbezeichnung", "poste", "intitule du poste"], weak: &["job", "role"] },
    Field { name: "location", expects: Text, weight: Described,
        words: &["work location", "location name", "office", "office location", "site", "location description", "standort", "arbeitsort", "lieu de travail"], weak: &["city", "country"] },
    Field { name: "company", expects: Text, weight: Described,
        words: &["legal entity", "company name", "company code", "employer", "legal employer", "gesellschaft", "societe", "entite juridique"], weak: &["entity", "organization"] },
    Field { name: "worker_kind", expects: Text, weight: Described,
        words: &["worker type", "employee type", "employment type", "worker sub type", "employment status", "worker category", "worker category description", "person type", "employee class", "contract type", "kind", "beschaftigungsart", "vertragsart", "type de contrat"], weak: &["type", "category", "class"] },
    Field { name: "status", expects: Status, weight: Deciding,
        words: &["worker status", "employee status", "employment status", "position status", "work status", "hr status", "active status", "mitarbeiterstatus", "beschaftigungsstatus", "statut", "statut employe"], weak: &["state"] },
    Field { name: "active", expects: Flag, weight: Deciding,
        words: &["is active", "currently employed", "employed", "aktiv", "actif"], weak: &[] },
    Field { name: "start_on", expects: Instant, weight: Deciding,
        words: &["hire date", "most recent hire date", "last hire date", "start date", "employment start date", "date of hire", "date of joining", "joining date", "join date", "date joined", "contract start date", "rehire date", "eintrittsdatum", "eintritt", "date d embauche", "date d entree", "original hire date", "continuous service date", "date hired", "work start"], weak: &["start", "hired", "joined", "from", "valid from", "beginn"] },
    Field { name: "end_on", expects: Instant, weight: Deciding,
        words: &["termination date", "term date", "end date", "employment end date", "leaving date", "leave date", "date of leaving", "exit date", "date left", "separation date", "date of termination", "termination effective date", "austrittsdatum", "austritt", "date de sortie", "date de depart", "offboarding date", "date of separation", "departure date", "work end"], weak: &["end", "left", "terminated", "until", "valid to", "to", "ende"] },
    Field { name: "last_day_on", expects: Instant, weight: Deciding,
        words: &["last day of work", "last day", "last working day", "last work day", "last day worked", "last date of work", "last working date", "letzter arbeitstag", "dernier jour", "dernier jour travaille", "final day"], weak: &[] },
    Field { name: "contract_end_on", expects: Instant, weight: Deciding,
        words: &["contract end date", "contract end", "assignment end date", "contract expiry date", "contract expiration date", "end of contract", "vertragsende", "befristet bis", "fin de contrat", "date fin de contrat", "projected end date", "expected end date"], weak: &[] },
    Field { name: "zone", expects: Zone, weight: Deciding,
        words: &["time zone", "timezone", "location time zone", "iana time zone", "work time zone", "tz", "zeitzone", "fuseau horaire", "time zone id"], weak: &[] },
    Field { name: "leave", expects: Flag, weight: Described,
        words: &["on leave", "leave of absence", "is on leave", "currently on leave", "in elternzeit"], weak: &["leave"] },
    // Read so that they are not taken for an end or a start, then left aside.
    Field { name: "born_on", expects: Instant, weight: Described,
        words: &["date of birth", "birth date", "birthday", "dob", "geburtsdatum", "date de naissance", "geburtstag"], weak: &[] },
    Field { name: "noted_on", expects: Instant, weight: Described,
        words: &["last modified", "last updated", "updated", "created", "modified", "last changed", "effective date", "status effective date", "probation end date", "probation end", "seniority date", "service date", "job start date", "position start date", "notice date", "resignation date", "termination notice date", "last review date", "next review date", "anniversary date", "as of", "as of date", "report effective date", "probezeitende", "stand", "employment status date", "job information date"], weak: &["date"] },
    Field { name: "left_on_leave", expects: Instant, weight: Described,
        words: &["leave start date", "leave end date", "first day of leave", "estimated last day of leave", "return date", "expected return date", "return from leave date"], weak: &[] },
];

/// Columns that only rosters have.
pub const DISTINCT: [&str; 4] = ["start_on", "end_on", "last_day_on", "contract_end_on"];
/// Columns about people at work, of which two make a roster without dates.
pub const PEOPLE: [&str; 8] =
    ["manager_id", "manager_email", "manager", "department", "title", "location", "company", "worker_kind"];

/// One row of a roster.
///
/// # Errors
/// `missing_field` without an employee id, `bad_time` for an unreadable date, `bad_value` for
/// a zone that nobody knows and an employment that ends before it starts and of which the status tells nothing.
pub fn row(cells: &Cells) -> Result<Row<'static>, Rejection> {
    let employee_id = cells.text("employee_id").ok_or_else(|| cells.missing("employee_id"))?;
    let zone = zone(cells)?;
    let status = cells.owned("status").or_else(|| flagged_status(cells));
    let standing = status.as_deref().and_then(standing);
    let start_at = cells.moment("start_on")?.and_then(|moment| moment.starts_at(&zone));
    let end = end(cells)?;
    let end_at = end.and_then(|moment| moment.ends_at(&zone));
    // A re-hired person's row may still show the day on which the earlier employment ended.
    let earlier = matches!((start_at, end_at), (Some(start), Some(end)) if end <= start);
    // An offer that was taken back ended before its first day: such an employment never began.
    let rescinded = earlier && standing == Some(Standing::Gone);
    if earlier && !rescinded && !matches!(standing, Some(Standing::Live | Standing::Away | Standing::Pending))
    {
        return Err(Rejection::new(
            "bad_value",
            format!("employment of {employee_id} ends before it starts"),
        ));
    }
    let worker = cells.text("name");
    let away =
        standing == Some(Standing::Away) || worker.is_some_and(|name| normal(name).ends_with("on leave"));
    Ok(Row::Employment(Box::new(EmploymentRow {
        employee_id: employee_id.to_string(),
        person_id: cells.owned("person_id"),
        name: worker.map(person_name).or_else(|| cells.joined_name()),
        email: cells.owned("email"),
        aliases: cells.text("aliases").map(aliases),
        manager: ["manager_id", "manager_email", "manager"].iter().find_map(|field| cells.owned(field)),
        department: cells.owned("department"),
        title: cells.owned("title"),
        location: cells.owned("location"),
        company: cells.owned("company"),
        kind: cells.text("worker_kind").and_then(worker_kind),
        status,
        start_at: if rescinded { end_at } else { start_at },
        end_at: end_at.filter(|_| rescinded || !earlier),
        end_date_only: (rescinded || !earlier) && matches!(end, Some(Moment::Date(_))),
        zone: zone_name(&zone),
        on_leave: away || cells.flag("leave") == Some(true),
    })))
}

/// Where the day ends on which somebody leaves.
fn zone(cells: &Cells) -> Result<TimeZone, Rejection> {
    let Some(text) = cells.text("zone") else { return Ok(cells.zone.clone()) };
    zones::zone(text).ok_or_else(|| {
        let header = cells.columns.header("zone").unwrap_or_default();
        Rejection::new("bad_value", format!("column \"{header}\" holds \"{text}\", which is no time zone"))
    })
}

/// The status of a roster that has only a yes and no.
fn flagged_status(cells: &Cells) -> Option<String> {
    cells.flag("active").map(|active| if active { "active" } else { "inactive" }.to_string())
}

/// The end that HR put on record; the last working day or the contract's end where there is none.
fn end(cells: &Cells) -> Result<Option<Moment>, Rejection> {
    for field in ["end_on", "last_day_on", "contract_end_on"] {
        if let Some(moment) = cells.moment(field)? {
            return Ok(Some(cells.date_if_midnights(field, moment)));
        }
    }
    Ok(None)
}

fn aliases(text: &str) -> String {
    let parts = text.split([';', '|', ',', ' ', '\n']).map(|part| part.trim());
    let bare = parts.map(|part| part.strip_prefix("smtp:").or(part.strip_prefix("SMTP:")).unwrap_or(part));
    bare.filter(|part| part.contains('@')).collect::<Vec<_>>().join(" ")
}

fn zone_name(zone: &TimeZone) -> Option<String> {
    zone.iana_name().map(str::to_string)
}

fn worker_kind(text: &str) -> Option<EmploymentKind> {
    let words = normal(text);
    let says = |list: &[&str]| list.iter().any(|word| words.split(' ').any(|part| part == *word));
    Some(match () {
        () if says(&[
            "contractor",
            "contingent",
            "consultant",
            "vendor",
            "freelance",
            "freelancer",
            "external",
            "extern",
            "externer",
            "prestataire",
            "supplier",
            "partner",
        ]) =>
        {
            EmploymentKind::Contractor
        }
        () if says(&[
            "intern",
            "internship",
            "trainee",
            "apprentice",
            "stagiaire",
            "werkstudent",
            "praktikant",
            "azubi",
            "student",
        ]) =>
        {
            EmploymentKind::Intern
        }
        () if says(&["temp", "temporary", "seasonal", "agency", "casual", "cdd", "befristet", "interim"]) => {
            EmploymentKind::Temporary
        }
        () if says(&["guest", "visitor", "visiting"]) => EmploymentKind::Guest,
        () if says(&[
            "employee",
            "regular",
            "permanent",
            "fte",
            "full",
            "part",
            "internal",
            "staff",
            "cdi",
            "unbefristet",
            "angestellter",
            "mitarbeiter",
            "salarie",
            "vollzeit",
            "teilzeit",
        ]) =>
        {
            EmploymentKind::Employee
        }
        () => return None,
    })
}
