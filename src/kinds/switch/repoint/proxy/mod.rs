//! `HAProxy` over its runtime socket: which server of a backend takes connections.

mod members;
mod socket;

use crate::error::{Failure, Result};
use crate::kinds::{Action, Ctx};
use crate::playbook::inventory::Haproxy;
use members::{Admin, Member, question, too_low};

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

/// The query of the backend, as a plan shows it.
pub fn look(haproxy: &Haproxy) -> Action {
    action(haproxy, question(&haproxy.backend))
}

/// The actions of [`examined`], as a plan shows them.
pub fn examination(haproxy: &Haproxy) -> [Action; 2] {
    [socket::look(haproxy), look(haproxy)]
}

/// A command as a plan shows it.
pub fn action(haproxy: &Haproxy, command: String) -> Action {
    Action::socket(&haproxy.host, &haproxy.socket, command)
}

async fn say(cx: &Ctx<'_>, haproxy: &Haproxy, commands: &str) -> Result<String> {
    cx.fx.unix_ask(&haproxy.host, &haproxy.socket, commands).await
}

async fn members(cx: &Ctx<'_>, haproxy: &Haproxy) -> Result<Vec<Member>> {
    let answer = say(cx, haproxy, &question(&haproxy.backend)).await?;
    if let Some(level) = too_low(&answer) {
        let answer = format!("its socket {} allows reading but not switching: its level is {level}", haproxy.socket);
        return Err(Failure::refused("switch the proxy", answer)
            .at(&haproxy.host)
            .now("nothing was switched")
            .help("add `level admin` to the `stats socket` line in the proxy's configuration, and reload it"));
    }
    members::members(&answer).ok_or_else(|| {
        let said = match answer.trim() {
            "" => "nothing answers there".to_owned(),
            said => format!("it answered: {said}"),
        };
        Failure::permanent(format!("read the proxy's state through {}", haproxy.socket), said)
            .at(&haproxy.host)
            .help("the backend must exist, and the socket needs `level admin`")
    })
}

/// Names of the servers that are ready now, separated by spaces. Checked before the switch: a server of the backend
/// that is not in the inventory would keep accepting connections beside the new one.
///
/// # Errors
/// When the proxy cannot be asked. Refused when its socket may be somebody else's, when such a server takes connections, or when one of ours is not there.
pub async fn examined(cx: &Ctx<'_>, haproxy: &Haproxy) -> Result<String> {
    socket::is_the_proxys(cx, haproxy).await?;
    let members = members(cx, haproxy).await?;
    if let Some(answer) = obstacle(haproxy, &members) {
        return Err(Failure::refused("switch the proxy", answer).at(&haproxy.host).now("nothing was switched").help(
            "put every other server of the backend into maintenance (`set server BACKEND/NAME state maint`), or \
             remove it from the backend; if one belongs to the inventory, name it in `haproxy.servers`",
        ));
    }
    Ok(ready(haproxy, &members))
}

/// Why the backend cannot be switched; `None` when it can.
fn obstacle(haproxy: &Haproxy, members: &[Member]) -> Option<String> {
    let backend = &haproxy.backend;
    if let Some(name) = haproxy.servers.values().find(|name| members.iter().all(|member| member.name != **name)) {
        return Some(format!("backend `{backend}` has no server `{name}`"));
    }
    let in_the_way = |member: &&Member| match member.state {
        Admin::Ready => !member.is_backup,
        Admin::Draining => member.sessions > 0,
        Admin::Maintenance => false,
    };
    let names: Vec<&str> = strangers(haproxy, members).filter(in_the_way).map(|member| &*member.name).collect();
    (!names.is_empty()).then(|| {
        let names = names.join("`, `");
        format!("backend `{backend}` also sends clients to `{names}`, which `haproxy.servers` does not name")
    })
}

fn strangers<'a>(haproxy: &'a Haproxy, members: &'a [Member]) -> impl Iterator<Item = &'a Member> {
    members.iter().filter(|member| !haproxy.servers.values().any(|name| *name == member.name))
}

