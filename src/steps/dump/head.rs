//! The place in the binary log, as dump programs note it in a dump's first lines.

use crate::playbook::position::Position;

/// Finds `CHANGE MASTER TO MASTER_LOG_FILE='x', MASTER_LOG_POS=n` or its `REPLICATION SOURCE` form, commented or not.
/// Two different places are as bad as none.
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
            return Err("the dump names two different places in the binary log".into());
        }
        found = Some(place);
    }
    found.ok_or_else(|| "its first lines name no place in the binary log".into())
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
    use super::position;

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
