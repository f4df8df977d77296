//! One input: opened, sampled, read in batches.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use super::batch::Sink;
use super::bytes::Window;
use super::document::Document;
use super::layout::{self, HEAD_BYTES};
use super::lines::{Content, Lines};
use super::rows::Rows;
use super::{Batch, Body, Error, Layout, Limits};
use crate::domain::Rejection;

/// How many records are shown to whoever recognises the format.
const SAMPLE_RECORDS: usize = 64;

/// The beginning of an input, by which its format is recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub layout: Layout,
    /// Names of the columns, where the layout is a table.
    pub header: Option<Vec<String>>,
    beginning: Batch,
}

impl Sample {
    /// At most 64; none for an input whose document or table is empty.
    pub fn bodies(&self) -> impl Iterator<Item = Body<'_>> {
        self.beginning.records().take(SAMPLE_RECORDS).map(|record| record.body)
    }
}

/// An input being read.
pub struct Input {
    name: Arc<str>,
    limits: Limits,
    window: Window,
    records: Records,
    sample: Sample,
    /// What was read for the sample and not yet handed out.
    pending: Batch,
    pending_fields_bytes: usize,
    truncated: bool,
    ended: bool,
}

enum Records {
    Lines(Lines),
    Document(Document),
    Rows(Rows),
}

impl Input {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// A path that is missing, a directory or unreadable; a file that is empty (blanks
    /// only) or known not to be text. Damage further in is quarantined instead.
    pub fn open(path: &Path, limits: Limits) -> Result<Input, Error> {
        Input::open_as(path, &path.to_string_lossy(), limits)
    }