/// Servers of the backend that are none of the inventory's and are left as they are, for people to know of.
///
/// # Errors
/// When the proxy cannot be asked.
pub async fn left_alone(cx: &Ctx<'_>, haproxy: &Haproxy) -> Result<Option<String>> {
    let members = members(cx, haproxy).await?;
    let word = |member: &Member| match (member.is_backup, member.state) {
        (true, Admin::Ready) => "a backup",
        (_, Admin::Draining) => "draining, without sessions",
        _ => "in maintenance",
    };
    let named: Vec<String> =
        strangers(haproxy, &members).map(|member| format!("`{}` ({})", member.name, word(member))).collect();
    Ok((!named.is_empty())
        .then(|| format!("backend `{}` also has {}, which is not changed", haproxy.backend, named.join(", "))))
}

fn ready(haproxy: &Haproxy, members: &[Member]) -> String {
    let ours = |member: &&Member| haproxy.servers.values().any(|name| *name == member.name) || !member.is_backup;
    let ready = members.iter().filter(|member| member.state == Admin::Ready).filter(ours);
    ready.map(|member| &*member.name).collect::<Vec<_>>().join(" ")
}

/// Switches, and reads back that only `to` is ready.
pub async fn switch(cx: &Ctx<'_>, haproxy: &Haproxy, to: &str) -> Result<()> {
    say(cx, haproxy, &commands(haproxy, to).join("; ")).await?;
    let now = ready(haproxy, &members(cx, haproxy).await?);
    let wanted = haproxy.servers.get(to).map(String::as_str).unwrap_or_default();
    if now == wanted {
        return Ok(());
    }
    Err(Failure::transient("switch the proxy", format!("the ready servers are now: {now}; expected: {wanted}"))
        .at(&haproxy.host))
}

/// Makes ready what was ready before.
pub async fn restore(cx: &Ctx<'_>, haproxy: &Haproxy, before: &str) -> Result<()> {
    let state = |name: &str| if before.split(' ').any(|ready| ready == name) { "ready" } else { "maint" };
    say(cx, haproxy, &states(haproxy, |name| state(name).to_owned())).await.map(drop)
}

/// Commands that give every server of the inventory a state.
pub fn states(haproxy: &Haproxy, state: impl Fn(&str) -> String) -> String {
    let one = |name: &String| format!("set server {}/{name} state {}", haproxy.backend, state(name));
    haproxy.servers.values().map(one).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::members::{Admin, Member};
    use super::{commands, obstacle, ready};
    use crate::playbook::inventory::Haproxy;

    fn haproxy() -> Haproxy {
        Haproxy {
            host: "h".into(),
            socket: "/run/haproxy.sock".into(),
            account: "haproxy".into(),
            backend: "db".into(),
            servers: [("source", "old"), ("target", "new")].map(|(a, b)| (a.to_owned(), b.to_owned())).into(),
        }
    }

    fn member(name: &str, state: Admin) -> Member {
        Member { name: name.into(), state, is_backup: false, sessions: 0 }
    }

    #[test]
    fn opens_one_and_shuts_the_rest() {
        let expected =
            ["set server db/old state maint", "set server db/new state ready", "shutdown sessions server db/old"];
        assert_eq!(commands(&haproxy(), "target"), expected);
    }

    #[test]
    fn only_a_stranger_that_has_clients_or_gets_them_is_in_the_way() {
        let ours = || vec![member("old", Admin::Ready), member("new", Admin::Maintenance)];
        let with = |stranger: Member| [ours(), vec![stranger]].concat();
        let verdict = |members: Vec<Member>| obstacle(&haproxy(), &members).is_some();
        assert!(!verdict(ours()) && verdict(vec![member("old", Admin::Ready)]), "one of ours is not there");
        assert!(verdict(with(member("reader", Admin::Ready))));
        assert!(
            !verdict(with(member("reader", Admin::Maintenance))) && !verdict(with(member("reader", Admin::Draining)))
        );
        assert!(verdict(with(Member { sessions: 1, ..member("reader", Admin::Draining) })));
        let backup = with(Member { is_backup: true, ..member("spare", Admin::Ready) });
        assert_eq!(ready(&haproxy(), &backup), "old");
        assert!(!verdict(backup));
    }
}
