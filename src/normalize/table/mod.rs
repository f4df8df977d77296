//! Tables (CSV and its kin) whose columns nobody promised: rosters, account exports, grant
//! exports, registers. Takes a header, sampled rows and a person's answers, gives a [`Table`]
//! that reads rows, or a [`Refusal`] with the questions to answer. A column is believed when
//! its header and its values agree; a doubtful guess is asked for and never taken.

mod accounts;
mod cell;
mod cells;
mod columns;
mod dates;
mod explain;
mod field;
mod frame;
mod grants;
mod guess;
mod kinds;
mod moment;
mod question;
mod registers;
mod roster;
mod shape;
mod standing;
mod words;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Context;
use crate::domain::{RegisterKind, Rejection, Row};
use cells::{Cells, Columns};
pub use guess::guess;
pub use moment::DateOrder;
pub use standing::is_gone;

/// What a person says about a table, which outweighs every guess.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub kind: Option<TableKind>,
    /// The application that the table lists.
    pub app: Option<String>,
    /// Canonical name to header; `#3` is the third column, an empty header leaves the field out.
    pub columns: BTreeMap<String, String>,
    /// For times that name no zone.
    pub zone: Option<TimeZone>,
    pub date_order: Option<DateOrder>,
    /// Whether what the table does not name is gone.
    pub complete: Option<bool>,
}

impl Overrides {
    /// What was answered of how its columns are read, as text.
    pub fn answers(&self) -> String {
        let columns = self.columns.iter().map(|(field, header)| format!("\u{1f}{field}={header}"));
        let zone = self.zone.as_ref().and_then(TimeZone::iana_name).map(|zone| format!("\u{1f}zone={zone}"));
        let order = self.date_order.map(|order| format!("\u{1f}dates={order:?}"));
        columns.chain(zone).chain(order).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    Roster,
    Accounts,
    Grants,
    Register(RegisterKind),
}

impl TableKind {
    /// The name as in `--source`.
    pub fn as_str(self) -> &'static str {
        match self {
            TableKind::Roster => "roster",
            TableKind::Accounts => "accounts",
            TableKind::Grants => "grants",
            TableKind::Register(kind) => kind.as_str(),
        }
    }

    /// Reads a name as in `--source`.
    pub fn parse(text: &str) -> Option<TableKind> {
        kinds::all().into_iter().find(|kind| kind.as_str() == text)
    }

    /// The canonical columns of a kind, or of all; as in `--map`.
    pub fn columns(kind: Option<TableKind>) -> BTreeSet<&'static str> {
        let kinds = kind.map_or_else(kinds::all, |kind| vec![kind]);
        kinds.into_iter().flat_map(kinds::fields).map(|field| field.name).collect()
    }
}

/// Why a table is not read, and what would make it readable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{explanation}: {}", questions.join("; "))]
pub struct Refusal {
    /// Each names the flag that answers it.
    pub questions: Vec<String>,
    pub explanation: String,
}

/// A table whose columns are understood.
#[derive(Clone, Debug)]
pub struct Table {
    kind: TableKind,
    columns: Arc<Columns>,
    order: Option<DateOrder>,
    zone: Option<TimeZone>,
    app: Option<String>,
    /// The `app` column names one application, and every row must name it.
    app_checked: bool,
    complete: bool,
    explanation: String,
}

impl Table {
    pub fn kind(&self) -> TableKind {
        self.kind
    }

    /// What was understood, for a person: each field with its column and why, the columns
    /// left aside, the order of dates, what rows were passed over.
    pub fn explain(&self) -> String {
        self.explanation.clone()
    }

    /// The application that all rows belong to, where the table or a person names it.
    pub fn app(&self) -> Option<&str> {
        self.app.as_deref()
    }

    pub fn complete(&self) -> bool {
        self.complete
    }

    /// Whether a column holds the end of accounts or of grants, if only an empty one.
    pub fn has_ends(&self) -> bool {
        matches!(self.kind, TableKind::Accounts | TableKind::Grants) && self.columns.has("expires_at")
    }

    /// Reads one row of the file; gives at least one row, but for a grant that is over.
    ///
    /// # Errors
    /// A [`Rejection`] for a title, a total or the header again (`remark`), a row without
    /// its key or its application (`missing_field`), an unreadable time (`bad_time`).
    pub fn read(&self, fields: &[String], context: &Context) -> Result<Vec<Row<'static>>, Rejection> {
        if frame::remark(fields, &self.columns.written) {
            return Err(Rejection::new(
                "remark",
                "a title, total or repeated header, not a row of the table",
            ));
        }
        let cells = Cells {
            fields,
            columns: &self.columns,
            order: self.order,
            zone: self.zone.clone().unwrap_or_else(|| context.zone.clone()),
            now: context.now,
        };
        let app = self.app.as_deref().or(context.app.as_deref());
        match self.kind {
            TableKind::Roster => Ok(vec![roster::row(&cells)?]),
            TableKind::Register(kind) => Ok(vec![registers::row(kind, &cells, app)?]),
            TableKind::Accounts => {
                self.of_one_app(&cells, app).and_then(|()| Ok(vec![accounts::row(&cells)?]))
            }
            TableKind::Grants => self.of_one_app(&cells, app).and_then(|()| grants::rows(&cells)),
        }
    }

    /// Accounts and grants belong to the one application of their listing.
    fn of_one_app(&self, cells: &Cells, app: Option<&str>) -> Result<(), Rejection> {
        let Some(app) = app else {
            return Err(Rejection::new("missing_field", "which application? use --app"));
        };
        match cells.text("app") {
            Some(other) if self.app_checked && other != app => Err(Rejection::new(
                "bad_value",
                format!("row of application \"{other}\" in a listing of \"{app}\""),
            )),
            _ => Ok(()),
        }
    }
}
