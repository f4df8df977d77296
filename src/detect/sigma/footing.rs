//! What correlations rest on, through other correlations too.

use std::collections::BTreeSet;

use super::heading::Heading;
use super::rules::RuleSet;

/// Everything that bears on when a correlation holds. Rules and correlations are numbers of the set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footing {
    pub rules: BTreeSet<usize>,
    /// The correlation itself and those whose holding it looks at.
    pub correlations: BTreeSet<usize>,
    /// Names that are looked at and that nothing has.
    pub unknown: BTreeSet<String>,
    /// How far before and after a match lies what decides whether that match begins a window: one span for
    /// what is counted and one for the window before it, on every step up.
    pub reach_us: i64,
}

impl RuleSet {
    /// What the correlation with this number rests on.
    ///
    /// # Errors
    /// A sentence, when correlations look at each other in a circle.
    pub fn footing(&self, correlation: usize) -> Result<Footing, String> {
        let mut footing = Footing::default();
        footing.reach_us = self.add_footing(correlation, &mut Vec::new(), &mut footing)?;
        Ok(footing)
    }

    /// Whether the correlation with this number can hold at all, when of each rule it is known whether that can
    /// match. Correlations in a circle cannot.
    pub fn can_fire(&self, correlation: usize, can_match: &impl Fn(usize) -> bool) -> bool {
        self.footing(correlation).is_ok() && self.can_hold(correlation, can_match)
    }

    fn can_hold(&self, correlation: usize, can_match: &impl Fn(usize) -> bool) -> bool {
        self.correlations[correlation].can_fire(|name| {
            let named = |heading: &Heading| heading.names.contains(name);
            (0..self.rules.len()).any(|rule| named(&self.rules[rule].heading) && can_match(rule))
                || (0..self.correlations.len())
                    .any(|other| named(&self.correlations[other].heading) && self.can_hold(other, can_match))
        })
    }

    fn add_footing(
        &self,
        correlation: usize,
        above: &mut Vec<usize>,
        footing: &mut Footing,
    ) -> Result<i64, String> {
        if above.contains(&correlation) {
            let titles = above.iter().map(|one| self.correlations[*one].heading.title.as_str());
            let titles: Vec<&str> = titles.collect();
            return Err(format!("correlations look at each other in a circle: {}", titles.join(", ")));
        }
        above.push(correlation);
        let of = &self.correlations[correlation];
        let mut below_us = 0;
        for name in &of.rules {
            let named = |heading: &Heading| heading.names.contains(name);
            let rules = (0..self.rules.len()).filter(|rule| named(&self.rules[*rule].heading));
            let rules: Vec<usize> = rules.collect();
            let others = (0..self.correlations.len()).filter(|one| named(&self.correlations[*one].heading));
            let others: Vec<usize> = others.collect();
            if rules.is_empty() && others.is_empty() {
                footing.unknown.insert(name.clone());
            }
            footing.rules.extend(rules);
            for other in others {
                below_us = below_us.max(self.add_footing(other, above, footing)?);
            }
        }
        above.pop();
        footing.correlations.insert(correlation);
        Ok(of.span_us.saturating_mul(2).saturating_add(below_us))
    }
}