    /// The same, with the `name` that origins and messages call it.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open_as(path: &Path, name: &str, limits: Limits) -> Result<Input, Error> {
        if path == Path::new("-") {
            return Input::from_reader(name, std::io::stdin(), limits);
        }
        if path.is_dir() {
            return Err(Error::Directory { path: path.to_owned() });
        }
        let file = File::open(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => Error::Missing { path: path.to_owned() },
            _ => Error::Open { path: path.to_owned(), source },
        })?;
        Input::from_reader(name, file, limits)
    }

    /// The same of a file that is being written: what stands behind its last line end is left for later. None for one
    /// whose records are no lines: half of a listing would pass for all of it.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn open_growing(path: &Path, name: &str, limits: Limits) -> Result<Option<Input>, Error> {
        let failed = |source| Error::Open { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed)?;
        let end = last_line_end(&mut file).map_err(failed)?;
        file.rewind().map_err(failed)?;
        let input = Input::from_reader(name, file.take(end), limits)?;
        let is_lines = matches!(input.sample.layout, Layout::Ndjson | Layout::Lines);
        Ok(Some(input).filter(|input| is_lines && input.window.is_stored_plain()))
    }

    /// Reads from any reader; `name` is what origins and messages call it.
    ///
    /// # Errors
    /// As [`Input::open`], but for those of paths.
    pub fn from_reader(
        name: &str,
        reader: impl Read + Send + 'static,
        limits: Limits,
    ) -> Result<Input, Error> {
        let mut window = Window::open(name, Box::new(reader))?;
        let line = pass_blank_beginning(&mut window)?;
        window.fill_to(HEAD_BYTES)?;
        let head = window.bytes();
        if head.is_empty() && window.damage().is_none() {
            return Err(Error::Empty { name: name.to_owned() });
        }
        if let Some(what) = layout::binary(head) {
            return Err(Error::NotText { name: name.to_owned(), what });
        }
        if layout::ends_at_cr(head) {
            window.end_lines_at_cr();
        }
        let (layout, width) = layout::find(window.bytes());
        let records = match layout {
            Layout::Ndjson => Records::Lines(Lines::new(Content::Json, line)),
            Layout::Lines => Records::Lines(Lines::new(Content::Text, line)),
            Layout::JsonDocument => Records::Document(Document::new()),
            Layout::Csv { delimiter } => Records::Rows(Rows::new(delimiter, width, line)),
        };
        let mut input = Input {
            name: Arc::from(name),
            limits,
            window,
            records,
            sample: Sample { layout, header: None, beginning: Batch::default() },
            pending: Batch::default(),
            pending_fields_bytes: 0,
            truncated: false,
            ended: false,
        };
        input.take_sample()?;
        Ok(input)
    }

    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The beginning of the input; its records also come in the first batch.
    pub fn sample(&self) -> &Sample {
        &self.sample
    }

    /// Replaces what `batch` holds by the next records; false at the end, when there are
    /// none. An input that ends inside a record gives a quarantined `truncated`.
    ///
    /// # Errors
    /// Only when reading itself fails.
    pub fn next_batch(&mut self, batch: &mut Batch) -> Result<bool, Error> {
        batch.clear();
        if !self.pending.is_empty() {
            // Their texts stand in the window still.
            let spare = std::mem::replace(batch, std::mem::take(&mut self.pending)).bytes;
            batch.bytes = spare;
        }
        let bytes = std::mem::take(&mut self.pending_fields_bytes);
        self.read_into(batch, bytes, false)?;
        self.window.hand_on(&mut batch.bytes);
        Ok(!batch.is_empty())
    }

    /// BLAKE3 of the input as stored, before decompression, in lower hex: what `b3sum`
    /// prints. Valid once [`Input::next_batch`] returned false.
    pub fn content_hash(&self) -> String {
        self.window.content_hash()
    }

    /// Bytes read so far, as stored; for progress.
    pub fn bytes_read(&self) -> u64 {
        self.window.size_bytes()
    }

    /// `totalResults` of a SCIM ListResponse (the largest of several pages), as far as read.
    pub fn announced_total(&self) -> Option<u64> {
        match &self.records {
            Records::Document(document) => document.announced_total,
            _ => None,
        }
    }

    fn take_sample(&mut self) -> Result<(), Error> {
        let mut pending = Batch::default();
        self.pending_fields_bytes = self.read_into(&mut pending, 0, true)?;
        self.sample.beginning = pending.standing_in(self.window.kept());
        if let Records::Rows(rows) = &self.records {
            self.sample.header = rows.header.clone();
        }
        self.pending = pending;
        Ok(())
    }

    /// Reads until the batch is full, or has as many records as a sample; the bytes of rows of a table that it then holds.
    fn read_into(&mut self, batch: &mut Batch, fields_bytes: usize, sampling: bool) -> Result<usize, Error> {
        let records_max = if sampling { SAMPLE_RECORDS } else { usize::MAX };
        let Input { name, limits, window, records, .. } = self;
        let (kept, truncated) = (window.kept().len(), self.truncated);
        let mut sink = Sink { fields_bytes, kept, sampling, truncated, ..Sink::new(name, limits, batch) };
        while !self.ended && !sink.full() && sink.batch.len() < records_max {
            let more = match records {
                Records::Lines(lines) => lines.advance(window, &mut sink)?,
                Records::Document(document) => document.advance(window, &mut sink)?,
                Records::Rows(rows) => rows.advance(window, &mut sink)?,
            };
            window.keep(sink.kept);
            if more {
                continue;
            }
            self.ended = true;
            if let Some(damage) = window.damage().filter(|_| !sink.truncated) {
                // The cut fell between two records, and still something is missing.
                let line = sink.batch.last_line() + 1;
                sink.quarantine(line, Rejection::new("truncated", damage), b"");
            }
        }
        self.truncated = sink.truncated;
        Ok(sink.fields_bytes)
    }
}

/// Where the last whole line of a file ends.
fn last_line_end(file: &mut File) -> io::Result<u64> {
    const STEP: u64 = 1 << 16;
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut bytes = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        bytes.clear();
        file.by_ref().take(end - start).read_to_end(&mut bytes)?;
        if let Some(at) = memchr::memrchr(b'\n', &bytes) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Passes over blanks while nothing else has come, since an input of blanks alone must
/// not be held; gives the lines passed.
fn pass_blank_beginning(window: &mut Window) -> Result<u64, Error> {
    let mut lines = 0;
    loop {
        let at_hand = window.bytes();
        if at_hand.iter().any(|byte| !byte.is_ascii_whitespace()) {
            return Ok(lines);
        }
        lines += memchr::memchr_iter(b'\n', at_hand).count() as u64;
        let count = at_hand.len();
        window.consume(count);
        if !window.fill()? {
            return Ok(lines);
        }
    }
}
