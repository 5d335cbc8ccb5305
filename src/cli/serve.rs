//! `cutover serve`

use super::output;
use super::state::State;
use crate::error::{Failure, Result, exit};
use crate::page::listen::{self, Door};
use crate::page::{Keys, Page, Parts, Reach, Rehearsals, is_loopback};
use std::net::SocketAddr;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Address and port of the page. One that other machines reach needs TLS, or a proxy before it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Certificate chain of the page, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of that certificate, a PEM file.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy with TLS stands before the page, which believes what it says about who calls.
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,
    /// People who may approve and start, with hashes of their tokens. Without it everything can only be read.
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// Folder of playbooks that can be rehearsed from the page.
    #[arg(long, value_name = "DIR")]
    playbooks: Option<PathBuf>,
    #[command(flatten)]
    state: State,
}

/// Serves until it is told to stop.
pub fn run(args: &Args) -> u8 {
    let keys = match args.people.clone().map(Keys::open).transpose() {
        Ok(keys) => keys,
        Err(faults) => {
            output::complain(&faults);
            return exit::INVALID;
        }
    };
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::permanent("start the page", error.to_string()))
        .and_then(|runtime| runtime.block_on(serve(args, keys)));
    match served {
        Ok(()) => exit::DONE,
        Err(failure) => {
            output::complain(&failure);
            failure.exit_code()
        }
    }
}

async fn serve(args: &Args, keys: Option<Keys>) -> Result<()> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(certificates), Some(key)) => Some(listen::tls(certificates, key)?),
        _ => None,
    };
    if tls.is_none() && !args.behind_proxy && !is_loopback(&args.listen) {
        return Err(Failure::refused("serve the page", format!("{} is reached from other machines", args.listen))
            .now("nothing listens")
            .help("name a certificate by --tls-cert and --tls-key, or say --behind-proxy where a proxy does TLS"));
    }
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("cutover"));
    let rehearsals = args.playbooks.clone().map(|folder| Rehearsals::of(folder, program)).transpose()?;
    let reach = Reach { by_tls: tls.is_some() || args.behind_proxy, behind_proxy: args.behind_proxy };
    let over = CancellationToken::new();
    let page = Page::new(Parts {
        state_dir: args.state.dir().to_path_buf(),
        reach,
        keys,
        rehearsals,
        schedules: None,
        outbox_depth: None,
        over: over.clone(),
    })?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let door = Door::open(args.listen, tls).await?;
    output::text(&format!("{scheme}://{} shows {}\n", door.address(), args.state.dir().display()));
    tokio::spawn(stop_on_signal(over));
    page.serve(door).await.map_err(|error| Failure::permanent("serve the page", error.to_string()))
}

async fn stop_on_signal(over: CancellationToken) {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    over.cancel();
}
