//! Names: of runs, and of the process that runs them.

use jiff::Timestamp;
use std::sync::OnceLock;
use uuid::{Timestamp as Ticks, Uuid};

/// Longest id, in bytes, that a person may give: a whole UUID is one. `cutover RUN epoch N` is the name of a lock, of
/// which `MySQL` takes 64 characters (manual, "Locking Functions").
const LONGEST: usize = 36;

/// A new run id, `20261122-153000-1f44a9c3`: a UUID of version 7, shortened for people. The time in UTC, then eight
/// hexadecimal digits: three for the thousandths of the second, five of the UUID's random ones. Ids sort by time.
#[must_use]
pub fn new() -> String {
    short(Uuid::now_v7())
}

fn short(uuid: Uuid) -> String {
    let (seconds, nanos) = uuid.get_timestamp().as_ref().map_or((0, 0), Ticks::to_unix);
    let at = Timestamp::from_second(i64::try_from(seconds).unwrap_or_default()).unwrap_or_default();
    format!("{}-{:03x}{:05x}", at.strftime("%Y%m%d-%H%M%S"), nanos / 1_000_000, uuid.as_u128() & 0xf_ffff)
}

/// An id that somebody has given: 1 to 36 letters, digits, `-`, `_` and `.`, the first one a letter or a digit. Ids of
/// older programs have another length, and those of other schedulers may look otherwise.
///
/// # Errors
/// When it is something else: an id is part of the names of files.
pub fn parse(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let begins = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    if begins && text.len() <= LONGEST && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(format!("a run's id is 1 to {LONGEST} letters, digits, `-`, `_` and `.`, and begins with a letter or a digit"))
}

/// This process, for people who find its traces: `anna@ops1 (uid 1000), process 4711`.
#[must_use]
pub fn runner() -> String {
    format!("{} ({}), process {}", account(), uid(), std::process::id())
}

/// The account of this process, used when no person is named: `anna@ops1`. It is the owner of the process, as the
/// kernel knows it: an environment can claim anything.
#[must_use]
pub fn account() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{}@{host}", user())
}

/// The name of the effective uid, which the user database is asked for once; the number where it has no name.
fn user() -> &'static str {
    static USER: OnceLock<String> = OnceLock::new();
    USER.get_or_init(|| {
        let uid = rustix::process::geteuid().as_raw();
        let named = uzers::get_user_by_uid(uid).map(|user| user.name().to_string_lossy().into_owned());
        named.filter(|name| !name.is_empty()).unwrap_or_else(|| format!("uid-{uid}"))
    })
}

/// The effective uid, and the uid that sudo states for its caller: a claim, because anybody can set a variable.
fn uid() -> String {
    let claimed = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse::<u32>().ok());
    uid_in_words(rustix::process::geteuid().as_raw(), claimed)
}

fn uid_in_words(uid: u32, claimed: Option<u32>) -> String {
    let claim = claimed.map(|claimed| format!(", SUDO_UID claims {claimed}")).unwrap_or_default();
    format!("uid {uid}{claim}")
}

/// The person behind an entry in a journal: for an account, without uid, process and the additions of older programs.
#[must_use]
pub fn person(by: &str) -> &str {
    let account = by.split(", process ").next().unwrap_or(by);
    account.split(" (uid ").next().unwrap_or(account)
}

#[cfg(test)]
mod tests {
    use super::{account, new, parse, person, runner, short, uid_in_words};
    use uuid::Uuid;

    #[test]
    fn ids_sort_by_time_and_differ() {
        let ids: std::collections::BTreeSet<_> = (0..20).map(|_| new()).collect();
        assert_eq!(ids.len(), 20);
        assert!(ids.iter().all(|id| id.len() == 24 && id.as_bytes()[8] == b'-' && id.as_bytes()[15] == b'-'));
        let at = |millis: u64| short(uuid::Builder::from_unix_timestamp_millis(millis, &[0xab; 10]).into_uuid());
        assert_eq!(at(1_795_361_400_500), "20261122-153000-1f4babab");
        assert!(at(1_795_361_400_500) < at(1_795_361_400_501) && at(1_795_361_400_999) < at(1_795_361_401_000));
        assert_eq!(short(Uuid::nil()), "19700101-000000-00000000");
    }

    #[test]
    fn an_account_is_the_owner_of_the_process_and_the_same_in_old_and_new_journals() {
        let uid = rustix::process::geteuid().as_raw();
        assert!(runner().starts_with(&format!("{} (uid {uid}", account())), "{}", runner());
        assert_eq!(person(&runner()), account());
        assert_eq!(person("anna@ops1, process 4711"), person("anna@ops1 (uid 1000, SUDO_UID claims 7), process 4"));
        assert_eq!(uid_in_words(0, Some(1000)), "uid 0, SUDO_UID claims 1000");
        assert_eq!(uid_in_words(0, None), "uid 0");
    }

    #[test]
    fn ids_of_older_programs_are_ids_and_paths_are_not() {
        for id in ["20261122-153000-4f2a", &new(), "nightly.1", "r", "019aca1e-6c7a-7d3b-9f10-2b6c4c1f44a9"] {
            assert_eq!(parse(id).as_deref(), Ok(id));
        }
        for text in ["", "../r", ".r", "-r", "a/b", "a b", "ø", "a\n", &"r".repeat(37)] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
