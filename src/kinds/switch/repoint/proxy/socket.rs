//! Whether the socket of a proxy belongs to the proxy: another program that listens there could claim that it has
//! switched.

use crate::domain::Script;
use crate::domain::script::argument;
use crate::effects::places;
use crate::error::{Failure, Result};
use crate::kinds::{Action, Ctx};
use crate::playbook::inventory::Haproxy;
use crate::sh;

/// Defines `socket_owner`, by the functions of [`places`].
const LOOK: &str = include_str!("socket_owner.sh");

fn script(haproxy: &Haproxy) -> Script {
    let (socket, account) = (argument(&haproxy.socket), argument(&haproxy.account));
    let look = Script::ours("check who owns the socket", LOOK);
    sh!("{}{}socket_owner {} {}", places::functions(), look, socket, account)
}

/// The actions of [`is_the_proxys`].
pub fn look(haproxy: &Haproxy) -> Action {
    Action::command(&haproxy.host, script(haproxy))
}

/// Refuses a socket that somebody else could have put there.
///
/// # Errors
/// That, or that the host cannot be asked.
pub async fn is_the_proxys(cx: &Ctx<'_>, haproxy: &Haproxy) -> Result<()> {
    let printed = cx.fx.host(&haproxy.host).await?.print(&script(haproxy)).await?;
    let seen = match printed.lines().last().unwrap_or_default() {
        "ok" => return Ok(()),
        "" => "the check of the socket printed nothing",
        seen => seen,
    };
    Err(Failure::refused("switch the proxy", seen)
        .at(&haproxy.host)
        .now("no command was sent to the proxy, and nothing was switched")
        .help(
            "make root or the proxy's account the owner of the socket and of the folders that lead to it, as with \
             `stats socket /run/haproxy/admin.sock`; if the account is not named haproxy, state it in the inventory: \
             `haproxy.account`",
        ))
}

#[cfg(test)]
mod tests {
    use super::script;
    use crate::playbook::inventory::Haproxy;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    fn seen(socket: &std::path::Path) -> String {
        let haproxy = Haproxy {
            host: "local".into(),
            socket: socket.to_str().unwrap().into(),
            account: "nobody".into(),
            backend: "db".into(),
            servers: [].into(),
        };
        let output = Command::new("sh").args(["-c", &script(&haproxy).for_shell().unwrap()]).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap().trim().to_owned()
    }

    #[test]
    fn a_socket_that_others_can_put_there_is_told_by_what_was_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let _listener = UnixListener::bind(path("admin.sock")).unwrap();
        assert_eq!(seen(&path("admin.sock")), "ok");
        assert_eq!(seen(&path("gone.sock")), "ok");
        std::fs::write(path("file"), "").unwrap();
        assert!(seen(&path("file")).contains("is no socket"), "{}", seen(&path("file")));
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
        assert!(seen(&path("admin.sock")).contains("mode 777"), "{}", seen(&path("admin.sock")));
        symlink(path("admin.sock"), path("link.sock")).unwrap();
        assert!(seen(&path("link.sock")).contains("mode 777") || seen(&path("link.sock")).contains("symbolic link"));
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        // who is not root cannot give anything away
        if chown(path("admin.sock"), Some(65534), None).is_ok() {
            assert_eq!(seen(&path("admin.sock")), "ok", "the proxy's own account");
            chown(path("admin.sock"), Some(4711), None).unwrap();
            assert!(seen(&path("admin.sock")).contains("(uid 4711)"), "{}", seen(&path("admin.sock")));
            chown(path("admin.sock"), Some(0), None).unwrap();
            chown(folder.path(), Some(4711), None).unwrap();
            assert!(seen(&path("admin.sock")).contains("(uid 4711)"), "{}", seen(&path("admin.sock")));
        }
    }
}
