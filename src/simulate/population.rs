//! The people: who works here, where, since when, for whom, and what befalls them. Takes the
//! plan, gives people with employments; knows nothing of accounts or faults.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rand::Rng;
use rand::seq::SliceRandom;

use super::Plan;
use super::calendar::{DAY, date_of, end_of, plus_days};
use super::names::{
    ACQUIRED_DOMAIN, AUCKLAND, DEPARTMENTS, DOMAIN, FIRST, LAST, LOCATIONS, PAGO_PAGO, REGIONS, TITLES, ascii,
};
use super::stream::{Stream, stream, zipf};
use super::world::{Employment, Person, Story, zones};
use crate::domain::{EmploymentKind, UtcMicros};

/// Shares of the people to whom something happens (learning reference §5.1); one at least.
const STORIES: [(Story, f64); 10] = [
    (Story::Leaver, 0.22),
    (Story::BackDated, 0.01),
    (Story::RehiredSameId, 0.004),
    (Story::RehiredNewId, 0.006),
    (Story::Transferred, 0.012),
    (Story::OnLeave, 0.015),
    (Story::Suspended, 0.004),
    (Story::EndWithdrawn, 0.004),
    (Story::Renamed, 0.02),
    (Story::BoundaryPast, 0.0),
];

/// About `6 N^0.3` departments: 48 for 1,000 people.
pub fn departments(people: u32) -> Vec<String> {
    let count = (6.0 * f64::from(people).powf(0.3)).round() as usize;
    let every =
        REGIONS.iter().flat_map(|region| DEPARTMENTS.iter().map(move |name| format!("{name}{region}")));
    let numbered = (1..).map(|n| format!("Business Unit {n}"));
    every.chain(numbered).take(count.max(4)).collect()
}

pub fn people(plan: &Plan, departments: usize) -> Vec<Person> {
    let rng = &mut stream(plan.seed, "population");
    let mut logins = BTreeMap::new();
    let count = plan.people as usize;
    let heads = departments.min(count / 4);
    let mut people: Vec<Person> = (0..count)
        .map(|index| {
            let department = if index < heads { index } else { zipf(rng, departments) };
            person(rng, plan, index, department)
        })
        .collect();
    let homonyms = if plan.noise.homonyms { homonyms(plan.seed, &mut people) } else { BTreeSet::new() };
    for (index, person) in people.iter_mut().enumerate() {
        name_login(person, homonyms.contains(&index), &mut logins);
    }
    tell_stories(plan, heads, &mut people);
    assign_managers(heads, &mut people);
    people
}

fn person(rng: &mut Stream, plan: &Plan, index: usize, department: usize) -> Person {
    let kind = match rng.gen_range(0..100) {
        _ if index < 64.min(plan.people as usize / 4) => EmploymentKind::Employee,
        0..82 => EmploymentKind::Employee,
        82..96 => EmploymentKind::Contractor,
        _ => EmploymentKind::Intern,
    };
    let last_date = date_of(plan.end_at);
    let window = i64::from(plan.days);
    let joined_in_window = index >= 64.min(plan.people as usize / 4) && rng.gen_bool(0.25);
    let days_ago =
        if joined_in_window { rng.gen_range(12..window.max(14)) } else { window + rng.gen_range(10..2500) };
    let end = (kind != EmploymentKind::Employee).then(|| plus_days(last_date, rng.gen_range(20..300)));
    let start = plus_days(last_date, -days_ago);
    let prefix = if kind == EmploymentKind::Contractor { 'C' } else { 'E' };
    let employment = Employment {
        employee_id: format!("{prefix}{:06}", 10_000 + index * 7),
        company: usize::from(rng.gen_bool(0.2)),
        department,
        moved: None,
        title: TITLES[rng.gen_range(0..TITLES.len())],
        start,
        end,
        end_known_on: start,
        withdrawn: None,
    };
    Person {
        id: format!("U{:07}", 1_000_000 + index * 13),
        first: FIRST[rng.gen_range(0..FIRST.len())].to_owned(),
        last: LAST[rng.gen_range(0..LAST.len())].to_owned(),
        login: String::new(),
        email: if rng.gen_bool(0.06) { ACQUIRED_DOMAIN.to_owned() } else { DOMAIN.to_owned() },
        former_email: None,
        location: zipf(rng, LOCATIONS.len()),
        kind,
        story: Story::Steady,
        manager: None,
        employments: vec![employment],
        leave_from: None,
        vanished_on: None,
    }
}

