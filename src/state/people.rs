//! People as linking needs them: what all their employments and addresses say.

use std::collections::HashSet;

use arrow::array::{Array, Int64Array, RecordBatch};

use super::link::Person;
use crate::domain::UtcMicros;
use crate::query::{Error, Rows, Session, Texts, Times};

const EMPLOYMENTS: &str = "SELECT identity_id, identity_key, employee_id, name, email, aliases, kind, start_at, end_at FROM link_people";

/// One employment of one person under one address.
#[derive(Clone, Copy)]
pub struct Employment<'a> {
    pub identity_id: &'a str,
    pub employee_id: Option<&'a str>,
    pub name: Option<&'a str>,
    pub email: Option<&'a str>,
    pub aliases: Option<&'a str>,
    identity_key: Option<u32>,
    kind: Option<&'a str>,
    start_at: Option<UtcMicros>,
    end_at: Option<UtcMicros>,
}

impl<'a> Employment<'a> {
    /// The addresses that it names, as they are written.
    pub fn addresses(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.email.into_iter().chain(self.aliases.into_iter().flat_map(str::split_whitespace))
    }

    /// By person, and from older to newer; what is not said comes last.
    fn order(&self) -> impl Ord + use<'a> {
        fn last<T>(said: Option<T>) -> (bool, Option<T>) {
            (said.is_none(), said)
        }
        let texts = [self.employee_id, self.email, self.aliases].map(last);
        (self.identity_id, last(self.start_at), texts)
    }
}

/// All employments.
pub struct Employments(Vec<Columns>);

impl Employments {
    pub async fn of(session: &Session) -> Result<Employments, Error> {
        let batches = session.collect("link_people", EMPLOYMENTS).await?;
        batches.iter().map(Columns::of).collect::<Result<_, _>>().map(Employments)
    }

    fn all(&self) -> impl Iterator<Item = Employment<'_>> {
        self.0.iter().flat_map(Columns::rows)
    }

    /// The addresses that they name, as they are written.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.all().flat_map(|employment| employment.addresses())
    }

    /// People one of whose employments is `wanted`, each with all of theirs.
    pub fn people(&self, wanted: impl Fn(&Employment<'_>) -> bool) -> Vec<Person> {
        let wanted: HashSet<&str> =
            self.all().filter(&wanted).map(|employment| employment.identity_id).collect();
        let mut rows: Vec<_> =
            self.all().filter(|employment| wanted.contains(employment.identity_id)).collect();
        rows.sort_by_cached_key(Employment::order);
        rows.chunk_by(|a, b| a.identity_id == b.identity_id).map(person).collect()
    }
}

/// The newest employment has the last word.
fn person(employments: &[Employment<'_>]) -> Person {
    let mut person = Person::default();
    for employment in employments {
        employment.identity_id.clone_into(&mut person.identity_id);
        person.identity_key = employment.identity_key;
        person.employee_ids.extend(employment.employee_id.map(str::to_owned));
        person.emails.extend(employment.addresses().map(str::to_lowercase));
        person.name = employment.name.map(str::to_owned).or(person.name);
        person.kind = employment.kind.map(str::to_owned).or(person.kind);
        person.employments.push((employment.start_at, employment.end_at));
    }
    person
}

/// Some employments as the session has them.
struct Columns {
    identity_id: Texts,
    identity_key: Int64Array,
    employee_id: Texts,
    name: Texts,
    email: Texts,
    aliases: Texts,
    kind: Texts,
    start_at: Times,
    end_at: Times,
    rows: usize,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Columns, Error> {
        let rows = Rows::new("link_people", batch);
        Ok(Columns {
            identity_id: rows.texts("identity_id")?,
            identity_key: rows.integers("identity_key")?,
            employee_id: rows.texts("employee_id")?,
            name: rows.texts("name")?,
            email: rows.texts("email")?,
            aliases: rows.texts("aliases")?,
            kind: rows.texts("kind")?,
            start_at: rows.times("start_at")?,
            end_at: rows.times("end_at")?,
            rows: rows.len(),
        })
    }

    fn rows(&self) -> impl Iterator<Item = Employment<'_>> {
        (0..self.rows).filter_map(|row| {
            let key = self.identity_key.is_valid(row).then(|| self.identity_key.value(row));
            Some(Employment {
                identity_id: self.identity_id.get(row)?,
                employee_id: self.employee_id.get(row),
                name: self.name.get(row),
                email: self.email.get(row),
                aliases: self.aliases.get(row),
                identity_key: key.and_then(|key| u32::try_from(key).ok()),
                kind: self.kind.get(row),
                start_at: self.start_at.get(row),
                end_at: self.end_at.get(row),
            })
        })
    }
}
