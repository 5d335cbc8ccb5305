//! Accounts that `read_only` does not stop: they could write on a target that follows, and on a source that was closed.
//! On the server that will be closed, only accounts that the inventory names are locked out or ended.

use super::super::ask::Ask;
use super::super::check::Check;
use super::super::pair::{Side, Source, Target};
use super::super::seen::Seen;
use super::super::verdict::{Verdict, count, some};
use crate::effects::past_read_only::{self, AccountName, Bypasser, client, counted};
use crate::error::Result;
use crate::kinds::switch::fence::past_read_only_remedy;
use std::collections::BTreeSet;

/// What a server calls a client that has not logged in yet.
const NOBODY_YET: &str = "unauthenticated user";

pub const CHECK: Check = Check::blocking("read_only_bypass", judge).may_pass().asks(|pair| {
    let of = |side: Side| {
        let dialect = pair.at(side).dialect;
        past_read_only::questions(dialect).into_iter().chain([dialect.current_account().into()])
    };
    [Source, Target].into_iter().flat_map(|side| of(side).map(move |text| Ask::sql(side, text))).collect()
});

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let mut found: Vec<Verdict> = closing(seen)?;
    let following = others(seen, Target)?;
    let remote = following.iter().filter(|one| !one.is_locked && !one.is_local);
    let remote: Vec<String> = remote.map(ToString::to_string).collect();
    if !remote.is_empty() {
        let evidence = format!("on `{}` read_only does not stop writes by {}", seen.name(Target), some(&remote));
        found.push(Verdict::warn(evidence, "make sure that they do not write there before the switch"));
    }
    found.extend(ending(seen)?);
    Ok(Verdict::worst_of(found, "no account except the runner's own"))
}

/// Everyone who gets past `read_only` but the runner itself.
fn others(seen: &Seen<'_>, side: Side) -> Result<Vec<Bypasser>> {
    let dialect = seen.pair.at(side).dialect;
    let own = AccountName::parse(seen.value(side, dialect.current_account())?);
    let all = past_read_only::bypassers(dialect, |question| seen.rows(side, question))?;
    let user = &seen.pair.at(side).server.user;
    // sessions of the runner's user are this run's, or another one's
    let counted = all
        .into_iter()
        .map(|one| if one.account.user == *user { Bypasser { sessions: BTreeSet::new(), ..one } } else { one });
    Ok(counted.filter(|one| one.account != own).collect())
}

/// What the server that will be closed says of them.
fn closing(seen: &Seen<'_>) -> Result<Vec<Verdict>> {
    let (place, named) = (&seen.pair.source, &seen.pair.named);
    let (expected, others): (Vec<_>, Vec<_>) =
        others(seen, Source)?.into_iter().filter(|one| !one.is_locked).partition(|one| one.account.is_named(named));
    let (quiet, loud): (Vec<_>, Vec<_>) = others.into_iter().partition(|one| one.is_local && one.sessions.is_empty());
    let mut found = Vec::new();
    let dialect = place.dialect;
    let lasting = !dialect.strongest_fence().held_by_session;
    let all: Vec<&Bypasser> = expected.iter().chain(&loud).collect();
    if !lasting && !dialect.account_lock() && !all.is_empty() {
        let evidence = format!(
            "read_only does not stop writes by {} on `{}`, and this version cannot lock accounts: they could still \
             write after the fence",
            some(&words(all)),
            place.name
        );
        found.push(Verdict::block(evidence, past_read_only_remedy(place.name)));
    } else if !loud.is_empty() {
        let evidence = format!("on `{}` read_only does not stop writes by {}", place.name, some(&words(&loud)));
        found.push(Verdict::block(evidence, past_read_only_remedy(place.name)));
    }
    if !expected.is_empty() && !lasting {
        let evidence = format!("locked on `{}` from the fence on: {}", place.name, some(&words(&expected)));
        found.push(Verdict::pass(evidence));
    }
    if !quiet.is_empty() {
        let evidence = format!(
            "can write on `{}` despite read_only, from its own machine only: {}",
            place.name,
            some(&words(&quiet))
        );
        found.push(Verdict::pass(evidence));
    }
    Ok(found)
}

/// Clients besides the application and the runner that the fence will end.
fn ending(seen: &Seen<'_>) -> Result<Option<Verdict>> {
    let place = &seen.pair.source;
    let rows = seen.rows(Source, place.dialect.killable_clients(None))?;
    let applications = seen.pair.application.into_iter().flat_map(|(_, application)| &application.accounts);
    let ours: Vec<&str> =
        applications.map(|account| account.user.as_str()).chain([place.server.user.as_str(), NOBODY_YET]).collect();
    let strangers = rows.iter().map(client).filter(|client| !ours.contains(&client.user.as_str()));
    let strangers: Vec<String> = counted(strangers)
        .into_iter()
        .map(|(client, number)| format!("{} of {client}", count(number, "session", "sessions")))
        .collect();
    let evidence = || format!("the fence will end {} on `{}`", some(&strangers), place.name);
    Ok((!strangers.is_empty()).then(|| Verdict::pass(evidence())))
}

fn words<'a>(all: impl IntoIterator<Item = &'a Bypasser>) -> Vec<String> {
    let word = |one: &Bypasser| match one.sessions.len() {
        0 => one.to_string(),
        number => format!("{one}, {}", count(number, "session", "sessions")),
    };
    all.into_iter().map(word).collect()
}
