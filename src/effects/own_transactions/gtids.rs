//! Sets of GTIDs as servers print them, and what of them is new. Pure.

use super::Marks;
use std::collections::{BTreeMap, BTreeSet};

/// What two reads of a server's GTIDs show about its own transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Moved {
    /// None came.
    No,
    /// Some were added: at least this many, up to the GTIDs in the text.
    By(u64, String),
    /// The earlier state is not part of the later one: the log was reset or recreated.
    Reset,
}

/// What came between `before` and `now` for every number or UUID that the server has had.
///
/// # Errors
/// In words, when a set cannot be read.
pub(super) fn moved(before: &Marks, now: &Marks) -> Result<Moved, String> {
    if before.server_uuid.is_none() { of_mariadb(before, now) } else { of_mysql(before, now) }
}

/// The last number of each domain and server: `0-7-12,0-99-7`.
fn triples(text: &str) -> Result<BTreeMap<(u32, u32), u64>, String> {
    let mut last = BTreeMap::new();
    for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let unreadable = || format!("`{word}` is not a GTID of MariaDB");
        let mut parts = word.split('-');
        let (domain, server, number) = (parts.next(), parts.next(), parts.next());
        let (Some(domain), Some(server), Some(number), None) = (domain, server, number, parts.next()) else {
            return Err(unreadable());
        };
        let key = (domain.parse().map_err(|_| unreadable())?, server.parse().map_err(|_| unreadable())?);
        last.insert(key, number.parse().map_err(|_| unreadable())?);
    }
    Ok(last)
}

/// Numbers are given within a domain to whatever comes, applied or own: how far they went apart is no count.
fn of_mariadb(before: &Marks, now: &Marks) -> Result<Moved, String> {
    let (then, today) = (triples(&before.gtids)?, triples(&now.gtids)?);
    if then.iter().any(|(key, number)| today.get(key).is_none_or(|today| today < number)) {
        return Ok(Moved::Reset);
    }
    let own = [before.server_id, now.server_id];
    let is_new = |key: &(u32, u32), number: &u64| own.contains(&key.1) && then.get(key) != Some(number);
    let new: Vec<String> = today
        .iter()
        .filter(|(key, number)| is_new(key, number))
        .map(|((domain, server), number)| format!("{domain}-{server}-{number}"))
        .collect();
    Ok(if new.is_empty() { Moved::No } else { Moved::By(new.len() as u64, new.join(",")) })
}

/// First and last number of each interval, by UUID and tag. Intervals are in order and do not touch.
type Intervals = BTreeMap<(String, String), Vec<(u64, u64)>>;

/// `uuid:1-5:8:tag:1-3,uuid:...`, with line breaks wherever the server likes.
fn intervals(text: &str) -> Result<Intervals, String> {
    let mut all = Intervals::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let mut words = part.split(':').map(str::trim);
        let uuid = words.next().unwrap_or_default().to_ascii_lowercase();
        if uuid.len() != 36 {
            return Err(format!("`{part}` is not a GTID set of MySQL"));
        }
        let mut tag = String::new();
        for word in words {
            if word.starts_with(|c: char| c.is_ascii_digit()) {
                let (first, last) = word.split_once('-').unwrap_or((word, word));
                let bounds = (first.trim().parse::<u64>(), last.trim().parse::<u64>());
                let (Ok(first), Ok(last)) = bounds else { return Err(format!("`{word}` is not an interval")) };
                all.entry((uuid.clone(), tag.clone())).or_default().push((first, last));
            } else {
                tag = word.to_ascii_lowercase();
            }
        }
    }
    for list in all.values_mut() {
        *list = merged(std::mem::take(list));
    }
    Ok(all)
}

fn merged(mut list: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    list.sort_unstable();
    let mut out: Vec<(u64, u64)> = Vec::new();
    for (first, last) in list.into_iter().filter(|(first, last)| first <= last) {
        match out.last_mut() {
            Some(before) if first <= before.1.saturating_add(1) => before.1 = before.1.max(last),
            _ => out.push((first, last)),
        }
    }
    out
}

/// What of `list` is not in `other`.
fn without(list: &[(u64, u64)], other: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut out = Vec::new();
    for &(first, last) in list {
        let mut from = first;
        for &(begin, end) in other.iter().filter(|(begin, end)| *end >= first && *begin <= last) {
            if begin > from {
                out.push((from, begin - 1));
            }
            from = from.max(end.saturating_add(1));
        }
        if from <= last {
            out.push((from, last));
        }
    }
    out
}

fn of_mysql(before: &Marks, now: &Marks) -> Result<Moved, String> {
    let (then, today) = (intervals(&before.gtids)?, intervals(&now.gtids)?);
    let none = Vec::new();
    let lost = |key, list: &[(u64, u64)]| !without(list, today.get(key).unwrap_or(&none)).is_empty();
    if then.iter().any(|(key, list)| lost(key, list)) {
        return Ok(Moved::Reset);
    }
    let own: BTreeSet<String> = [before, now]
        .into_iter()
        .filter_map(|marks| marks.server_uuid.as_deref())
        .map(str::to_ascii_lowercase)
        .collect();
    let (mut count, mut words) = (0, Vec::new());
    for (key @ (uuid, tag), list) in today.iter().filter(|((uuid, _), _)| own.contains(uuid)) {
        for (first, last) in without(list, then.get(key).unwrap_or(&none)) {
            count += last - first + 1;
            let tag = if tag.is_empty() { String::new() } else { format!(":{tag}") };
            let numbers = if first == last { first.to_string() } else { format!("{first}-{last}") };
            words.push(format!("{uuid}{tag}:{numbers}"));
        }
    }
    Ok(if words.is_empty() { Moved::No } else { Moved::By(count, words.join(",")) })
}

