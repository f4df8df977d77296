//! Whose employee numbers are: a person has several over the years, by contract and by legal entity.
//!
//! The roster's own number of the person decides. Numbers under one address and one name are contracts of one person, who
//! was rehired or moved (detectors reference, ZMB-01), over as many steps as there are; an address alone may have been
//! given to somebody else. Those without the person's own number are of the person whose numbers they are tied to; where
//! these are of several people, nobody knows of whom, and they stay a person of their own. Such a person goes by the number
//! that a roster named first, so that findings and waivers stay theirs when another one comes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use ahash::RandomState;
use arrow::array::{ArrayRef, RecordBatch, StringViewArray};
use indexmap::IndexMap;

use super::kept;
use crate::domain::UtcMicros;
use crate::query::{Error, NONE, Numbered, Parts, Rows, Session};

const NAME: &str = "employee_numbers";
const LINES: &str = "SELECT employee_id, person_id, lower(trim(email)) AS email, lower(trim(name)) AS name, \
                     min(listed_at) AS first_at FROM roster_lines \
                     WHERE ingested_at <= $known_at AND employee_id IS NOT NULL \
                     GROUP BY employee_id, person_id, lower(trim(email)), lower(trim(name))";

/// Adds the view `employee_numbers`, held: `employee_id` and the `identity_id` of the person it stands for, one row a number.
pub async fn lay(session: &Session) -> Result<(), Error> {
    if session.people_stand() {
        return kept::stand(session, NAME).await;
    }
    let mut contracts = Contracts::default();
    for batch in session.collect(NAME, LINES).await? {
        contracts.hear(&batch)?;
    }
    let (numbers, identities): (Vec<&str>, Vec<&str>) = contracts.identities().into_iter().unzip();
    let column = |texts: Vec<&str>| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(texts)) };
    let mut table = Parts::of(NAME);
    table.push(vec![("employee_id", column(numbers)), ("identity_id", column(identities))])?;
    session.hold_packed(NAME, table.finish()?)
}

/// Lines of rosters, heard in any order.
#[derive(Default)]
struct Contracts {
    texts: Numbered,
    /// By employee number: the person's own number.
    people: IndexMap<u32, u32, RandomState>,
    /// By the place of a number: when a roster first named it.
    first_at: Vec<UtcMicros>,
    /// By address and name: the places of the employee numbers.
    named: HashMap<(u32, u32), Vec<usize>, RandomState>,
}

impl Contracts {
    fn hear(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let rows = Rows::new(NAME, batch);
        let mut texts = |column| self.texts.read(&rows, column);
        let (numbers, people) = (texts("employee_id")?, texts("person_id")?);
        let (emails, names) = (texts("email")?, texts("name")?);
        let first_at = rows.times("first_at")?;
        for row in 0..rows.len() {
            let (place, known) = {
                let entry = self.people.entry(numbers[row]);
                (entry.index(), entry.or_insert(NONE))
            };
            let at = first_at.get(row).unwrap_or(UtcMicros(i64::MAX));
            match self.first_at.get_mut(place) {
                Some(first_at) => *first_at = at.min(*first_at),
                None => self.first_at.push(at),
            }
            // Of two that rosters name for one number, the greater.
            if people[row] != NONE
                && (*known == NONE || self.texts.text(people[row]) > self.texts.text(*known))
            {
                *known = people[row];
            }
            if emails[row] != NONE && names[row] != NONE {
                self.named.entry((emails[row], names[row])).or_default().push(place);
            }
        }
        Ok(())
    }

    /// Each employee number and the identity that it stands for.
    fn identities(&self) -> Vec<(&str, &str)> {
        let mut sets = self.tied();
        let claims = self.claims(&mut sets);
        let mut firsts: HashMap<usize, (UtcMicros, &str), RandomState> = HashMap::default();
        for place in (0..self.people.len()).filter(|place| self.is_unknown(*place)) {
            let named = (self.first_at[place], self.number(place));
            let first = firsts.entry(sets.root(place)).or_insert(named);
            *first = named.min(*first);
        }
        let mut identity = |place: usize| {
            let root = sets.root(place);
            let person = match claims.get(&root).filter(|people| people.len() == 1) {
                Some(people) => people.first().copied(),
                None => Some(self.people[place]).filter(|person| *person != NONE),
            };
            person
                .map(|person| self.texts.text(person))
                .or(firsts.get(&root).map(|first| first.1))
                .unwrap_or_default()
        };
        (0..self.people.len()).map(|place| (self.number(place), identity(place))).collect()
    }

    /// Numbers without a person that are tied to each other; the others stand alone.
    fn tied(&self) -> Sets {
        let mut sets = Sets((0..self.people.len()).collect());
        for tied in self.named.values() {
            let mut unknown = tied.iter().copied().filter(|place| self.is_unknown(*place));
            if let Some(first) = unknown.next() {
                unknown.for_each(|other| sets.join(first, other));
            }
        }
        sets
    }

    /// By set of numbers without a person: the people to whose numbers one of them is tied.
    fn claims(&self, sets: &mut Sets) -> HashMap<usize, BTreeSet<u32>, RandomState> {
        let mut claims: HashMap<usize, BTreeSet<u32>, RandomState> = HashMap::default();
        for tied in self.named.values() {
            if let Some(first) = tied.iter().copied().find(|place| self.is_unknown(*place)) {
                let people = tied.iter().map(|place| self.people[*place]).filter(|person| *person != NONE);
                claims.entry(sets.root(first)).or_default().extend(people);
            }
        }
        claims
    }

    fn is_unknown(&self, place: usize) -> bool {
        self.people[place] == NONE
    }

    fn number(&self, place: usize) -> &str {
        self.people.get_index(place).map_or("", |(number, _)| self.texts.text(*number))
    }
}

/// Sets of places, each with one of them as its root.
struct Sets(Vec<usize>);

impl Sets {
    fn root(&mut self, mut place: usize) -> usize {
        while self.0[place] != place {
            self.0[place] = self.0[self.0[place]];
            place = self.0[place];
        }
        place
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}
