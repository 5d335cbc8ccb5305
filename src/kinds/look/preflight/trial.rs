//! Lets the target read every view, routine, trigger and event of the source, so that what it does not read is named with its
//! own error. It reads only: `PREPARE` carries nothing out, and the text is a value until then.

use super::pair::Pair;
use crate::dialect::{Defined, Dialect, Parsed};
use crate::domain::marker;
use crate::domain::{Sql, on_one_line, visible};
use crate::effects::{Session, SqlError};
use crate::error::Result;
use crate::kinds::{Action, Ctx};
use std::time::{Duration, Instant};
use strum::IntoEnumIterator;

/// Longest time for one statement.
const LOOK: Duration = Duration::from_secs(30);
/// Longest time for all of it: what is left then is counted.
const LIMIT: Duration = Duration::from_mins(2);
/// The connection to the target, whose database and `sql_mode` change.
const PURPOSE: &str = "definitions";
/// How many characters of a server's error are kept.
const EXCERPT: usize = 300;

/// What stands in every syntax error before the place that it is at.
const ADVICE: &str = "for the right syntax to use ";

/// What came of it: names with the target's own error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trial {
    /// How many were parsed.
    pub read: usize,
    /// These the target does not read.
    pub refused: Vec<String>,
    /// These gave another error.
    pub unclear: Vec<String>,
    /// These the source does not show.
    pub hidden: Vec<String>,
    /// How many were left when the time ran out.
    pub left: usize,
}

/// All that is sent, as a plan shows it.
pub fn actions(pair: &Pair<'_>) -> Vec<Action> {
    let (source, target) = (&pair.source, &pair.target);
    let late = |about: &str| marker::late(about);
    let mut actions = vec![Action::sql(source.name, source.dialect.defined(pair.databases))];
    let shown = Defined::iter().map(|kind| source.dialect.show_defined(kind, late("each database"), late("each name")));
    actions.extend(shown.map(|text| Action::sql(source.name, text)));
    actions.push(Action::note("PREPARE parses a definition and executes nothing; the connection is closed afterwards"));
    let dialect = target.dialect;
    actions.push(Action::sql(target.name, dialect.parse_somewhere()));
    actions.push(Action::sql(target.name, dialect.keep_statement(late("its definition"))));
    actions.push(Action::sql(target.name, dialect.parse_under(late("its sql_mode"))));
    actions.push(Action::sql(target.name, dialect.parse_kept()));
    actions
}

/// Lets the target read all of them.
///
/// # Errors
/// When one of the servers does not answer.
pub async fn of(cx: &Ctx<'_>, pair: &Pair<'_>) -> Result<Trial> {
    let target = pair.target.name;
    let session = cx.fx.session(target, PURPOSE).await?;
    let came = all(cx, pair, &session).await;
    cx.fx.close_session(target, PURPOSE).await;
    came
}

async fn all(cx: &Ctx<'_>, pair: &Pair<'_>, target: &Session) -> Result<Trial> {
    let source = cx.fx.sql(pair.source.name).await?;
    let (from, to) = (pair.source.dialect, pair.target.dialect);
    let objects = source.query(&from.defined(pair.databases), LOOK).await?;
    target.query(to.parse_somewhere(), LOOK).await?;
    target.query(to.parse_under(""), LOOK).await?; // a look that was given up may have left another one
    let (begin, mut trial, mut under) = (Instant::now(), Trial::default(), String::new());
    for (place, row) in objects.iter().enumerate() {
        let field = |name| row.get(name).unwrap_or_default();
        let Ok(kind) = field("kind").parse::<Defined>() else { continue };
        if begin.elapsed() > LIMIT {
            trial.left = objects.len() - place;
            break;
        }
        cx.safe_point("query the servers")?;
        let name = format!("{kind} {}.{}", field("in_database"), field("name"));
        let shown = source.try_query(from.show_defined(kind, field("in_database"), field("name")), LOOK).await;
        let shown = match shown {
            Ok(rows) => rows,
            Err(error) if error.code.is_some() => {
                trial.hidden.push(name); // dropped meanwhile, or broken there: the dump's own trial says how
                continue;
            }
            Err(error) => return Err(error.failure(pair.source.name, &Sql::default())),
        };
        let row = shown.first();
        let text = |column: &str| row.and_then(|row| row.get(column));
        let Some(definition) = text(kind.column()).filter(|text| text.starts_with("CREATE ")) else {
            trial.hidden.push(name);
            continue;
        };
        let mode = text("sql_mode").unwrap_or_default();
        match read(target, to, (definition, mode), &mut under).await {
            Ok(()) => trial.read += 1,
            Err(error) if error.code.is_none() => {
                return Err(error.failure(pair.target.name, &Sql::default()));
            }
            Err(error) => {
                let told = format!("{name}: {}", words(&error.message));
                match Parsed::by(error.code) {
                    Parsed::Read => trial.read += 1,
                    Parsed::Refused => trial.refused.push(told),
                    Parsed::Unclear => trial.unclear.push(told),
                }
            }
        }
    }
    Ok(trial)
}

/// A server's error on one line, without the advice that every syntax error begins with.
fn words(message: &str) -> String {
    let message = on_one_line(message);
    let plain = match message.split_once(ADVICE) {
        Some((_, place)) => format!("syntax error {place}"),
        None => message.into_owned(),
    };
    visible(&plain).chars().take(EXCERPT).collect()
}

/// Reads one, under its `sql_mode`; `under` is that of the session.
async fn read(
    target: &Session,
    dialect: Dialect,
    (definition, mode): (&str, &str),
    under: &mut String,
) -> Result<(), SqlError> {
    target.try_query(dialect.keep_statement(definition), LOOK).await?;
    if under != mode {
        target.try_query(dialect.parse_under(mode), LOOK).await?;
        mode.clone_into(under);
    }
    target.try_query(dialect.parse_kept(), LOOK).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn an_error_is_one_short_line() {
        let said = "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the \
                    right syntax to use near 'offset = 2\nWHERE x' at line 1";
        assert_eq!(words(said), "syntax error near 'offset = 2\\nWHERE x' at line 1");
        assert_eq!(words("Unknown collation: 'x'"), "Unknown collation: 'x'");
        assert_eq!(words(&"\u{1b}[2Jx".repeat(900)).chars().count(), 300);
    }
}
