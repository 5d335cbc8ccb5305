//! The shell script that dumps: plain POSIX, because it runs on whatever host the inventory names.

use crate::error::Failure;
use crate::playbook::inventory::Server;
use crate::playbook::world::World;
use crate::steps::place::quoted;

/// Prints how many bytes the dump program has written so far.
pub const PROGRESS: &str = "sed -n 's/^wchar: //p' /proc/$(cat dump.pid)/io";

/// How the program reaches the server.
pub enum Route {
    /// At an address that its host sees.
    Address(String),
    /// By an ssh tunnel of its own, for its own time.
    OwnTunnel {
        /// Address the tunnel listens on.
        listen: String,
        /// The ssh command line.
        ssh: Vec<String>,
    },
}

impl Route {
    /// The address to connect to.
    pub fn address(&self) -> &str {
        match self {
            Self::Address(address) | Self::OwnTunnel { listen: address, .. } => address,
        }
    }

    /// A tunnel from `host` to the server's host, on a port derived from the addresses and so the same in every plan.
    pub fn by_own_tunnel(world: &World, host: &str, source: &Server) -> Result<Self, Failure> {
        let from = world.inventory.host(host);
        let to = world.inventory.host(&source.host).and_then(|to| to.ssh.as_deref());
        let Some(to) = to else {
            let answer = format!("host `{host}` cannot reach host `{}`, which has no `ssh`", source.host);
            return Err(Failure::permanent("reach the server", answer)
                .help("give that host an `ssh` in the inventory, or dump on the server's own host"));
        };
        let hash = blake3::hash(format!("{host} {to} {}", source.address).as_bytes());
        let port = 20_000 + u16::from_be_bytes([hash.as_bytes()[0], hash.as_bytes()[1]]) % 10_000;
        let listen = format!("127.0.0.1:{port}");
        let config = from.and_then(|host| host.peer_ssh_config.as_deref());
        let mut ssh = crate::steps::tunnel::ssh_command(config, &listen, &source.address, to);
        ssh.push("-N".into());
        Ok(Self::OwnTunnel { listen, ssh })
    }
}

/// The script. A dump that was cut off never gets its final name: the program's exit code and its own last line,
/// `Dump completed`, are both asked for.
pub fn script(route: &Route, command: &[String], file: &str) -> String {
    let line = |argv: &[String]| argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let mut script = String::from("set -eu\numask 077\ncp -- \"$PWD.cnf\" client.cnf\n");
    script.push_str("trap 'rm -f client.cnf \"$PWD.cnf\"; ");
    script.push_str("[ ! -e ssh.pid ] || kill $(cat ssh.pid) 2>/dev/null || true' EXIT\n");
    script.push_str("trap 'exit 143' HUP INT TERM\n");
    if let Route::OwnTunnel { ssh, .. } = route {
        let ssh = line(ssh);
        script.extend([&*ssh, " &\necho $! > ssh.pid\nsleep 2\nkill -0 $(cat ssh.pid)\n"]);
    }
    let (dump, file) = (line(command), quoted(file));
    let dump = format!(
        "rm -f tail.fifo failed\nmkfifo tail.fifo\ntail -c 400 < tail.fifo > tail &\n\
         {{ sh -c 'echo $$ > dump.pid; exec \"$@\"' sh {dump} || echo $? > failed; }} \
         | tee tail.fifo | zstd -q -f -T0 -3 -o {file}.part\nwait $!\n\
         if [ -e failed ]; then echo \"the dump program ended with code $(cat failed)\" >&2; exit 1; fi\n\
         grep -q 'Dump completed' tail || {{ echo 'the dump is cut off: its last line is missing' >&2; exit 1; }}\n\
         sync -- {file}.part\nmv -f -- {file}.part {file}\n",
    );
    script + &dump
}
