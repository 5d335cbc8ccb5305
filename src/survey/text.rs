//! A survey as people read it, on a terminal and on a pull request.

use super::{CopyForecast, Forecast, StepFound, Survey};
use crate::domain::units::{Bytes, Span};
use crate::kinds::Finding;
use crate::plan::display::markup::{cell, code, fenced, plain};
use std::fmt::{Result, Write};
use std::time::Duration;

/// For terminals.
#[must_use]
pub fn text(survey: &Survey) -> String {
    let mut out = String::new();
    let _ = write_text(&mut out, survey); // a String takes everything
    out
}

/// For pull requests.
#[must_use]
pub fn markdown(survey: &Survey) -> String {
    let mut out = String::new();
    let _ = write_markdown(&mut out, survey);
    out
}

fn write_text(out: &mut String, survey: &Survey) -> Result {
    writeln!(out, "current state")?;
    facts(survey).iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    for step in &survey.steps {
        writeln!(out, "  {:<24} {}", step.id, state(step))?;
        for finding in &step.findings {
            write_body(out, "      ", &words(finding))?;
        }
        for failure in &step.refusals {
            writeln!(out, "      the run would be refused: {}", reason(failure))?;
        }
    }
    for failure in &survey.failures {
        writeln!(out, "  no answer: {}", reason(failure))?;
    }
    forecasts(survey).iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    writeln!(out)
}

fn write_markdown(out: &mut String, survey: &Survey) -> Result {
    writeln!(out, "### Current state\n")?;
    facts(survey).iter().try_for_each(|line| writeln!(out, "- {}", plain(line)))?;
    writeln!(out, "\n| step | current state |\n|---|---|")?;
    for step in &survey.steps {
        writeln!(out, "| {} | {} |", code(&step.id), cell(&plain(&state(step))))?;
    }
    writeln!(out)?;
    for (step, failure) in survey.refusals() {
        writeln!(out, "- **the run would be refused** at `{step}`: {}", plain(&reason(failure)))?;
    }
    for failure in &survey.failures {
        writeln!(out, "- **no answer**: {}", plain(&reason(failure)))?;
    }
    for step in survey.steps.iter().filter(|step| !step.findings.is_empty()) {
        writeln!(out, "\n<details><summary><code>{}</code>: findings</summary>\n", step.id)?;
        for finding in &step.findings {
            writeln!(out, "{}", fenced("diff", &words(finding)))?;
        }
        writeln!(out, "\n</details>")?;
    }
    let forecasts = forecasts(survey);
    if !forecasts.is_empty() {
        writeln!(out)?;
        forecasts.iter().try_for_each(|line| writeln!(out, "- {}", plain(line)))?;
    }
    writeln!(out)
}

/// How much is copied and how long that takes, in one sentence; nothing where no step reads data.
#[must_use]
pub fn forecast_line(survey: &Survey) -> Option<String> {
    let chosen = survey.copies.iter().find(|copy| copy.chosen).map(copy_line);
    chosen.or_else(|| forecasts(survey).into_iter().next())
}

fn facts(survey: &Survey) -> Vec<String> {
    let mut lines = Vec::new();
    for (name, server) in &survey.servers {
        let id = server.server_id;
        lines.push(format!("server {name}: {}, server_id {id}, {}", server.version_text, server.identity));
    }
    for (name, host) in &survey.hosts {
        let (memory, cpus, free) = (host.facts.memory, host.facts.cpus, Bytes(host.free));
        let processors = if cpus == 1 { "processor" } else { "processors" };
        lines.push(format!("host {name}: {memory} of memory, {cpus} {processors}, {free} free for its work folder"));
    }
    lines
}

fn state(step: &StepFound) -> String {
    use super::State;
    if !step.refusals.is_empty() {
        return "would be refused".to_owned();
    }
    match &step.state {
        State::AlreadyTrue => "already done".to_owned(),
        State::WillChange => "will change".to_owned(),
        State::WillRun => "will run".to_owned(),
        State::KnownAtRunTime(why) => format!("known only at run time ({why})"),
        State::InTheWay(why) => format!("conflict: {why}"),
        State::Skipped(why) => format!("skipped: {why}"),
    }
}

fn words(finding: &Finding) -> String {
    match finding {
        Finding::File(file) if file.digest.is_none() => {
            format!("{} on {} does not exist yet\n{}", file.path, file.host, file.diff)
        }
        Finding::File(file) if file.diff.is_empty() => format!("{} on {} will not change", file.path, file.host),
        Finding::File(file) => format!("{} on {}:\n{}", file.path, file.host, file.diff),
        Finding::Volume(volume) => format!(
            "{}: {} in {} {}, about {} rows",
            volume.server,
            Bytes(volume.bytes),
            volume.tables,
            if volume.tables == 1 { "table" } else { "tables" },
            volume.rows
        ),
        Finding::Copy(way) => {
            let word = if way.chosen { "chosen" } else { "not used" };
            let why = way.unfit.as_ref().map_or(String::new(), |why| format!(": {why}"));
            format!("copy by {} ({word}){why}", way.engine)
        }
        Finding::Setting(setting) => {
            format!("{}: {} is {} now, then {}", setting.server, setting.name, setting.now, setting.then)
        }
        Finding::Check(check) => {
            let remedy = check.remedy.as_ref().map_or(String::new(), |remedy| format!("\n  remedy: {remedy}"));
            format!("{:<5} {}: {}{remedy}", check.result, check.name, check.evidence)
        }
    }
}

