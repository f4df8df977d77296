//! Power that fails. The real program runs under strace; its system calls are replayed on a
//! model of a disk that keeps only what was synced, cut at a random call. What was not synced
//! survives by chance: whole, torn, or not at all. Then the lake is opened as after a reboot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::{State, events_file, ids, lychgate, trials};
use crate::support::block_on;

const CALLS: &str =
    "openat,mkdir,link,linkat,rename,renameat,renameat2,unlink,unlinkat,write,fsync,fdatasync";

/// Whether calls can be traced here; says so when they cannot.
fn can_trace() -> bool {
    let tried = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    match tried {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            eprintln!("skipped: strace cannot trace: {}", String::from_utf8_lossy(&output.stderr).trim());
            false
        }
        Err(error) => {
            eprintln!("skipped: no strace: {error}");
            false
        }
    }
}

/// One call that changed the disk, or made a change last.
#[derive(Clone, Debug)]
enum Call {
    Create(PathBuf),
    Write(PathBuf, Vec<u8>),
    Folder(PathBuf),
    Link(PathBuf, PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    Sync(PathBuf),
}

/// A command that ended well, with its calls and what it made known to its user.
struct Step {
    calls: Vec<Call>,
    acknowledged: BTreeSet<String>,
}

#[derive(Clone, Debug)]
enum Entry {
    Folder,
    File(usize),
}

/// A disk: what programs see, and what is left when power fails.
#[derive(Clone, Default)]
struct Disk {
    /// Contents, and how much of each was synced.
    files: Vec<(Vec<u8>, usize)>,
    seen: BTreeMap<PathBuf, Entry>,
    kept: BTreeMap<PathBuf, Entry>,
}

impl Disk {
    fn apply(&mut self, call: &Call) {
        match call {
            Call::Create(path) => {
                if !self.seen.contains_key(path) {
                    self.files.push((Vec::new(), 0));
                    self.seen.insert(path.clone(), Entry::File(self.files.len() - 1));
                }
            }
            Call::Write(path, bytes) => {
                if let Some(Entry::File(file)) = self.seen.get(path) {
                    self.files[*file].0.extend_from_slice(bytes);
                }
            }
            Call::Folder(path) => {
                self.seen.insert(path.clone(), Entry::Folder);
            }
            Call::Link(from, to) => {
                if let Some(entry) = self.seen.get(from).cloned() {
                    self.seen.insert(to.clone(), entry);
                }
            }
            Call::Rename(from, to) => {
                if let Some(entry) = self.seen.remove(from) {
                    self.seen.insert(to.clone(), entry);
                }
            }
            Call::Remove(path) => {
                self.seen.remove(path);
            }
            Call::Sync(path) => self.sync(path),
        }
    }

    fn sync(&mut self, path: &Path) {
        if let Some(Entry::File(file)) = self.seen.get(path) {
            self.files[*file].1 = self.files[*file].0.len();
            return;
        }
        let inside = |entry: &PathBuf| entry.parent() == Some(path);
        self.kept.retain(|entry, _| !inside(entry));
        let entries = self.seen.iter().filter(|(entry, _)| inside(entry));
        self.kept.extend(entries.map(|(path, entry)| (path.clone(), entry.clone())));
    }

