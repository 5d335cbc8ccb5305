//! The upgrade checker of `MySQL` Shell, where the source's host has that program: its errors block, its warnings are
//! reported.
//!
//! Its options and its document follow its source: `mysql/mysql-shell`, `modules/util/upgrade_checker/upgrade_check_options.cc`
//! and `upgrade_check_formatter.cc` (the class that writes JSON), and `common.cc` for the words of a level and the versions it
//! takes. It was not run with the real program here.

use super::super::super::ask::Ask;
use super::super::super::check::{Check, Occasion};
use super::super::super::pair::Pair;
use super::super::super::seen::Seen;
use super::super::super::verdict::{Verdict, some};
use crate::domain::endpoint::Endpoint;
use crate::domain::product::Family;
use crate::domain::{Contents, Script};
use crate::error::Result;
use crate::sh;
use serde::Deserialize;

pub const CHECK: Check =
    Check::blocking("upgrade_checker", judge).only_before(Occasion::Copy).asks(|pair| ask(pair).into_iter().collect());

/// What a host without the program prints.
const NONE: &str = "none";

/// The document that the checker prints. What it does not hold is left out.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Document {
    checks_performed: Vec<Performed>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Performed {
    id: String,
    /// `OK` also where there are problems; `ERROR` and `CONFIGURATION_ERROR` when the check itself could not be made.
    status: String,
    description: Option<String>,
    detected_problems: Vec<Problem>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Problem {
    /// `Error`, `Warning` or `Notice`.
    level: String,
    db_object: String,
    description: Option<String>,
}

/// From a `MySQL` to a newer series of it, which is what the checker takes.
fn ask(pair: &Pair<'_>) -> Option<Ask> {
    let [from, to] = [&pair.source, &pair.target].map(|place| place.dialect.product);
    let series = |product: crate::domain::product::Product| (product.version.0, product.version.1);
    if from.family != Family::MySql || to.family != Family::MySql || series(from) >= series(to) {
        return None;
    }
    let server = pair.source.server;
    let Endpoint { host, port } = Endpoint::of(&server.address);
    let version = format!("{}.{}.{}", to.version.0, to.version.1, to.version.2);
    let script = script(&server.user, host, port, &version);
    let password = server.password.as_ref().map(Contents::plain).unwrap_or_default();
    Some(Ask::Feed { host: server.host.clone(), script, input: password.then("\n") })
}

fn script(user: &str, host: &str, port: &str, version: &str) -> Script {
    let argv = [
        "--quiet-start=2".to_owned(),
        "--mysql".to_owned(),
        "--passwords-from-stdin".to_owned(),
        "--save-passwords=never".to_owned(),
        format!("--host={host}"),
        format!("--port={port}"),
        format!("--user={user}"),
        "--".to_owned(),
        "util".to_owned(),
        "check-for-server-upgrade".to_owned(),
        format!("--target-version={version}"),
        "--output-format=JSON".to_owned(),
    ];
    sh!("set -- {}\n{}", Script::words(argv), Script::ours("upgrade checker", include_str!("checker.sh")))
}

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let Some(ask) = ask(seen.pair) else {
        return Ok(Verdict::pass(
            "not applicable: MySQL Shell's upgrade checker checks only moves to a newer series of MySQL",
        ));
    };
    Ok(match seen.text(&ask) {
        Ok(printed) => verdict(printed),
        Err(failure) => Verdict::warn(
            format!("MySQL Shell's upgrade checker did not finish: {}", failure.answer),
            "run `mysqlsh -- util check-for-server-upgrade` by hand; MySQL Shell must not be older than the target",
        ),
    })
}

fn verdict(printed: &str) -> Verdict {
    if printed.trim() == NONE {
        return Verdict::pass("MySQL Shell is not installed on the source's host, so its upgrade checker was not run");
    }
    let document = printed.find('{').and_then(|begin| {
        let mut documents = serde_json::Deserializer::from_str(&printed[begin..]).into_iter::<Document>();
        documents.next()?.ok()
    });
    let Some(document) = document.filter(|document| !document.checks_performed.is_empty()) else {
        let evidence = "the output of MySQL Shell's upgrade checker could not be read";
        return Verdict::warn(evidence, "run `mysqlsh -- util check-for-server-upgrade` by hand");
    };
    let of_level = |level: &str| -> Vec<String> {
        let checks = document.checks_performed.iter();
        let problems = checks.flat_map(|check| check.detected_problems.iter().map(move |problem| (check, problem)));
        problems.filter(|(_, problem)| problem.level == level).map(|(check, problem)| words(check, problem)).collect()
    };
    let (errors, warnings) = (of_level("Error"), of_level("Warning"));
    let not_made = document.checks_performed.iter().filter(|check| check.status != "OK");
    let not_made: Vec<String> = not_made
        .map(|check| format!("{}: {}", check.id, check.description.as_deref().unwrap_or("no reason")))
        .collect();
    let mut found = Vec::new();
    if !errors.is_empty() {
        let remedy = "correct these on the source, or allow this check: some matter only to an upgrade in place";
        found.push(Verdict::block(format!("MySQL Shell's upgrade checker reports errors: {}", some(&errors)), remedy));
    }
    if !warnings.is_empty() {
        let evidence = format!("MySQL Shell's upgrade checker reports warnings: {}", some(&warnings));
        found.push(Verdict::warn(evidence, "for details, run `mysqlsh -- util check-for-server-upgrade`"));
    }
    if !not_made.is_empty() {
        let evidence = format!("MySQL Shell could not run some of its checks: {}", some(&not_made));
        found.push(Verdict::warn(evidence, "grant the account the privileges that it names"));
    }
    let fine =
        format!("MySQL Shell's upgrade checker found nothing (number of checks: {})", document.checks_performed.len());
    Verdict::worst_of(found, fine)
}

