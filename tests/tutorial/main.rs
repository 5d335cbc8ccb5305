//! The tutorial, typed as printed, on three machines made for it (`run`).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../skip/mod.rs"]
mod skip;

use skip::{Why, skip};
use std::process::Command;

/// What the script ends with when the page cannot be tried here.
const NOT_HERE: i32 = 77;

#[test]
fn every_command_of_the_tutorial_works_as_printed() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tutorial/run");
    let mut command = Command::new(script);
    command.env("CUTOVER", env!("CARGO_BIN_EXE_cutover")).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(NOT_HERE) {
        return skip(&format!("the tutorial cannot be tried here: {}", text.trim()), Why::Other);
    }
    assert!(output.status.success(), "{text}");
    let end = text.lines().rev().nth(1).unwrap_or_default();
    let end: serde_json::Value = serde_json::from_str(end).unwrap_or_else(|error| panic!("{error}: {text}"));
    println!("{end}");
}
