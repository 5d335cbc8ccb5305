//! Whether the commands of the inventory that restart or start a server can work on its host. Looked at before the run
//! touches anything: the first time one is needed may be in the middle of the night, with the server down.
//!
//! May know: the inventory and hosts. Nothing of why a server is restarted.

use crate::domain::Script;
use crate::domain::script::argument;
use crate::error::{Failure, Result};
use crate::kinds::{Action, Ctx};
use crate::playbook::inventory::Server;
use crate::sh;

const SYSTEMCTL: &str = "systemctl";
/// Where programs for administrators lie, which the path of a login may leave out.
const PATHS: &str = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; ";
/// Options of `sudo` that are followed by a value.
const SUDO_VALUES: [&str; 8] = ["-u", "-g", "-h", "-p", "-C", "-r", "-t", "-D"];

/// One check on the host, and the fault when it fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// A script of `sh` that ends with 0 when all is well.
    pub script: Script,
    /// What is wrong when it does not.
    pub fault: String,
}

/// Everything that can be seen of `argv` without running it.
pub fn looks(argv: &[String]) -> Vec<Look> {
    let (sudo, inner) = split_sudo(argv);
    let mut looks: Vec<Look> = sudo.first().map(|word| program(word)).into_iter().collect();
    let Some((first, rest)) = inner.split_first() else { return looks };
    looks.push(program(first));
    let name = first.rsplit('/').next().unwrap_or(first);
    match name {
        SYSTEMCTL => looks.extend(units(first, rest)),
        "service" => looks.extend(rest.first().filter(|word| !word.starts_with('-')).map(|name| service(name))),
        _ => {}
    }
    if !sudo.is_empty() {
        looks.push(allowed(sudo, inner));
    }
    looks
}

/// `sudo` with its own options, and the command behind it.
fn split_sudo(argv: &[String]) -> (&[String], &[String]) {
    let is_sudo = argv.first().is_some_and(|word| word.rsplit('/').next() == Some("sudo"));
    if !is_sudo {
        return (&[], argv);
    }
    let mut end = 1;
    while let Some(word) = argv.get(end).filter(|word| word.starts_with('-')) {
        end += if SUDO_VALUES.contains(&word.as_str()) { 2 } else { 1 };
        if word == "--" {
            break;
        }
    }
    argv.split_at(end.min(argv.len()))
}

fn program(word: &str) -> Look {
    Look { script: sh!("{}command -v -- {}", PATHS, argument(word)), fault: format!("program `{word}` not found") }
}

/// The units that `systemctl` is to restart or start. Its options before the verb (`--user`) say where they are.
fn units(program: &str, rest: &[String]) -> Vec<Look> {
    let Some(verb) = rest.iter().position(|word| !word.starts_with('-')) else { return Vec::new() };
    if !["restart", "start", "try-restart", "reload-or-restart"].contains(&rest[verb].as_str()) {
        return Vec::new();
    }
    let ask = Script::words([program].into_iter().chain(rest[..verb].iter().map(String::as_str)));
    let units = rest[verb + 1..].iter().filter(|word| !word.starts_with('-'));
    units
        .map(|unit| Look {
            script: sh!("{}{} = loaded ]", PATHS, loaded(&ask, unit)),
            fault: format!("systemd has no unit `{unit}` that can be started"),
        })
        .collect()
}

/// The beginning of a test of a unit's state: `loaded`, `not-found`, `masked`.
fn loaded(systemctl: &Script, unit: &str) -> Script {
    sh!("[ \"$({} show --property=LoadState -- {} | sed -n 's/^LoadState=//p')\"", systemctl, argument(unit))
}

/// A service of `service`: a script, or a unit of systemd.
fn service(name: &str) -> Look {
    let script = argument(format!("/etc/init.d/{name}"));
    let unit = loaded(&SYSTEMCTL.into(), &format!("{name}.service"));
    Look {
        script: sh!("{}[ -x {} ] || {} = loaded ]", PATHS, script, unit),
        fault: format!("service `{name}` not found"),
    }
}

/// No person is there to type a password.
fn allowed(sudo: &[String], inner: &[String]) -> Look {
    let [program, options @ ..] = sudo else { return self::program("sudo") };
    let options: Vec<&str> = options.iter().map(String::as_str).filter(|word| !["-n", "--"].contains(word)).collect();
    let ask = Script::words([program.as_str(), "-n", "-l"].into_iter().chain(options));
    Look {
        script: sh!("{}{} -- {} >/dev/null", PATHS, ask, Script::words(inner)),
        fault: format!("sudo does not allow this account to run `{}` without a password", shell_words::join(inner)),
    }
}