fn forecasts(survey: &Survey) -> Vec<String> {
    let copies = survey.copies.iter().map(copy_line);
    copies.chain(survey.forecast.iter().flat_map(forecast_lines)).collect()
}

/// How long one way to copy would take, in one line.
#[must_use]
pub fn copy_line(copy: &CopyForecast) -> String {
    let chosen = if copy.chosen { ", which is chosen" } else { "" };
    let Some(seconds) = copy.seconds else {
        return format!("copy by {}: not possible here: {}", copy.engine, copy.rests_on);
    };
    let (bytes, span) = (Bytes(copy.bytes), Span(Duration::from_secs(seconds)));
    format!("copy by {}{chosen}: {bytes} in about {span}; {}", copy.engine, copy.rests_on)
}

fn forecast_lines(forecast: &Forecast) -> Vec<String> {
    let span = |seconds| Span(Duration::from_secs(seconds));
    let mut lines = vec![format!(
        "forecast: {} of data; the dump takes about {} and {} of disk space, the import about {}",
        Bytes(forecast.data_bytes),
        span(forecast.dump_seconds),
        Bytes(forecast.dump_bytes),
        span(forecast.import_seconds)
    )];
    lines.extend(forecast.assumptions.iter().map(|text| format!("assumed: {text}")));
    lines
}

fn reason(failure: &crate::error::Failure) -> String {
    let place = failure.place.as_ref().map_or(String::new(), |place| format!(" ({place})"));
    format!("{}{place}: {}", failure.attempted, failure.answer)
}

fn write_body(out: &mut String, indent: &str, body: &str) -> Result {
    body.lines().try_for_each(|line| writeln!(out, "{indent}{line}"))
}

#[cfg(test)]
mod tests {
    use super::{markdown, text};
    use crate::error::Failure;
    use crate::kinds::{FileChange, Finding, Setting, Volume};
    use crate::survey::{State, StepFound, Survey, forecast};

    fn found() -> Survey {
        let (host, path, diff) = ("new".to_owned(), "/etc/my.cnf".to_owned(), "-a = 1\n+a = ```2\n".to_owned());
        let file = Finding::File(FileChange { host, path, digest: Some("d".repeat(64)), diff });
        let volume = Volume { server: "source".into(), tables: 2, rows: 9, bytes: 600 << 20 };
        let (name, now, then) = ("sync_binlog".to_owned(), "0".to_owned(), "1".to_owned());
        let setting = Finding::Setting(Setting { server: "target".into(), name, now, then });
        let step = |id: &str, state, findings| StepFound { id: id.into(), state, findings, refusals: Vec::new() };
        let mut steps = vec![
            step("config", State::WillChange, vec![file, setting]),
            step("dump", State::WillChange, vec![Finding::Volume(volume)]),
            step("replicate", State::KnownAtRunTime("steps.dump.position".into()), Vec::new()),
        ];
        steps[1].refusals.push(Failure::refused("dump everything", "the account lacks TRIGGER | EVENT").at("source"));
        let forecast = forecast::forecast(&steps);
        Survey { steps, forecast, ..Survey::default() }
    }

    #[test]
    fn a_terminal_shows_what_is_there_and_what_would_be_refused() {
        let shown = text(&found());
        for part in [
            "  config                   will change\n      /etc/my.cnf on new:\n      -a = 1\n",
            "      target: sync_binlog is 0 now, then 1\n",
            "  dump                     would be refused\n      source: 600.0 MiB in 2 tables, about 9 rows\n",
            "      the run would be refused: dump everything (source): the account lacks TRIGGER | EVENT\n",
            "known only at run time (steps.dump.position)",
            "the dump takes about 11s and 120.0 MiB of disk space, the import about 31s",
        ] {
            assert!(shown.contains(part), "no `{part}` in:\n{shown}");
        }
    }

    #[test]
    fn a_pull_request_shows_the_same_and_nothing_breaks_out_of_its_place() {
        let shown = markdown(&found());
        for part in [
            "| `replicate` | known only at run time (steps.dump.position) |",
            "**the run would be refused** at `dump`: dump everything (source): the account lacks TRIGGER | EVENT",
            "````diff\n/etc/my.cnf on new:\n-a = 1\n+a = ```2\n````\n",
        ] {
            assert!(shown.contains(part), "no `{part}` in:\n{shown}");
        }
    }
}
