//! The guess what a table is. Takes header, sample, file name and a person's answers, gives a
//! [`Table`] or the questions that remain. The order: frame, kind, columns, application, dates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::Columns;
use super::columns::Sampled;
use super::dates::{self, Proof};
use super::field::Field;
use super::kinds::{self, Candidate};
use super::moment::DateOrder;
use super::question::{self, quoted};
use super::shape::Shape;
use super::words::normal;
use super::{Overrides, Refusal, Table, TableKind, explain, frame};

/// How much better the best kind must fit than the next.
const MARGIN: f64 = 1.5;

type Pins<'a> = BTreeMap<&'a str, Option<usize>>;

/// Understands a table from its header and first rows.
///
/// # Errors
/// A [`Refusal`] when the kind, a deciding column, the order of dates or the application is
/// doubtful; its questions name the flags that answer them.
pub fn guess(
    header: &[String],
    sample: &[Vec<String>],
    file_name: &str,
    overrides: &Overrides,
) -> Result<Table, Refusal> {
    let (header, above) = frame::header(header, sample);
    let rows: Vec<&[String]> =
        sample.iter().skip(above).map(Vec::as_slice).filter(|row| !frame::remark(row, &header)).collect();
    let passed_over = sample.len() - rows.len();
    let shape = |at: usize| Shape::of(rows.iter().filter_map(|row| row.get(at)).map(String::as_str));
    let sampled = Sampled {
        written: &header,
        words: header.iter().map(|text| normal(text)).collect(),
        shapes: (0..header.len()).map(shape).collect(),
        rows,
    };
    let pins = pins(overrides, &sampled)?;
    let candidate = kind(&sampled, &pins, file_name, overrides)?;
    let fields = kinds::fields(candidate.kind);
    let mut questions = question::columns(&candidate, &sampled, &pins);
    let order = order(&fields, &candidate, &sampled, overrides, &mut questions);
    let (app, app_checked) = app(&candidate, &sampled, overrides, &mut questions);
    if !questions.is_empty() {
        let explanation =
            format!("this looks like {}, but not beyond doubt", question::kind_name(candidate.kind));
        return Err(Refusal { questions, explanation });
    }
    let complete = overrides.complete.unwrap_or_else(|| !partial(file_name, &sampled));
    let explanation = explain::table(&candidate, &sampled, order, app.as_deref(), complete, passed_over);
    let columns = Arc::new(columns(&fields, candidate.found.of_field, &sampled, order));
    let zone = overrides.zone.clone();
    Ok(Table { kind: candidate.kind, columns, order, zone, app, app_checked, complete, explanation })
}

/// A person's answers as columns.
fn pins<'a>(overrides: &'a Overrides, sampled: &Sampled) -> Result<Pins<'a>, Refusal> {
    let mut pins = BTreeMap::new();
    let mut questions = Vec::new();
    let known = TableKind::columns(overrides.kind);
    for (field, header) in &overrides.columns {
        if !known.contains(field.as_str()) {
            questions.push(format!("--map {field}=…: no such field; there are {}", listed(&known)));
        }
        match pinned(header, sampled) {
            Ok(column) => drop(pins.insert(field.as_str(), column)),
            Err(question) => questions.push(format!("--map {field}=\"{header}\": {question}")),
        }
    }
    if questions.is_empty() {
        return Ok(pins);
    }
    Err(Refusal { questions, explanation: "a given mapping does not fit the table".to_string() })
}

