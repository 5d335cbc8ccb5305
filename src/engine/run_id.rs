//! Names: of runs, and of the process that runs them.

use std::hash::{BuildHasher, RandomState};

/// A new run id: the time in UTC and four random hexadecimal digits, `20261122-153000-4f2a`.
#[must_use]
pub fn new() -> String {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    // the keys of a fresh RandomState come from the operating system
    let random = RandomState::new().hash_one(std::process::id()) & 0xffff;
    format!("{now}-{random:04x}")
}

/// This process, for people who find its traces: `anna@ops1, process 4711`.
#[must_use]
pub fn runner() -> String {
    format!("{}, process {}", account(), std::process::id())
}

/// The account of this process, where nobody is named: `anna@ops1`.
#[must_use]
pub fn account() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "somebody".into());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}")
}

/// The person behind a word in a journal: for an account, without the process and what older programs added.
#[must_use]
pub fn person(by: &str) -> &str {
    by.split(", process ").next().unwrap_or(by)
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_sort_by_time_and_differ() {
        let ids: std::collections::BTreeSet<_> = (0..20).map(|_| super::new()).collect();
        assert!(ids.len() > 10);
        assert!(ids.iter().all(|id| id.len() == 20 && id.as_bytes()[8] == b'-' && id.as_bytes()[15] == b'-'));
    }
}
