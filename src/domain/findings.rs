//! The findings of a run, held small. A large company has hundreds of thousands of them and each is some
//! kilobytes, most of which its detector says of the others too: what lists are sorted and counted by is
//! at hand, and the rest is packed.

use std::collections::HashSet;
use std::sync::Arc;

use super::cores::on_all_cores;
use super::packing::{Examples, PackError, Packed, Packer, Unpacker};
use super::{Finding, Severity, UtcMicros, Verdict};

/// Findings in the order in which they were put in, until they are sorted.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    heads: Vec<Head>,
    examples: Examples,
    /// What many of them name.
    names: HashSet<Arc<str>>,
}

/// What is asked of a finding without unpacking it.
#[derive(Clone, Debug)]
pub struct Head {
    pub finding_id: Box<str>,
    pub detector: Arc<str>,
    pub code: Arc<str>,
    pub subject_id: Box<str>,
    pub app_id: Option<Arc<str>>,
    pub verdict: Verdict,
    pub severity: Severity,
    pub score: f64,
    pub since: Option<UtcMicros>,
    pub ages_out_at: Option<UtcMicros>,
    pub cause: Option<Arc<str>>,
    pub held: bool,
    text: Packed,
}

impl Findings {
    /// Holds these alone.
    ///
    /// # Errors
    /// As [`Findings::extend`].
    pub fn of(findings: &[Finding]) -> Result<Findings, PackError> {
        let mut held = Findings::default();
        held.extend(findings)?;
        Ok(held)
    }

    /// Adds findings.
    ///
    /// # Errors
    /// When one is no JSON, or there is no memory.
    pub fn extend(&mut self, findings: &[Finding]) -> Result<(), PackError> {
        for finding in findings {
            if !self.examples.contains_key(&finding.detector) {
                self.examples.insert(finding.detector.clone(), text(finding)?);
            }
        }
        let packed = on_all_cores(findings, |part| {
            let mut packer = Packer::new(&self.examples);
            part.iter().map(|finding| packer.pack(&finding.detector, &text(finding)?)).collect()
        })?;
        for (finding, packed) in findings.iter().zip(packed) {
            let head = self.head(finding, packed);
            self.heads.push(head);
        }
        Ok(())
    }

    fn head(&mut self, finding: &Finding, mut text: Packed) -> Head {
        text.bytes.shrink_to_fit();
        Head {
            finding_id: finding.finding_id.as_str().into(),
            detector: self.name(&finding.detector),
            code: self.name(&finding.code),
            subject_id: finding.subject.id.as_str().into(),
            app_id: finding.app.as_ref().map(|app| self.name(&app.id)),
            verdict: finding.verdict,
            severity: finding.severity,
            score: finding.score,
            since: finding.since,
            ages_out_at: finding.ages_out_at,
            cause: finding.cause.as_ref().map(|cause| self.name(cause)),
            held: finding.held_because.is_some(),
            text,
        }
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    pub fn len(&self) -> usize {
        self.heads.len()
    }

    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    pub fn heads(&self) -> &[Head] {
        &self.heads
    }

    /// Sorts them: the gravest first, then by code and subject.
    pub fn put_in_order(&mut self) {
        self.heads.sort_unstable_by(|a, b| {
            let gravity = b.severity.cmp(&a.severity);
            gravity.then_with(|| {
                (&a.code, &a.subject_id, &a.finding_id).cmp(&(&b.code, &b.subject_id, &b.finding_id))
            })
        });
    }

    /// All of them, unpacked one by one.
    pub fn iter(&self) -> impl Iterator<Item = Result<Finding, PackError>> {
        let mut reader = self.reader();
        (0..self.len()).map(move |place| reader.get(place))
    }

    /// All of them at once: for few.
    ///
    /// # Errors
    /// When one is damaged.
    pub fn to_vec(&self) -> Result<Vec<Finding>, PackError> {
        self.iter().collect()
    }

    /// Reads one after the other.
    pub fn reader(&self) -> Reader<'_> {
        Reader { findings: self, unpacker: Unpacker::default() }
    }

    /// Those at `places` of [`Findings::heads`].
    ///
    /// # Errors
    /// When one is damaged.
    pub fn at(&self, places: &[usize]) -> Result<Vec<Finding>, PackError> {
        on_all_cores(places, |part| {
            let mut reader = self.reader();
            part.iter().map(|place| reader.get(*place)).collect()
        })
    }

    /// Changes the one at `place`.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn change(&mut self, place: usize, change: impl FnOnce(&mut Finding)) -> Result<(), PackError> {
        let mut finding = self.reader().get(place)?;
        change(&mut finding);
        let text = Packer::new(&self.examples).pack(&finding.detector, &text(&finding)?)?;
        self.heads[place] = self.head(&finding, text);
        Ok(())
    }
}

/// Unpacks findings.
pub struct Reader<'a> {
    findings: &'a Findings,
    unpacker: Unpacker,
}

impl Reader<'_> {
    /// The one at `place` of [`Findings::heads`].
    ///
    /// # Errors
    /// When it is damaged.
    pub fn get(&mut self, place: usize) -> Result<Finding, PackError> {
        let Head { detector, text: Packed { bytes, size_bytes }, .. } = &self.findings.heads[place];
        let failed = |source| not_json(detector, source);
        match (self.findings.examples.get(&**detector), *size_bytes) {
            (Some(example), Some(size_bytes)) => {
                let text = self.unpacker.unpack(detector, example, bytes, size_bytes)?;
                serde_json::from_slice(&text).map_err(failed)
            }
            _ => serde_json::from_slice(bytes).map_err(failed),
        }
    }
}

fn text(finding: &Finding) -> Result<Vec<u8>, PackError> {
    serde_json::to_vec(finding).map_err(|source| not_json(&finding.detector, source))
}

fn not_json(detector: &str, source: serde_json::Error) -> PackError {
    PackError { detector: detector.to_owned(), source: source.into() }
}
