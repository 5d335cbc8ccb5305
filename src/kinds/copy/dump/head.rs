//! The binlog position, as dump programs write it in the first lines of a dump.

use crate::playbook::position::Position;

/// Finds `CHANGE MASTER TO MASTER_LOG_FILE='x', MASTER_LOG_POS=n` or its `REPLICATION SOURCE` form, commented or not.
/// Two different positions are as bad as none.
pub fn position(head: &str) -> Result<Position, String> {
    let mut found: Option<Position> = None;
    for line in head.lines() {
        let line = line.trim_start_matches("--").trim();
        if !line.starts_with("CHANGE MASTER TO") && !line.starts_with("CHANGE REPLICATION SOURCE TO") {
            continue;
        }
        let (Some(file), Some(offset)) = (value(line, "_LOG_FILE"), value(line, "_LOG_POS")) else { continue };
        let offset: u64 = offset.parse().map_err(|_| format!("the offset `{offset}` is not a number"))?;
        let place = Position::new(file, offset);
        if found.as_ref().is_some_and(|other| *other != place) {
            return Err("the dump contains two different binlog positions".into());
        }
        found = Some(place);
    }
    found.ok_or_else(|| "its first lines contain no binlog position".into())
}

/// Finds the GTID set: `GTID_PURGED='+uuid:1-7'`, commented or not, over several lines if it is long. (`MariaDB`'s program
/// notes its own at the end of the file in newer releases, and the server can be asked.)
pub fn gtid(head: &str) -> Option<String> {
    let (_, rest) = head.split_once("GTID_PURGED=")?;
    let rest = rest.strip_prefix("/*!80000 '+'*/").unwrap_or(rest); // how the newer clients write "add to what is there"
    let (set, _) = rest.split_once('\'')?.1.split_once('\'')?;
    Some(set.trim_start_matches('+').split_whitespace().collect())
}

fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line[line.find(name)? + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    match rest.strip_prefix('\'') {
        Some(quoted) => quoted.split('\'').next(),
        None => rest.split([',', ';', ' ']).next(),
    }
}

#[cfg(test)]
mod tests {
    use super::{gtid, position};

    #[test]
    fn finds_gtid_sets() {
        let found = |head: &str| gtid(head).unwrap();
        assert_eq!(found("--\n/* SET @@GLOBAL.GTID_PURGED='+a2-b:1-3,\nc4-d:1';*/\n"), "a2-b:1-3,c4-d:1");
        assert_eq!(found("SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'a2-b:1-3';"), "a2-b:1-3");
        assert_eq!(gtid("-- CHANGE MASTER TO"), None);
    }

    #[test]
    fn understands_every_form_and_refuses_doubt() {
        let old = "-- comment\n-- CHANGE MASTER TO MASTER_LOG_FILE='mysql-bin.000004', MASTER_LOG_POS=543;\n";
        assert_eq!(position(old).unwrap().to_string(), "mysql-bin.000004:543");
        let new = "-- CHANGE REPLICATION SOURCE TO SOURCE_LOG_FILE='b.000001', SOURCE_LOG_POS=157;";
        assert_eq!(position(new).unwrap().to_string(), "b.000001:157");
        let maria = format!("{old}-- SET GLOBAL gtid_slave_pos='0-1-2';\n");
        assert_eq!(position(&maria).unwrap().to_string(), "mysql-bin.000004:543");
        assert!(position(&format!("{old}{new}")).unwrap_err().contains("two different"));
        assert!(position("-- nothing").is_err());
        assert!(position("CHANGE MASTER TO MASTER_LOG_FILE='x', MASTER_LOG_POS=many;").is_err());
    }
}
