//! The command line, through the program itself.

use std::path::Path;
use std::process::Output;

use crate::support::lychgate;

/// Exit code, standard output and standard error.
fn said(output: Output) -> (i32, String, String) {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn run(data: &Path, arguments: &[&str]) -> (i32, String, String) {
    said(lychgate(data, arguments))
}

/// Else one column's values would stand under the heading of another, and be believed.
#[test]
fn columns_of_one_name_are_refused_by_name() {
    const PAIR: &str = "FROM (VALUES (1)) AS a(id) CROSS JOIN (VALUES (2)) AS b(id)";
    let folder = tempfile::tempdir().unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["sql", &format!("SELECT a.id, b.id {PAIR}")]);
    assert_eq!((code, stdout.as_str()), (3, ""), "{stderr}");
    assert!(stderr.contains("two columns \"id\"") && stderr.contains("alias"), "{stderr}");
    let (code, stdout, stderr) =
        run(folder.path(), &["--output", "csv", "sql", &format!("SELECT a.id, b.id AS other {PAIR}")]);
    assert_eq!((code, stdout.as_str()), (0, "id,other\n1,2\n"), "{stderr}");
}
