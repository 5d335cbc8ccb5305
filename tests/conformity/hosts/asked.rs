//! What the program asks of a host, read from what came to its sshd: the guard of the lease is taken off, and the program's
//! own helpers are known by their texts, from the files they stand in.

use crate::lab::Asked;

macro_rules! helper {
    ($($file:literal),+) => { concat!($(include_str!(concat!("../../../src/effects/", $file))),+) };
}

const GUARD: &str = helper!("job/session.sh", "lease/guard.sh");
const CHECK: &str = helper!("lease/check.sh");
const STAMP: &str = helper!("lease/stamp.sh");
/// What looks after the lease, beside it.
const LEASE: [(&str, &str); 4] = [
    ("look.sh", helper!("places/places.sh", "lease/look.sh")),
    ("claim.sh", helper!("places/places.sh", "job/session.sh", "lease/claim.sh")),
    ("end.sh", helper!("job/session.sh", "lease/end.sh")),
    ("give_back.sh", helper!("job/session.sh", "lease/give_back.sh")),
];
const WRITE_FILE: &str = helper!("places/places.sh", "host/write_file.sh");
const READ_FILE: &str = helper!("places/places.sh", "host/read_file.sh");
const REMOVE_FILE: &str = helper!("places/places.sh", "host/remove_file.sh");
const START: &str = helper!("places/places.sh", "job/folder.sh", "job/session.sh", "job/start.sh");
const LEADER: &str = helper!("job/leader.sh");
/// What looks after a job, whose folder is the first argument.
const JOB: [(&str, &str); 5] = [
    ("state.sh", helper!("places/places.sh", "job/folder.sh", "job/session.sh", "job/state.sh")),
    ("kill.sh", helper!("places/places.sh", "job/folder.sh", "job/session.sh", "job/kill.sh")),
    ("remove.sh", helper!("places/places.sh", "job/folder.sh", "job/session.sh", "job/remove.sh")),
    ("complaint", helper!("places/places.sh", "job/folder.sh", "job/complaint.sh")),
    ("output", helper!("places/places.sh", "job/folder.sh", "job/output.sh")),
];
/// Removes the folder around jobs, when nothing is left in it.
const EMPTY: &str = "rmdir -- \"$1\" 2>/dev/null || true";

/// One thing done on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// By a helper that no plan names, with its name.
    Helper(&'static str),
    /// A command line, and what it was given to read.
    Script(String, Vec<u8>),
    Write(String, Vec<u8>),
    Read(String),
    Remove(String),
    /// Folder, script, progress.
    Job(String, String, String),
    /// Something about the job in a folder.
    OfJob(String),
    /// The folder around jobs.
    Around(String),
    /// None of these.
    Unknown(String),
}

/// What was done with one command.
pub fn done(asked: &Asked) -> Vec<Done> {
    // the tunnel from the other host, whose script stands in the plan, has a session in which nothing is said
    if asked.command == "cat" && asked.input.is_empty() {
        return vec![Done::Helper("the tunnel's session")];
    }
    let script = plain(&asked.command);
    if let Some((_, argv)) = guarded(&script, GUARD) {
        // folder, epoch, nonce, number, hash, step, work, call, ends
        return program(argv.get(9..).unwrap(), &asked.input);
    }
    let Some(argv) = script.strip_prefix("exec ").and_then(|words| shell_words::split(words).ok()) else {
        return vec![Done::Unknown(script)];
    };
    // not under the lease: only what looks after it, in a shell that is kept open among it
    if argv == ["sh"] {
        let lines = kept(std::str::from_utf8(&asked.input).unwrap());
        let is_stamp = |done: &Done| *done == Done::Helper("stamp.sh");
        return lines
            .into_iter()
            .map(|done| if is_stamp(&done) { done } else { Done::Unknown(format!("{done:?}")) })
            .collect();
    }
    let helper = match &argv[..] {
        [sh, c, script] if [sh, c] == ["sh", "-c"] => LEASE.iter().find(|(_, text)| guarded(script, text).is_some()),
        _ => None,
    };
    vec![helper.map_or(Done::Unknown(script), |(name, _)| Done::Helper(name))]
}

