//! Asks everything that the checks want to know, each question once, and lets them judge.

use super::ask::{Ask, Reply};
use super::check::{CHECKS, Check, checks_of};
use super::pair::{Pair, Side, Source, Target};
use super::seen::{Known, Seen};
use super::verdict::Verdict;
use crate::domain::product::Product;
use crate::effects::Row;
use crate::effects::replica::LOOK;
use crate::error::{Failure, Result};
use crate::kinds::{Action, CheckResult, Ctx, Mark, Need};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often, and after how long, what may pass by itself is asked again.
const LOOKS_AGAIN: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(700);
/// Columns of an answer that lists sessions.
const SESSION: [&str; 2] = ["id", "user"];

/// Every question, as a plan shows them.
pub fn questions(pair: &Pair<'_>) -> Vec<Action> {
    let known = [Source, Target].into_iter().flat_map(|side| {
        let place = pair.at(side);
        [place.dialect.version().into(), place.dialect.show_variables(&variables())]
            .map(|text| Action::sql(place.name, text))
    });
    let mut actions: Vec<Action> = known.collect();
    for action in asks(pair).iter().flat_map(|ask| ask.actions(pair)) {
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    actions
}

/// What came of an examination.
pub struct Examined {
    /// The verdict of every check.
    pub results: Vec<CheckResult>,
    /// Whether the steps of the way back are to run.
    pub way_back: bool,
}

/// Asks every question, and judges.
///
/// # Errors
/// When one of the servers does not answer at all.
pub async fn examine(
    cx: &Ctx<'_>,
    pair: &Pair<'_>,
    (foreseen, needs): (BTreeSet<String>, Vec<Need>),
) -> Result<Examined> {
    let (source, target) = tokio::join!(know(cx, pair, Source), know(cx, pair, Target));
    let (source, target) = (source?, target?);
    let all = asks(pair);
    let of = |side: Option<Side>| all.iter().filter(move |ask| ask.side() == side).collect::<Vec<_>>();
    let (source_asks, target_asks, others) = (of(Some(Source)), of(Some(Target)), of(None));
    let (source_says, target_says, others_say) = tokio::join!(
        put(cx, pair, source_asks), //
        put(cx, pair, target_asks),
        put(cx, pair, others)
    );
    let mut answers = source_says?;
    answers.extend(target_says?);
    answers.extend(others_say?);
    let mut seen = Seen { pair, source, target, answers, foreseen, needs };
    let mut results = judge(&seen);
    for _ in 0..LOOKS_AGAIN {
        let passing = |check: &&Check| check.may_pass && blocks(&results, check.name);
        let asks: Vec<Ask> = checks_of(pair).filter(passing).flat_map(|check| (check.asks)(pair)).collect();
        if asks.is_empty() {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        let again = put(cx, pair, asks.iter().collect()).await?;
        for (ask, reply) in again {
            let before =
                seen.answers.iter().position(|(known, _)| *known == ask).map(|at| seen.answers.swap_remove(at).1);
            seen.answers.push((ask, lasting(before, reply)));
        }
        results = judge(&seen);
    }
    let way_back = pair.way_back.is_made(seen.source.product, seen.target.product);
    Ok(Examined { results, way_back })
}

/// Of the sessions in an answer those that were there before under the same user. A session inside of somebody else's
/// code is shown as that one's, so an application with many sessions may show an administrator in every look, and never
/// the same session twice.
fn lasting(before: Option<Result<Reply>>, now: Result<Reply>) -> Result<Reply> {
    match (before, now?) {
        (Some(Ok(Reply::Rows(before))), Reply::Rows(now))
            if SESSION.iter().all(|name| now.columns.iter().any(|column| column == name)) =>
        {
            let session = |row: Row<'_>| SESSION.map(|name| row.get(name).map(str::to_owned));
            let known: BTreeSet<_> = before.iter().map(session).collect();
            Ok(Reply::Rows(now.only(|row| known.contains(&session(row)))))
        }
        (_, now) => Ok(now),
    }
}

fn blocks(results: &[CheckResult], check: &str) -> bool {
    results.iter().any(|result| result.name == check && result.result == Mark::Block)
}

/// The verdict of every check about the answers. A question without an answer counts as the check's worst result.
pub fn judge(seen: &Seen<'_>) -> Vec<CheckResult> {
    let say = checks_of(seen.pair).map(|check| {
        let verdict = (check.judge)(seen).unwrap_or_else(|failure| unanswered(check.worst, &failure));
        let Verdict { result, evidence, remedy } = verdict;
        CheckResult { name: check.name.to_owned(), result, evidence, remedy }
    });
    say.collect()
}

fn unanswered(worst: Mark, failure: &Failure) -> Verdict {
    let place = failure.place.as_ref().map_or(String::new(), |place| format!(" on {place}"));
    let evidence = format!("could not {}{place}: {}", failure.attempted, failure.answer);
    let remedy =
        failure.help.clone().unwrap_or_else(|| "grant the account access to this, or allow the check".to_owned());
    let verdict = Verdict::block(evidence, remedy);
    Verdict { result: worst, ..verdict }
}

/// All variables that some check reads.
fn variables() -> Vec<&'static str> {
    let names: BTreeSet<_> = CHECKS.iter().flat_map(|check| check.variables.iter().copied()).collect();
    names.into_iter().collect()
}

/// Every question of every check, once.
fn asks(pair: &Pair<'_>) -> Vec<Ask> {
    let mut all = Vec::new();
    for ask in checks_of(pair).flat_map(|check| (check.asks)(pair)) {
        if !all.contains(&ask) {
            all.push(ask);
        }
    }
    all
}

async fn know(cx: &Ctx<'_>, pair: &Pair<'_>, side: Side) -> Result<Known> {
    let place = pair.at(side);
    let session = cx.fx.sql(place.name).await?;
    let text = session.query(place.dialect.version(), LOOK).await?;
    let product = Product::from_version_text(text.value().unwrap_or_default())
        .map_err(|answer| Failure::permanent("read the server's version", answer).at(place.name))?;
    let rows = session.query(&place.dialect.show_variables(&variables()), LOOK).await?;
    let pair = |row: Row<'_>| {
        Some((row.get("Variable_name")?.to_lowercase(), row.get("Value").unwrap_or_default().to_owned()))
    };
    Ok(Known { product, variables: rows.iter().filter_map(pair).collect() })
}

