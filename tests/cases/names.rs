//! Hostile names of databases, tables, views, users and events: each of them is moved as it is, and means nothing to anybody
//! on the way.

use crate::lab::{Lab, Shape, Side};
use cutover::domain::product::Family;

/// Names that once ran as a program, as an option, as a statement, or fetched a password; and others of their kinds.
const NAMES: [&str; 24] = [
    "‹x›'&id>$HOME/ran-as;'",
    "--where=1=0",
    "‹secret TARGET_PASSWORD›",
    "‹') OR SLEEP(7)=9 -- ›",
    "‹steps.dump.position›",
    "$(touch ran-by-shell)",
    "`touch ran-by-backtick`",
    "'; DROP DATABASE shop; -- ",
    "\"; DROP TABLE shop.orders; #",
    "a\nb",
    "a\tb\rc",
    "-",
    "-e",
    "%s%n%d",
    "{{ servers.source.password }}",
    "${SOURCE_PASSWORD}",
    "\u{202e}desrever\u{202c}",
    "\u{1b}[2J\u{1b}[31m",
    "é☃中\u{fffd}\u{e000}",
    "\\' \\\\ \\n \\0",
    "a;b&c|d>e<f*g?h!i#j~k",
    " leading",
    "/*! DROP DATABASE shop */",
    "a.b.c",
];

/// Signs that `mariadb-dump` escapes in a database's name before it asks for it: there is none of that name then.
const ESCAPED: [char; 5] = ['\'', '"', '\\', '\n', '\r'];

/// The longest name that a server takes.
fn longest() -> String {
    "'`$(x)‹y›-\"".chars().cycle().take(64).collect()
}

fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn literal(name: &str) -> String {
    format!("'{}'", name.replace('\\', "\\\\").replace('\'', "''"))
}

/// One database, table, view, event and account of each name that the server takes.
fn stock(lab: &Lab) -> Vec<String> {
    lab.sql(
        Side::Old,
        "CREATE DATABASE shop; CREATE TABLE shop.orders (id INT PRIMARY KEY); INSERT INTO shop.orders VALUES (1);
         CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret'; GRANT ALL ON shop.* TO shop@'127.0.0.1'",
    );
    let all: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).chain([longest()]).collect();
    let mut made = Vec::new();
    for name in &all {
        let quoted = identifier(name);
        // a server refuses some of them itself: those cannot be met
        if lab.try_sql(Side::Old, &format!("CREATE DATABASE {quoted}")) {
            lab.sql(
                Side::Old,
                &format!(
                    "USE {quoted}; CREATE TABLE {quoted} (id INT PRIMARY KEY, {column} VARCHAR(80)) CHARACTER SET utf8mb4; \
                     INSERT INTO {quoted} VALUES (1, {value}), (2, 'two')",
                    column = identifier(&format!("c{}", name.chars().take(60).collect::<String>().trim_end())),
                    value = literal(name)
                ),
            );
            lab.try_sql(Side::Old, &format!("USE {quoted}; CREATE VIEW v AS SELECT * FROM {quoted}"));
            lab.try_sql(Side::Old, &format!("USE {quoted}; CREATE EVENT {quoted} ON SCHEDULE EVERY 1 DAY DO DO 1"));
            made.push(name.clone());
        }
        let user: String = name.chars().take(30).collect();
        lab.try_sql(Side::Old, &format!("CREATE USER {}@'10.9.8.7' IDENTIFIED BY 'x'", literal(&user)));
    }
    made
}

/// Definitions and rows of a database's table, its views and events.
fn contents(lab: &Lab, side: Side, database: &str) -> String {
    let table = if database == "shop" { "orders" } else { database };
    let (schema, table) = (literal(database), format!("{}.{}", identifier(database), identifier(table)));
    let questions = [
        format!("SHOW CREATE TABLE {table}"),
        format!("SELECT * FROM {table}"),
        format!(
            "SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = BINARY {schema}"
        ),
        format!(
            "SELECT EVENT_NAME, EVENT_DEFINITION FROM information_schema.EVENTS WHERE EVENT_SCHEMA = BINARY {schema}"
        ),
    ];
    questions.iter().map(|question| lab.sql(side, question) + "\n").collect()
}

fn run(lab: &Lab) -> (Option<i32>, String) {
    let ran = lab.swap(&["run", "--yes", "--format", "json"], &[]);
    let said = format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    (ran.status.code(), said)
}

fn moved(family: Family) {
    let Some(lab) = Lab::make(&Shape { family, old: "", new: "", shells: ["bash", "bash"] }) else { return };
    let mut made = stock(&lab);
    assert!(made.len() > 15, "{made:?}");
    for side in [Side::Old, Side::New] {
        lab.sql(side, "SET GLOBAL general_log = ON");
    }
    lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
    lab.inventory("", &[]);
    let (mut code, mut said) = run(&lab);
    if code == Some(5) {
        // names that the family's dump program cannot take: said before anything is touched
        assert!(said.contains("could not dump the definitions, as a trial"), "{said}");
        let (odd, rest): (Vec<_>, Vec<_>) = made.into_iter().partition(|name| name.contains(ESCAPED));
        let named = said.matches("when selecting the database").count();
        assert!(named >= odd.len() && named % odd.len() == 0, "{named} for {odd:?}: {said}");
        for name in &odd {
            lab.sql(Side::Old, &format!("DROP DATABASE {}", identifier(name)));
        }
        made = rest;
        (code, said) = run(&lab);
    }
    assert_eq!(code, Some(0), "{said}");

    let databases: Vec<&str> = made.iter().map(String::as_str).chain(["shop"]).collect();
    for database in databases {
        let [old, new] = [Side::Old, Side::New].map(|side| contents(&lab, side, database));
        assert_eq!(old, new, "{database}");
        assert!(old.contains("\n1\t") || database == "shop", "{database}: {old}");
    }
    for file in ["ran-as", "ran-by-shell", "ran-by-backtick"] {
        let found = lab.find(file);
        assert!(found.is_empty(), "{found:?}");
    }
    // MariaDB's general log shows the replication account's own password, for it shows `CREATE USER` as it was sent
    for secret in ["choose-one", "choose-another"] {
        assert!(!said.contains(secret));
        let logs = lab.find_text(secret, &["old/data", "new/data", "state"]);
        assert!(logs.is_empty(), "`{secret}` stands in {logs:?}");
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
