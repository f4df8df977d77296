//! `hr/workers_<date>.csv`: full rosters as Workday's reports write them. People who left stay
//! listed with their date. Gives one roster a month, then one a week, the last at the end.

use jiff::civil::Date;
use rand::Rng;

use super::{Folder, csv};
use crate::domain::EmploymentKind;
use crate::simulate::Error;
use crate::simulate::calendar::plus_days;
use crate::simulate::names::{COMPANIES, LOCATIONS};
use crate::simulate::stream::{Stream, stream};
use crate::simulate::world::{Employment, Person, Story, World};

const HEADER: [&str; 14] = [
    "Employee ID",
    "Universal ID",
    "Worker",
    "Email - Work",
    "Worker Type",
    "Worker Status",
    "Hire Date",
    "Termination Date",
    "Business Title",
    "Cost Center",
    "Manager ID",
    "Location",
    "Time Zone",
    "Company",
];

pub fn write(world: &World, folder: &mut Folder) -> Result<(), Error> {
    let rosters = world.rosters();
    for (n, date) in rosters.into_iter().enumerate() {
        let rng = &mut stream(world.plan.seed, &format!("noise/roster/{date}"));
        let mut rows = Vec::new();
        for person in &world.people {
            let missing = rng.gen_bool(0.007) && world.plan.noise.missing_roster_rows;
            let noise = [rng.gen_bool(0.04), rng.gen_bool(0.02)];
            let vanished = person.vanished_on.is_some_and(|day| date >= day);
            if vanished || missing && n + 2 < rosters.len() {
                continue;
            }
            rows.extend(employments(person, date).map(|e| row(rng, world, person, e, date, noise)));
        }
        let text = csv(&HEADER, &rows)?;
        let content = if n == 3 && world.plan.noise.mixed_encodings { utf16(&text) } else { text };
        folder.put(&format!("hr/workers_{date}.csv"), &content)?;
    }
    Ok(())
}

/// The employments that a roster of `date` lists: those that begin within two weeks. A rehire
/// under the old employee id replaces the earlier row, as it does in the real system.
fn employments(person: &Person, date: Date) -> impl Iterator<Item = &Employment> {
    let begun = move |e: &&Employment| e.start <= plus_days(date, 14);
    let listed: Vec<&Employment> = person.employments.iter().filter(begun).collect();
    let skip = if person.story == Story::RehiredSameId { listed.len().saturating_sub(1) } else { 0 };
    listed.into_iter().skip(skip)
}

fn row(
    rng: &mut Stream,
    world: &World,
    who: &Person,
    job: &Employment,
    date: Date,
    noise: [bool; 2],
) -> Vec<String> {
    let shown_end = match job.withdrawn {
        Some((end, from, until)) if from <= date && date < until => Some(end),
        _ => job.end.filter(|_| job.end_known_on <= date),
    };
    let over = shown_end.is_some_and(|end| end < date);
    let away = who.leave_from.is_some_and(|from| from <= date);
    let status = if over {
        "Terminated"
    } else if away {
        "On Leave"
    } else {
        "Active"
    };
    let manager = match who.manager {
        Some(_) if noise[0] && world.plan.noise.stale_managers => Some(rng.gen_range(0..world.people.len())),
        own => own,
    };
    let department = job.moved.filter(|(_, day)| date < *day).map_or(job.department, |(before, _)| before);
    let email =
        who.former_email.as_ref().filter(|(_, day)| date < *day).map_or(&who.email, |(former, _)| former);
    let kind = match who.kind {
        EmploymentKind::Contractor => "Contractor",
        EmploymentKind::Intern => "Intern",
        _ => "Employee",
    };
    let manager_id = manager.and_then(|m| world.people[m].employments.last()).map(|e| e.employee_id.clone());
    let (location, zone) = LOCATIONS[who.location];
    let title = if noise[1] && world.plan.noise.null_titles { "" } else { job.title };
    vec![
        job.employee_id.clone(),
        who.id.clone(),
        format!("{} {}", who.first, who.last),
        email.clone(),
        kind.to_owned(),
        status.to_owned(),
        job.start.to_string(),
        shown_end.map(|end| end.to_string()).unwrap_or_default(),
        title.to_owned(),
        world.departments[department].clone(),
        manager_id.unwrap_or_default(),
        location.to_owned(),
        zone.to_owned(),
        COMPANIES[job.company].to_owned(),
    ]
}

/// UTF-16, little-endian with a mark, as Excel's "Unicode text" is.
fn utf16(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}
