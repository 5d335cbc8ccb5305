//! `cutover outbox`: messages that wait for their webhooks.

use super::output::{self, Format};
use super::state::State;
use crate::engine::clock::wall;
use crate::error::{Failure, Result, exit};
use crate::notify::Sender;
use crate::store::Letter;
use clap::Subcommand;
use jiff::Timestamp;

/// Arguments of `outbox`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List sent and waiting messages.
    List(ListArgs),
    /// Send the waiting messages now.
    Send(SendArgs),
}

#[derive(Debug, clap::Args)]
struct ListArgs {
    /// Only messages that are not sent yet.
    #[arg(long)]
    unsent: bool,
    #[command(flatten)]
    state: State,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct SendArgs {
    #[command(flatten)]
    state: State,
}

/// Lists or sends.
pub fn run(args: &Args) -> u8 {
    let done = match &args.what {
        What::List(args) => list(args),
        What::Send(args) => send(args),
    };
    match done {
        Ok(()) => exit::DONE,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

fn list(args: &ListArgs) -> Result<()> {
    let letters = args.state.open()?.letters(None, args.unsent)?;
    match args.format {
        Format::Json => output::json(&letters),
        Format::Text => output::text(&letters.iter().map(line).collect::<String>()),
    }
    Ok(())
}

fn line(letter: &Letter) -> String {
    let time = |at: i64| {
        Timestamp::from_millisecond(at)
            .map_or_else(|_| at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
    };
    let state = match (letter.sent, &letter.error) {
        (Some(at), _) => format!("sent {}", time(at)),
        (None, Some(error)) => {
            format!("not sent after {} attempts, next at {}: {error}", letter.tries, time(letter.due))
        }
        (None, None) => "not sent yet".to_owned(),
    };
    let Letter { origin, seq, webhook, occasion, at, .. } = letter;
    format!("{}  {origin} #{seq}  {occasion:<8} {webhook:<12} {state}\n", time(*at))
}

fn send(args: &SendArgs) -> Result<()> {
    args.state.existing()?;
    let round = Sender::new(args.state.store()?).round(wall(), true)?;
    output::text(&format!("{} sent, {} left\n", round.sent, round.left));
    if round.left == 0 {
        return Ok(());
    }
    let messages = if round.left == 1 { "message was" } else { "messages were" };
    Err(Failure::transient("send all messages", format!("{} {messages} not accepted", round.left))
        .now("they remain in the outbox")
        .help("`cutover outbox list --unsent` shows the reasons; send again later"))
}