/// A problem with the check's id and the object.
fn words(check: &Performed, problem: &Problem) -> String {
    let about = problem.description.as_deref().filter(|text| !text.is_empty()).or(check.description.as_deref());
    format!("{} ({}): {}", problem.db_object, check.id, about.unwrap_or("no description"))
}

#[cfg(test)]
mod tests {
    use super::{script, verdict};
    use crate::kinds::Mark;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use std::process::{Command, Stdio};

    /// Written anew in the form of `mysql/mysql-shell`, `modules/util/upgrade_checker/upgrade_check_formatter.cc`.
    const FOUND: &str = r#"{
        "serverAddress": "127.0.0.1:3306", "serverVersion": "8.0.36", "targetVersion": "8.4.3",
        "errorCount": 1, "warningCount": 1, "noticeCount": 1, "summary": "1 error",
        "checksPerformed": [
            { "id": "utf8mb3", "title": "t", "status": "OK", "detectedProblems": [] },
            { "id": "columnDefinition", "title": "t", "status": "OK", "description": "of all", "detectedProblems": [
                { "level": "Error", "dbObject": "shop.items.weight", "description": "FLOAT with a counter", "dbObjectType": "Column" } ] },
            { "id": "reservedKeywords", "title": "t", "status": "OK", "description": "a word", "detectedProblems": [
                { "level": "Warning", "dbObject": "shop.manual", "description": "", "dbObjectType": "Table" },
                { "level": "Notice", "dbObject": "shop.other", "description": "fine" } ] },
            { "id": "sysVars", "title": "t", "status": "CONFIGURATION_ERROR", "description": "needs a path" }
        ],
        "manualChecks": []
    }"#;

    #[test]
    fn errors_block_and_warnings_are_told_each_with_its_check_and_object() {
        let said = verdict(FOUND);
        assert_eq!(said.result, Mark::Block);
        for words in [
            "shop.items.weight (columnDefinition): FLOAT with a counter",
            "shop.manual (reservedKeywords): a word",
            "sysVars: needs a path",
        ] {
            assert!(said.evidence.contains(words), "{said:?}");
        }
        assert!(!said.evidence.contains("shop.other"), "{said:?}");
        let warns = verdict(&FOUND.replace("\"Error\"", "\"Notice\""));
        assert_eq!(warns.result, Mark::Warn, "{warns:?}");
    }

    #[test]
    fn what_cannot_be_read_is_not_taken_for_fine() {
        for odd in ["", "{}", "{\"checksPerformed\": 3}", "[1]", "\u{0}{", "Access denied"] {
            assert_eq!(verdict(odd).result, Mark::Warn, "{odd}");
        }
        assert_eq!(verdict("none\n").result, Mark::Pass);
        let fine =
            r#"a greeting {"checksPerformed": [{"id": "utf8mb3", "status": "OK", "detectedProblems": []}]} and more"#;
        assert_eq!(verdict(fine).result, Mark::Pass);
    }

    fn run(path: &str) -> String {
        let script = script("it's $HOME", "127.0.0.1", "3306", "8.4.3").for_shell().unwrap();
        let mut child = Command::new("/bin/sh")
            .args(["-c", &script])
            .env("PATH", path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // a host without the program ends without reading it
        let _ = child.stdin.take().unwrap().write_all(b"ge heim\n");
        String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
    }

    /// A program of that name that shows what it was given: the password on stdin, and in no argument.
    #[test]
    fn it_is_started_with_the_password_on_stdin_alone_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("mysqlsh");
        let body = "#!/bin/sh\nread -r password\ntouch \"$HOME/log\"\nprintf '%s\\n' \"$password\" \"$HOME\" \"$@\"\n";
        std::fs::write(&program, body).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let printed = run(&format!("{}:/usr/bin:/bin", folder.path().display()));
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines[0], "ge heim");
        assert!(!std::path::Path::new(lines[1]).exists(), "its folder is left: {}", lines[1]);
        assert!(lines.contains(&"--user=it's $HOME") && lines.contains(&"--target-version=8.4.3"), "{lines:?}");
        assert!(!lines[2..].iter().any(|argument| argument.contains("heim")), "{lines:?}");
        let without = tempfile::tempdir().unwrap();
        assert_eq!(run(&without.path().display().to_string()), "none\n");
    }
}
