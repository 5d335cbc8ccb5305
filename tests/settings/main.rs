//! Whole swaps between servers whose global settings are as nobody here would have them. What is moved must be the same.
//!
//! `CUTOVER_SETTINGS=all cargo test --test settings -- --nocapture` plays each setting alone through `preflight` and those
//! that pass in nine draws, in which every two of them meet: both set, both not, and one without the other.
//! `CUTOVER_SETTINGS=draws` plays the draws alone.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../lab/mod.rs"]
mod lab;
mod unusual;

use cutover::domain::product::Family;
use lab::{Lab, Shape, Side};
use unusual::{MARIADB, MYSQL, Setting};

/// How many draws it takes, and of how many of them each setting is part.
const DRAWS: usize = 9;
const PART_OF: u32 = 5;

const DATA: &str = "
    CREATE DATABASE shop; USE shop;
    CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, at TIMESTAMP(6) NULL, d DATETIME, s VARCHAR(40), x DOUBLE,
        j JSON, b VARBINARY(20), e ENUM('a', 'b'), n DECIMAL(20, 6), t TEXT CHARACTER SET utf8mb4, INDEX (s));
    INSERT INTO orders (at, d, s, x, j, b, e, n, t) VALUES
        ('2024-02-29 12:00:00.123456', '1000-01-01', 'it''s \"x\" \\\\ y', 1e308, '{\"a\": 1.50}', x'00ff0d0a1a', 'b', -0.000001, 'å–😀');
    CREATE TABLE parts (id INT PRIMARY KEY, order_id INT NOT NULL, FOREIGN KEY (order_id) REFERENCES orders (id));
    INSERT INTO parts VALUES (1, 1), (0 + 5, 1);
    CREATE TABLE log (id INT PRIMARY KEY, note VARCHAR(20));
    CREATE TRIGGER noted AFTER INSERT ON parts FOR EACH ROW INSERT INTO log VALUES (NEW.id, 'line');
    CREATE VIEW recent AS SELECT id, s FROM orders WHERE id > 0;
    CREATE FUNCTION half(n INT) RETURNS INT DETERMINISTIC RETURN n / 2;
    CREATE PROCEDURE tidy() DELETE FROM log WHERE id < 0;
    CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'shop-secret';
    GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON shop.* TO shop@'127.0.0.1'";
/// More rows than an odd limit lets through.
const MANY: &str = "INSERT INTO shop.log SELECT id, 'many' FROM (WITH RECURSIVE n AS (SELECT 100 AS id UNION ALL \
                    SELECT id + 1 FROM n WHERE id < 900) SELECT id FROM n) AS numbers";

fn stocked(family: Family) -> Option<Lab> {
    let lab = Lab::make(&Shape { family, old: "", new: "", shells: ["bash", "bash"] })?;
    lab.sql(Side::Old, DATA);
    lab.sql(Side::Old, MANY);
    lab.write("shop/db.env", "DB_HOST=127.0.0.1\n");
    lab.inventory("", &[]);
    Some(lab)
}

/// Which settings pass `preflight`, each set alone on the source, and alone on the target.
fn that_pass<'a>(lab: &Lab, settings: &'a [Setting]) -> Vec<&'a Setting> {
    let mut passed = Vec::new();
    for setting in settings {
        let found = [Side::Old, Side::New].map(|side| {
            lab.sql(side, &setting.set());
            let looked = lab.swap(&["preflight"], &[]);
            lab.sql(side, &setting.set_back());
            looked
        });
        let codes = found.each_ref().map(|looked| looked.status.code());
        println!("{:<34} {:?}", setting.name, codes);
        if codes == [Some(0); 2] {
            passed.push(setting);
        } else {
            for looked in found.iter().filter(|looked| looked.status.code() != Some(0)) {
                println!("{}", String::from_utf8_lossy(&looked.stdout));
            }
        }
    }
    passed
}

/// Whether setting `index` is part of draw `draw`. No two settings are part of the same draws, each is part of five of
/// the eight, so that two of them always meet; in the first draw nothing is set.
fn is_part(index: usize, draw: usize) -> bool {
    let mut subsets = (0_u32..1 << (DRAWS - 1)).filter(|subset| subset.count_ones() == PART_OF);
    draw > 0 && subsets.nth(index).is_some_and(|subset| subset >> (draw - 1) & 1 == 1)
}

/// A swap with the settings of one draw on the source, and those of another one on the target.
fn play(family: Family, settings: &[&Setting], draw: usize) {
    let Some(lab) = stocked(family) else { return };
    let of =
        |draw: usize| settings.iter().enumerate().filter(move |(index, _)| is_part(*index, draw)).map(|(_, it)| it);
    let target: String = of((draw + 4) % DRAWS).filter_map(|setting| setting.line()).collect();
    lab.inventory(&target, &[]);
    for setting in of(draw) {
        lab.sql(Side::Old, &setting.set());
    }
    let ran = lab.swap(&["run", "--yes"], &[]);
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(0), "draw {draw}: {said}");
    for setting in settings {
        lab.sql(Side::Old, &setting.set_back());
        lab.sql(Side::New, &setting.set_back());
    }
    assert_eq!(lab.dump(Side::New, &["shop"]), lab.dump(Side::Old, &["shop"]), "draw {draw}");
    assert_eq!(lab.sql(Side::New, "SELECT COUNT(*) FROM shop.log"), "801\n");
    println!("draw {draw} of {family:?}: {} set on the source, equal", of(draw).count());
}

fn all_of(family: Family, settings: &[Setting]) {
    // eighteen swaps are too long for every day; `tests/cases/moved.rs` has one with odd settings
    let Ok(part) = std::env::var("CUTOVER_SETTINGS") else { return };
    let expected: Vec<&Setting> = settings.iter().filter(|setting| setting.passes).collect();
    if part != "draws"
        && let Some(lab) = stocked(family)
    {
        let passed: Vec<&str> = that_pass(&lab, settings).iter().map(|setting| setting.name).collect();
        assert_eq!(passed, expected.iter().map(|setting| setting.name).collect::<Vec<_>>());
    }
    for draw in 0..DRAWS {
        play(family, &expected, draw);
    }
}

#[test]
fn every_two_settings_meet_in_the_draws() {
    for (one, other) in (0..40).flat_map(|one| (0..one).map(move |other| (one, other))) {
        let mut met: Vec<_> = (0..DRAWS).map(|draw| (is_part(one, draw), is_part(other, draw))).collect();
        met.sort_unstable();
        met.dedup();
        assert_eq!(met.len(), 4, "{one} and {other}");
    }
}

#[test]
fn mariadb_servers_at_unusual_settings_hold_the_same_afterwards() {
    all_of(Family::MariaDb, MARIADB);
}

#[test]
fn mysql_servers_at_unusual_settings_hold_the_same_afterwards() {
    all_of(Family::MySql, MYSQL);
}
