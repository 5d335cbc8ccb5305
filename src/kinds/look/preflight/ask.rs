//! Questions as data: what a check wants to know, how a plan shows it, and how it is asked. Every question only reads.

use super::pair::{Pair, Side};
use super::trial::{self, Trial};
use crate::domain::script::argument;
use crate::domain::{Contents, Script, Sql, Words};
use crate::effects::{LoginPath, Rows};
use crate::error::{Failure, Result};
use crate::kinds::support::answer;
use crate::kinds::{Action, Ctx};
use crate::playbook::inventory::Account;
use crate::sh;
use std::time::{Duration, Instant, SystemTime};

/// Longest time for one statement: the catalog of a server with very many tables takes its time.
const LOOK: Duration = Duration::from_mins(1);
/// Longest time for a program that looks at a whole server.
const FEED: Duration = Duration::from_mins(10);
/// How often a clock is read; the quickest answer is the most exact.
const CLOCK_READINGS: usize = 3;
/// How long a counter is watched.
const PACE_TIME: Duration = Duration::from_secs(1);
/// Prints a host's time in nanoseconds since 1970.
const CLOCK: &str = "date +%s%N";

/// One question.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// A statement.
    Sql { side: Side, text: Sql },
    /// A script on a host that leaves everything as it is.
    Run { host: String, script: Script },
    /// A script that makes a file of its own and removes it again.
    Try { host: String, script: Script },
    /// The same for a script that reads a secret.
    Feed { host: String, script: Script, input: Contents },
    /// Whether the target reads every definition of the source.
    Definitions,
    /// Whether a file lies in the folder of a server's plugins: `yes`, `no`, or `unseen` where the folder is not to be seen.
    Plugin { side: Side, file: &'static str },
    /// How fast the number that a statement answers grows.
    Pace { side: Side, text: Sql },
    /// What time it is on a host.
    Clock { host: String },
    /// Whether a login works along the path it will take; by TLS where there is an authority to verify it with, else as the
    /// runner's own do, or without TLS when it is `bare`.
    Login { side: Side, account: Account, host: String, address: String, authority: Option<String>, bare: bool },
}

/// What came back.
#[derive(Debug, Clone)]
pub enum Reply {
    Rows(Rows),
    Text(String),
    Pace(Pace),
    Clock(Clock),
    Trial(Trial),
}

/// How fast a counter grows, by the second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace(pub f64);

/// A host's clock beside the runner's, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// How far it is ahead.
    pub ahead: f64,
    /// How wrong that may be: half the time that the quickest answer took.
    pub within: f64,
}

impl Ask {
    /// A statement for one side.
    pub fn sql(side: Side, text: impl Into<Sql>) -> Self {
        Self::Sql { side, text: text.into() }
    }

    /// The server whose connection it goes over; logins and hosts have their own.
    pub fn side(&self) -> Option<Side> {
        match self {
            Self::Sql { side, .. } => Some(*side),
            Self::Run { .. }
            | Self::Try { .. }
            | Self::Feed { .. }
            | Self::Definitions
            | Self::Plugin { .. }
            | Self::Pace { .. }
            | Self::Clock { .. }
            | Self::Login { .. } => None,
        }
    }

    /// How a plan shows it.
    pub fn actions(&self, pair: &Pair<'_>) -> Vec<Action> {
        match self {
            Self::Sql { side, text } | Self::Pace { side, text } => vec![Action::sql(pair.at(*side).name, text)],
            Self::Run { host, script } => vec![Action::look(host, script)],
            Self::Try { host, script } => vec![Action::command(host, script)],
            Self::Feed { host, script, input } => vec![Action::command_with(host, script, input)],
            Self::Definitions => trial::actions(pair),
            Self::Plugin { side, file } => {
                let place = pair.at(*side);
                let look = is_in(Words::late("its plugin_dir"), file);
                vec![Action::sql(place.name, place.dialect.plugin_folder()), Action::look(&place.server.host, look)]
            }
            Self::Clock { host } => vec![Action::look(host, CLOCK)],
            Self::Login { side, account, host, address, authority, bare } => {
                let path = LoginPath { host, address, authority: authority.as_deref(), bare: *bare };
                path.actions(pair.at(*side).name, &account.user)
            }
        }
    }

    /// Asks.
    pub async fn put(&self, cx: &Ctx<'_>, pair: &Pair<'_>) -> Result<Reply> {
        match self {
            Self::Sql { side, text } => cx.fx.sql(pair.at(*side).name).await?.query(text, LOOK).await.map(Reply::Rows),
            Self::Run { host, script } | Self::Try { host, script } => {
                cx.fx.host(host).await?.print(script).await.map(Reply::Text)
            }
            Self::Feed { host, script, input } => feed(cx, host, script, input).await.map(Reply::Text),
            Self::Definitions => Box::pin(trial::of(cx, pair)).await.map(Reply::Trial),
            Self::Plugin { side, file } => {
                let place = pair.at(*side);
                let folder = answer::value(&*cx.fx.sql(place.name).await?, place.dialect.plugin_folder()).await?;
                cx.fx.host(&place.server.host).await?.print(&is_in(folder, file)).await.map(Reply::Text)
            }
            Self::Pace { side, text } => pace(cx, pair.at(*side).name, text).await.map(Reply::Pace),
            Self::Clock { host } => clock(cx, host).await.map(Reply::Clock),
            Self::Login { side, account, host, address, authority, bare } => {
                let path = LoginPath { host, address, authority: authority.as_deref(), bare: *bare };
                cx.fx.try_login(pair.at(*side).name, account, path).await.map(Reply::Text)
            }
        }
    }
}

/// What a script prints that reads `input`.
async fn feed(cx: &Ctx<'_>, host: &str, script: &Script, input: &Contents) -> Result<String> {
    let ran = cx.fx.host(host).await?.run_within(script, Some(input), FEED).await?;
    ran.expect_success("run a script", host)?;
    Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// Prints whether a file lies in a folder.
fn is_in(folder: impl Into<Words>, file: &'static str) -> Script {
    let folder = argument(folder.into());
    sh!(
        "d={}; if [ -e \"$d\"/{} ]; then echo yes; elif [ -x \"$d\" ]; then echo no; else echo unseen; fi",
        folder,
        file
    )
}

/// Two readings, a moment apart.
async fn pace(cx: &Ctx<'_>, server: &str, text: &Sql) -> Result<Pace> {
    let session = cx.fx.sql(server).await?;
    let (begin, before) = (Instant::now(), answer::number::<f64>(&session, text).await?);
    cx.pause(PACE_TIME, "query the servers").await?;
    let after = answer::number::<f64>(&session, text).await?;
    Ok(Pace((after - before).max(0.0) / begin.elapsed().as_secs_f64()))
}

async fn clock(cx: &Ctx<'_>, host: &str) -> Result<Clock> {
    let link = cx.fx.host(host).await?;
    let mut best: Option<Clock> = None;
    for _ in 0..CLOCK_READINGS {
        let before = now();
        let printed = link.print(&CLOCK.into()).await?;
        let after = now();
        let there = printed.trim().parse::<f64>().map_err(|_| {
            Failure::permanent("read the clock", format!("`{CLOCK}` printed `{}`", printed.trim())).at(host)
        })? / 1e9;
        let reading = Clock { ahead: there - f64::midpoint(before, after), within: (after - before) / 2.0 };
        if best.is_none_or(|best| reading.within < best.within) {
            best = Some(reading);
        }
    }
    best.ok_or_else(|| Failure::permanent("read the clock", "the host returned no time").at(host))
}

fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