/// Names are drawn with repetition, so a middle initial keeps people apart unless the
/// plan asks for homonyms.
fn name_login(person: &mut Person, homonym: bool, taken: &mut BTreeMap<String, usize>) {
    let base = format!("{}.{}", ascii(&person.first), ascii(&person.last));
    let count = taken.entry(base.clone()).or_insert(0);
    *count += 1;
    person.login = if *count == 1 { base } else { format!("{base}{count}") };
    if *count > 1 && !homonym {
        let initial = char::from(b'A' + ((*count * 5) % 26) as u8);
        person.first = format!("{} {initial}{}.", person.first, if *count > 26 { "x" } else { "" });
    }
    person.email = format!("{}@{}", person.login, person.email);
}

/// Gives some people the name of another, and tells which.
fn homonyms(seed: u64, people: &mut [Person]) -> BTreeSet<usize> {
    let rng = &mut stream(seed, "noise/homonyms");
    let half = people.len() / 2;
    let mut second = BTreeSet::new();
    for _ in 0..(people.len() / 250).max(1) {
        let (from, to) = (rng.gen_range(0..half), rng.gen_range(half..people.len()));
        let (first, last) = (people[from].first.clone(), people[from].last.clone());
        (people[to].first, people[to].last) = (first, last);
        second.insert(to);
    }
    second
}

fn tell_stories(plan: &Plan, heads: usize, people: &mut [Person]) {
    let rng = &mut stream(plan.seed, "stories");
    let mut order: Vec<usize> = (heads..people.len()).collect();
    order.shuffle(rng);
    let mut next = order.into_iter();
    for (location, story) in [
        (AUCKLAND, Story::BoundaryPast),
        (AUCKLAND, Story::BoundaryOpen),
        (PAGO_PAGO, Story::BoundaryPast),
        (PAGO_PAGO, Story::BoundaryOpen),
    ] {
        if let Some(index) = next.next() {
            people[index].location = location;
            tell(rng, plan, &mut people[index], story);
        }
    }
    for (story, share) in STORIES {
        let wanted = (share * f64::from(plan.people)).round().max(1.0) as usize;
        for index in next.by_ref().take(if story == Story::BoundaryPast { 0 } else { wanted }) {
            tell(rng, plan, &mut people[index], story);
        }
    }
    let departments = departments(plan.people).len();
    for index in next {
        let today = date_of(plan.end_at);
        let employment = &mut people[index].employments[0];
        let longest = i64::from(plan.days) - 40;
        if rng.gen_bool(0.12) && employment.start < plus_days(today, -longest) && longest > 30 {
            let day = plus_days(today, -rng.gen_range(30..longest));
            employment.moved = Some((rng.gen_range(0..departments), day));
        }
    }
}

