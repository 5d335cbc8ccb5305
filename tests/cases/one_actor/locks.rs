//! The lock on a server: kept until the last work has ended, and nobody's to block for ever.

use super::epochs::lock_names;
use super::{desk, stubborn, token};
use crate::desk::LIMIT;
use crate::process::{Program, command_lines, until};
use crate::server::Shared;
use std::time::{Duration, Instant};

const SQL: &str = "uses: sql, with: { server: s, statements: [\"SELECT 1\"] }";

#[test]
fn the_server_is_kept_until_the_last_work_has_ended() {
    let shared = Shared::get();
    let token = token(8, 70);
    let work = format!("uses: command, with: {{ host: local, run: {} }}", stubborn(&token));
    let desk = desk(&format!("  - {{ id: one, {SQL} }}\n  - {{ id: slow, needs: [one], {work} }}\n"));
    desk.write("inventory.yaml", &shared.inventory(""));
    desk.write("other.yaml", &format!("version: 1\nname: other\nsteps:\n  - {{ id: one, {SQL} }}\n"));
    let first = desk.begin();
    desk.until_text("effect", "begin");
    first.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    first.interrupt();
    let (begin, mut refused) = (Instant::now(), 0);
    loop {
        let other = desk.say("other", &["run", "other.yaml", "-i", "inventory.yaml"]);
        if other.code != Some(6) {
            assert_eq!(other.code, Some(0), "{}", other.words());
            break;
        }
        refused += 1;
        assert!(begin.elapsed() < LIMIT, "the server is never given back: {}", other.words());
        std::thread::sleep(Duration::from_millis(200));
    }
    let left: Vec<_> = command_lines().into_iter().filter(|(_, line)| line.contains(&token)).collect();
    assert!(left.is_empty(), "the server was given back after {refused} refusals, and this still ran: {left:?}");
}

#[test]
fn a_foreign_holder_is_named_and_blocks_nobody_for_ever() {
    let alone = Shared::make();
    alone.sql("SET GLOBAL log_output = 'TABLE', general_log = ON");
    let desk = desk(&format!("  - {{ id: one, {SQL} }}\n"));
    desk.write("inventory.yaml", &alone.inventory(""));
    let first = desk.run();
    assert_eq!(first.code, Some(0), "{}", first.words());
    // what every run asks for, whatever its id
    let run = desk.id("state");
    let names: Vec<String> = lock_names(&alone).into_iter().filter(|name| !name.contains(&run)).collect();
    assert!(!names.is_empty(), "no lock keeps two runs apart: {:?}", lock_names(&alone));
    alone.sql("CREATE USER stranger@'127.0.0.1' IDENTIFIED BY 'case-word'");
    let locks: Vec<String> = names.iter().map(|name| format!("SELECT GET_LOCK('{name}', 0);")).collect();
    let mut holder = alone.client(&format!("{} SELECT SLEEP(300)", locks.concat()));
    let _holder = Program::start(holder.args(["-u", "stranger"]), &desk.path(""));
    let holds =
        "SELECT id FROM information_schema.PROCESSLIST WHERE user = 'stranger' AND info LIKE 'SELECT SLEEP(300)%'";
    until("the stranger holds the lock", Duration::from_secs(20), || !alone.sql(holds).is_empty());
    let begin = Instant::now();
    let passed = desk.run();
    let words = passed.words();
    assert_eq!(passed.code, Some(0), "{words}");
    assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", begin.elapsed());
    let id = alone.sql(holds);
    assert!(!id.is_empty(), "its connection was ended");
    assert!(words.contains("stranger") && words.contains(&id), "the holder is not named: {words}");
}