/// The commands of a server that are checked, with their fields in the inventory.
fn commands(server: &Server, restarts: bool) -> impl Iterator<Item = (&'static str, &[String])> {
    let restart = restarts.then_some(("restart", &server.restart[..]));
    restart.into_iter().chain([("start", &server.start[..])]).filter(|(_, argv)| !argv.is_empty())
}

/// The checks of a server's commands, for a plan; its `restart` only where it `restarts`.
pub fn questions(server: &Server, restarts: bool) -> Vec<Action> {
    let looks = commands(server, restarts).flat_map(|(_, argv)| looks(argv));
    looks.map(|look| Action::look(&server.host, look.script)).collect()
}

/// The command that restarts a server, as a plan shows it, with the one for a server that is down.
pub fn restart_actions(server: &Server) -> Vec<Action> {
    let command = |argv: &[String]| Action::command(&server.host, Script::words(argv));
    let mut actions = vec![command(&server.restart)];
    if !server.start.is_empty() {
        actions.extend([Action::note("instead, if the server is down:"), command(&server.start)]);
    }
    actions
}

/// Every reason why a command of the server cannot work.
///
/// # Errors
/// When the host cannot be asked.
pub async fn faults(cx: &Ctx<'_>, name: &str, server: &Server, restarts: bool) -> Result<Vec<Failure>> {
    let mut failures = Vec::new();
    for (field, argv) in commands(server, restarts) {
        let host = cx.fx.host(&server.host).await?;
        for look in looks(argv) {
            let ran = host.run(&look.script).await?;
            if ran.code == Some(0) {
                continue;
            }
            let said = ran.stderr.lines().last().unwrap_or_default().trim();
            let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
            failures.push(
                Failure::refused(format!("{field} {name} later in this run"), format!("{}{said}", look.fault))
                    .at(&server.host)
                    .now("nothing was touched")
                    .help(format!(
                        "correct servers.{name}.{field} in the inventory; it is `{}`",
                        shell_words::join(argv)
                    )),
            );
            break; // what comes after would say the same in other words
        }
    }
    Ok(failures)
}

#[cfg(test)]
mod tests {
    use super::looks;

    fn scripts(command: &str) -> Vec<String> {
        let argv = shell_words::split(command).unwrap();
        looks(&argv).into_iter().map(|look| look.script.to_string().replace(super::PATHS, "")).collect()
    }

    #[test]
    fn a_unit_is_looked_for_and_so_is_the_right_to_restart_it() {
        let unit = "[ \"$(systemctl show --property=LoadState -- mariadb | sed -n 's/^LoadState=//p')\" = loaded ]";
        assert_eq!(scripts("systemctl restart mariadb"), ["command -v -- systemctl", unit]);
        let expected = [
            "command -v -- sudo",
            "command -v -- systemctl",
            unit,
            "sudo -n -l -- systemctl restart mariadb >/dev/null",
        ];
        assert_eq!(scripts("sudo -n systemctl restart mariadb"), expected);
        let user = "[ \"$(systemctl --user show --property=LoadState -- db | sed -n 's/^LoadState=//p')\" = loaded ]";
        assert_eq!(scripts("systemctl --user start --no-block db")[1], user);
        assert_eq!(scripts("systemctl daemon-reload").len(), 1);
    }

    #[test]
    fn a_service_a_script_and_options_of_sudo() {
        assert!(scripts("service mysql restart")[1].starts_with("[ -x /etc/init.d/mysql ] || [ \"$(systemctl show"));
        assert_eq!(scripts("/srv/my db/restart.sh now"), ["command -v -- /srv/my"]);
        assert_eq!(scripts("'/srv/my db/restart.sh' now"), ["command -v -- '/srv/my db/restart.sh'"]);
        let as_user = scripts("sudo -n -u mysql /srv/restart.sh 'a b'");
        assert_eq!(
            as_user[1..],
            ["command -v -- /srv/restart.sh", "sudo -n -l -u mysql -- /srv/restart.sh 'a b' >/dev/null"]
        );
        assert_eq!(scripts("sudo"), ["command -v -- sudo"]);
    }

    #[test]
    fn hostile_names_stay_words() {
        let evil = "systemctl restart '$(touch /tmp/x)'";
        assert!(scripts(evil)[1].contains("-- '$(touch /tmp/x)' |"));
    }
}
