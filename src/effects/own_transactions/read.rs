//! Asks a server how far its log has come, and what of that it wrote itself. Reads in pieces: a server holds its log
//! while it shows a part of it, and that must not be felt.

use super::events::{Gatherer, LogEvent};
use super::gtids::{Moved, moved};
use super::{Marks, OwnLog, OwnTransactions};
use crate::dialect::Dialect;
use crate::effects::replica::{LOOK, binlog_position};
use crate::effects::{Row, Session};
use crate::error::{Failure, Result};
use crate::playbook::position::Position;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Events that are read at once: some milliseconds (`MySQL` 9.7 shows 300,000 in 0.26 s, and seeks at once).
const PIECE: usize = 1000;
/// Where the first event of a file begins.
const HEAD: &str = "4";
const ATTEMPT: &str = "look for the server's own transactions";
const MADE_ANEW: &str = "its binary log was reset or recreated since the fence (RESET MASTER, a restored copy)";

/// How long events may be read in one look; what is left is read in the next one.
#[derive(Debug, Clone, Copy)]
pub struct Budget(pub Duration);

/// How far the log was read, for the next look to go on from there.
#[derive(Debug, Clone, Default)]
pub struct Scan {
    at: Option<Position>,
    gatherer: Gatherer,
}

/// What marks the server's own transactions now.
///
/// # Errors
/// When it cannot be asked, or leaves something out.
pub async fn marks(session: &Session, dialect: Dialect) -> Result<Marks> {
    let rows = session.query(dialect.own_log(), LOOK).await?;
    rows.first().and_then(marks_of).ok_or_else(|| {
        Failure::permanent("read the end of the server's own binary log", "the answer is incomplete")
            .at(session.server())
            .help(format!("run there: {}", dialect.own_log()))
    })
}

/// How far the log of a closed server has come, asked over two connections at once: a second round trip would be downtime.
///
/// # Errors
/// As [`marks`]; and when it writes no binary log.
pub async fn at_fence(session: &Session, beside: &Session, dialect: Dialect) -> Result<OwnLog> {
    let (position, marks) = tokio::try_join!(binlog_position(session, dialect), marks(beside, dialect))?;
    Ok(OwnLog { position, marks })
}

fn marks_of(row: Row<'_>) -> Option<Marks> {
    let on = |value: &str| match value {
        "1" | "ON" => Some(true),
        "0" | "OFF" => Some(false),
        _ => None,
    };
    Some(Marks {
        gtids: row.get("gtids")?.to_owned(),
        gtid_mode: row.get("gtid_mode")?.to_owned(),
        server_id: row.get("server_id")?.parse().ok()?,
        server_uuid: row.get("server_uuid").map(str::to_owned),
        logs_applied: on(row.get("logs_applied")?)?,
    })
}

/// What the server has written itself since `before`, and how far its log has come. `scan` is a new one for the first
/// look at a server since `before`, and the same again for every further one.
///
/// # Errors
/// When the server cannot be reached. What it does not show is no error: it stands in the answer as untold.
pub async fn since(
    session: &Session,
    dialect: Dialect,
    before: &OwnLog,
    scan: &mut Scan,
    budget: Budget,
) -> Result<(OwnTransactions, OwnLog)> {
    let marks = marks(session, dialect).await?;
    let now = OwnLog { position: binlog_position(session, dialect).await?, marks };
    let own = BTreeSet::from([before.marks.server_id, now.marks.server_id]);
    let (count, gtids) = match judge(before, &now) {
        Judged::Told(told) => return Ok((told, now)),
        Judged::Found(count, gtids) => (count, gtids),
    };
    let untold = read_on(session, dialect, before, &own, scan, budget).await?;
    let mut seen = scan.gatherer.clone();
    seen.end();
    let found = OwnTransactions {
        count: seen.count.max(count),
        harmless: seen.harmless,
        gtids: gtids.filter(|_| seen.shown.is_empty()),
        shown: seen.shown,
        untold,
    };
    Ok((found, now))
}

/// What two reads show before any event is read.
#[derive(Debug, PartialEq, Eq)]
enum Judged {
    /// All of it.
    Told(OwnTransactions),
    /// Events must be read: at least this many own transactions were added, up to these GTIDs.
    Found(u64, Option<String>),
}

fn judge(before: &OwnLog, now: &OwnLog) -> Judged {
    let unknown = |why: &str| Judged::Told(OwnTransactions::unknown(why));
    let all_have_gtids = before.marks.gtid_mode == "ON" && now.marks.gtid_mode == "ON";
    let applied_apart = !before.marks.logs_applied && !now.marks.logs_applied;
    match moved(&before.marks, &now.marks) {
        Err(why) => unknown(&why),
        Ok(Moved::Reset) => unknown(MADE_ANEW),
        Ok(Moved::By(count, gtids)) => Judged::Found(count, Some(gtids)),
        Ok(Moved::No) if all_have_gtids => Judged::Told(OwnTransactions::default()),
        Ok(Moved::No) => match now.position.order(&before.position) {
            Ordering::Less => unknown(MADE_ANEW),
            Ordering::Equal if applied_apart => Judged::Told(OwnTransactions::default()),
            _ => Judged::Found(0, None),
        },
    }
}

