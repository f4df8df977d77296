//! Severity and score of one finding: simple terms that a reader can add up.

use crate::domain::{Severity, UtcMicros, Verdict};

const LEVELS: [Severity; 5] =
    [Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

/// `base` raised and lowered by one level each, held at the ends.
pub fn severity(base: Severity, up: bool, down: bool) -> Severity {
    let level = LEVELS.iter().position(|level| *level == base).unwrap_or(0);
    let raised = if up { level + 1 } else { level };
    let lowered = if down { raised.saturating_sub(1) } else { raised };
    LEVELS[lowered.min(LEVELS.len() - 1)]
}

/// 0–100: 10, 25, 45, 65 or 85 for the severity, up to 10 for the days the condition has
/// held (full at 90), up to 5 for the confidence of the link; half of the sum when the
/// verdict is unknown. The weights are ours.
pub fn score(
    severity: Severity,
    verdict: Verdict,
    since: Option<UtcMicros>,
    as_of: UtcMicros,
    confidence: f64,
) -> f64 {
    let base = match severity {
        Severity::Info => 10.0,
        Severity::Low => 25.0,
        Severity::Medium => 45.0,
        Severity::High => 65.0,
        Severity::Critical => 85.0,
    };
    let days =
        since.map_or(0.0, |since| (as_of.0 - since.0).max(0) as f64 / UtcMicros::MICROS_PER_DAY as f64);
    let sum = base + 10.0 * (days / 90.0).min(1.0) + 5.0 * confidence.clamp(0.0, 1.0);
    let sum = if verdict == Verdict::Unknown { sum / 2.0 } else { sum };
    (sum * 10.0).round() / 10.0
}