#[cfg(test)]
mod tests {
    use super::{Moved, intervals, merged, moved, without};
    use crate::effects::own_transactions::Marks;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const OWN: &str = "17427d3d-eb5a-11f1-a174-02fc00000001";
    const OTHER: &str = "27427d3d-eb5a-11f1-a174-02fc00000002";

    fn maria(server_id: u32, gtids: &str) -> Marks {
        Marks { gtids: gtids.into(), gtid_mode: "ON".into(), server_id, server_uuid: None, logs_applied: true }
    }

    fn mysql(gtids: &str) -> Marks {
        Marks { server_uuid: Some(OWN.into()), ..maria(8, gtids) }
    }

    fn by(count: u64, words: &str) -> Moved {
        Moved::By(count, words.into())
    }

    #[test]
    fn on_mariadb_the_own_number_counts_in_any_domain() {
        let before = maria(7, "0-7-12,0-99-7");
        assert_eq!(moved(&before, &maria(7, "0-7-12,0-99-4000,5-99-1")), Ok(Moved::No));
        assert_eq!(moved(&before, &maria(7, "0-99-4000,0-7-4001")), Ok(by(1, "0-7-4001")));
        assert_eq!(moved(&before, &maria(7, "0-99-7,0-7-12,3-7-1")), Ok(by(1, "3-7-1")));
        assert_eq!(moved(&before, &maria(55, "0-99-7,0-7-12,0-55-13")), Ok(by(1, "0-55-13")));
        assert_eq!(moved(&before, &maria(55, "0-99-7,0-7-13")), Ok(by(1, "0-7-13")));
        for reset in ["", "0-99-7", "0-7-11,0-99-7", "0-7-12,0-99-6"] {
            assert_eq!(moved(&before, &maria(7, reset)), Ok(Moved::Reset), "{reset}");
        }
        for damaged in ["0-7", "0-7-12-1", "a-b-c", "0-7-x"] {
            assert!(moved(&before, &maria(7, damaged)).is_err(), "{damaged}");
        }
    }

    #[test]
    fn on_mysql_the_own_uuid_counts_with_every_tag() {
        let before = mysql(&format!("{OWN}:1-5:tagx:1-3,\n{OTHER}:1-9"));
        assert_eq!(moved(&before, &mysql(&format!("{OWN}:1-5:tagx:1-3,{OTHER}:1-99:tagx:1"))), Ok(Moved::No));
        assert_eq!(
            moved(&before, &mysql(&format!("{OTHER}:1-9,{}:1-5:9-10:tagx:1-3", OWN.to_uppercase()))),
            Ok(by(2, &format!("{OWN}:9-10")))
        );
        assert_eq!(
            moved(&before, &mysql(&format!("{OWN}:1-5:tagx:1-4:other:1,{OTHER}:1-9"))),
            Ok(by(2, &format!("{OWN}:other:1,{OWN}:tagx:4")))
        );
        let renamed = Marks { server_uuid: Some(OTHER.into()), ..mysql(&format!("{OWN}:1-5:tagx:1-3,{OTHER}:1-10")) };
        assert_eq!(moved(&before, &renamed), Ok(by(1, &format!("{OTHER}:10"))));
        for reset in [String::new(), format!("{OWN}:2-5:tagx:1-3,{OTHER}:1-9"), format!("{OWN}:1-5,{OTHER}:1-9")] {
            assert_eq!(moved(&before, &mysql(&reset)), Ok(Moved::Reset), "{reset}");
        }
        assert!(intervals("nonsense:1").is_err() && intervals(&format!("{OWN}:1-x")).is_err());
    }

    fn set(list: &[(u64, u64)]) -> BTreeSet<u64> {
        list.iter().flat_map(|&(first, last)| first..=last).collect()
    }

    fn some() -> impl Strategy<Value = Vec<(u64, u64)>> {
        prop::collection::vec((1..40_u64, 0..6_u64), 0..8)
            .prop_map(|list| list.into_iter().map(|(first, more)| (first, first + more)).collect())
    }

    proptest! {
        #[test]
        fn intervals_behave_as_sets_of_numbers(a in some(), b in some()) {
            let (left, right) = (merged(a.clone()), merged(b.clone()));
            prop_assert_eq!(set(&left), set(&a));
            prop_assert!(left.windows(2).all(|two| two[0].1 + 1 < two[1].0));
            let expected: BTreeSet<u64> = set(&a).difference(&set(&b)).copied().collect();
            prop_assert_eq!(set(&without(&left, &right)), expected);
        }

        #[test]
        fn as_many_as_came_are_found(a in some(), b in some()) {
            let text = |list: &[(u64, u64)]| {
                let words: Vec<String> = list.iter().map(|(first, last)| format!(":{first}-{last}")).collect();
                if words.is_empty() { String::new() } else { format!("{OWN}{}", words.concat()) }
            };
            let both: Vec<_> = a.iter().chain(&b).copied().collect();
            let found = moved(&mysql(&text(&a)), &mysql(&text(&both))).unwrap();
            let count = match found { Moved::No => 0, Moved::By(count, _) => count, Moved::Reset => u64::MAX };
            prop_assert_eq!(count, (set(&both).len() - set(&a).len()) as u64);
        }
    }
}
