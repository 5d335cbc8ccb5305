//! A server's option file as text: what it sets, and setting a line in it while every other byte stays.
//!
//! Pure. Knows the file's grammar (groups, `name = value`, comments, includes), no server and no host.

use crate::dialect::amount;
use std::collections::BTreeMap;

/// One line that sets an option for the server.
struct Setting {
    /// Index of the line.
    line: usize,
    /// Its name with underscores, without `loose_`.
    name: String,
    /// Its value without quotes and comment; a bare option counts as `ON`.
    value: String,
}

/// What the file sets for the server: names with underscores, of several lines the last. Included files are not read.
#[must_use]
pub fn effective(text: &str) -> BTreeMap<String, String> {
    settings(text).into_iter().map(|setting| (setting.name, setting.value)).collect()
}

/// `text` with each option set for the server: its last line is changed in place, or one is added. Where a later
/// line includes other files, which could override it, the option is also set at the very end.
#[must_use]
pub fn set<'a>(text: &str, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    if let Some(last) = lines.last_mut().filter(|last| !last.ends_with('\n')) {
        last.push('\n'); // lines are moved about; the missing end is taken off again below
    }
    let open_end = !text.is_empty() && !text.ends_with('\n');
    let before = lines.len();
    for (name, value) in options {
        set_one(&mut lines, name, &quoted(value));
    }
    let mut out = lines.concat();
    if open_end && lines.len() == before {
        out.pop();
    }
    out
}

fn set_one(lines: &mut Vec<String>, name: &str, value: &str) {
    let text = lines.concat();
    let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let new = format!("{name} = {value}{end}");
    let old = settings(&text).into_iter().rfind(|setting| setting.name == canonical(name));
    let place = if let Some(old) = old {
        lines[old.line] = with_value(&lines[old.line], value, end);
        old.line
    } else if let Some(place) = last_group_end(lines) {
        lines.insert(place, new.clone());
        place
    } else {
        lines.extend([format!("[mysqld]{end}"), new]);
        return;
    };
    if lines[place..].iter().any(|line| line.trim_start().starts_with("!include")) {
        lines.extend([format!("[mysqld]{end}"), new]);
    }
}

/// A line with another value; indent, name, alignment and comment stay.
fn with_value(line: &str, value: &str, end: &str) -> String {
    let body = line.trim_end();
    let Some(equals) = body.find('=') else {
        let name = body.split('#').next().unwrap_or(body);
        return format!("{} = {value}{}{end}", name.trim_end(), &body[name.trim_end().len()..]);
    };
    let after = &body[equals + 1..];
    let gap = after.len() - after.trim_start().len();
    let old = &after[gap..];
    let kept = comment_start(old).map_or("", |start| {
        let before = old[..start].trim_end().len();
        &old[before..]
    });
    format!("{}{value}{kept}{end}", &body[..=equals + gap])
}

/// The place after the last line of the last group that every server program reads.
fn last_group_end(lines: &[String]) -> Option<usize> {
    let header = lines.iter().rposition(|line| matches!(group(line), Some("mysqld" | "mariadbd" | "server")))?;
    let end = lines[header + 1..].iter().position(|line| group(line).is_some()).map_or(lines.len(), |n| header + 1 + n);
    let is_content = |line: &&String| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with(['#', ';', '!'])
    };
    let filled = lines[header..end].iter().rposition(|line| is_content(&line)).unwrap_or(0);
    Some(header + filled + 1)
}

fn settings(text: &str) -> Vec<Setting> {
    let mut ours = false;
    let mut found = Vec::new();
    for (line, raw) in text.lines().enumerate() {
        if let Some(name) = group(raw) {
            ours = is_server_group(name);
            continue;
        }
        let content = raw.trim();
        if !ours || content.is_empty() || content.starts_with(['#', ';', '!']) {
            continue;
        }
        let (name, value) = content.split_once('=').map_or((content, None), |(name, value)| (name, Some(value)));
        let name = name.split('#').next().unwrap_or(name);
        found.push(Setting {
            line,
            name: canonical(name.trim()),
            value: value.map_or_else(|| "ON".to_owned(), |value| unquoted(value.trim())),
        });
    }
    found
}

fn group(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix('[')?.split(']').next().map(str::trim)
}

/// Groups that a server program reads; those with a version in the name are read by that version only.
fn is_server_group(name: &str) -> bool {
    matches!(name, "mysqld" | "mariadbd" | "mariadb" | "server")
        || ["mysqld-", "mariadbd-", "mariadb-"].iter().any(|start| name.starts_with(start))
}

/// Names as the server compares them.
fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('-', "_");
    name.strip_prefix("loose_").map_or(name.clone(), str::to_owned)
}

