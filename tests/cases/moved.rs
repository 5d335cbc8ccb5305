//! Inputs of `data/` and `environment/` that are moved: all of them at once, on hosts as people have them.

use crate::lab::{Lab, Shape, Side};
use cutover::domain::product::Family;

/// `environment/autocommit.cnf`.
const ODD: &str = "autocommit = 0\n";
const SHELLS: [&str; 2] = ["tcsh", "bash"];
const SHOP: &str = "
    CREATE DATABASE shop; CREATE TABLE shop.ticks (id INT PRIMARY KEY); INSERT INTO shop.ticks VALUES (1), (2);
    CREATE TABLE shop.many (id INT AUTO_INCREMENT PRIMARY KEY, c CHAR(5));
    CREATE DATABASE `my.db`; CREATE TABLE `my.db`.t (id INT PRIMARY KEY); INSERT INTO `my.db`.t VALUES (7);
    CREATE FUNCTION shop.f() RETURNS INT DETERMINISTIC RETURN 1; CREATE VIEW shop.v AS SELECT shop.f() AS n;
    CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret'; GRANT ALL ON shop.* TO shop@'127.0.0.1';
    CREATE USER report@'%' IDENTIFIED BY 'x'; COMMIT;";

/// The text of one of the inputs in `data/`.
pub fn input(name: &str) -> String {
    std::fs::read_to_string(format!("{}/tests/cases/data/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What a server holds, by its own dump program, which is told to cut nothing.
fn all_of(lab: &Lab, side: Side, databases: &[&str]) -> String {
    lab.sql(side, "SET GLOBAL sql_select_limit = DEFAULT; SET GLOBAL autocommit = 1");
    lab.dump(side, databases)
}

fn swapped(lab: &Lab, inputs: &[&str]) {
    for side in [Side::Old, Side::New] {
        lab.sql(side, "SET GLOBAL sql_select_limit = 100");
    }
    lab.inventory("", &[]);
    lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
    let ran = lab.swap(&["run", "--yes", "--format", "json"], inputs);
    assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
}

#[test]
fn everything_odd_of_mariadb_arrives_whole() {
    let shape = Shape { family: Family::MariaDb, old: ODD, new: "autocommit = 0\n", shells: SHELLS };
    let lab = Lab::make(&shape).unwrap();
    for folder in ["lost+found", ".snapshot", "backup-2024"] {
        std::fs::create_dir(lab.path(&format!("old/data/{folder}"))).unwrap();
    }
    lab.sql(Side::Old, SHOP);
    lab.sql(Side::Old, "USE shop; INSERT INTO many (c) SELECT 'ab' FROM seq_1_to_1000; COMMIT");
    for name in ["default_nextval.sql", "strict_mode.sql", "versioned_history.sql"] {
        lab.sql(Side::Old, &(input(name).split(" -- second form").next().unwrap().to_owned() + "; COMMIT"));
    }
    lab.sql(Side::Old, "CREATE DATABASE zz; CREATE SEQUENCE zz.sq; CREATE SEQUENCE zz.other START WITH 5;
        CREATE TABLE shop.e (id INT PRIMARY KEY, n INT DEFAULT NEXTVAL(zz.sq)); INSERT INTO shop.e (id) VALUES (1); COMMIT");
    // an event above max_allowed_packet in the log that is written to
    lab.sql(
        Side::Old,
        "CREATE TABLE shop.b (id INT PRIMARY KEY, n INT, v LONGBLOB);
        INSERT INTO shop.b VALUES (1, 0, REPEAT('a', 9000000)); UPDATE shop.b SET n = 1; COMMIT",
    );
    swapped(&lab, &[r#"databases=["my.db","shop","zz"]"#]);
    let databases = ["my.db", "shop", "zz"];
    assert_eq!(all_of(&lab, Side::New, &databases), all_of(&lab, Side::Old, &databases));
    assert_eq!(lab.sql(Side::New, "SELECT COUNT(*) FROM shop.many"), "1000\n");
    assert_eq!(lab.sql(Side::New, "SELECT COUNT(*) FROM shop.sv FOR SYSTEM_TIME ALL"), "4\n");
}

#[test]
fn everything_odd_of_mysql_arrives_whole() {
    let shape = Shape { family: Family::MySql, old: ODD, new: "autocommit = 0\n", shells: SHELLS };
    let Some(lab) = Lab::make(&shape) else { return };
    lab.sql(Side::Old, SHOP);
    let rows = "INSERT INTO shop.many (c) WITH RECURSIVE s AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM s WHERE n < 999) \
                SELECT 'ab' FROM s LIMIT 999";
    lab.sql(Side::Old, &format!("{rows}; COMMIT; {}; COMMIT", input("strict_mode.sql")));
    swapped(&lab, &[]);
    let databases = ["my.db", "shop"];
    assert_eq!(all_of(&lab, Side::New, &databases), all_of(&lab, Side::Old, &databases));
    assert_eq!(lab.sql(Side::New, "SELECT COUNT(*) FROM shop.many"), "999\n");
}
