//! What spoils the files but not the truth (learning reference §5.2): independent switches,
//! each with a stream of its own. Nothing that decides a label at the end is spoilt.

use rand::Rng;

use super::calendar::{DAY, HOUR, SECOND};
use super::stream::{Stream, stream};
use crate::domain::UtcMicros;

/// Which spoilings happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise {
    /// Events are written late, up to nine days, and so out of order and in a later file (8 %).
    pub late_events: bool,
    /// Events are written twice (1 %).
    pub duplicates: bool,
    /// Sign-ins are written again under another id (0.5 %).
    pub near_duplicates: bool,
    /// Rosters before the last two leave people out (0.7 %).
    pub missing_roster_rows: bool,
    /// Rosters name a manager of someone else's (4 %).
    pub stale_managers: bool,
    /// Sources' clocks are off by some 90 seconds.
    pub clock_skew: bool,
    /// One application's export writes local time without saying so.
    pub local_time: bool,
    /// Sign-ins to an application are lost for up to three days a quarter.
    pub usage_holes: bool,
    /// Two people of one name (0.4 %).
    pub homonyms: bool,
    /// One older export is cut off in its last line.
    pub truncated_line: bool,
    /// One export is in Windows-1252, one roster in UTF-16.
    pub mixed_encodings: bool,
    /// People without a title (2 %).
    pub null_titles: bool,
}

impl Noise {
    pub const NONE: Noise = Noise::all(false);
    pub const FULL: Noise = Noise::all(true);

    const fn all(on: bool) -> Noise {
        Noise {
            late_events: on,
            duplicates: on,
            near_duplicates: on,
            missing_roster_rows: on,
            stale_managers: on,
            clock_skew: on,
            local_time: on,
            usage_holes: on,
            homonyms: on,
            truncated_line: on,
            mixed_encodings: on,
            null_titles: on,
        }
    }
}

/// The delay with which an event is written: mostly none, else lognormal with a median of six hours.
pub fn delay(rng: &mut Stream, noise: Noise) -> i64 {
    if !noise.late_events || !rng.gen_bool(0.08) {
        return 0;
    }
    let normal: f64 = (0..12).map(|_| rng.gen_range(0.0..1.0)).sum::<f64>() - 6.0;
    ((6.0 * (1.55 * normal).exp()) * HOUR as f64).min(9.0 * DAY as f64) as i64
}

/// How far the clock of a source is off.
pub fn skew(seed: u64, noise: Noise, source: &str) -> i64 {
    if !noise.clock_skew {
        return 0;
    }
    stream(seed, &format!("noise/skew/{source}")).gen_range(-90..=90) * SECOND
}

/// Whether a use of an application falls into a hole of its log: one to three days a quarter,
/// and none in the last quarter, which decides about dormancy.
pub fn in_hole(seed: u64, noise: Noise, app: usize, at: UtcMicros, end_at: UtcMicros) -> bool {
    let quarter = (end_at.0 - at.0) / (91 * DAY);
    if !noise.usage_holes || quarter < 2 {
        return false;
    }
    let rng = &mut stream(seed, &format!("noise/hole/{app}/{quarter}"));
    let from = rng.gen_range(0..80 * DAY);
    let within = (end_at.0 - at.0) % (91 * DAY);
    (from..from + rng.gen_range(DAY..3 * DAY)).contains(&within)
}
