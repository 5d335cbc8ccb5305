//! Small questions that many kinds ask of the world: which dialect, which host, which folder.

use crate::contents;
use crate::dialect::Dialect;
use crate::domain::contents::option_value;
use crate::domain::endpoint::Endpoint;
use crate::domain::marker;
use crate::domain::script::argument;
use crate::domain::secret::SecretRef;
use crate::domain::{Contents, Script, Words};
use crate::effects::places;
use crate::error::{Failure, Result};
use crate::playbook::inventory::{Server, Verify};
use crate::playbook::world::World;
use crate::sh;

/// The server called `name`; documents are checked for names, so a miss is a plan from somewhere else.
pub fn server<'a>(world: &'a World, name: &str) -> Result<&'a Server> {
    world.inventory.server(name).ok_or_else(|| {
        Failure::permanent(format!("find server `{name}`"), "the inventory of the plan has no server of that name")
    })
}

/// What statements for `server` are written in.
pub fn dialect(world: &World, server: &str) -> Dialect {
    let product = world.inventory.server(server).map(Server::product);
    product.map_or_else(|| Dialect::from(crate::domain::product::Product::default()), Dialect::from)
}

/// The folder on `host` for what step `step` of run `run` leaves there.
pub fn job_dir(world: &World, host: &str, run: &str, step: &str) -> Words {
    run_dir(world, host, run).then(format!("/{step}"))
}

/// The folder on `host` for what run `run` leaves there.
pub fn run_dir(world: &World, host: &str, run: &str) -> Words {
    let work = world.inventory.host(host).map(|host| host.work_dir.place()).unwrap_or_default();
    work.then(format!("/{run}"))
}

/// The folder on `host` for dumps of run `run`; the same as [`run_dir`] unless the inventory says otherwise.
pub fn dump_dir(world: &World, host: &str, run: &str) -> Words {
    let dumps = world.inventory.host(host).map(|host| host.dumps().place()).unwrap_or_default();
    dumps.then(format!("/{run}"))
}

/// The file that a server's certificate is verified by, on the hosts that connect to it.
pub fn authority<'a>(world: &'a World, name: &str) -> Result<&'a str> {
    let attempted = "connect with TLS";
    let tls = server(world, name)?.tls.as_ref().ok_or_else(|| {
        let answer = format!("the inventory does not state how to verify the certificate of `{name}`");
        Failure::permanent(attempted, answer).help(format!(
            "add `tls: {{ ca: FILE }}` to servers.{name}: the CA file, here and on the hosts that connect"
        ))
    })?;
    tls.ca_on_host().ok_or_else(|| {
        let answer = format!("`{}` is a path on the runner, and other hosts connect to `{name}` too", tls.ca);
        let help = format!("add `ca_on_host: FILE` to servers.{name}.tls: the path of the file on those hosts");
        Failure::permanent(attempted, answer).help(help)
    })
}

/// The same for a program on `host` that connects to `address`; `None` where its connection stays on that machine, or where
/// the inventory asks for no TLS.
///
/// # Errors
/// When the inventory does not state where the file is there.
pub fn authority_at<'a>(world: &'a World, name: &str, host: &str, address: &str) -> Result<Option<&'a str>> {
    verify_at(world, name, host, address).map(|_| authority(world, name)).transpose()
}

/// What a program on `host` that connects to `address` verifies by TLS; `None` where it goes without. What ssh starts on the
/// server's own host is on that machine already.
pub fn verify_at(world: &World, name: &str, host: &str, address: &str) -> Option<Verify> {
    let server = world.inventory.server(name)?;
    let by_ssh = world.inventory.host(host).is_some_and(|host| !host.is_local());
    let stays = Endpoint::of(address).is_loopback() || (host == server.host && by_ssh);
    server.tls.as_ref().filter(|_| !stays).map(|tls| tls.verify)
}

/// The flag by which a program reads the groups `[client_session]` of its option file too.
pub const SESSION_GROUPS: &str = "--defaults-group-suffix=_session";

/// A client's option file: how programs on a host log in without a password on their command line.
pub fn option_file(user: &str, password: Option<&SecretRef>, address: &str) -> Contents {
    let Endpoint { host, port } = Endpoint::of(address);
    let (host, port, user) = (option_value(host), option_value(port), option_value(user));
    let lines = contents!("[client]\nprotocol = TCP\nhost = {}\nport = {}\nuser = \"{}\"\n", host, port, user);
    match password {
        Some(secret) => lines.then(contents!("password = \"{}\"\n", option_value(secret))),
        None => lines,
    }
}

/// The same for a program of `MariaDB` that has no option for a statement to begin its session with. Its library takes a
/// whole connection string in place of a host, and in that such a statement. Old ones do not, so the string stands in a
/// group of its own, which is read by whoever is told [`SESSION_GROUPS`].
pub fn option_file_with_session(user: &str, password: Option<&SecretRef>, address: &str, session: &str) -> Contents {
    let host = option_value(Endpoint::of(address).host);
    let lines =
        contents!("[client_session]\nhost = \"host={};init-command={{{}}}\"\n[client]\n", host, option_value(session));
    option_file(user, password, address).then(lines)
}

/// The fact that an account exists, for `settles` and the steps that check it.
pub fn account_fact(server: &str, user: &str, host: &str) -> String {
    format!("{server}.account {user}@{host}")
}

/// The run's id where a plan shows it.
pub fn run_marker() -> String {
    marker::late("run")
}

/// Checks whether anything of that name exists.
pub fn is_there(path: impl Into<Words>) -> Script {
    Script::words([Words::from("test"), "-e".into(), path.into()])
}

/// Checks whether a file of that name exists.
pub fn is_file(path: impl Into<Words>) -> Script {
    Script::words([Words::from("test"), "-f".into(), path.into()])
}

/// Prints the size of a file, in bytes.
pub fn size_of(path: impl Into<Words>) -> Script {
    sh!("stat -c %s -- {}", argument(path))
}

/// Makes a folder of our own, with what leads to it; one that another account could swap is refused.
pub fn make_own_folder(path: impl Into<Words>) -> Script {
    sh!("{}own_folder {} make", places::functions(), argument(path))
}

/// Removes a folder that nothing is left in.
pub fn remove_empty(path: impl Into<Words>) -> Script {
    sh!("rmdir -- {} 2>/dev/null || true", argument(path))
}

/// Checks whether a program is installed.
pub fn is_installed(program: &str) -> Script {
    sh!("command -v -- {}", argument(program))
}
