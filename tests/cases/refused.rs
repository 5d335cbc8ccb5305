//! Inputs that cannot be moved: each is named before anything is touched, by `preflight` and by `run` alike.

use crate::lab::{Lab, Shape, Side};
use crate::moved::input;
use cutover::playbook::product::Family;

/// One input: what is done on which server first, the words that name it, and how it is taken back.
struct Case {
    at: Side,
    make: String,
    named: &'static [&'static str],
    undo: &'static str,
}

fn old(make: impl Into<String>, named: &'static [&'static str], undo: &'static str) -> Case {
    Case { at: Side::Old, make: make.into(), named, undo }
}
fn new(make: impl Into<String>, named: &'static [&'static str], undo: &'static str) -> Case {
    Case { at: Side::New, ..old(make, named, undo) }
}

const SHOP: &str = "
    CREATE DATABASE shop; CREATE TABLE shop.ticks (id INT PRIMARY KEY); INSERT INTO shop.ticks VALUES (1), (2);
    CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret';
    GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO shop@'127.0.0.1';";
/// What must be as it was.
const STATE: &str = "SHOW DATABASES; SELECT User, Host FROM mysql.user ORDER BY 1, 2";

/// Plays each, and sees that nothing was touched.
fn all_are_named(lab: &Lab, cases: &[Case]) {
    lab.inventory("", &[]);
    lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
    let mut wrong = Vec::new();
    for case in cases {
        lab.sql(case.at, &case.make);
        let before = [Side::Old, Side::New].map(|side| lab.sql(side, STATE));
        let files = [lab.read("old/my.cnf"), lab.read("new/my.cnf")];
        for command in [&["preflight"][..], &["run", "--yes"][..]] {
            let ran = lab.swap(command, &[]);
            let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
            let said = said.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
            let missing: Vec<_> = case.named.iter().filter(|words| !said.contains(**words)).collect();
            if ran.status.code() != Some(5) || !missing.is_empty() {
                let code = ran.status.code();
                wrong.push(format!("{command:?} after {:.60}: code {code:?}, without {missing:?}: {said}", case.make));
            }
        }
        assert_eq!([Side::Old, Side::New].map(|side| lab.sql(side, STATE)), before, "after {:.60}", case.make);
        assert_eq!([lab.read("old/my.cnf"), lab.read("new/my.cnf")], files);
        lab.sql(case.at, case.undo);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn of_both() -> Vec<Case> {
    vec![
        old(
            input("cutover_database.sql"),
            &["database `cutover` that is not cutover's", "orders"],
            "DROP DATABASE cutover",
        ),
        new(
            "CREATE DATABASE cutover_fence; CREATE TABLE cutover_fence.mine (id INT)",
            &["database `cutover_fence` that is not cutover's", "mine"],
            "DROP DATABASE cutover_fence",
        ),
        old(input("float.sql"), &["FLOAT", "shop.m.f"], "DROP TABLE shop.m"),
        old("CREATE TABLE shop.k (f FLOAT PRIMARY KEY)", &["FLOAT", "shop.k.f"], "DROP TABLE shop.k"),
        old(input("broken_view.sql"), &["shop.v"], "DROP VIEW shop.v"),
        old(input("orphan_definer.sql"), &["ghost@localhost", "shop.v"], "DROP VIEW shop.v"),
        new("CREATE DATABASE shop; CREATE VIEW shop.only AS SELECT 1 AS one", &["shop.only"], "DROP DATABASE shop"),
        new(
            "CREATE DATABASE helpers; CREATE FUNCTION helpers.f() RETURNS INT DETERMINISTIC RETURN 1",
            &["helpers.f"],
            "DROP DATABASE helpers",
        ),
    ]
}

#[test]
fn what_mariadb_cannot_move_is_named_before_anything_is_touched() {
    let shape = Shape {
        family: Family::MariaDb,
        old: "replicate_wild_ignore_table = shop.%\n",
        new: "binlog_ignore_db = shop\n",
        shells: ["bash", "tcsh"],
    };
    let lab = Lab::make(&shape).unwrap();
    lab.sql(Side::Old, SHOP);
    // environment/source_replicate_ignore.cnf and target_binlog_ignore.cnf, for as long as they stand in the files
    let filters = old("DO 0", &["replicate_wild_ignore_table", "binlog_ignore_db"], "DO 0");
    all_are_named(&lab, &[filters]);
    lab.without("old", "replicate_wild_ignore_table");
    lab.without("new", "binlog_ignore_db");
    let versioned = input("target_versioned.sql").replace("-- on the target: ", "");
    let mut cases = of_both();
    cases.push(new(versioned, &["shop.ticks"], "DROP DATABASE shop"));
    cases.push(new("CREATE DATABASE s; CREATE SEQUENCE s.numbers", &["s.numbers"], "DROP DATABASE s"));
    all_are_named(&lab, &cases);
}

#[test]
fn what_mysql_cannot_move_is_named_before_anything_is_touched() {
    let shape = Shape { family: Family::MySql, old: "", new: "", shells: ["bash", "tcsh"] };
    let Some(lab) = Lab::make(&shape) else { return };
    lab.sql(Side::Old, SHOP);
    all_are_named(&lab, &of_both());
}