async fn put(cx: &Ctx<'_>, pair: &Pair<'_>, asks: Vec<&Ask>) -> Result<Vec<(Ask, Result<Reply>)>> {
    let mut answers = Vec::with_capacity(asks.len());
    for ask in asks {
        cx.safe_point("query the servers")?;
        answers.push((ask.clone(), ask.put(cx, pair).await));
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::{Reply, lasting};
    use crate::effects::Rows;

    fn reply(columns: [&str; 2], rows: &[[&str; 2]]) -> Reply {
        let mut all = Rows::of(columns.map(str::to_owned).into());
        for row in rows {
            all.push(row.map(|value| Some(value.to_owned())));
        }
        Reply::Rows(all)
    }

    fn asked_again(columns: [&str; 2], before: &[[&str; 2]], now: &[[&str; 2]]) -> Vec<String> {
        let Ok(Reply::Rows(rows)) = lasting(Some(Ok(reply(columns, before))), Ok(reply(columns, now))) else {
            unreachable!("rows came in")
        };
        rows.iter().map(|row| row.at(0).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_session_counts_when_it_stays_the_same_users() {
        let before = [["1", "root"], ["2", "shop"], ["3", "root"]];
        let now = [["1", "shop"], ["2", "root"], ["3", "root"], ["4", "root"]];
        assert_eq!(asked_again(["id", "user"], &before, &now), ["3"]);
        assert_eq!(asked_again(["name", "user"], &before, &now).len(), 4, "these are no sessions");
        assert!(lasting(None, Ok(reply(["id", "user"], &now))).is_ok());
    }
}
