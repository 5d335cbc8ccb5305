//! Hostile names of databases, tables, columns, accounts, views, triggers, events and routines: each of them is moved as it
//! is, and means nothing to anybody on the way.

mod made;
mod places;

use crate::lab::{Lab, Shape, Side};
use cutover::domain::product::Family;
use made::{CANARY, HOW_MANY, names};
use places::{Made, PLACES, Place, identifier, password};
use std::collections::BTreeSet;

/// Signs that `mariadb-dump` escapes in the name of a database that it selects: there is none of that name then. It selects
/// those that hold more than tables.
const ESCAPED: [char; 5] = ['\'', '"', '\\', '\n', '\r'];
/// In how many places each name stands.
const EACH: usize = 4;
/// What the runner knows.
const SECRETS: [&str; 4] = ["choose-one", "choose-another", "repl-secret", "shop-secret"];

/// Every name in some places, on the old server.
fn stock(lab: &Lab) -> Vec<Made> {
    lab.sql(
        Side::Old,
        "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (1);
         CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret'; GRANT ALL ON shop.* TO shop@'127.0.0.1'",
    );
    let mut all: Vec<Made> = Vec::new();
    for (number, name) in names().into_iter().enumerate() {
        // in a database with a name of their kind, every other time
        let is_home = |made: &&Made| {
            let is_taken = lab.family() == Family::MySql || !made.name.contains(ESCAPED);
            made.place == Place::Database && is_taken
        };
        let odd = all.iter().rev().find(is_home);
        let home = odd.filter(|_| number % 2 == 1).map_or("shop", |made| &made.name).to_owned();
        let mut here = Vec::new();
        for turn in 0..PLACES.len() {
            // a server refuses some of them itself: those cannot be met
            let made = Made::make(PLACES[(number + 3 * turn) % PLACES.len()], number, &name, &home);
            if here.len() < EACH && lab.try_sql(Side::Old, &made.statements()) {
                here.push(made);
            }
        }
        // at the end of a name servers take a space in few places
        let least = if name.ends_with(char::is_whitespace) { 0 } else { 3 };
        assert!(here.len() >= least, "{name:?} stands in {here:?} only");
        all.append(&mut here);
    }
    all
}

/// The shipped playbook, by which every account comes, not the application's alone.
fn play(lab: &Lab, command: &[&str]) -> (Option<i32>, String) {
    let text = std::fs::read_to_string(Lab::PLAYBOOK).unwrap();
    let place = "with: { application: \"{{ inputs.application }}\", from: source, to: target }";
    assert!(text.contains(place));
    let others =
        place.replace(" }", ", others: true }").replace("inputs.application, others: true }}", "inputs.application }}");
    let playbook = lab.write("swap.yaml", &text.replace(place, &others));
    let ran = lab.play(command, &playbook, &[]);
    (ran.status.code(), format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr)))
}