    /// Writes to `to` what a reboot finds of `root`. Names and bytes that were not synced are
    /// there by chance.
    fn survive(&self, root: &Path, to: &Path, rng: &mut Xoshiro256PlusPlus) {
        let luck = [0.0, 0.5, 0.9][rng.gen_range(0..3)];
        let mut left = self.kept.clone();
        for (path, entry) in &self.seen {
            if !left.contains_key(path) && rng.gen_bool(luck) {
                left.insert(path.clone(), entry.clone());
            }
        }
        // In order of names, so that a folder comes before what lies in it; what lies in a
        // folder that is gone is gone with it.
        fs::create_dir_all(to).unwrap();
        for (path, entry) in left {
            let Ok(name) = path.strip_prefix(root) else { continue };
            let target = to.join(name);
            if name.as_os_str().is_empty() || !target.parent().is_some_and(Path::is_dir) {
                continue;
            }
            match entry {
                Entry::Folder => fs::create_dir(&target).unwrap(),
                Entry::File(file) => {
                    let (bytes, synced) = &self.files[file];
                    let length =
                        if rng.gen_bool(luck) { bytes.len() } else { rng.gen_range(*synced..=bytes.len()) };
                    fs::write(&target, &bytes[..length]).unwrap();
                }
            }
        }
    }
}

/// Runs a command to its end and gives its calls below `data`.
fn traced(data: &Path, arguments: &[&str], durability: &str) -> Vec<Call> {
    let trace = data.with_extension("trace");
    let program = lychgate(data);
    let status = Command::new("strace")
        .args(["-f", "-y", "-xx", "-s", "16777216", "-e", &format!("trace={CALLS}"), "-o"])
        .arg(&trace)
        .arg(program.get_program())
        .args(program.get_args())
        .args(arguments)
        .env("LYCHGATE_THREADS", "2")
        .env("LYCHGATE_DURABILITY", durability)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(matches!(status.code(), Some(0 | 4)), "{arguments:?}: {status}");
    let text = fs::read_to_string(&trace).unwrap();
    whole_lines(&text).iter().filter_map(|line| call(line)).filter(|call| concerns(call, data)).collect()
}

/// The lock is written anew by each process and holds nothing that must last.
fn concerns(call: &Call, data: &Path) -> bool {
    let (Call::Create(path)
    | Call::Write(path, _)
    | Call::Folder(path)
    | Call::Link(path, _)
    | Call::Rename(path, _)
    | Call::Remove(path)
    | Call::Sync(path)) = call;
    path.starts_with(data) && !path.ends_with("lychgate.lock") && !path.to_string_lossy().contains("state.db")
}

/// The lines of a trace, with calls that others interrupted put together where they end.
fn whole_lines(trace: &str) -> Vec<String> {
    let (mut lines, mut open): (Vec<String>, BTreeMap<&str, &str>) = (Vec::new(), BTreeMap::new());
    for line in trace.lines() {
        let (process, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_start();
        if let Some(begun) = rest.strip_suffix(" <unfinished ...>") {
            open.insert(process, begun);
        } else if let Some(resumed) = rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"))
        {
            lines.push(format!("{}{}", open.remove(process).unwrap_or_default(), resumed.1));
        } else {
            lines.push(rest.to_owned());
        }
    }
    lines
}

/// One line of a trace as a change; none for calls that failed or changed nothing.
fn call(line: &str) -> Option<Call> {
    let (name, rest) = line.split_once('(')?;
    let (arguments, result) = rest.rsplit_once(" = ")?;
    if result.starts_with('-') {
        return None;
    }
    let quoted: Vec<Vec<u8>> = arguments.split('"').skip(1).step_by(2).map(unhex).collect();
    let path = |at: usize| Some(PathBuf::from(String::from_utf8(quoted.get(at)?.clone()).ok()?));
    let of_handle = || {
        let named = arguments.split_once('<')?.1.split_once('>')?.0;
        Some(PathBuf::from(String::from_utf8(unhex(named)).ok()?))
    };
    match name {
        "openat" if arguments.contains("O_CREAT") => Some(Call::Create(path(0)?)),
        "mkdir" => Some(Call::Folder(path(0)?)),
        "link" | "linkat" => Some(Call::Link(path(0)?, path(1)?)),
        "rename" | "renameat" | "renameat2" => Some(Call::Rename(path(0)?, path(1)?)),
        "unlink" | "unlinkat" => Some(Call::Remove(path(0)?)),
        "write" => {
            let length = result.split_whitespace().next()?.parse::<usize>().ok()?;
            Some(Call::Write(of_handle()?, quoted.first()?.get(..length)?.to_vec()))
        }
        "fsync" | "fdatasync" => Some(Call::Sync(of_handle()?)),
        _ => None,
    }
}

/// `\x2f\x74` as bytes; text without escapes as it is.
fn unhex(text: &str) -> Vec<u8> {
    if !text.starts_with("\\x") {
        return text.as_bytes().to_vec();
    }
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(&byte[..2], 16).unwrap()).collect()
}

/// Ingests overlapping files and compacts between, and gives what each step did.
fn history(folder: &Path, durability: &str) -> (PathBuf, Vec<Step>, Vec<PathBuf>) {
    let data = folder.join("data");
    let (mut steps, mut files) = (Vec::new(), Vec::new());
    for (step, numbers) in [0..40, 30..75, 60..90, 80..120].into_iter().enumerate() {
        let file = events_file(folder, &format!("{step}.ndjson"), numbers.clone());
        let calls = traced(&data, &["ingest", file.to_str().unwrap()], durability);
        steps.push(Step { calls, acknowledged: ids(numbers) });
        files.push(file);
        if step % 2 == 1 {
            let calls = traced(&data, &["compact", "--keep-days", "0"], durability);
            steps.push(Step { calls, acknowledged: BTreeSet::new() });
        }
    }
    (data, steps, files)
}

/// What is wrong after a cut at a random call; all is well when nothing is given.
fn after_a_cut(seed: u64, data: &Path, steps: &[Step], files: &[PathBuf]) -> Option<String> {
    let rng = &mut Xoshiro256PlusPlus::seed_from_u64(seed);
    let total: usize = steps.iter().map(|step| step.calls.len()).sum();
    let mut left = rng.gen_range(0..=total);
    let (mut disk, mut acknowledged) = (Disk::default(), BTreeSet::new());
    for step in steps {
        let calls = step.calls.len().min(left);
        step.calls[..calls].iter().for_each(|call| disk.apply(call));
        left -= calls;
        if calls < step.calls.len() {
            break;
        }
        acknowledged.extend(step.acknowledged.iter().cloned());
    }
    let reboot = tempfile::tempdir().unwrap();
    let found = reboot.path().join("data");
    disk.survive(data, &found, rng);
    let when = format!("seed {seed}, {} of {total} calls", total - left);
    let checked = std::panic::catch_unwind(|| {
        block_on(async || {
            State::of(&found).await.check(&acknowledged, &ids(0..120), &when);
            // And life goes on: what was not acknowledged is sent again.
            let engine = lychgate::pipeline::Engine::new(&found, "default");
            engine.ingest(files, &|_| lychgate::pipeline::Reading::default(), &mut |_| {}).await.unwrap();
            State::of(&found).await.check(&ids(0..120), &ids(0..120), &format!("{when}, sent again"));
        });
    });
    checked.err().map(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(_) => when,
    })
}

