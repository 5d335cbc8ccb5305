//! Inputs that cannot be moved: each is named before anything is touched, by `preflight` and by `run` alike.

use crate::lab::{Lab, Shape, Side};
use crate::moved::input;
use cutover::domain::product::Family;

/// One input: what is done on which server first, and the words that name it.
struct Case {
    at: Side,
    make: String,
    named: &'static [&'static str],
}

fn old(make: impl Into<String>, named: &'static [&'static str]) -> Case {
    Case { at: Side::Old, make: make.into(), named }
}
fn new(make: impl Into<String>, named: &'static [&'static str]) -> Case {
    Case { at: Side::New, ..old(make, named) }
}

const SHOP: &str = "
    CREATE DATABASE shop; CREATE TABLE shop.ticks (id INT PRIMARY KEY); INSERT INTO shop.ticks VALUES (1), (2);
    CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret';
    GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO shop@'127.0.0.1';";
/// What must be as it was.
const STATE: &str = "SHOW DATABASES; SELECT User, Host FROM mysql.user ORDER BY 1, 2";

/// Plays all at once, since a look tells all of it, and sees that nothing was touched.
fn all_are_named(lab: &Lab, cases: &[Case]) {
    lab.inventory("", &[]);
    lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
    for case in cases {
        lab.sql(case.at, &case.make);
    }
    let before = [Side::Old, Side::New].map(|side| lab.sql(side, STATE));
    let files = [lab.read("old/my.cnf"), lab.read("new/my.cnf")];
    let mut wrong = Vec::new();
    for command in [&["preflight"][..], &["run", "--yes"][..]] {
        let ran = lab.swap(command, &[]);
        let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
        let said = said.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        let missing = cases.iter().flat_map(|case| case.named).filter(|words| !said.contains(**words));
        let missing: Vec<_> = missing.collect();
        if ran.status.code() != Some(5) || !missing.is_empty() {
            wrong.push(format!("{command:?}: code {:?}, without {missing:?}: {said}", ran.status.code()));
        }
    }
    assert_eq!([Side::Old, Side::New].map(|side| lab.sql(side, STATE)), before);
    assert_eq!([lab.read("old/my.cnf"), lab.read("new/my.cnf")], files);
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn of_both() -> Vec<Case> {
    vec![
        old(input("cutover_database.sql"), &["database `cutover` that does not belong to cutover", "orders"]),
        new(
            "CREATE DATABASE cutover_fence; CREATE TABLE cutover_fence.mine (id INT)",
            &["database `cutover_fence` that does not belong to cutover", "mine"],
        ),
        old(input("float.sql"), &["six digits of a FLOAT", "shop.m.f"]),
        old("CREATE TABLE shop.k (f FLOAT PRIMARY KEY)", &["their key contains a FLOAT", "shop.k.f"]),
        old(input("broken_view.sql"), &["shop.v"]),
        old(
            input("orphan_definer.sql").replace("shop.v ", "shop.of_a_ghost "),
            &["ghost@localhost", "shop.of_a_ghost"],
        ),
        // the first of them stands for the rest in a list
        new("CREATE DATABASE aa; CREATE FUNCTION aa.f() RETURNS INT DETERMINISTIC RETURN 1", &["function aa.f"]),
        new("CREATE VIEW aa.only AS SELECT 1 AS one", &["view aa.only"]),
    ]
}

#[test]
fn what_mariadb_cannot_move_is_named_before_anything_is_touched() {
    // environment/source_replicate_ignore.cnf and target_binlog_ignore.cnf
    let shape = Shape {
        family: Family::MariaDb,
        old: "replicate_wild_ignore_table = shop.%\n",
        new: "binlog_ignore_db = shop\n",
        shells: ["bash", "tcsh"],
    };
    let lab = Lab::make(&shape).unwrap();
    lab.sql(Side::Old, SHOP);
    let versioned = input("target_versioned.sql").replace("-- on the target: ", "").replace("shop", "ab");
    let mut cases = of_both();
    cases.push(old("DO 0", &["replicate_wild_ignore_table", "binlog_ignore_db"]));
    cases.push(new(versioned, &["system versioned ab.ticks"]));
    cases.push(new("CREATE SEQUENCE ab.numbers", &["sequence ab.numbers"]));
    all_are_named(&lab, &cases);
}

#[test]
fn what_mysql_cannot_move_is_named_before_anything_is_touched() {
    let shape = Shape { family: Family::MySql, old: "", new: "", shells: ["bash", "tcsh"] };
    let Some(lab) = Lab::make(&shape) else { return };
    lab.sql(Side::Old, SHOP);
    all_are_named(&lab, &of_both());
}
