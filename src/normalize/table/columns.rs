//! Fields matched with columns: a column is taken for a field when header and values both
//! say so. Takes a kind's fields, the header and the columns' shapes, gives the match and the
//! doubts that are left. Two columns that claim a deciding field equally well are a doubt.

use std::collections::{BTreeMap, BTreeSet};

use super::field::{Field, NAME_PART, NAME_SURE, NAME_WEAK, Weight};
use super::shape::Shape;

/// Agreement of the values that confirms a sure name, and one that confirms a weak one.
const VALUES_CONFIRM: f64 = 0.7;
const VALUES_CONVINCE: f64 = 0.8;

/// Fields that need no question when another column says the same.
const SAID_BY: [(&str, &str); 4] =
    [("active", "status"), ("status", "active"), ("last_day_on", "end_on"), ("contract_end_on", "end_on")];

/// Fields of which a second sure column is a doubt, however common its header: what they say
/// decides whether somebody still has access.
const STRICT: [&str; 3] = ["status", "active", "end_on"];

/// The header and what stands under it in the sample.
pub struct Sampled<'a> {
    pub written: &'a [String],
    pub words: Vec<String>,
    pub shapes: Vec<Shape>,
    pub rows: Vec<&'a [String]>,
}

impl Sampled<'_> {
    /// Whether two columns hold the same in every sampled row, and hold something.
    fn same(&self, a: usize, b: usize) -> bool {
        self.shapes[a].present > 0 && self.rows.iter().all(|row| row.get(a) == row.get(b))
    }
}

/// One column claiming to be one field.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub column: usize,
    pub name: f64,
    pub values: Option<f64>,
}

impl Claim {
    fn accepted(&self) -> bool {
        match self.values {
            None => self.name >= NAME_SURE,
            Some(values) if self.name >= NAME_SURE => values >= VALUES_CONFIRM,
            Some(values) => self.name >= NAME_WEAK && values >= VALUES_CONVINCE,
        }
    }

    /// Worth a question when nothing better takes the field.
    fn doubtful(&self) -> bool {
        match self.values {
            Some(values) if self.name >= NAME_SURE => values < VALUES_CONFIRM,
            Some(values) => self.name >= NAME_PART && values >= VALUES_CONVINCE,
            None => self.name >= NAME_WEAK,
        }
    }

    fn score(&self) -> f64 {
        self.name * 0.7 + self.values.unwrap_or(0.6) * 0.3
    }
}

/// A field that no column takes beyond doubt.
pub struct Doubt {
    pub field: &'static str,
    pub columns: Vec<usize>,
    /// The header fits and the values do not.
    pub contrary: bool,
}

#[derive(Default)]
pub struct Match {
    pub of_field: BTreeMap<&'static str, Vec<usize>>,
    pub claims: BTreeMap<&'static str, Vec<Claim>>,
    pub doubts: Vec<Doubt>,
    /// Fields times their weight: how much of the kind is there.
    pub score: f64,
}

impl Match {
    pub fn has(&self, field: &str) -> bool {
        self.of_field.contains_key(field)
    }

    pub fn count(&self, fields: &[&str]) -> usize {
        fields.iter().filter(|field| self.has(field)).count()
    }

    /// Whether a header of its own, and no word such as `id`, names the field.
    pub fn sure(&self, field: &str) -> bool {
        self.claims.get(field).is_some_and(|claims| claims.iter().any(|claim| claim.name >= NAME_SURE))
    }

    pub fn taken(&self, column: usize) -> bool {
        self.of_field.values().any(|columns| columns.contains(&column))
    }
}

/// Matches `fields` with the columns. `pinned` are the answers of a person and always win;
/// a pin to no column leaves the field out.
pub fn matched(fields: &[Field], sampled: &Sampled, pinned: &BTreeMap<&str, Option<usize>>) -> Match {
    let mut found = Match::default();
    for field in fields {
        if let Some(Some(column)) = pinned.get(field.name) {
            take(&mut found, field, Claim { column: *column, name: 1.0, values: None });
        }
    }
    let open: Vec<&Field> = fields.iter().filter(|field| !pinned.contains_key(field.name)).collect();
    let claims = claims(&open, sampled);
    for &(field, claim) in claims.iter().filter(|(_, claim)| claim.accepted()) {
        if !found.taken(claim.column) && (field.many() || !found.has(field.name)) {
            take(&mut found, field, claim);
        }
    }
    for field in &open {
        let own: Vec<Claim> = claims.iter().filter(|(f, _)| f.name == field.name).map(|(_, c)| *c).collect();
        doubt(&mut found, field, &own, sampled);
    }
    found.score = fields.iter().map(|field| weight(&found, field)).sum();
    found
}

/// All claims, best first; of equals the field and the column that come first.
fn claims<'f>(fields: &[&'f Field], sampled: &Sampled) -> Vec<(&'f Field, Claim)> {
    let mut claims = Vec::new();
    for &field in fields {
        for (column, words) in sampled.words.iter().enumerate() {
            let name = field.names(words);
            if name > 0.0 {
                claims.push((field, Claim { column, name, values: field.agrees(&sampled.shapes[column]) }));
            }
        }
    }
    claims.sort_by(|(_, a), (_, b)| b.score().total_cmp(&a.score()));
    claims
}

fn take(found: &mut Match, field: &Field, claim: Claim) {
    found.of_field.entry(field.name).or_default().push(claim.column);
    found.claims.entry(field.name).or_default().push(claim);
}

fn doubt(found: &mut Match, field: &Field, own: &[Claim], sampled: &Sampled) {
    let free = |claim: &&Claim| !found.taken(claim.column);
    if let Some(first) = found.claims.get(field.name).and_then(|claims| claims.first()).copied() {
        let rival = |claim: &&Claim| {
            let equal = claim.name + 0.001 > first.name;
            let strict = STRICT.contains(&field.name) && claim.name >= NAME_SURE && claim.values.is_some();
            claim.accepted() && (equal || strict) && !sampled.same(first.column, claim.column)
        };
        let rivals: BTreeSet<usize> =
            own.iter().filter(free).filter(rival).map(|claim| claim.column).collect();
        if rivals.is_empty() || field.many() {
            return;
        }
        if field.deciding() {
            let columns = std::iter::once(first.column).chain(rivals).collect();
            found.doubts.push(Doubt { field: field.name, columns, contrary: false });
        } else {
            found.of_field.remove(field.name);
            found.claims.remove(field.name);
        }
        return;
    }
    if !field.deciding() || SAID_BY.iter().any(|(one, other)| *one == field.name && found.has(other)) {
        return;
    }
    let doubtful: Vec<&Claim> = own.iter().filter(free).filter(|claim| claim.doubtful()).collect();
    let contrary = doubtful.iter().any(|claim| claim.name >= NAME_SURE);
    let columns: Vec<usize> = doubtful
        .iter()
        .filter(|claim| !contrary || claim.name >= NAME_SURE)
        .map(|claim| claim.column)
        .collect();
    if !columns.is_empty() {
        found.doubts.push(Doubt { field: field.name, columns, contrary });
    }
}

fn weight(found: &Match, field: &Field) -> f64 {
    let best = found.claims.get(field.name).and_then(|claims| claims.first());
    let unit = if field.weight == Weight::Described { 1.0 } else { 2.0 };
    best.map_or(0.0, |claim| claim.name * unit)
}
