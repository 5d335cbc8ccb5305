//! Collations that the target does not know: their tables cannot be made there, and order differently under another one.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::{Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, some};
use crate::domain::product::{Family, Version};
use crate::error::Result;
use std::borrow::Cow;

pub const CHECK: Check = Check::blocking("collations", judge).only_before(Occasion::Copy).asks(|pair| {
    let used = Ask::sql(Source, pair.source.dialect.used_collations(pair.databases));
    vec![used, Ask::sql(Target, pair.target.dialect.known_collations())]
});

/// From here on `MariaDB` reads most names of `MySQL`'s 0900 collations as its own (its page on compatibility).
const MAPS_0900: Version = Version(11, 4, 5);

/// From here on `MySQL` calls utf8mb3 by that name and its use deprecated (the release notes of 8.0.28 and 8.0.29).
const DEPRECATES_UTF8MB3: Version = Version(8, 0, 28);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let known = seen.names(Target, seen.pair.target.dialect.known_collations())?;
    let used = seen.rows(Source, seen.pair.source.dialect.used_collations(seen.pair.databases))?;
    let maps = seen.target.product.family == Family::MariaDb && seen.target.product.version >= MAPS_0900;
    let (mut unknown, mut mapped) = (Vec::new(), Vec::new());
    for row in used.iter() {
        let name = row.get("name").unwrap_or_default();
        if is_known(name, &known) {
            continue;
        }
        let words = format!("{name} (as in {})", row.get("used_by").unwrap_or_default());
        if maps && name.contains("_0900_") { mapped.push(words) } else { unknown.push(words) }
    }
    let mut found = Vec::new();
    if !unknown.is_empty() {
        let evidence = format!("the target ({}) does not support {}", seen.target.product, some(&unknown));
        found.push(Verdict::block(
            evidence,
            "convert these on the source, before the dump, to a collation that both servers support",
        ));
    }
    if !mapped.is_empty() {
        let evidence = format!("the target uses another collation for {}", some(&mapped));
        found.push(Verdict::warn(evidence, "check that order and uniqueness are the same under it"));
    }
    let mut old: Vec<&str> = used.iter().filter_map(|row| row.get("name")).collect();
    old.retain(|name| of_three_bytes(name).starts_with("utf8mb3_"));
    let deprecated = seen.target.product.family == Family::MySql && seen.target.product.version >= DEPRECATES_UTF8MB3;
    let note = if deprecated && !old.is_empty() {
        format!("; {} works there but is deprecated: convert it to utf8mb4 later", some(&old))
    } else {
        String::new()
    };
    Ok(Verdict::worst_of(found, format!("the target supports all {} that are used{note}", used.len())))
}

/// `MariaDB` lists the Unicode 14 collations without their character set. What older servers call utf8 newer ones call utf8mb3
/// (`MariaDB` 10.6, `MySQL` 8.0.30), and read the old name in a dump.
fn is_known(name: &str, known: &[String]) -> bool {
    let bare = name.split_once('_').filter(|(_, rest)| rest.starts_with("uca1400_")).map(|(_, rest)| rest);
    known.iter().any(|one| of_three_bytes(one) == of_three_bytes(name) || Some(one.as_str()) == bare)
}

/// A name with its character set as newer servers call it.
fn of_three_bytes(name: &str) -> Cow<'_, str> {
    name.strip_prefix("utf8_").map_or(Cow::Borrowed(name), |rest| format!("utf8mb3_{rest}").into())
}

#[cfg(test)]
mod tests {
    use super::is_known;

    #[test]
    fn utf8_is_utf8mb3_on_either_side() {
        let (old, new) = (["utf8_general_ci".to_owned()], ["utf8mb3_general_ci".to_owned()]);
        assert!(is_known("utf8_general_ci", &new) && is_known("utf8mb3_general_ci", &old));
        assert!(!is_known("utf8mb4_general_ci", &new) && !is_known("utf8_bin", &new));
    }

    #[test]
    fn unicode_14_stands_without_its_character_set() {
        let known = ["latin1_bin".to_owned(), "uca1400_ai_ci".to_owned()];
        assert!(is_known("utf8mb4_uca1400_ai_ci", &known) && is_known("latin1_bin", &known));
        assert!(!is_known("utf8mb4_0900_ai_ci", &known) && !is_known("utf8mb4_uca1400_as_cs", &known));
    }
}
