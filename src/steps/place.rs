//! Small questions that many kinds ask of the world: which dialect, which host, which folder.

use crate::domain::endpoint::Endpoint;
use crate::effects::dialect::Dialect;
use crate::effects::in_option_file;
use crate::error::{Failure, Result};
use crate::playbook::inventory::Server;
use crate::playbook::marker;
use crate::playbook::world::World;

/// The server called `name`; documents are checked for names, so a miss is a plan from somewhere else.
pub fn server<'a>(world: &'a World, name: &str) -> Result<&'a Server> {
    world.inventory.server(name).ok_or_else(|| {
        Failure::permanent(format!("find server `{name}`"), "the plan's inventory has no server of that name")
    })
}

/// What statements for `server` are written in.
pub fn dialect(world: &World, server: &str) -> Dialect {
    let product = world.inventory.server(server).map(Server::product);
    product.map_or_else(|| Dialect::from(crate::domain::product::Product::default()), Dialect::from)
}

/// The folder on `host` for what step `step` of run `run` leaves there.
pub fn job_dir(world: &World, host: &str, run: &str, step: &str) -> String {
    let work = world.inventory.host(host).map(|host| host.work_dir.0.clone()).unwrap_or_default();
    format!("{work}/{run}/{step}")
}

/// The file that a server's certificate is verified by.
pub fn authority<'a>(world: &'a World, name: &str) -> Result<&'a str> {
    let tls = server(world, name)?.tls.as_ref();
    tls.map(|certificate| certificate.ca.as_str()).ok_or_else(|| {
        let answer = format!("the inventory does not say what the certificate of `{name}` is verified by");
        Failure::permanent("connect by TLS", answer).help(format!(
            "add `tls: {{ ca: FILE }}` to servers.{name}: the authority's file on the hosts that connect"
        ))
    })
}

/// A client's option file: how programs on a host log in without a password on their command line.
pub fn option_file(user: &str, password: Option<&str>, address: &str) -> String {
    let Endpoint { host, port } = Endpoint::of(address);
    option_lines(user, password, host, port)
}

/// The same for a program of `MariaDB` that has no option for a statement to begin its session with. Its library takes a
/// whole connection string in place of a host, and in that such a statement.
pub fn option_file_with_session(user: &str, password: Option<&str>, address: &str, session: &str) -> String {
    let Endpoint { host, port } = Endpoint::of(address);
    option_lines(user, password, &format!("\"host={host};init-command={{{session}}}\""), port)
}

fn option_lines(user: &str, password: Option<&str>, host: &str, port: &str) -> String {
    let user = in_option_file(user);
    let password = password.map_or(String::new(), |marker| format!("password = \"{marker}\"\n"));
    format!("[client]\nprotocol = TCP\nhost = {host}\nport = {port}\nuser = \"{user}\"\n{password}")
}

/// The fact that an account is there, for `settles` and those who look for it.
pub fn account_fact(server: &str, user: &str, host: &str) -> String {
    format!("{server}.account {user}@{host}")
}

/// The run's id where a plan shows it.
pub fn run_marker() -> String {
    marker::late("run")
}

/// A word quoted for a shell, whatever stands in it; what a plan shows for a late value stays readable.
pub fn quoted(word: &str) -> String {
    if marker::find(word).next().is_some() {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        shell_words::quote(word).into_owned()
    }
}
