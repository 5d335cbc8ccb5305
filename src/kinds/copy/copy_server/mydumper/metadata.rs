//! The binlog position of a dump by mydumper, as stated in its file `metadata`. Pure.
//!
//! Until 0.13 it is a text with a block `SHOW MASTER STATUS:`; from then on groups of `key = value`, where the position stands
//! in `[source]` or `[master]`, as comments unless a dump was told to bring a replica about.

use crate::playbook::position::Position;

/// The position, and the set of GTIDs if one is stated. A position that stands elsewhere, as that of what the source itself
/// follows, is not it; two different ones are as bad as none.
///
/// # Errors
/// What is wrong with `text`, in words.
pub fn read(text: &str) -> Result<(Position, Option<String>), String> {
    if !text.lines().any(|line| bare(line).starts_with("Finished dump at:")) {
        return Err("its metadata has no end mark: the dump is incomplete".to_owned());
    }
    let (mut file, mut offset, mut gtid) = (None, None, None);
    let mut ours = false;
    for line in text.lines() {
        let words = bare(line);
        match heading(line) {
            Some(begins) => ours = begins,
            None if ours => {
                if let Some(value) = value(words, &["SOURCE_LOG_FILE", "File", "Log"]) {
                    once(&mut file, value)?;
                } else if let Some(value) = value(words, &["SOURCE_LOG_POS", "Position", "Pos"]) {
                    once(&mut offset, value)?;
                } else if let Some(value) = value(words, &["executed_gtid_set", "Executed_Gtid_Set", "GTID"]) {
                    gtid = Some(value).filter(|set| !set.is_empty());
                } else if let (Some(set), false) = (&mut gtid, words.is_empty() || words.contains('=')) {
                    *set += &set_of(words); // a long one goes over several lines
                }
            }
            None => {}
        }
    }
    let (Some(file), Some(offset)) = (file, offset) else {
        return Err("its metadata contains no binlog position".to_owned());
    };
    let number = offset.parse::<u64>().map_err(|_| format!("the offset `{offset}` in its metadata is not a number"))?;
    Ok((Position::new(file, number), gtid))
}

/// Whether a line begins a block, and whether that is the source's own.
fn heading(line: &str) -> Option<bool> {
    let line = line.trim_end();
    if line.starts_with('[') && line.ends_with(']') {
        return Some(matches!(line, "[source]" | "[master]"));
    }
    let is_edge = ["Started dump", "Finished dump"].iter().any(|edge| bare(line).starts_with(edge));
    (is_edge || line.ends_with("STATUS:")).then_some(matches!(line, "SHOW MASTER STATUS:" | "SHOW BINARY LOG STATUS:"))
}

/// A line without what makes it a comment.
fn bare(line: &str) -> &str {
    line.trim().trim_start_matches('#').trim_start()
}

fn value(line: &str, names: &[&str]) -> Option<String> {
    let (name, value) = line.split_once(['=', ':'])?;
    names.contains(&name.trim_end()).then(|| set_of(value))
}

/// Without quotes and spaces.
fn set_of(value: &str) -> String {
    value.chars().filter(|sign| !sign.is_whitespace() && *sign != '"').collect()
}

fn once(found: &mut Option<String>, value: String) -> Result<(), String> {
    if found.as_ref().is_some_and(|known| *known != value) {
        return Err("its metadata contains two different binlog positions".to_owned());
    }
    *found = Some(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::read;

    /// As Debian's 0.10.1 writes it (seen with `MariaDB` 10.11.19), and mydumper/mydumper, `mydumper.c`, of that time: on a
    /// server that follows another one too.
    const TEXT: &str = "Started dump at: 2026-11-29 19:25:29\nSHOW MASTER STATUS:\n\tLog: binlog.000001\n\tPos: 7437\n\t\
                        GTID:0-42001-29\n\nSHOW SLAVE STATUS:\n\tHost: 10.0.0.1\n\tLog: other.000009\n\tPos: 4\n\tGTID:\n\n\
                        Finished dump at: 2026-11-29 19:25:29\n";
    /// As 1.0 writes it: mydumper/mydumper, `src/mydumper/mydumper_start_dump.c` (comments, groups, end mark), and the names of
    /// `[source]` of its `src/mydumper/mydumper_working_thread.c`, without `--source-data`.
    const GROUPS: &str = "# Started dump at: 2026-09-19 18:15:36\n[config]\nquote-character = BACKTICK\n\n\
                          [myloader_session_variables]\nSQL_MODE='NO_AUTO_VALUE_ON_ZERO' /*!40101\n\n[source]\n\
                          # Channel_Name = '' # It can be use to setup replication FOR CHANNEL\n\
                          # SOURCE_LOG_FILE = \"binlog.000002\"\n# SOURCE_LOG_POS = 839\n\
                          # executed_gtid_set = \"55512139-1432-11f1-8d8d-0693b428a89b:1-9,\n\
                          # 66612139-1432-11f1-8d8d-0693b428a89b:1\"\n\n[replication]\n# SOURCE_LOG_FILE = \"other.000007\"\n\
                          # SOURCE_LOG_POS = 4\n\n[`shop`.`orders`]\nreal_table_name=orders\nrows = 7\n\n[config]\n\
                          max-statement-size = 12279\n# Finished dump at: 2026-09-19 18:15:36\n";

    #[test]
    fn both_formats_are_read() {
        let (position, gtid) = read(TEXT).unwrap();
        assert_eq!((position.to_string().as_str(), gtid.as_deref()), ("binlog.000001:7437", Some("0-42001-29")));
        let (position, gtid) = read(GROUPS).unwrap();
        assert_eq!(position.to_string(), "binlog.000002:839");
        let set = "55512139-1432-11f1-8d8d-0693b428a89b:1-9,66612139-1432-11f1-8d8d-0693b428a89b:1";
        assert_eq!(gtid.as_deref(), Some(set));
        // with `--source-data` nothing is a comment
        let stated = GROUPS.replace("# SOURCE", "SOURCE").replace("# executed", "executed");
        assert_eq!(read(&stated).unwrap().0.to_string(), "binlog.000002:839");
        assert_eq!(read(&TEXT.replace("GTID:0-42001-29", "GTID:")).unwrap().1, None);
    }

    #[test]
    fn doubt_is_refused() {
        for (text, words) in [
            (TEXT.replace("Finished dump at", "F"), "incomplete"),
            (GROUPS.replace("# Finished dump at", "# F"), "incomplete"),
            (TEXT.replace("\tPos: 7437\n", ""), "no binlog position"),
            (TEXT.replace("MASTER", "SLAVE"), "no binlog position"), // only what it follows itself
            (TEXT.replace("7437", "many"), "not a number"),
            (TEXT.replace("\tPos: 7437\n", "\tPos: 7437\n\tPos: 7438\n"), "two different"),
            (String::new(), "incomplete"),
        ] {
            assert!(read(&text).unwrap_err().contains(words), "{text}");
        }
    }
}
