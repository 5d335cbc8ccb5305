//! The source must keep its binary log from the dump's position on until the target has caught up.

use super::super::ask::Ask;
use super::super::check::{Check, Occasion};
use super::super::pair::Source;
use super::super::seen::Seen;
use super::super::verdict::Verdict;
use crate::domain::units::{Bytes, Span};
use crate::error::Result;
use crate::playbook::forecast::{dump_seconds, import_seconds};
use std::time::Duration;

pub const CHECK: Check = Check::blocking("binlog_retention", judge)
    .only_before(Occasion::Copy)
    .reads(&["expire_logs_days", "binlog_expire_logs_seconds", "max_binlog_total_size"])
    .asks(|pair| vec![Ask::sql(Source, pair.source.dialect.total_size(pair.databases))]);

/// Dump and import are taken twice: the forecast is rough, and catching up takes its time as well.
const MARGIN: u64 = 2;
/// Less than this leaves no time to fix a fault that occurs at night.
const COMFORTABLE: Duration = Duration::from_hours(24);

fn judge(seen: &Seen<'_>) -> Result<Verdict> {
    let bytes = seen.data_bytes()?;
    let needed = Duration::from_secs(MARGIN * (dump_seconds(bytes) + import_seconds(bytes)));
    let (data, needed_words) = (Bytes(bytes), Span(needed));
    let mut found = Vec::new();
    let most = seen.number(Source, "max_binlog_total_size").filter(|most| *most > 0.0);
    if let Some(most) = most {
        let evidence = format!(
            "max_binlog_total_size of the source is {most}: an hour with many writes may purge logs that the target \
             needs"
        );
        found.push(Verdict::warn(evidence, "set it to 0 on the source until the switch"));
    }
    let Some(kept) = kept(seen) else {
        return Ok(Verdict::worst_of(
            found,
            format!("the source keeps its binary logs long enough; moving {data} takes {needed_words} (estimate)"),
        ));
    };
    let kept_words = Span(kept);
    let evidence =
        format!("the source keeps binary logs for {kept_words}; moving {data} takes {needed_words} (estimate)");
    let remedy =
        "run SET GLOBAL binlog_expire_logs_seconds = 604800 (or expire_logs_days = 7) on the source until the switch";
    if kept < needed {
        found.push(Verdict::block(evidence.clone(), remedy));
    } else if kept < COMFORTABLE {
        found.push(Verdict::warn(evidence.clone(), remedy));
    }
    Ok(Verdict::worst_of(found, evidence))
}

/// How long binary logs are kept; `None` means for ever.
fn kept(seen: &Seen<'_>) -> Option<Duration> {
    let seconds = seen.number(Source, "binlog_expire_logs_seconds").filter(|seconds| *seconds > 0.0);
    let days = seen.number(Source, "expire_logs_days").filter(|days| *days > 0.0).map(|days| days * 86_400.0);
    seconds.or(days).map(Duration::from_secs_f64)
}
