//! Settings of both servers that a copy of files depends on: how the files are laid out, and where they lie.

use super::CopyServer;
use crate::error::Failure;
use std::collections::BTreeMap;

/// Variables that the files of a server depend on.
const SAME: [&str; 3] = ["innodb_page_size", "lower_case_table_names", "innodb_data_file_path"];
/// Folders that must lie in the data directory, on either side.
const INSIDE: [&str; 4] =
    ["innodb_data_home_dir", "innodb_log_group_home_dir", "innodb_undo_directory", "aria_log_dir_path"];
/// Files that a server reads when it starts: the copy does not bring those of the data directory whose place it takes. What
/// `MySQL` makes for itself when it is missing is not among them.
const READ_AT_START: [&str; 4] = ["ssl_ca", "ssl_cert", "ssl_key", "file_key_management_filename"];
const MADE_ANEW: [&str; 3] = ["ca.pem", "server-cert.pem", "server-key.pem"];
/// Folder, and the beginning of the names of the binary logs.
const PLACES: [&str; 2] = ["datadir", "log_bin_basename"];

/// Everything that is asked.
pub fn variables() -> Vec<&'static str> {
    SAME.iter().chain(&INSIDE).chain(&READ_AT_START).chain(&PLACES).copied().collect()
}

/// What is wrong on a server or a host, before anything was done there.
pub fn refuse(answer: impl Into<String>, at: &str, help: &str) -> Failure {
    Failure::refused("copy the files of the server", answer).at(at).now("nothing was touched").help(help)
}

/// Every setting that stands in the way.
pub fn settings(
    copy: &CopyServer,
    source: &BTreeMap<String, String>,
    target: &BTreeMap<String, String>,
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for name in SAME {
        let [from, to] = [source, target].map(|side| side.get(name).map_or("", String::as_str));
        if from != to {
            let help =
                format!("state `{name}: {from}` under `settings` of the target in the inventory, and set it there");
            let answer = format!("{name} is {from} on the source and {to} here: the source's files cannot be used");
            failures.push(refuse(answer, copy.target(), &help));
        }
    }
    for (server, side) in [(copy.source(), source), (copy.target(), target)] {
        let data = side.get("datadir").map_or("", |data| data.trim_end_matches('/'));
        let mut outside: Vec<String> =
            INSIDE.iter().filter_map(|name| elsewhere(name, side.get(*name)?, data)).collect();
        if server == copy.target() {
            let logs = side.get("log_bin_basename").map_or("", String::as_str);
            let folder = logs.rsplit_once('/').map_or("", |(folder, _)| folder);
            outside.extend(elsewhere("log_bin_basename", folder, data));
            failures.extend(left_behind(copy, side, data));
        }
        if !outside.is_empty() {
            let answer = format!("some of its files are outside {data}: {}", outside.join(", "));
            failures.push(refuse(answer, server, "use the engine `dump` for this server"));
        }
    }
    failures
}

/// A refusal for files in the target's data directory that its configuration names.
fn left_behind(copy: &CopyServer, target: &BTreeMap<String, String>, data: &str) -> Option<Failure> {
    let lies_there = |value: &str| {
        let is_there = !value.starts_with('/') || value.strip_prefix(data).is_some_and(|rest| rest.starts_with('/'));
        !value.is_empty() && !MADE_ANEW.contains(&value) && is_there
    };
    let named = READ_AT_START.iter().filter_map(|name| Some((name, target.get(*name)?)));
    let found: Vec<String> =
        named.filter(|(_, value)| lies_there(value)).map(|(name, value)| format!("{name} = {value}")).collect();
    (!found.is_empty()).then(|| {
        let answer = format!(
            "its configuration names files in its data directory, which the copy replaces: {}",
            found.join(", ")
        );
        refuse(
            answer,
            copy.target(),
            "keep these files outside the data directory, and change the configuration accordingly",
        )
    })
}

/// A setting that leads out of the data directory.
fn elsewhere(name: &str, value: &str, data: &str) -> Option<String> {
    let folder = value.trim_end_matches('/');
    let inside = folder.is_empty() || folder == "." || folder == data || folder.eq_ignore_ascii_case("null");
    (!inside).then(|| format!("{name} is {value}"))
}

#[cfg(test)]
mod tests {
    use super::{elsewhere, left_behind};
    use crate::kinds::copy::copy_server::CopyServer;

    #[test]
    fn files_of_the_data_directory_that_the_server_needs_to_start() {
        let copy: CopyServer = serde_json::from_value(serde_json::json!({ "from": "a", "to": "b" })).unwrap();
        for (value, stays) in [
            ("", true),
            ("/etc/mysql/cert.pem", true),
            ("server-cert.pem", true),
            ("/data2/cert.pem", true),
            ("/data/cert.pem", false),
            ("own.pem", false),
        ] {
            let target = [("ssl_cert".to_owned(), value.to_owned())].into();
            assert_eq!(left_behind(&copy, &target, "/data").is_none(), stays, "{value}");
        }
    }

    #[test]
    fn what_leads_out_of_the_data_directory() {
        for (value, inside) in [
            ("", true),
            ("./", true),
            ("/d/", true),
            ("/d", true),
            ("/redo", false),
            ("/d/redo", false),
            ("NULL", true),
        ] {
            assert_eq!(elsewhere("x", value, "/d").is_none(), inside, "{value}");
        }
    }
}
