//! Places on a host that another account cannot swap under the account that we work as: how a script goes to a folder,
//! makes a file there, reads one, and what it refuses.
//!
//! Knows folders, files and links. Nothing of what stands in them.

use crate::domain::Script;
use crate::error::Failure;

/// A script of this room that calls the functions: its text, behind theirs.
macro_rules! with_places {
    ($($script:literal),*) => {
        concat!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/effects/places/places.sh"))
            $(, include_str!($script))*
        )
    };
}
pub(in crate::effects) use with_places;

/// Exit code of a script that refuses a place, and the start of the lines with the reason.
const REFUSED: i32 = 77;
const WORDS: &str = "refused: ";

const HELP: &str = "an account that may write to a folder can replace the files in it. Every folder of the path must \
                    belong to root or to the account that cutover uses, without write permission for group or others \
                    (`chmod go-w`). Or choose another folder in the inventory: for `work_dir` and `dump_dir` of a \
                    host, the best are below the account's home (`~/.cutover`), or in /var/lib/cutover";

/// Defines the functions for the rest of a script.
#[must_use]
pub fn functions() -> Script {
    Script::ours("places that nobody else can swap", with_places!())
}

/// The failure behind the end of a script, if it is that a place was refused. `attempted` is a clause.
pub(super) fn refusal(attempted: &str, code: Option<i32>, stderr: &str) -> Option<Failure> {
    if code != Some(REFUSED) {
        return None;
    }
    let words: Vec<&str> = stderr.lines().filter_map(|line| line.strip_prefix(WORDS)).collect();
    (!words.is_empty()).then(|| Failure::refused(attempted, words.join("; ")).help(HELP))
}

#[cfg(test)]
mod tests {
    use super::refusal;
    use crate::error::Class;

    #[test]
    fn a_refusal_is_one_only_by_its_words() {
        let failure = refusal("write f", Some(77), "noise\nrefused: /tmp can be written by others\n").unwrap();
        assert_eq!((failure.class, failure.answer.as_str()), (Class::Refused, "/tmp can be written by others"));
        assert!(refusal("write f", Some(77), "other words").is_none());
        assert!(refusal("write f", Some(1), "refused: x").is_none());
    }
}