/// The script that was put in place of whatever shell logs in there.
fn plain(command: &str) -> String {
    let coded =
        command.strip_prefix("exec sh -c 'eval \"$(printf %b \"$0\")\"' '").and_then(|it| it.strip_suffix('\''));
    let (mut bytes, mut rest) = (Vec::new(), coded.unwrap_or_else(|| panic!("another command: {command}")));
    while let Some((before, after)) = rest.split_once("\\0") {
        bytes.extend(before.bytes());
        bytes.push(u8::from_str_radix(&after[..3], 8).unwrap());
        rest = &after[3..];
    }
    bytes.extend(rest.bytes());
    let script = String::from_utf8(bytes).unwrap();
    script.strip_prefix("echo cutover-begins-here\n").unwrap().to_owned()
}

/// `set -- WORDS` before `text`, with those words.
fn guarded<'a>(script: &'a str, text: &str) -> Option<(&'a str, Vec<String>)> {
    let words = script.strip_suffix(text)?.strip_prefix("set -- ")?.strip_suffix('\n')?;
    Some((words, shell_words::split(words).ok()?))
}

fn program(argv: &[String], input: &[u8]) -> Vec<Done> {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let text = || String::from_utf8(input.to_vec()).unwrap();
    vec![match words[..] {
        ["sh"] => return kept(&text()),
        ["true"] => Done::Helper("proof"),
        ["test", "-f", file] if file.ends_with("/script") => {
            Done::OfJob(file.strip_suffix("/script").unwrap().to_owned())
        }
        ["sh", "-c", READ_FILE, "sh", path] => Done::Read(path.to_owned()),
        ["sh", "-c", WRITE_FILE, "sh", path, _mode, size] if size == input.len().to_string() => {
            Done::Write(path.to_owned(), input.to_vec())
        }
        ["sh", "-c", REMOVE_FILE, "sh", path] => Done::Remove(path.to_owned()),
        ["sh", "-c", START, "sh", folder, progress, size, LEADER] if size == input.len().to_string() => {
            Done::Job(folder.to_owned(), text(), progress.to_owned())
        }
        ["sh", "-c", EMPTY, "sh", folder] => Done::Around(folder.to_owned()),
        ["sh", "-c", script, "sh", folder, ..] if JOB.iter().any(|(_, text)| *text == script) => {
            Done::OfJob(folder.to_owned())
        }
        ["sh", "-c", script] | ["sh", "-c", script, "sh"] => Done::Script(script.to_owned(), input.to_vec()),
        ["sh", "-c", ..] => Done::Unknown(shell_words::join(words)),
        _ => Done::Script(shell_words::join(words), input.to_vec()),
    }]
}

/// What the shell that is kept open was told, line by line.
fn kept(input: &str) -> Vec<Done> {
    let (mut all, mut rest) = (Vec::new(), input);
    while !rest.is_empty() {
        let begin = rest.strip_prefix("( eval '").unwrap_or_else(|| panic!("another line: {rest}"));
        let end = "' ) </dev/null; set -- $?; printf ";
        let (quoted, after) = begin.split_once(end).unwrap_or_else(|| panic!("an unfinished line: {rest}"));
        all.push(told(&quoted.replace(r"'\''", "'")));
        rest = after.split_once('\n').unwrap().1;
    }
    all
}

fn told(script: &str) -> Done {
    if guarded(script, STAMP).is_some() {
        return Done::Helper("stamp.sh");
    }
    let Some((before, after)) = script.split_once(&format!("\n{CHECK}( eval ")) else {
        return Done::Unknown(script.to_owned());
    };
    let words = shell_words::split(after.strip_suffix(" )").unwrap()).unwrap();
    let is_checked = before.starts_with("set -- ");
    match &words[..] {
        [script] if is_checked && script == ":" => Done::Helper("proof"),
        [script] if is_checked => Done::Script(script.clone(), Vec::new()),
        _ => Done::Unknown(script.to_owned()),
    }
}
