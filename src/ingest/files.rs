//! The files behind the paths that a person gives.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

/// The files to read, in the order given, directories expanded in order of name.
///
/// Inside directories, names that begin with a dot are skipped, as are links to
/// directories (they can form a circle) and what is no regular file; so are data folders,
/// copies of them and tables of a lake, which are no sources. `-`, standard input, passes through.
///
/// # Errors
/// A path that does not exist, or a directory that cannot be listed.
pub fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in paths {
        if path == Path::new("-") {
            found.push(path.clone());
        } else if !path.exists() {
            return Err(Error::Missing { path: path.clone() });
        } else if path.is_dir() {
            expand(path, &mut found)?;
        } else {
            found.push(path.clone());
        }
    }
    Ok(found)
}

/// Names that a folder of a program's own data has in it: the ledger, the writer's lock, the log of a table.
const OWN: [&str; 3] = ["state.db", "lychgate.lock", "_delta_log"];

fn expand(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    if OWN.iter().any(|name| directory.join(name).exists()) {
        return Ok(());
    }
    let failed = |source| Error::List { path: directory.to_owned(), source };
    let mut entries =
        fs::read_dir(directory).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_dir() {
            expand(&path, found)?;
        } else if path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}