/// Where an unquoted `#` starts a comment.
fn comment_start(value: &str) -> Option<usize> {
    let mut quote = None;
    for (index, sign) in value.char_indices() {
        match (quote, sign) {
            (None, '#') => return Some(index),
            (None, '\'' | '"') => quote = Some(sign),
            (Some(open), sign) if open == sign => quote = None,
            _ => {}
        }
    }
    None
}

fn unquoted(value: &str) -> String {
    let value = value[..comment_start(value).unwrap_or(value.len())].trim_end();
    for quote in ['\'', '"'] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner.replace("\\\\", "\\");
        }
    }
    value.replace("\\\\", "\\")
}

/// A value as an option file must spell it.
#[must_use]
pub fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\");
    let plain = value.trim() == value && !value.is_empty() && !value.contains(['#', '\'', '"']);
    match () {
        () if plain => escaped,
        () if value.contains('"') => format!("'{escaped}'"),
        () => format!("\"{escaped}\""),
    }
}

/// Whether a value from a file or playbook and one that the server reports are the same.
#[must_use]
pub fn same_value(wanted: &str, actual: &str) -> bool {
    let (wanted, actual) = (wanted.trim(), actual.trim());
    if wanted.eq_ignore_ascii_case(actual) || wanted.trim_end_matches('/') == actual.trim_end_matches('/') {
        return true;
    }
    if let (Some(a), Some(b)) = (amount(wanted), amount(actual)) {
        return a == b;
    }
    if let (Some(a), Some(b)) = (switch(wanted), switch(actual)) {
        return a == b;
    }
    matches!((wanted.parse::<f64>(), actual.parse::<f64>()), (Ok(a), Ok(b)) if (a - b).abs() < 1e-9)
}

fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_uppercase().as_str() {
        "1" | "ON" | "TRUE" => Some(true),
        "0" | "OFF" | "FALSE" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{effective, quoted, same_value, set};

    const FILE: &str = "# top\n[client]\nport = 1\n\n[mysqld]\nport = 3306\ninnodb-flush-log-at-trx-commit = 2  # speed\n\
                        skip_name_resolve\n\n# next\n[mysqldump]\nquick\n";

    #[test]
    fn tells_what_the_server_will_read() {
        let read = effective(FILE);
        assert_eq!(read["innodb_flush_log_at_trx_commit"], "2");
        assert_eq!((read["port"].as_str(), read["skip_name_resolve"].as_str()), ("3306", "ON"));
        assert!(!read.contains_key("quick"));
        let twice = effective("[mysqld]\na = 1\nloose-a = 2\n[mariadbd]\nb='x # y' # z\n");
        assert_eq!((twice["a"].as_str(), twice["b"].as_str()), ("2", "x # y"));
    }

    #[test]
    fn changes_one_line_and_nothing_else() {
        let changed = set(FILE, [("innodb_flush_log_at_trx_commit", "1")]);
        assert_eq!(changed, FILE.replace("commit = 2  # speed", "commit = 1  # speed"));
        let added = set(FILE, [("sync_binlog", "1")]);
        assert_eq!(added, FILE.replace("skip_name_resolve\n", "skip_name_resolve\nsync_binlog = 1\n"));
        assert_eq!(set(FILE, [("skip-name-resolve", "OFF")]), FILE.replace("resolve\n", "resolve = OFF\n"));
        assert_eq!(set(FILE, []), FILE);
    }

    #[test]
    fn keeps_line_ends_and_a_missing_one() {
        assert_eq!(set("[mysqld]\r\na=1\r\n", [("a", "2"), ("b", "3")]), "[mysqld]\r\na=2\r\nb = 3\r\n");
        assert_eq!(set("[mysqld]\na =  1", [("a", "2")]), "[mysqld]\na =  2");
        assert_eq!(set("", [("a", "2")]), "[mysqld]\na = 2\n");
    }

    #[test]
    fn an_include_that_comes_later_does_not_win() {
        let file = "[mysqld]\na = 1\n!includedir /etc/mysql/conf.d/\n";
        let changed = set(file, [("a", "2")]);
        assert_eq!(changed, "[mysqld]\na = 2\n!includedir /etc/mysql/conf.d/\n[mysqld]\na = 2\n");
        assert_eq!(set(&changed, [("a", "3")]).matches("a = 3").count(), 1);
        assert_eq!(effective(&set(&changed, [("a", "3")]))["a"], "3");
    }

    #[test]
    fn values_are_compared_as_the_server_means_them() {
        for (wanted, actual) in
            [("24G", "25769803776"), ("ON", "1"), ("off", "OFF"), ("10", "10.000000"), ("row", "ROW"), ("/d", "/d/")]
        {
            assert!(same_value(wanted, actual), "{wanted} {actual}");
        }
        assert!(!same_value("2", "1") && !same_value("ON", "OFF") && !same_value("24G", "24"));
        assert_eq!((quoted("a b"), quoted("a#b"), quoted(r"C:\x")), ("a b".into(), "\"a#b\"".into(), r"C:\\x".into()));
    }
}