fn listed(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

fn pinned(header: &str, sampled: &Sampled) -> Result<Option<usize>, String> {
    if header.is_empty() {
        return Ok(None);
    }
    let count = sampled.written.len();
    if let Some(number) = header.strip_prefix('#').and_then(|number| number.parse::<usize>().ok()) {
        let inside = (1..=count).contains(&number);
        return if inside { Ok(Some(number - 1)) } else { Err(format!("the table has {count} columns")) };
    }
    let same =
        |at: &usize| sampled.written[*at].trim() == header.trim() || sampled.words[*at] == normal(header);
    match (0..count).filter(same).collect::<Vec<_>>().as_slice() {
        [] => Err(format!("no column has this header; there are {}", quoted(sampled, 0..count))),
        [one] => Ok(Some(*one)),
        several => {
            Err(format!("{} columns have this header; say #{} for the first", several.len(), several[0] + 1))
        }
    }
}

/// The one kind that fits, by content; a kind that a person gave is not doubted.
fn kind(
    sampled: &Sampled,
    pins: &Pins,
    file_name: &str,
    overrides: &Overrides,
) -> Result<Candidate, Refusal> {
    let words = file_words(file_name);
    if let Some(kind) = overrides.kind {
        return Ok(kinds::candidate(kind, sampled, pins, &words));
    }
    let mut objections = Vec::new();
    let mut fitting = Vec::new();
    for kind in kinds::all() {
        let candidate = kinds::candidate(kind, sampled, pins, &words);
        match kinds::objection(&candidate, sampled) {
            None => fitting.push(candidate),
            Some(objection) => objections.push((candidate.score, kind, objection)),
        }
    }
    fitting.sort_by(|a, b| b.score.total_cmp(&a.score));
    let rival =
        fitting.get(1).filter(|second| fitting[0].score - second.score < MARGIN).map(|second| second.kind);
    match (fitting.into_iter().next(), rival) {
        (None, _) => Err(question::no_kind(objections)),
        (Some(best), Some(rival)) => Err(question::two_kinds(best.kind, rival)),
        (Some(best), None) => Ok(best),
    }
}

/// The words of the file's name and of the folder that it lies in.
fn file_words(file_name: &str) -> String {
    let mut parts: Vec<&str> = file_name.rsplit(['/', '\\']).take(2).collect();
    parts.reverse();
    normal(&parts.join(" "))
}

fn partial(file_name: &str, sampled: &Sampled) -> bool {
    const WORDS: [&str; 6] = ["delta", "changes", "incremental", "partial", "diff", "changed"];
    let says = |words: &str| words.split(' ').any(|word| WORDS.contains(&word));
    says(&file_words(file_name))
        || sampled.words.iter().any(|words| words == "delta" || words == "change type")
}

fn order(
    fields: &[Field],
    candidate: &Candidate,
    sampled: &Sampled,
    overrides: &Overrides,
    questions: &mut Vec<String>,
) -> Option<DateOrder> {
    let times = dates::columns(fields, &candidate.found);
    questions.extend(question::years(&times, sampled));
    if overrides.date_order.is_some() {
        return overrides.date_order;
    }
    match dates::order(&times, sampled) {
        Proof::Unneeded => None,
        Proof::Decided(order) => Some(order),
        Proof::Undecided(example) => {
            questions.push(format!(
                "is \"{example}\" day first or month first? No date in the sample tells; answer with \
                 --date-order day-first or --date-order month-first"
            ));
            None
        }
        Proof::Contradictory(day, month) => {
            questions.push(format!(
                "\"{day}\" has the day first and \"{month}\" the month: which is right? Answer with --date-order \
                 day-first or --date-order month-first; dates that contradict it are quarantined"
            ));
            None
        }
    }
}

/// The application and whether each row must name it.
fn app(
    candidate: &Candidate,
    sampled: &Sampled,
    overrides: &Overrides,
    questions: &mut Vec<String>,
) -> (Option<String>, bool) {
    let listing = matches!(candidate.kind, TableKind::Accounts | TableKind::Grants);
    let column = candidate.found.of_field.get("app").and_then(|columns| columns.first());
    let Some(&column) = column.filter(|_| listing) else { return (overrides.app.clone(), false) };
    let values = dates::values(column, sampled).filter_map(super::cell::present);
    let named: BTreeSet<&str> = values.collect();
    if named.len() > 1 {
        let header = &sampled.written[column];
        let some = named.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        questions.push(format!(
            "column \"{header}\" names {} applications ({some}…): one listing is of one application, so split the \
             file by it; or answer with --map app= --app NAME when the column means something else",
            named.len()
        ));
    }
    let checked = overrides.app.is_none() && named.len() == 1;
    (overrides.app.clone().or_else(|| named.first().map(|app| app.to_string())), checked)
}

fn columns(
    fields: &[Field],
    of_field: BTreeMap<&'static str, Vec<usize>>,
    sampled: &Sampled,
    order: Option<DateOrder>,
) -> Columns {
    let times =
        fields.iter().filter(|field| field.expects == super::field::Expect::Instant).map(|field| field.name);
    let dated = times.filter(|name| {
        let columns = of_field.get(name).map_or(&[][..], Vec::as_slice);
        !columns.is_empty() && columns.iter().all(|at| dates::midnights_only(*at, sampled, order))
    });
    let midnights = dated.collect();
    Columns { written: sampled.written.to_vec(), words: sampled.words.clone(), of_field, midnights }
}
