//! The files: one vendor's format a file here. All take the world and a [`Folder`].

mod entra;
mod exports;
mod google;
mod hr;
mod okta;
mod okta_event;
mod registers;
mod scim;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::Error;
use super::truth::Label;
use super::world::World;

/// What writes a part of the files.
type Writer = fn(&World, &mut Folder) -> Result<(), Error>;

const WRITERS: [Writer; 7] =
    [hr::write, okta::write, entra::write, google::write, scim::write, exports::write, registers::write];

pub fn write(world: &World, labels: &[Label], folder: &mut Folder) -> Result<(), Error> {
    for writer in WRITERS {
        writer(world, folder)?;
    }
    registers::write_truth(world, labels, folder)
}

/// The folder that is written to, and counts of what was.
pub struct Folder {
    root: PathBuf,
    open: BTreeMap<String, BufWriter<File>>,
    pub files: u64,
    pub events: u64,
}

impl Folder {
    pub fn new(root: &Path) -> Folder {
        Folder { root: root.to_owned(), open: BTreeMap::new(), files: 0, events: 0 }
    }

    /// Writes a whole file.
    fn put(&mut self, name: &str, content: &[u8]) -> Result<(), Error> {
        let path = self.path(name)?;
        fs::write(&path, content).map_err(|source| Error::Write { path, source })?;
        self.files += 1;
        Ok(())
    }

    /// Adds a line to a log, which is kept open until [`Folder::close`].
    fn log(&mut self, name: &str, line: &str) -> Result<(), Error> {
        if !self.open.contains_key(name) {
            let path = self.path(name)?;
            let file = File::create(&path).map_err(|source| Error::Write { path, source })?;
            self.open.insert(name.to_owned(), BufWriter::new(file));
            self.files += 1;
        }
        let Some(file) = self.open.get_mut(name) else { return Ok(()) };
        self.events += 1;
        file.write_all(line.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|source| Error::Write { path: self.root.join(name), source })
    }

    /// Closes the logs that are open.
    fn close(&mut self) -> Result<(), Error> {
        for (name, mut file) in std::mem::take(&mut self.open) {
            file.flush().map_err(|source| Error::Write { path: self.root.join(name), source })?;
        }
        Ok(())
    }

    fn path(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.root.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|source| Error::Write { path: parent.to_owned(), source })?;
        }
        Ok(path)
    }
}

/// Rows of a CSV file with a header.
fn csv(header: &[&str], rows: &[Vec<String>]) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(Error::Csv)?;
    for row in rows {
        writer.write_record(row).map_err(Error::Csv)?;
    }
    writer.into_inner().map_err(|error| Error::Csv(error.into_error().into()))
}
