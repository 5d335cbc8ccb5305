//! Whether a comparison at an earlier position of the source's log is still valid: whether only replicated rows have
//! changed either server since.

use super::Verify;
use super::sides::{Side, Sides};
use crate::effects::own_transactions::{Budget, OwnLog, Scan, Wrote, marks, since};
use crate::effects::replica::{LOOK, ReplicaStatus, binlog_position};
use crate::error::Result;
use crate::kinds::Ctx;
use crate::kinds::support::answer;
use crate::kinds::support::follow_filters::Followed;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The memo's entry: how both servers were when the first attempt began.
const GROUND: &str = "ground";
/// The replica's own log is read no longer than this; what is not read is not known.
const READ: Duration = Duration::from_secs(10);
/// Clocks are read one after the other, and servers count whole seconds.
const SLACK: Duration = Duration::from_secs(1);

/// How both servers were at a moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ground {
    /// On the runner's clock.
    #[serde(with = "super::moment")]
    moment: jiff::Timestamp,
    /// Who the source was: what marks its own transactions, without how many there were.
    source: (u32, Option<String>),
    /// Seconds for which the source and the replica had been up.
    up: [u64; 2],
    /// Where the replica read from.
    followed: String,
    /// How far its own log had come.
    replica: OwnLog,
}

/// Settings with which the log's rows, all of them and nothing else, reach the replica: name and value, on the source.
pub(super) const ON_SOURCE: [(&str, &str); 2] = [("binlog_format", "ROW"), ("binlog_row_image", "FULL")];
/// The same on the replica, by either of their names.
pub(super) const ON_REPLICA: [(&str, &str); 5] = [
    ("slave_exec_mode", "STRICT"),
    ("replica_exec_mode", "STRICT"),
    ("slave_skip_errors", "OFF"),
    ("replica_skip_errors", "OFF"),
    ("slave_run_triggers_for_rbr", "NO"),
];

impl Verify {
    /// How both servers are now. `None` where a replica writes no log that could be asked later.
    pub(super) async fn ground(&self, sides: &Sides) -> Result<Option<Ground>> {
        let (source, replica) = (&sides.source, &sides.replica);
        let moment = jiff::Timestamp::now();
        let Some(status) = ReplicaStatus::read(&replica.control, replica.dialect).await? else { return Ok(None) };
        let Ok(position) = binlog_position(&replica.control, replica.dialect).await else { return Ok(None) };
        let own = OwnLog { position, marks: marks(&replica.control, replica.dialect).await? };
        let who = marks(&source.control, source.dialect).await?;
        let source = (who.server_id, who.server_uuid);
        let up = [uptime(&sides.source).await?, uptime(&sides.replica).await?];
        Ok(Some(Ground { moment, up, source, followed: status.source, replica: own }))
    }

    /// Whether what was compared on the ground of an attempt before still holds. Notes this attempt's ground where not.
    pub(super) async fn still_holds(&self, cx: &Ctx<'_>, sides: &Sides, now: Option<&Ground>) -> Result<bool> {
        let Some(now) = now else { return Ok(false) };
        let Some(before) = cx.memo.read::<Ground>(GROUND)? else {
            cx.memo.set(GROUND, serde_json::json!(now)).await?;
            return Ok(false);
        };
        let Some(why) = self.shaken(cx, sides, &before, now).await? else { return Ok(true) };
        cx.progress.note(format!("rows compared by an earlier attempt are read again: {why}"));
        cx.memo.set(GROUND, serde_json::json!(now)).await?;
        Ok(false)
    }

    /// Whether what was proved to its end still holds. Changes nothing that was noted.
    pub(super) async fn proof_holds(&self, cx: &Ctx<'_>, sides: &Sides) -> Result<bool> {
        let (Some(before), Some(now)) = (cx.memo.read::<Ground>(GROUND)?, self.ground(sides).await?) else {
            return Ok(false);
        };
        Ok(self.shaken(cx, sides, &before, &now).await?.is_none())
    }

    /// What may have changed rows in another way than the log did.
    async fn shaken(&self, cx: &Ctx<'_>, sides: &Sides, before: &Ground, now: &Ground) -> Result<Option<String>> {
        let (source, replica) = (&sides.source, &sides.replica);
        if (&before.source, &before.followed) != (&now.source, &now.followed) {
            return Ok(Some(format!("`{}` now replicates from another server", replica.name)));
        }
        let passed = Duration::try_from(now.moment.duration_since(before.moment)).unwrap_or_default();
        let all = [(source, &ON_SOURCE[..]), (replica, &ON_REPLICA[..])];
        for (place, (side, settings)) in all.into_iter().enumerate() {
            if let Some(other) = differs(side, settings).await? {
                return Ok(Some(other));
            }
            let [then, today] = [before.up[place], now.up[place]].map(Duration::from_secs);
            if today + SLACK < then + passed {
                return Ok(Some(format!("`{}` was restarted", side.name)));
            }
        }
        if !answer::is_closed(&replica.control, replica.dialect).await? {
            return Ok(Some(format!("`{}` accepts other writes", replica.name)));
        }
        let databases = &self.databases;
        let followed = Followed { source: &self.source, replica: &self.replica, databases };
        if let Err(failure) = followed.comes_through(cx).await {
            return Ok(Some(failure.answer));
        }
        let mut scan = Scan::default();
        let (own, _) = since(&replica.control, replica.dialect, &before.replica, &mut scan, Budget(READ)).await?;
        Ok((own.wrote() != Wrote::Nothing)
            .then(|| format!("`{}` has written transactions of its own: {own}", replica.name)))
    }
}

/// A setting that is another one; settings that a version does not have are left aside.
async fn differs(side: &Side, settings: &[(&str, &str)]) -> Result<Option<String>> {
    let names: Vec<&str> = settings.iter().map(|(name, _)| *name).collect();
    let rows = side.control.query(&side.dialect.show_variables(&names), LOOK).await?;
    let other = rows.iter().find_map(|row| {
        let (name, value) = (row.get("Variable_name")?, row.get("Value")?);
        let (_, wanted) = settings.iter().find(|(wanted, _)| wanted.eq_ignore_ascii_case(name))?;
        (!value.eq_ignore_ascii_case(wanted)).then(|| format!("{name} of `{}` is now {value}", side.name))
    });
    Ok(other)
}

async fn uptime(side: &Side) -> Result<u64> {
    let rows = side.control.query(side.dialect.uptime(), LOOK).await?;
    Ok(rows.first().and_then(|row| row.get("Value")?.parse().ok()).unwrap_or(0))
}
