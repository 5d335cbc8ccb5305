//! The command line: one file per command. Parses, calls the modules that do the work, prints, and returns the exit code.
//!
//! May use every module; no module uses it.

mod amend;
mod approve;
mod check;
mod completions;
mod conduct;
mod decider;
mod diff;
mod explain;
mod facts;
mod grants;
mod identity;
mod init;
mod inputs;
mod kinds;
mod live;
mod man;
mod mark_undone;
mod matrix;
mod outbox;
mod output;
mod pairs;
mod past_copies;
mod people;
mod plan;
mod preflight;
mod prompt;
mod rehearse;
mod report;
mod resume;
mod revision;
mod run;
mod runner;
mod schedule;
mod schema;
mod serve;
mod state;
mod status;
mod stop;
mod token;
mod unchanged;
mod watch;

use crate::error::exit;
use clap::{CommandFactory, Parser, Subcommand};
use conduct::StartedBy;
use std::process::ExitCode;

/// Move a live MySQL or MariaDB server to another machine, from a reviewed playbook.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 110)]
#[command(after_help = "Start with:  cutover rehearse playbooks/replication_swap.yaml\n\
    Exit codes:  0 done, 2 invalid input, 3 failed and rolled back, 4 a person must decide, 5 refused, \
    6 locked by another run, \
    7 the way back does not apply, 130 interrupted and resumable")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Log more to stderr; repeat for debug output.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a small repository: playbook, inventory, and checks for pull requests. Overwrites nothing.
    Init(init::Args),
    /// Check a playbook and its inventory, or a file of schedules. Report errors and risky patterns, with their positions.
    Check(check::Args),
    /// Explain the rules of `check`, or one of them.
    Explain(explain::Args),
    /// Show what a playbook will do: every command, statement and file. Needs no network.
    Plan(plan::Args),
    /// Check whether a migration can work: versions, logins, binary log, data, disk space. Changes nothing.
    Preflight(preflight::Args),
    /// Print the statements that create the runner's accounts, with exactly the privileges that the playbooks need. Contacts
    /// no server.
    Grants(grants::Args),
    /// Show the differences between two plans: files, saved plans, or git revisions.
    Diff(diff::Args),
    /// Run a playbook or a saved plan.
    Run(run::Args),
    /// Resume a run that was interrupted, that stopped, or whose runner died.
    Resume(resume::Args),
    /// Roll a run back, before its point of no return.
    Rollback(resume::RollbackArgs),
    /// Mark a step as undone by hand, after its own undo has failed.
    MarkUndone(mark_undone::Args),
    /// Answer a step that waits for approval.
    Approve(approve::Args),
    /// Accept another file of people for a run: the file that lists who may approve.
    People(people::Args),
    /// Back up, check, move, prune or upgrade the stored state: runs, journals, schedules.
    State(state::Args),
    /// List and send webhook messages: sent ones and waiting ones.
    Outbox(outbox::Args),
    /// Show the state of a run, and the command to type next.
    Status(status::Args),
    /// Monitor the servers of a switch: is the old one closed, has it written anything itself, does it replicate?
    Watch(watch::Args),
    /// List all runs.
    List(status::ListArgs),
    /// Show everything about a run, including its journal.
    Report(report::Args),
    /// Rehearse a playbook in a local sandbox under write load; report write pause and lost writes.
    Rehearse(rehearse::Args),
    /// Rehearse every shipped playbook with a server version of your choice, and print a table of the results.
    Try(matrix::Args),
    /// The application of a rehearsal.
    #[command(hide = true)]
    RehearsalApplication(crate::rehearsal::application::Args),
    /// Start playbooks at given times: list the schedules, start one, export them to other schedulers.
    Schedule(schedule::Args),
    /// Run the scheduler and the web page.
    Serve(serve::Args),
    /// Run the due starts that match this machine's labels; several machines can share one store.
    Runner(runner::Args),
    /// Ask every host and server for its version and size; print them as lines for the inventory. Changes nothing.
    Facts(facts::Args),
    /// List which versions can be moved to which, and back
    Pairs(pairs::Args),
    /// Explain the step kinds, or one of them.
    Kinds(kinds::Args),
    /// Create a token for a person who approves steps or starts runs.
    Token(token::Args),
    /// Print the JSON Schema of playbooks, inventories, plans, reports, schedules or people, for editors and other programs.
    Schema(schema::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
    /// Print the manual page.
    Man(man::Args),
}

/// A core dump would put passwords from memory into a file. Child processes inherit the limit.
fn leave_no_core_dump() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none); // lowering it is always allowed
}

/// Parses the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print(); // nothing is left to do when even that fails
            return ExitCode::from(if error.use_stderr() { exit::INVALID } else { exit::DONE });
        }
    };
    output::set_up(cli.verbose);
    leave_no_core_dump();
    ExitCode::from(dispatch(cli.command))
}

/// Runs the command of a schedule's start in this process. `started_by` is who asked for it, where that is not the account
/// of this process.
fn carry_out(command: &[String], started_by: Option<StartedBy>) -> u8 {
    // starts decided by an older program name their person there
    let command = command.iter().filter(|word| !word.starts_with("--starter="));
    let words = std::iter::once("cutover").chain(command.map(String::as_str));
    match Cli::try_parse_from(words) {
        Ok(Cli { command: Command::Run(args), .. }) => run::run(args.started_by(started_by)),
        Ok(cli) => dispatch(cli.command),
        Err(error) => {
            let _ = error.print(); // nothing is left to do when even that fails
            exit::INVALID
        }
    }
}

fn dispatch(command: Command) -> u8 {
    match command {
        Command::Init(args) => init::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Pairs(args) => pairs::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Preflight(args) => preflight::run(&args),
        Command::Grants(args) => grants::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Run(args) => run::run(args),
        Command::Resume(args) => resume::resume(args),
        Command::Rollback(args) => resume::rollback(args),
        Command::MarkUndone(args) => mark_undone::run(&args),
        Command::Approve(args) => approve::run(&args),
        Command::People(args) => people::run(&args),
        Command::State(args) => state::run(&args),
        Command::Outbox(args) => outbox::run(&args),
        Command::Status(args) => status::status(&args),
        Command::Watch(args) => watch::run(&args),
        Command::List(args) => status::list(&args),
        Command::Report(args) => report::run(&args),
        Command::Rehearse(args) => rehearse::run(&args),
        Command::Try(args) => matrix::run(&args),
        Command::RehearsalApplication(args) => rehearse::application(&args),
        Command::Schedule(args) => schedule::run(&args),
        Command::Serve(args) => serve::run(&args),
        Command::Runner(args) => runner::run(args),
        Command::Facts(args) => facts::run(&args),
        Command::Kinds(args) => kinds::run(&args),
        Command::Token(args) => token::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args, &mut Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
    }
}
