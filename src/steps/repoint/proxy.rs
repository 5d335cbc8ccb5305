//! `HAProxy` over its runtime socket: which server of a backend takes connections.

use crate::error::{Failure, Result};
use crate::playbook::inventory::Haproxy;
use crate::steps::{Action, Ctx};

/// Commands that open `to` and shut every other server of the backend, ending its connections.
pub fn commands(haproxy: &Haproxy, to: &str) -> Vec<String> {
    let backend = &haproxy.backend;
    let mut commands = Vec::new();
    for (_, name) in haproxy.servers.iter().filter(|(server, _)| *server != to) {
        commands.push(format!("set server {backend}/{name} state maint"));
    }
    for (_, name) in haproxy.servers.iter().filter(|(server, _)| *server == to) {
        commands.push(format!("set server {backend}/{name} state ready"));
    }
    for (_, name) in haproxy.servers.iter().filter(|(server, _)| *server != to) {
        commands.push(format!("shutdown sessions server {backend}/{name}"));
    }
    commands
}

/// A command as a plan shows it.
pub fn action(haproxy: &Haproxy, command: &str) -> Action {
    Action::command(&haproxy.host, format!("haproxy {}: {command}", haproxy.socket))
}

async fn say(cx: &Ctx<'_>, haproxy: &Haproxy, commands: &str) -> Result<String> {
    cx.fx.unix_ask(&haproxy.host, &haproxy.socket, commands).await
}

/// Names of the backend's servers that are ready now, separated by spaces.
pub async fn current(cx: &Ctx<'_>, haproxy: &Haproxy) -> Result<String> {
    let answer = say(cx, haproxy, &format!("show servers state {}", haproxy.backend)).await?;
    ready(&answer).ok_or_else(|| {
        Failure::permanent("read the proxy's state", format!("it answers: {}", answer.trim()))
            .at(&haproxy.host)
            .help("the backend must exist, and the socket needs `level admin`")
    })
}

/// The administrative state's bit for "disabled in the configuration", which stays after the server was made ready.
const DISABLED_AT_START: u8 = 4;

/// Columns as in `HAProxy`'s management guide: 4 is the name, 7 the administrative state, 0 when nothing forces it.
fn ready(answer: &str) -> Option<String> {
    let rows = answer.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()) && line.contains(' '));
    let server = |row: &str| {
        let columns: Vec<&str> = row.split_whitespace().collect();
        Some(((*columns.get(3)?).to_owned(), columns.get(6)?.parse::<u8>().ok()?))
    };
    let servers: Vec<(String, u8)> = rows.map(server).collect::<Option<_>>()?; // one that cannot be read is not "shut"
    let free = servers.iter().filter(|(_, state)| state & !DISABLED_AT_START == 0);
    let names: Vec<&str> = free.map(|(name, _)| name.as_str()).collect();
    (!servers.is_empty()).then(|| names.join(" "))
}

/// Switches, and reads back that only `to` is ready.
pub async fn switch(cx: &Ctx<'_>, haproxy: &Haproxy, to: &str) -> Result<()> {
    say(cx, haproxy, &commands(haproxy, to).join("; ")).await?;
    let now = current(cx, haproxy).await?;
    let wanted = haproxy.servers.get(to).map(String::as_str).unwrap_or_default();
    if now == wanted {
        return Ok(());
    }
    Err(Failure::transient("switch the proxy", format!("ready are now: {now}, not {wanted}")).at(&haproxy.host))
}

/// Makes ready what was ready before.
pub async fn restore(cx: &Ctx<'_>, haproxy: &Haproxy, before: &str) -> Result<()> {
    let backend = &haproxy.backend;
    let states = haproxy.servers.values().map(|name| {
        let state = if before.split(' ').any(|ready| ready == name) { "ready" } else { "maint" };
        format!("set server {backend}/{name} state {state}")
    });
    say(cx, haproxy, &states.collect::<Vec<_>>().join("; ")).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::{commands, ready};
    use crate::playbook::inventory::Haproxy;

    #[test]
    fn opens_one_and_shuts_the_rest() {
        let haproxy = Haproxy {
            host: "h".into(),
            socket: "/run/haproxy.sock".into(),
            backend: "db".into(),
            servers: [("source", "old"), ("target", "new")].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        };
        let expected =
            ["set server db/old state maint", "set server db/new state ready", "shutdown sessions server db/old"];
        assert_eq!(commands(&haproxy, "target"), expected);
    }

    #[test]
    fn reads_who_is_ready() {
        let state = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state x\n\
                     3 db 1 old 127.0.0.1 2 0 1\n3 db 2 new 127.0.0.1 0 1 1\n";
        assert_eq!(ready(state).as_deref(), Some("old"));
        let switched = "1\n# header\n3 db 1 old 127.0.0.1 0 1 1\n3 db 2 new 127.0.0.1 2 4 1\n";
        assert_eq!(ready(switched).as_deref(), Some("new"));
        assert_eq!(ready("Can't find backend.\n"), None);
        assert_eq!(ready(&switched.replace(" 4 1", " ? 1")), None);
    }
}
