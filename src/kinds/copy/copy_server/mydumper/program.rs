//! The release of mydumper that a host has, and what it cannot copy. Pure.

use crate::dialect::Dialect;
use crate::domain::Script;
use crate::domain::product::Version;
use crate::sh;

/// The first release that asks `MySQL` 8.4 and newer for its position by the statement that those know (mydumper/mydumper,
/// issue 1511, and pull request 1512, after 0.16.2).
const KNOWS_BINARY_LOG_STATUS: Version = Version(0, 16, 3);
/// The first release that has none of the faults of [`Dialect::lost_by_old_mydumper`].
const MODERN: Version = Version(1, 0, 0);

/// Prints what both programs say of themselves, a line each.
pub fn versions() -> Script {
    sh!("mydumper --version 2>&1 | head -n 1; myloader --version 2>&1 | head -n 1; command -v myloader >/dev/null")
}

/// The release in `mydumper 0.10.0, built against …` and `mydumper v1.0.1-3, built against …`.
pub fn version(printed: &str) -> Option<Version> {
    let line = printed.lines().find(|line| line.starts_with("mydumper "))?;
    line.split_whitespace().nth(1)?.trim_start_matches('v').parse().ok()
}

/// Why a release cannot dump `source`.
pub fn unfit(version: Version, source: Dialect) -> Option<String> {
    let old = version < KNOWS_BINARY_LOG_STATUS && !source.takes_master_status();
    old.then(|| {
        format!(
            "mydumper {version} reads the position with SHOW MASTER STATUS, which {} no longer supports: mydumper {} \
             or newer is needed",
            source.product, KNOWS_BINARY_LOG_STATUS
        )
    })
}

/// Whether a release has the faults of [`Dialect::lost_by_old_mydumper`].
pub fn is_old(version: Version) -> bool {
    version < MODERN
}

#[cfg(test)]
mod tests {
    use super::{is_old, unfit, version};
    use crate::dialect::Dialect;
    use crate::domain::product::{Product, Version};

    /// What Debian's package says (0.10.1-1+deb12u2), and what mydumper/mydumper, `src/common.c` (`print_version`), prints.
    #[test]
    fn every_release_is_known_by_its_words() {
        for (printed, found) in [
            ("mydumper 0.10.0, built against MySQL 10.11.14\nmyloader 0.10.0, built …", Some(Version(0, 10, 0))),
            ("mydumper v1.0.1-3, built against MySQL 8.0.36 with SSL support\n", Some(Version(1, 0, 1))),
            ("mydumper v0.16.2-9, built against MySQL 8.0.36 with SSL support\n", Some(Version(0, 16, 2))),
            ("sh: 1: mydumper: not found\n", None),
            ("mydumper: option parsing failed\n", None),
            ("", None),
        ] {
            assert_eq!(version(printed), found, "{printed}");
        }
    }

    #[test]
    fn what_a_release_cannot_ask_for_is_said() {
        let dialect = |text| Dialect::from(Product::from_version_text(text).unwrap());
        for (version, source, fits) in [
            (Version(0, 10, 0), "9.7.0", false),
            (Version(0, 10, 0), "8.4.3", false),
            (Version(0, 16, 2), "8.4.3", false),
            (Version(0, 16, 3), "8.4.3", true),
            (Version(1, 0, 1), "9.7.0", true),
            (Version(0, 10, 0), "8.0.36", true),
            (Version(0, 10, 0), "11.8.9-MariaDB", true),
        ] {
            assert_eq!(unfit(version, dialect(source)).is_none(), fits, "{version} {source}");
        }
        assert!(is_old(Version(0, 21, 3)) && !is_old(Version(1, 0, 0)));
    }
}
