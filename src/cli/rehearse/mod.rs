//! `cutover rehearse`

mod faults;

use super::output::{self, Format};
use super::stop::unless_stopped;
use crate::domain::units::Span;
use crate::engine::run_id;
use crate::error::{Failure, Result};
use crate::rehearsal::application;
use crate::rehearsal::own_folder::OwnFolder;
use crate::rehearsal::rehearse::{self, Report};
use crate::rehearsal::sandbox;
use crate::rehearsal::server::Choice;
use crate::rehearsal::stage::{self, Piece, Waits};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Arguments of `rehearse`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub struct Args {
    /// The playbook.
    playbook: PathBuf,
    /// A playbook to run first, in the same sandbox; can be repeated. Default: the one under `rehearsal.after` in the
    /// playbook.
    #[arg(long, value_name = "PLAYBOOK")]
    after: Vec<PathBuf>,
    /// Rows in the application's database.
    #[arg(long, default_value_t = 200_000)]
    rows: u64,
    /// Number of concurrent writers of the application.
    #[arg(long, default_value_t = 4)]
    writers: u32,
    /// Transactions per second of all writers together; 0 means as many as possible.
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// The old server: mariadb, mysql, a version such as 10.5 or mariadb-11.8, or the path of a server program. A version
    /// that is not installed here is fetched from Debian's packages.
    #[arg(long, value_name = "SERVER", default_value = "mariadb")]
    source: Choice,
    /// The new server. Default: the same as the old one.
    #[arg(long, value_name = "SERVER")]
    target: Option<Choice>,
    /// Give the application's account every privilege, so that `read_only` does not stop it.
    #[arg(long)]
    privileged: bool,
    /// Use servers without TLS, the default of older MariaDB versions. Otherwise they have certificates.
    #[arg(long)]
    without_tls: bool,
    /// Time between a fault that kills the runner and the next command, such as 20s.
    #[arg(long, value_name = "TIME", default_value = "0s")]
    idle: Span,
    /// An input of the playbook; can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Folder for the sandbox. Default: a new one in the cache folder.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Keep the folder afterwards; servers and hosts are stopped in any case.
    #[arg(long)]
    keep: bool,
    /// Record its runs in this state directory or shared store, where `list`, `report` and the page show them. Default: a
    /// temporary one, removed with the sandbox.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["fault", "faults"])]
    state: Option<PathBuf>,
    /// Wait for a person's approval, on the page or by `cutover approve`. Otherwise every step is approved.
    #[arg(long, requires = "state")]
    ask: bool,
    /// Wait for the playbook's windows, as a run does. Otherwise windows are ignored.
    #[arg(long)]
    windows: bool,
    /// Id of the run, made by a schedule's start.
    #[arg(long, value_name = "ID", value_parser = run_id::parse, hide = true)]
    run_id: Option<String>,
    #[command(flatten)]
    faults: faults::Options,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl Args {
    fn piece(&self, dir: PathBuf) -> Result<Piece> {
        let before = if self.after.is_empty() { stage::before(&self.playbook)? } else { self.after.clone() };
        Ok(Piece {
            playbook: self.playbook.clone(),
            before,
            set: self.set.clone(),
            sandbox: sandbox::Plan {
                dir,
                rows: self.rows,
                source: self.source.clone(),
                target: self.target.clone().unwrap_or_else(|| self.source.clone()),
                privileged: self.privileged,
                without_tls: self.without_tls,
                ..sandbox::Plan::default()
            },
            writers: self.writers,
            rate: self.rate,
            deaf: false,
            idle: self.idle.0,
            keep: self.keep,
            state: self.state.clone(),
            waits: Waits { for_people: self.ask, for_windows: self.windows },
            run_id: self.run_id.clone(),
        })
    }
}

/// Rehearses, and prints the result.
pub fn run(args: &Args) -> u8 {
    let folder = match OwnFolder::make(args.dir.as_deref(), args.keep) {
        Ok(folder) => folder,
        Err(failure) => {
            output::complain(&failure);
            return failure.exit_code();
        }
    };
    let dir = folder.path().to_owned();
    if let Some(choice) = args.faults.choice() {
        return match args.piece(dir) {
            Ok(piece) => faults::run(&piece, &choice, &args.faults, args.format),
            Err(failure) => {
                output::complain(&failure);
                failure.exit_code()
            }
        };
    }
    let result = hold(args, dir.clone());
    match result {
        Ok(report) => {
            match args.format {
                Format::Json => output::json(&report),
                Format::Text => output::text(&text(&report)),
            }
            if args.keep {
                output::say(&format!("the sandbox's folder is {}", dir.display()));
            }
            report.exit_code()
        }
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn hold(args: &Args, dir: PathBuf) -> Result<Report> {
    let piece = args.piece(dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::permanent("start the rehearsal", error.to_string()))?;
    output::say(&format!("starting two servers, three hosts and an application with {} rows ...", args.rows));
    runtime.block_on(unless_stopped("rehearse", async {
        let (report, stage) = rehearse::hold(&piece).await?;
        drop(stage);
        Ok(report)
    }))
}

/// The short report.
fn text(report: &Report) -> String {
    let mut out = String::new();
    let writes = &report.writes;
    let downtime = |switch: &serde_json::Value| {
        switch["downtime_ms"].as_f64().map_or("the application never moved".to_owned(), |ms| format!("{ms:.1} ms"))
    };
    let downtimes: Vec<String> = report.switches.iter().map(downtime).collect();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "  {name:<28} {value}");
    };
    line("result", report.result.clone());
    line("longest write pause", downtimes.join(", then "));
    line("writes acknowledged", writes["acknowledged"].to_string());
    line("writes lost", writes["lost"].to_string());
    line("writes on old after fence", writes["on_source_after_fence"].to_string());
    let ticks = |name: &str| report.events[name].as_u64().unwrap_or_default();
    let twice = match ticks("too_many") {
        0 => "never on both servers".to_owned(),
        count => format!("{count} too many: on both servers"),
    };
    let events = format!("ran {} times in {} s, {twice}", ticks("rows"), ticks("seconds"));
    line("scheduled event", if report.events.is_null() { "-".into() } else { events });
    line("fence", report.fence_ms.map_or("-".into(), |ms| format!("{ms:.1} ms")));
    line("rows copied", report.rows_copied.to_string());
    line("bytes copied", report.bytes_copied.map_or("-".into(), |bytes| bytes.to_string()));
    line("old server", server(report, "source"));
    line("new server", server(report, "target"));
    line("total time", format!("{:.1} s", report.seconds));
    out
}

/// The state of a server at the end, in words.
fn server(report: &Report, name: &str) -> String {
    let now = |what: &str| &report.afterwards[format!("{name}_{what}")];
    let follows = if *now("follows") == true { ", replicates from the other" } else { "" };
    format!("{}, read_only {}{follows}", text_of(&report.servers[name]), now("read_only"))
}

fn text_of(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// The rehearsal's application, as a process of its own.
pub fn application(args: &application::Args) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::complain(&Failure::permanent("start the application", error.to_string()));
            return crate::error::exit::INVALID;
        }
    };
    match runtime.block_on(application::run(args)) {
        Ok(()) => crate::error::exit::DONE,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}
