//! `cutover rehearse --fault` and `--faults`: many rehearsals, each with an injected fault.

use crate::cli::output::{self, Format};
use crate::cli::stop::unless_stopped;
use crate::error::{Failure, Result, exit};
use crate::plan::left_out;
use crate::plan::load::Sources;
use crate::playbook::document::Document;
use crate::playbook::file;
use crate::rehearsal::faults::campaign::{Choice, Sum, hold_all};
use crate::rehearsal::faults::catalogue;
use crate::rehearsal::faults::round::Row;
use crate::rehearsal::stage::Piece;
use clap::ValueEnum;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Which faults are injected.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Inject a fault; can be repeated. A name, or NAME@MOMENT such as
    /// `kill@after:step_intent:dump`. `--fault list` prints the names.
    #[arg(long, value_name = "FAULT", conflicts_with = "faults")]
    fault: Vec<String>,
    /// Inject all faults of this set, one per round.
    #[arg(long, value_enum)]
    faults: Option<Set>,
    /// Number of rounds of `--faults random`.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Seed of the random numbers of `--faults random`.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of rounds at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
}

/// Sets of faults.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Set {
    /// Kills, rollbacks and the list.
    All,
    /// The runner killed before and after every journal entry, then resumed.
    Kills,
    /// The runner killed after every step before the switch, then rolled back.
    Rollbacks,
    /// Faults of servers, tunnel, disk and application.
    List,
    /// The runner killed up to three times at random moments.
    Random,
}

impl Options {
    /// The rounds that are asked for, if any are.
    pub fn choice(&self) -> Option<Choice> {
        match self.faults {
            Some(Set::All) => Some(Choice::All),
            Some(Set::Kills) => Some(Choice::Kills),
            Some(Set::Rollbacks) => Some(Choice::Rollbacks),
            Some(Set::List) => Some(Choice::List),
            Some(Set::Random) => Some(Choice::Random { rounds: self.rounds, seed: self.seed }),
            None => (!self.fault.is_empty()).then(|| Choice::These(self.fault.clone())),
        }
    }
}

/// Runs the rounds, prints each and the totals. 0 only when every round ended as allowed and no write was lost.
pub fn run(piece: &Piece, choice: &Choice, options: &Options, format: Format) -> u8 {
    if options.fault.iter().any(|fault| fault == "list") {
        output::text(&(catalogue::names().join("\n") + "\nkill@MOMENT\nrollback@MOMENT\n"));
        return exit::DONE;
    }
    let result = hold(piece, choice, options.jobs.max(1), format);
    let _ = std::fs::remove_dir_all(&piece.sandbox.dir); // rounds remove their own folders, unless somebody stopped them
    match result {
        Ok(sum) => {
            match format {
                Format::Json => output::json(&sum),
                Format::Text => output::text(&text(&sum)),
            }
            if sum.unexpected == 0 { exit::DONE } else { exit::STUCK }
        }
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn hold(piece: &Piece, choice: &Choice, jobs: usize, format: Format) -> Result<Sum> {
    let document = Document::open(&piece.playbook)
        .map_err(|faults| Failure::refused(format!("read {}", piece.playbook.display()), faults.to_string()))?;
    let (mut playbook, _) = file::read(&document); // the runs themselves report what is wrong with it
    // nothing strikes at a step that does not run
    left_out::remove(
        &mut playbook,
        &document,
        &Sources { set: piece.set.clone(), rehearsal: true, ..Sources::default() },
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::permanent("start the rehearsal", error.to_string()))?;
    let rounds = hold_all(piece, &playbook, choice, jobs, |done, total, row| {
        let line = format!("{done:>4}/{total}  {}", line(row));
        if format == Format::Text {
            output::text(&line);
        } else {
            output::tell(&line);
        }
    });
    runtime.block_on(unless_stopped("inject the faults", rounds))
}

/// A round, while more are to come.
fn line(row: &Row) -> String {
    let verdict = if row.is_good() { "ok " } else { "BAD" };
    let mut line = format!("{verdict} {:<28} {:<40} {:<24}", row.fault, row.place, row.ends.join(" > "));
    let _ = writeln!(line, " lost {} split {} {:>5.1} s", row.lost, row.split_brain, row.seconds);
    if !row.is_good() {
        let often = format!("the scheduled event ran {} times too often: on both servers", row.event_twice);
        let often = Some(often.as_str()).filter(|_| row.event_twice > 0);
        for detail in [row.error.as_deref(), often, Some(&row.left_behind), Some(&row.said)].into_iter().flatten() {
            detail.lines().for_each(|detail| {
                let _ = writeln!(line, "             {detail}");
            });
        }
    }
    line
}

/// All rounds as a table, a line a fault.
fn text(sum: &Sum) -> String {
    let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in &sum.faults {
        groups.entry(&row.fault).or_default().push(row);
    }
    let mut out = String::from("\n| fault | where | rounds | ended | longest pause | lost | two servers | seconds |\n");
    out += "|---|---|---:|---|---:|---:|---:|---:|\n";
    for (fault, rows) in groups {
        let mut ends: BTreeMap<String, usize> = BTreeMap::new();
        for row in &rows {
            *ends.entry(row.ends.join(" > ")).or_default() += 1;
        }
        let ends: Vec<String> = ends.iter().map(|(end, count)| format!("{count} × {end}")).collect();
        let place = if rows.len() == 1 { rows[0].place.clone() } else { format!("{} moments", rows.len()) };
        let pause = rows.iter().filter_map(|row| row.pause_ms).fold(0.0, f64::max) / 1e3;
        let (lost, split) = rows.iter().fold((0, 0), |(l, s), row| (l + row.lost, s + row.split_brain));
        let seconds: f64 = rows.iter().map(|row| row.seconds).sum();
        let _ = writeln!(
            out,
            "| {fault} | {place} | {} | {} | {pause:.2} s | {lost} | {split} | {seconds:.0} |",
            rows.len(),
            ends.join(", ")
        );
    }
    for skipped in &sum.skipped {
        let _ = writeln!(out, "skipped: {skipped}");
    }
    let _ = writeln!(
        out,
        "\n{} rounds in {:.0} s: {} writes acknowledged, {} lost, {} on two servers, {} with an unexpected end",
        sum.rounds, sum.seconds, sum.acknowledged, sum.lost, sum.split_brain, sum.unexpected
    );
    out
}
