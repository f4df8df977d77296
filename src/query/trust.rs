//! When a listing is trusted to say by silence who is gone: the one home of these limits, for the views that end accounts
//! and grants (`listings`, `rosters`) and for the doubts that detectors have of a source.

/// Of a listing with a larger share of records that could not be read, what it does not name may be in these.
pub const UNREAD_MAX: f64 = 0.005;
/// Who loses no larger share than this has lost people, and not a part of the export (detectors reference, PRV-11).
pub const SHRINK_MAX: f64 = 0.02;
/// So many rows may go at once, however many there were.
pub const SHRINK_ROWS_MIN: f64 = 20.0;
/// Of few rows these would be all: there a cut export is one that lost so large a share (detectors reference, 1.12).
pub const SHRINK_FEW_MAX: f64 = 0.3;
/// So many may always go: of a handful, one or two who leave are no cut export.
const SHRINK_ALWAYS: f64 = 2.0;

/// How many rows a listing may have lost since the one of its feed before it, which had `previous`. One that lost more is
/// believed when the next is as short.
pub fn shrink_allowed(previous: f64) -> f64 {
    let few = SHRINK_ROWS_MIN.min(SHRINK_ALWAYS.max(SHRINK_FEW_MAX * previous));
    few.max(SHRINK_MAX * previous)
}

/// The same for SQL, by name.
pub const PARAMETERS: [(&str, f64); 5] = [
    ("unread_max", UNREAD_MAX),
    ("shrink_max", SHRINK_MAX),
    ("shrink_rows_min", SHRINK_ROWS_MIN),
    ("shrink_few_max", SHRINK_FEW_MAX),
    ("shrink_always", SHRINK_ALWAYS),
];
