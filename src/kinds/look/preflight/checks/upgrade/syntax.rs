//! What a newer series no longer reads: functions that are gone, words that are reserved now, an order in GROUP BY, and words
//! of `sql_mode`. Sources: the manual of `MySQL` 8.0, 8.4 and 9.x on what each changed, and on keywords and reserved words;
//! `MariaDB`'s page on reserved words.

use super::tokens::tokens;
use crate::domain::product::{Family, Product, Version};
use std::collections::BTreeSet;

/// A family, and the release from which on something is so.
type Since = (Family, Version);

const MYSQL_8: Since = (Family::MySql, Version(8, 0, 0));
const MYSQL_8_4: Since = (Family::MySql, Version(8, 4, 0));
const MYSQL_5_7: Since = (Family::MySql, Version(5, 7, 0));
const MYSQL_9_2: Since = (Family::MySql, Version(9, 2, 0));
const MYSQL_9_7: Since = (Family::MySql, Version(9, 7, 0));
const MARIADB_10_5: Since = (Family::MariaDb, Version(10, 5, 0));
const MARIADB_10_11: Since = (Family::MariaDb, Version(10, 11, 0));
const MARIADB_11_8: Since = (Family::MariaDb, Version(11, 8, 0));
const MARIADB_10_6: Since = (Family::MariaDb, Version(10, 6, 0));
const MARIADB_10_7: Since = (Family::MariaDb, Version(10, 7, 0));

/// Functions that are gone.
const REMOVED: [(Since, &[&str]); 2] = [
    (
        MYSQL_8,
        &["PASSWORD", "ENCODE", "DECODE", "ENCRYPT", "DES_ENCRYPT", "DES_DECRYPT", "GLENGTH", "ASTEXT", "ASBINARY"],
    ),
    (MYSQL_8_4, &["WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS"]),
];
/// Words that are reserved, and were nothing but names before: one that stands bare is a name.
const RESERVED: [(Since, &[&str]); 4] = [
    (
        MYSQL_8,
        &[
            "CUBE",
            "CUME_DIST",
            "DENSE_RANK",
            "EMPTY",
            "EXCEPT",
            "FIRST_VALUE",
            "GROUPING",
            "GROUPS",
            "INTERSECT",
            "JSON_TABLE",
            "LAG",
            "LAST_VALUE",
            "LATERAL",
            "LEAD",
            "NTH_VALUE",
            "NTILE",
            "OVER",
            "PERCENT_RANK",
            "RANK",
            "ROW_NUMBER",
            "WINDOW",
        ],
    ),
    (MYSQL_8_4, &["MANUAL", "PARALLEL", "QUALIFY", "TABLESAMPLE"]),
    (MARIADB_10_6, &["OFFSET"]),
    (MARIADB_10_7, &["ROW_NUMBER"]),
];
/// The same for words that code may hold bare for another reason, so that only names of tables and columns tell. `MySQL` 9.7.4
/// and `MariaDB` 10.5.23, 10.11.19 and 11.8.9 were asked for each word that they know whether a table can have it as its name.
const RESERVED_NAMES: [(Since, &[&str]); 5] = [
    (MYSQL_8, &["FUNCTION", "OF", "RECURSIVE", "ROW", "ROWS", "SYSTEM"]),
    (MYSQL_9_2, &["LIBRARY"]),
    (MYSQL_9_7, &["EXTERNAL"]),
    (MARIADB_10_11, &["MASTER_DEMOTE_TO_REPLICA", "MASTER_DEMOTE_TO_SLAVE"]),
    (MARIADB_11_8, &["SQL_AFTER_GTIDS", "SQL_BEFORE_GTIDS", "VECTOR"]),
];
/// What each family reserves and the other does not, in every series that is still moved from or to.
const RESERVED_BY_ONE: [(Since, &[&str]); 2] = [
    (
        MYSQL_5_7,
        &["GENERATED", "GET", "IO_AFTER_GTIDS", "IO_BEFORE_GTIDS", "OPTIMIZER_COSTS", "OPTION", "STORED", "VIRTUAL"],
    ),
    (
        MARIADB_10_5,
        &[
            "CURRENT_ROLE",
            "DELETE_DOMAIN_ID",
            "DO_DOMAIN_IDS",
            "IGNORE_DOMAIN_IDS",
            "PAGE_CHECKSUM",
            "PARSE_VCOL_EXPR",
            "PORTION",
            "REF_SYSTEM_ID",
            "RETURNING",
            "STATS_AUTO_RECALC",
            "STATS_PERSISTENT",
            "STATS_SAMPLE_PAGES",
        ],
    ),
];
/// Words that `sql_mode` no longer has.
const MODES: [(Since, &[&str]); 1] = [(
    MYSQL_8,
    &[
        "NO_AUTO_CREATE_USER",
        "DB2",
        "MAXDB",
        "MSSQL",
        "MYSQL323",
        "MYSQL40",
        "ORACLE",
        "POSTGRESQL",
        "NO_FIELD_OPTIONS",
        "NO_KEY_OPTIONS",
        "NO_TABLE_OPTIONS",
    ],
)];

