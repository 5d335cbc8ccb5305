//! A running server and its configuration: starting it again, waiting until it answers, comparing its variables.
//!
//! May know: servers, hosts, the dialect. Nothing of files.

use crate::dialect::Dialect;
use crate::domain::Script;
use crate::domain::product::Product;
use crate::domain::units::Span;
use crate::error::{Class, Failure, Result};
use crate::kinds::Ctx;
use crate::kinds::support::option_file::same_value;
use crate::playbook::inventory::Server;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

/// Longest time for a statement that only reads.
pub const READ_LIMIT: Duration = Duration::from_secs(10);
/// Pause between attempts to reach a server that is starting.
const POLL: Duration = Duration::from_millis(100);
/// How long a refusal (not a missing answer) is taken for a server that is still starting.
const REFUSAL_LIMIT: Duration = Duration::from_secs(10);

/// A variable that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub name: String,
    /// What it should be.
    pub wanted: String,
    /// The value that the server reports.
    pub actual: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, not {}", self.name, self.actual, self.wanted)
    }
}

/// The server called `name`, and the dialect the plan was written in.
///
/// # Errors
/// When the inventory has none of that name.
pub fn known<'a>(cx: &'a Ctx<'_>, name: &str) -> Result<(&'a Server, Dialect)> {
    let server = cx.world.inventory.server(name).ok_or_else(|| {
        Failure::permanent(format!("find server `{name}`"), "the inventory has no server of that name")
    })?;
    Ok((server, Dialect::from(server.product())))
}

/// The dialect of the version that the server reports. An inventory need not state a version: code that depends on the
/// true one asks here.
///
/// # Errors
/// When it cannot be asked.
pub async fn actual(cx: &Ctx<'_>, name: &str) -> Result<Dialect> {
    let (_, declared) = known(cx, name)?;
    cx.fx.sql(name).await?; // the first connection reads it
    let said = cx.fx.seen().get(name).and_then(|identity| identity.get("version").cloned());
    Ok(said.and_then(|text| Product::from_version_text(&text).ok()).map_or(declared, Dialect::from))
}

/// Runs the server's restart command on its host and waits until the server answers again. A server that is down is
/// started instead, where the inventory says how.
///
/// # Errors
/// When the command fails, or the server refuses the login afterwards. A server that does not answer is waited for
/// until the step's own timeout ends.
pub async fn restart(cx: &Ctx<'_>, name: &str) -> Result<()> {
    let (server, _) = known(cx, name)?;
    let host = cx.fx.host(&server.host).await?;
    let is_down = !server.start.is_empty() && cx.fx.is_down(name).await;
    let (argv, what) = if is_down { (&server.start, "starting") } else { (&server.restart, "restarting") };
    cx.progress.note(if is_down { format!("{name} is down: {what} it") } else { format!("{what} {name}") });
    cx.fx.close_session(name, "main").await;
    let limit = server.restart_limit();
    let ran = host.run_within(&Script::words(argv), None, limit.0).await;
    let ran = ran.map_err(|failure| with_limit(failure, &format!("restart {name}"), "restart_limit"))?;
    if ran.code != Some(0) {
        let end = ran.code.map_or_else(|| "a signal".to_owned(), |code| format!("code {code}"));
        let words = ran.stderr.trim();
        return Err(Failure::permanent(format!("restart {name}"), format!("the command ended with {end}: {words}"))
            .at(&server.host)
            .help(format!("run `{}` there by hand and check the server's error log", shell_words::join(argv))));
    }
    answers(cx, name).await
}

/// The failure of a command of the inventory, with its field when it took longer than that says.
pub fn with_limit(failure: Failure, attempted: &str, field: &str) -> Failure {
    if !failure.answer.starts_with("it took longer than") {
        return failure;
    }
    let help = format!("if the command normally takes longer, raise `{field}` in the inventory");
    Failure { class: Class::Permanent, attempted: attempted.to_owned(), ..failure }.help(help)
}

/// The failure for a command of the inventory that was sent to a kept shell and has not ended within its limit.
pub fn still_at_work(attempted: &str, host: &str, argv: &[String], limit: Span, field: &str) -> Failure {
    let command = shell_words::join(argv);
    Failure::permanent(attempted, format!("the command did not end within {limit}: {command}"))
        .at(host)
        .now(format!("the command may still be running on {host}"))
        .help(format!(
            "check whether it still runs there, and end it; if the command normally takes longer, raise `{field}` in \
             the inventory"
        ))
}

/// Waits until the server lets the runner in.
///
/// # Errors
/// When it refuses the login, or the runner wants to stop.
pub async fn answers(cx: &Ctx<'_>, name: &str) -> Result<()> {
    let (_, dialect) = known(cx, name)?;
    let began = Instant::now();
    loop {
        let asked = match cx.fx.sql(name).await {
            Ok(session) => session.query(dialect.version(), READ_LIMIT).await.map(drop),
            Err(failure) => Err(failure),
        };
        match asked {
            Ok(()) => return Ok(()),
            Err(failure) if failure.class != Class::Transient && began.elapsed() > REFUSAL_LIMIT => {
                return Err(failure);
            }
            Err(_) => cx.pause(POLL, &format!("wait until {name} answers")).await?,
        }
    }
}

/// Values of those of `names` that are variables of the server, by their names in lower case.
///
/// # Errors
/// When the server does not answer.
pub async fn variables<S: AsRef<str>>(cx: &Ctx<'_>, name: &str, names: &[S]) -> Result<BTreeMap<String, String>> {
    let (_, dialect) = known(cx, name)?;
    let rows = cx.fx.sql(name).await?.query(&dialect.show_variables(names), READ_LIMIT).await?;
    let pair = |row: crate::effects::Row<'_>| {
        Some((row.get("Variable_name")?.to_ascii_lowercase(), row.get("Value").unwrap_or_default().to_owned()))
    };
    Ok(rows.iter().filter_map(pair).collect())
}

/// Variables that the server reports otherwise than `wanted`. What it does not report, and paths, which it writes in
/// its own way, are left out.
#[must_use]
pub fn differences(wanted: &BTreeMap<String, String>, actual: &BTreeMap<String, String>) -> Vec<Difference> {
    let differs = |name: &str, wanted: &str, actual: &str| match name {
        // the file gives a path, the server answers whether there is a log at all
        "log_bin" => !same_value("ON", actual) && !same_value("OFF", wanted),
        "relay_log" | "log_error" | "pid_file" | "slow_query_log_file" | "general_log_file" => false,
        _ => !wanted.contains('/') && !same_value(wanted, actual),
    };
    wanted
        .iter()
        .filter_map(|(name, wanted)| Some((name, wanted, actual.get(name)?)))
        .filter(|(name, wanted, actual)| differs(name, wanted, actual))
        .map(|(name, wanted, actual)| Difference { name: name.clone(), wanted: wanted.clone(), actual: actual.clone() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::differences;
    use std::collections::BTreeMap;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn only_real_differences_count() {
        let wanted = map(&[
            ("sync_binlog", "1"),
            ("log_bin", "mysql-bin"),
            ("datadir", "/d"),
            ("max_allowed_packet", "1G"),
            ("user", "mysql"),
        ]);
        let actual =
            map(&[("sync_binlog", "0"), ("log_bin", "ON"), ("datadir", "/d/"), ("max_allowed_packet", "1073741824")]);
        let found: Vec<_> = differences(&wanted, &actual).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["sync_binlog is 0, not 1"]);
        assert_eq!(differences(&map(&[("log_bin", "b")]), &map(&[("log_bin", "OFF")])).len(), 1);
    }
}