fn tell(rng: &mut Stream, plan: &Plan, person: &mut Person, story: Story) {
    let today = date_of(plan.end_at);
    let window = i64::from(plan.days);
    person.story = story;
    if matches!(story, Story::OnLeave | Story::Suspended | Story::EndWithdrawn | Story::Renamed) {
        // These go on without an end, which only an employee may.
        person.kind = EmploymentKind::Employee;
        person.employments[0].end = None;
    }
    // Whatever is told happened to someone who had been here for the whole window.
    let fresh = plus_days(today, -window - rng.gen_range(20..900));
    person.employments[0].start = person.employments[0].start.min(fresh);
    let first = &mut person.employments[0];
    let ago = |rng: &mut Stream, from: i64, to: i64| plus_days(today, -rng.gen_range(from..to.max(from + 1)));
    match story {
        Story::Steady | Story::Suspended => {}
        Story::Leaver => end_on(first, ago(rng, 6, window - 20)),
        Story::BackDated => {
            end_on(first, ago(rng, 30, 90.min(window - 20)));
            first.end_known_on = plus_days(first.end.unwrap_or(today), 6);
        }
        Story::RehiredSameId | Story::RehiredNewId => rehire(rng, person, today, window),
        Story::Transferred => {
            let day = ago(rng, 20, window - 20);
            let second = Employment {
                employee_id: format!("{}T", first.employee_id),
                company: 1 - first.company,
                start: plus_days(day, rng.gen_range(1..4)),
                ..copy(first)
            };
            end_on(first, day);
            person.employments.push(second);
        }
        Story::OnLeave => person.leave_from = Some(plus_days(today, -rng.gen_range(100..160))),
        Story::EndWithdrawn => {
            first.withdrawn = Some((plus_days(today, -20), plus_days(today, -24), plus_days(today, -12)));
        }
        Story::Renamed => rename(rng, person, today),
        Story::BoundaryPast => end_on(first, boundary(plan.end_at, person.location)),
        Story::BoundaryOpen => end_on(first, plus_days(boundary(plan.end_at, person.location), 1)),
    }
}

/// The last day whose end is more than 24 hours before `end_at` at a location.
pub fn boundary(end_at: UtcMicros, location: usize) -> Date {
    let zone = &zones()[location];
    let mut day = plus_days(date_of(end_at), 1);
    while end_of(day, zone).0 + DAY >= end_at.0 {
        day = plus_days(day, -1);
    }
    day
}

fn end_on(employment: &mut Employment, day: Date) {
    employment.end = Some(day);
    employment.end_known_on = plus_days(day, -14);
}

fn rehire(rng: &mut Stream, person: &mut Person, today: Date, window: i64) {
    let same = person.story == Story::RehiredSameId;
    let first = &mut person.employments[0];
    let back = rng.gen_range(20..(window / 4).max(21));
    let away = rng.gen_range(20..(window / 3).max(21));
    let suffix = if same { "" } else { "R" };
    let second = Employment {
        employee_id: format!("{}{suffix}", first.employee_id),
        start: plus_days(today, -back),
        end: None,
        ..copy(first)
    };
    end_on(first, plus_days(today, -back - away));
    person.employments.push(second);
    person.kind = EmploymentKind::Employee;
}

fn rename(rng: &mut Stream, person: &mut Person, today: Date) {
    let day = plus_days(today, -rng.gen_range(98..118));
    let last = LAST[rng.gen_range(0..LAST.len())];
    let domain = person.email.split('@').nth(1).unwrap_or(DOMAIN).to_owned();
    let renamed = format!("{}-{}@{domain}", person.login, ascii(last));
    person.former_email = Some((std::mem::replace(&mut person.email, renamed), day));
    person.last = format!("{}-{last}", person.last);
}

fn copy(employment: &Employment) -> Employment {
    Employment {
        employee_id: employment.employee_id.clone(),
        withdrawn: None,
        moved: None,
        title: employment.title,
        ..*employment
    }
}

/// A tree of seven reports each inside a department; heads report to the first person. The
/// managers of the clean organisation have not left.
fn assign_managers(heads: usize, people: &mut [Person]) {
    let mut stayed: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, person) in people.iter_mut().enumerate() {
        let Some(department) = person.employments.last().map(|e| e.department) else { continue };
        let team = stayed.entry(department).or_default();
        person.manager = match team.len() {
            0 => (index != 0).then_some(0),
            rank => Some(team[(rank - 1) / 7]),
        };
        if index < heads || person.story == Story::Steady {
            team.push(index);
        }
    }
}