/// Words that a later release gave back: `MySQL` 9.7.4 lists these two as not reserved; no release before it was asked.
const GIVEN_BACK: [(Since, &[&str]); 1] = [(MYSQL_9_7, &["MANUAL", "PARALLEL"])];

/// The words of a list that are so on `target` and were not on `source`.
fn new_words(list: &'static [(Since, &'static [&'static str])], source: Product, target: Product) -> Vec<&'static str> {
    let holds = |product: Product, (family, version): Since| product.family == family && product.version >= version;
    let new = list.iter().filter(|(since, _)| holds(target, *since) && !holds(source, *since));
    let back: Vec<&str> = GIVEN_BACK
        .iter()
        .filter(|(since, _)| holds(target, *since))
        .flat_map(|(_, words)| words.iter().copied())
        .collect();
    new.flat_map(|(_, words)| words.iter().copied()).filter(|word| !back.contains(word)).collect()
}

/// Words that some release reserves and another one does not.
pub fn reserved_anywhere() -> Vec<&'static str> {
    let all = RESERVED.iter().chain(&RESERVED_NAMES).chain(&RESERVED_BY_ONE);
    let words: BTreeSet<_> = all.flat_map(|(_, words)| words.iter().copied()).collect();
    words.into_iter().collect()
}

/// Words that `target` reserves and `source` does not.
pub fn newly_reserved(source: Product, target: Product) -> Vec<&'static str> {
    let of = |source, target| {
        let mut words = new_words(&RESERVED, source, target);
        words.extend(new_words(&RESERVED_NAMES, source, target));
        words.extend(new_words(&RESERVED_BY_ONE, source, target));
        words
    };
    let nobody = |family| Product { family, version: Version(0, 0, 0) };
    let known = of(nobody(source.family), source);
    of(nobody(target.family), target).into_iter().filter(|word| !known.contains(word)).collect()
}

/// What of a routine, view, trigger or event `target` does not read as `source` did, in words.
pub fn obstacles(body: &str, sql_mode: &str, source: Product, target: Product) -> Vec<String> {
    let tokens = tokens(body);
    let mut found = Vec::new();
    let follows = |at: usize, sign: &str| tokens.get(at + 1).is_some_and(|next| *next == sign);
    // `OFFSET` of a LIMIT, and a name behind a dot, are read as before
    let is_name = |at: usize| {
        let before = at.checked_sub(1).map_or("", |before| tokens[before]);
        before != "."
            && !before.starts_with('@')
            && !before.bytes().all(|digit| digit.is_ascii_digit() && !before.is_empty())
    };
    let removed = new_words(&REMOVED, source, target);
    let reserved = new_words(&RESERVED, source, target);
    for (at, token) in tokens.iter().enumerate() {
        let upper = token.to_ascii_uppercase();
        if removed.contains(&&*upper) && follows(at, "(") {
            found.push(format!("function {upper}() was removed"));
        } else if reserved.contains(&&*upper) && !follows(at, "(") && is_name(at) {
            found.push(format!("`{token}` is a reserved word"));
        }
    }
    if new_words(&[(MYSQL_8, &["ASC", "DESC"])], source, target).contains(&"DESC") && orders_groups(&tokens) {
        found.push("GROUP BY does not accept ASC or DESC".to_owned());
    }
    let modes = new_words(&MODES, source, target);
    let gone = sql_mode.split(',').filter(|mode| modes.contains(mode));
    found.extend(gone.map(|mode| format!("its sql_mode has {mode}, which was removed")));
    found.sort();
    found.dedup();
    found
}