/// Reads events from where the last look ended. Gives back why there are some that were not read.
async fn read_on(
    session: &Session,
    dialect: Dialect,
    before: &OwnLog,
    own: &BTreeSet<u32>,
    scan: &mut Scan,
    budget: Budget,
) -> Result<Option<String>> {
    let begin = Instant::now();
    let logs = session.query(dialect.binary_logs(), LOOK).await?;
    let files: Vec<&str> = logs.iter().filter_map(|row| row.get("Log_name")).collect();
    let at = scan.at.get_or_insert_with(|| before.position.clone());
    loop {
        let Some(number) = files.iter().position(|file| *file == at.file) else {
            return Ok(Some(format!("binary log {} was purged before it was read", at.file)));
        };
        let question = dialect.binlog_events(&at.file, &at.offset, PIECE.to_string());
        let rows = match session.try_query(&question, LOOK).await {
            Ok(rows) => rows,
            Err(error) if error.code.is_some() && !error.lost => {
                return Ok(Some(format!("binary log {} could not be read: {error}", at.file)));
            }
            Err(error) => return Err(Failure::transient(ATTEMPT, error.to_string()).at(session.server())),
        };
        for row in rows.iter() {
            let Some((event, end)) = event(&row) else {
                return Ok(Some(format!("an event after {at} could not be read")));
            };
            scan.gatherer.take(own, &at.file, event);
            end.clone_into(&mut at.offset);
        }
        if rows.len() < PIECE {
            let Some(next) = files.get(number + 1) else { return Ok(None) };
            *at = Position::new(*next, HEAD);
        }
        if begin.elapsed() >= budget.0 {
            return Ok(Some(format!("its binary log was read only up to {at}, because time ran out")));
        }
    }
}

fn event<'a>(row: &Row<'a>) -> Option<(LogEvent<'a>, &'a str)> {
    let event = LogEvent {
        pos: row.get("Pos")?,
        kind: row.get("Event_type")?,
        server_id: row.get("Server_id")?.parse().ok()?,
        info: row.get("Info").unwrap_or_default(),
    };
    Some((event, row.get("End_log_pos")?))
}

#[cfg(test)]
mod tests {
    use super::{Judged, judge};
    use crate::effects::own_transactions::{Marks, OwnLog, OwnTransactions, Wrote};
    use crate::playbook::position::Position;

    fn log(offset: u32, gtid_mode: &str, gtids: &str, logs_applied: bool) -> OwnLog {
        let uuid = Some("17427d3d-eb5a-11f1-a174-02fc00000001".to_owned());
        let marks =
            Marks { gtids: gtids.into(), gtid_mode: gtid_mode.into(), server_id: 8, server_uuid: uuid, logs_applied };
        OwnLog { position: Position::new("b.000002", offset), marks }
    }

    #[test]
    fn without_gtids_only_a_log_that_stands_still_tells_something() {
        let before = log(100, "OFF", "", false);
        assert_eq!(judge(&before, &log(100, "OFF", "", false)), Judged::Told(OwnTransactions::default()));
        assert_eq!(judge(&before, &log(140, "OFF", "", false)), Judged::Found(0, None));
        assert_eq!(judge(&before, &log(100, "OFF", "", true)), Judged::Found(0, None));
        assert_eq!(judge(&log(100, "ON", "", true), &log(140, "OFF_PERMISSIVE", "", true)), Judged::Found(0, None));
        let Judged::Told(shorter) = judge(&before, &log(99, "OFF", "", false)) else { panic!("it must be told") };
        assert_eq!(shorter.wrote(), Wrote::Unknown);
    }

    #[test]
    fn with_gtids_the_place_in_the_log_means_nothing() {
        let before = log(100, "ON", "", true);
        assert_eq!(judge(&before, &log(4711, "ON", "", true)), Judged::Told(OwnTransactions::default()));
        let own = "17427d3d-eb5a-11f1-a174-02fc00000001:1";
        assert_eq!(judge(&before, &log(4711, "ON", own, true)), Judged::Found(1, Some(own.into())));
        let Judged::Told(reset) = judge(&log(1, "ON", own, true), &before) else { panic!("it must be told") };
        assert_eq!(reset.wrote(), Wrote::Unknown);
        let Judged::Told(damaged) = judge(&before, &log(1, "ON", "?", true)) else { panic!("it must be told") };
        assert_eq!(damaged.wrote(), Wrote::Unknown);
    }
}