/// Else an acknowledgement would be a hope: the machine goes down, and a leaver's events with it.
#[test]
fn what_was_acknowledged_survives_power_loss() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (data, steps, files) = history(folder.path(), "fsync");
    let calls: usize = steps.iter().map(|step| step.calls.len()).sum();
    assert!(calls > 200, "only {calls} calls were seen");
    let trials = trials("LYCHGATE_POWER_CUTS", 300);
    for seed in 0..trials as u64 {
        if let Some(wrong) = after_a_cut(seed, &data, &steps, &files) {
            panic!("{wrong}");
        }
    }
    println!("{trials} cuts among {calls} calls");
}

/// Else a backup would be gone with the power that it was made against: its files are there, and no folder names them.
#[test]
fn a_backup_survives_power_loss() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let file = events_file(folder.path(), "a.ndjson", 0..40);
    assert!(lychgate(&data).arg("ingest").arg(file).status().unwrap().success());
    let copy = data.join("backups/today");
    let calls = traced(&data, &["backup", copy.to_str().unwrap()], "fsync");
    let mut made = 0;
    for (at, call) in calls.iter().enumerate() {
        let (Call::Folder(path) | Call::Create(path)) = call else { continue };
        let after = |synced: &Path| {
            calls[at..].iter().any(|call| matches!(call, Call::Sync(path) if path.as_path() == synced))
        };
        assert!(after(path.parent().unwrap()), "the name of {}", path.display());
        assert!(matches!(call, Call::Folder(_)) || after(path), "{}", path.display());
        made += 1;
    }
    assert!(made > 20, "{made}");
}

/// A suite that cannot fail proves nothing: without syncing, the same cuts lose events.
#[test]
fn without_syncing_the_same_cuts_lose_what_was_acknowledged() {
    if !can_trace() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (data, steps, files) = history(folder.path(), "os");
    let lost = (0..20).filter(|seed| after_a_cut(*seed, &data, &steps, &files).is_some()).count();
    assert!(lost > 10, "only {lost} of 20 cuts lost anything");
}