/// Whether a GROUP BY says an order.
fn orders_groups(tokens: &[&str]) -> bool {
    let is = |token: &str, word: &str| token.eq_ignore_ascii_case(word);
    let begins = tokens.windows(2).enumerate().filter(|(_, pair)| is(pair[0], "GROUP") && is(pair[1], "BY"));
    begins.map(|(at, _)| at + 2).any(|from| {
        let mut depth = 0_i32;
        for token in &tokens[from..] {
            match token.to_ascii_uppercase().as_str() {
                "(" => depth += 1,
                ")" if depth > 0 => depth -= 1,
                ")" | ";" | "ORDER" | "HAVING" | "LIMIT" | "UNION" | "WITH" | "INTO" if depth == 0 => return false,
                "ASC" | "DESC" if depth == 0 => return true,
                _ => {}
            }
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::{newly_reserved, obstacles};
    use crate::domain::product::Product;

    fn said(body: &str, mode: &str, from: &str, to: &str) -> String {
        let [source, target] = [from, to].map(|text| Product::from_version_text(text).unwrap());
        obstacles(body, mode, source, target).join("; ")
    }

    #[test]
    fn a_word_is_new_where_only_the_target_reserves_it() {
        let new = |word, from, to| {
            let [source, target] = [from, to].map(|text| Product::from_version_text(text).unwrap());
            newly_reserved(source, target).contains(&word)
        };
        assert!(new("RANK", "5.7.44", "8.0.36") && !new("RANK", "8.0.36", "8.4.3"));
        assert!(new("SYSTEM", "10.11.19-MariaDB", "9.7.4") && !new("SYSTEM", "10.5.23-MariaDB", "11.8.9-MariaDB"));
        assert!(new("OFFSET", "9.7.4", "11.8.9-MariaDB") && new("VECTOR", "10.11.19-MariaDB", "11.8.9-MariaDB"));
        assert!(!new("ROW_NUMBER", "11.8.9-MariaDB", "9.7.4") && !new("ROW_NUMBER", "9.7.4", "11.8.9-MariaDB"));
        assert!(new("MANUAL", "8.0.36", "8.4.3") && !new("MANUAL", "8.0.36", "9.7.4"));
        assert!(new("GET", "11.8.9-MariaDB", "9.7.4") && new("RETURNING", "9.7.4", "11.8.9-MariaDB"));
        assert!(
            newly_reserved(Product::from_version_text("9.7.4").unwrap(), Product::from_version_text("9.7.4").unwrap())
                .is_empty()
        );
    }

    #[test]
    fn each_is_told_where_the_newer_series_no_longer_reads_it() {
        for (body, mode, from, to, told) in [
            ("RETURN PASSWORD(x)", "", "5.7.44", "8.0.36", "function PASSWORD() was removed"),
            ("RETURN `PASSWORD`(x)", "", "5.7.44", "8.0.36", ""),
            ("SET x = 'PASSWORD(y)'", "", "5.7.44", "8.0.36", ""),
            ("RETURN PASSWORD(x)", "", "8.0.36", "8.4.3", ""),
            ("SELECT rank FROM scores", "", "5.7.44", "8.0.36", "`rank` is a reserved word"),
            ("SELECT s.rank FROM scores s", "", "5.7.44", "8.0.36", ""),
            ("SELECT manual FROM cars", "", "8.0.36", "8.4.3", "`manual` is a reserved word"),
            ("SELECT offset FROM parts", "", "10.5.23-MariaDB", "11.8.9-MariaDB", "`offset` is a reserved word"),
            ("SELECT a FROM parts LIMIT 3 OFFSET 4", "", "10.5.23-MariaDB", "11.8.9-MariaDB", ""),
            ("SELECT a FROM t GROUP BY a DESC", "", "5.7.44", "8.0.36", "GROUP BY does not accept ASC or DESC"),
            ("SELECT a FROM t GROUP BY a ORDER BY a DESC", "", "5.7.44", "8.0.36", ""),
            ("SELECT (SELECT 1 FROM t GROUP BY a) x ORDER BY x DESC", "", "5.7.44", "8.0.36", ""),
            (
                "RETURN 1",
                "ANSI,NO_AUTO_CREATE_USER",
                "5.7.44",
                "8.0.36",
                "its sql_mode has NO_AUTO_CREATE_USER, which was removed",
            ),
            ("RETURN 1", "NO_AUTO_CREATE_USER", "10.5.23-MariaDB", "11.8.9-MariaDB", ""),
        ] {
            assert_eq!(said(body, mode, from, to), told, "{body} [{mode}] {from} -> {to}");
        }
    }
}
