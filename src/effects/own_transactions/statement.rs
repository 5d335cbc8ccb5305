//! What a statement in a binary log is called without its values: they may be secret, and a `CREATE USER` stands there
//! with its password. Pure.

/// Words of a statement that are shown.
const WORDS: usize = 4;
/// Longest name of a statement, in characters.
const LONGEST: usize = 80;
/// First words of statements that change no rows.
const HARMLESS: [&str; 5] = ["FLUSH", "ANALYZE", "OPTIMIZE", "CHECK", "CHECKSUM"];
/// What a server writes when a session with temporary tables ends.
const TEMPORARY: [&str; 3] = ["DROP /*!40005 TEMPORARY */ TABLE ", "DROP TEMPORARY TABLE ", "CREATE TEMPORARY TABLE "];

/// The database that a statement was made in, and the statement, of the `Info` of a `Query` event.
pub(super) fn parts(info: &str) -> (Option<&str>, &str) {
    let parts = info.strip_prefix("use `").and_then(|rest| rest.split_once("`; "));
    parts.map_or((None, info.trim()), |(database, statement)| (Some(database), statement.trim()))
}

/// Whether it changes no row. A leading comment may be a statement of its own, so such a statement counts as a change.
pub(super) fn is_harmless(statement: &str) -> bool {
    let upper = statement.to_ascii_uppercase();
    let first = upper.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    HARMLESS.contains(&first) || TEMPORARY.iter().any(|begin| upper.starts_with(begin))
}

/// Its first words, up to the first value.
pub(super) fn name(info: &str) -> String {
    let (database, statement) = parts(info);
    let plain = |word: &&str| {
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '`' | '*' | '$' | '-');
        word.chars().all(is_plain) && !word.starts_with(|c: char| c.is_ascii_digit())
    };
    let mut words: Vec<String> = Vec::new();
    for word in statement.split_whitespace().take(WORDS) {
        let (head, more) = word.split_once('(').map_or((word, false), |(head, _)| (head, true));
        let head = head.trim_end_matches([',', ';']);
        let is_value = words.last().is_some_and(|before| introduces_value(before));
        if head.is_empty() || is_value || !plain(&head) {
            break;
        }
        words.push(head.to_owned());
        if more {
            break;
        }
    }
    let words = if words.is_empty() { "a statement".to_owned() } else { words.join(" ") };
    let place = database.map(|database| format!(" in {database}")).unwrap_or_default();
    format!("{words}{place}").chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

fn introduces_value(word: &str) -> bool {
    ["BY", "AS", "VALUES", "SET", "WHERE", "=", "SELECT"].iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::{is_harmless, name, parts};

    #[test]
    fn a_statement_is_named_without_its_values() {
        let named = [
            ("use `a`; create user foo identified by 'geheim'", "create user foo identified in a"),
            ("use `a`; CREATE USER 'foo'@'%' IDENTIFIED BY 'geheim'", "CREATE USER in a"),
            ("use `shop`; insert into t values (4,'s')", "insert into t values in shop"),
            ("insert into t(id) values (4)", "insert into t"),
            ("UPDATE t SET secret=4711", "UPDATE t SET"),
            ("SET PASSWORD='geheim'", "SET"),
            ("create database a", "create database a"),
            ("DROP TABLE `a`.`b`", "DROP TABLE `a`.`b`"),
            ("'x'", "a statement"),
        ];
        for (info, expected) in named {
            assert_eq!(name(info), expected, "{info}");
        }
    }

    #[test]
    fn only_what_changes_no_row_is_harmless() {
        let (flush, tables) = ("FLUSH PRIVILEGES", "DROP /*!40005 TEMPORARY */ TABLE IF EXISTS `q`");
        assert!(is_harmless(flush) && is_harmless(tables) && is_harmless("analyze table t"));
        assert!(!is_harmless("DROP TABLE t") && !is_harmless("FLUSHED") && !is_harmless(""));
        assert!(!is_harmless("/*!50000 DELETE FROM t */") && !is_harmless("REPAIR TABLE t"));
        assert_eq!(parts("use `a`; flush privileges"), (Some("a"), "flush privileges"));
    }
}