/// Accounts that `MariaDB` forgets with its next start are named by a look at both servers, and then are not there.
fn refused_as_forgotten(lab: &Lab, all: &mut Vec<Made>) {
    let lost: Vec<Made> = all.extract_if(.., |made| made.place == Place::User && made.name.ends_with(' ')).collect();
    assert!(!lost.is_empty());
    let (code, said) = play(lab, &["plan", "--live"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("will lose") && said.contains("a space at the end"), "{said}");
    for made in lost {
        lab.sql(Side::Old, &made.drop_user());
    }
}

/// What the family's dump program cannot take is named by a look at both servers, before anything is touched.
fn refused_by_name(lab: &Lab, all: &[Made]) {
    let odd = |made: &&Made| made.place == Place::Database && made.name.contains(ESCAPED);
    let database = all.iter().find(odd).unwrap();
    let made = [Place::View, Place::Event, Place::Routine].map(|place| Made::make(place, 99, "x", &database.name));
    for made in &made {
        lab.sql(Side::Old, &made.statements());
    }
    let (code, said) = play(lab, &["plan", "--live"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("could not dump the definitions, as a trial"), "{said}");
    let begin: String = database.name.chars().take_while(|sign| !ESCAPED.contains(sign)).collect();
    assert!(said.contains("when selecting the database") && said.contains(&begin), "{begin}: {said}");
    let drop = ["VIEW", "EVENT", "PROCEDURE"].map(|kind| format!("DROP {kind} {}.x;", identifier(&database.name)));
    lab.sql(Side::Old, &drop.concat());
}

fn moved(family: Family) {
    let Some(lab) = Lab::make_watched(&Shape { family, old: "", new: "", shells: ["bash", "bash"] }) else { return };
    let mut all = stock(&lab);
    let places: BTreeSet<Place> = all.iter().map(|made| made.place).collect();
    assert!(places.len() == PLACES.len() && all.len() >= 3 * HOW_MANY, "{places:?}");
    for side in [Side::Old, Side::New] {
        lab.sql(side, "SET GLOBAL general_log_file = 'general.log'; SET GLOBAL general_log = ON");
    }
    lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
    // the new server is restarted on the way, and goes on with its log
    lab.inventory(", general_log: true, general_log_file: general.log", &[]);
    if family == Family::MariaDb {
        refused_as_forgotten(&lab, &mut all);
        refused_by_name(&lab, &all);
    }
    // what a look at both servers sends them is looked at below with everything else
    let (code, said) = play(&lab, &["plan", "--live"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = play(&lab, &["run", "--yes", "--format", "json"]);
    assert_eq!(code, Some(0), "{said}");

    for made in &all {
        let [old, new] = [Side::Old, Side::New].map(|side| made.seen(&lab, side));
        assert_eq!(old, new, "{made:?}");
        assert!(!old.is_empty(), "{made:?}");
    }
    let users = all.iter().filter(|made| made.place == Place::User);
    let let_in = users.filter(|made| {
        let [old, new] = [Side::Old, Side::New].map(|side| lab.log_in(side, &made.name, &password(made.number)));
        assert_eq!(old, new, "{made:?}"); // MySQL lets nobody in whose name begins or ends with a space
        new
    });
    assert!(let_in.count() > 10);
    let started = lab.started();
    assert!(started.len() > 100, "{}", started.len());
    nothing_ran(&lab, &started);
    no_password_is_seen(&lab, &started, &said);
}

fn nothing_ran(lab: &Lab, started: &[(String, String)]) {
    let found = lab.find(&format!("{CANARY}*"));
    assert!(found.is_empty(), "{found:?}");
    let here = std::fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
    assert!(!here.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(CANARY)));
    // a name may be an argument, and never a program of its own
    for (by, line) in started {
        assert!(!line.contains("execve(") || !line.contains("[\"touch\", \"ran-by"), "{by}: {line}");
    }
}

fn no_password_is_seen(lab: &Lab, started: &[(String, String)], said: &str) {
    for (by, line) in started {
        assert!(!SECRETS.iter().any(|secret| line.contains(secret)), "{by}: {line}");
    }
    for secret in SECRETS {
        assert!(!said.contains(secret));
        let files = lab.grep(secret, &["state", "work", "home-old", "home-new", "shop", "old/my.cnf", "new/my.cnf"]);
        assert!(files.is_empty(), "`{secret}` stands in {files:?}");
        for side in ["old", "new"] {
            let log = std::fs::read(lab.path(&format!("{side}/data/general.log"))).unwrap();
            let lines = String::from_utf8_lossy(&log).into_owned();
            // to keep a statement out of MariaDB's general log takes SUPER, which the account of the old server lacks; the run says so
            let is_told =
                |line: &str| lab.family() == Family::MariaDb && side == "old" && line.contains("CHANGE MASTER TO ");
            let lines: Vec<&str> = lines.lines().filter(|line| line.contains(secret) && !is_told(line)).collect();
            assert!(lines.is_empty(), "{side}: {lines:?}");
        }
    }
}

#[test]
fn hostile_names_are_moved_as_they_are_by_mariadb() {
    moved(Family::MariaDb);
}

#[test]
fn hostile_names_are_moved_as_they_are_by_mysql() {
    moved(Family::MySql);
}
