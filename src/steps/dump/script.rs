//! The shell script that dumps: plain POSIX, because it runs on whatever host the inventory names.

use crate::effects::dialect::Dialect;
use crate::error::Failure;
use crate::playbook::inventory::Server;
use crate::playbook::world::World;
use crate::steps::client_program::find_dump_program;
use crate::steps::place::quoted;

/// Prints how many bytes the dump program has written so far.
pub const PROGRESS: &str = "sed -n 's/^wchar: //p' /proc/$(cat dump.pid)/io";

/// The code of a trial whose tunnel did not open.
pub const NO_WAY: i32 = 97;

/// Whether the script's own tunnel stands.
const TUNNEL_STANDS: &str = "kill -0 $(cat ssh.pid)";

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

/// What the script runs, and on what.
pub struct Dumping<'a> {
    /// What the source understands.
    pub dialect: Dialect,
    /// How its host reaches it.
    pub route: &'a Route,
    /// Whether the program encrypts its connection, and verifies the server.
    pub tls: bool,
    /// Whether the dump notes its GTID set.
    pub gtid: bool,
    /// Databases; may be one marker.
    pub databases: &'a [String],
    /// Statements that stand before those of the dump program, where the family knows any; may be empty or a marker.
    pub before: Option<&'a str>,
}

impl Dumping<'_> {
    /// The script. A dump that was cut off never gets its final name: the program's exit code and its own last line,
    /// `Dump completed`, are both asked for.
    pub fn script(&self, file: &str) -> String {
        let (dump, file) = (self.program(&[]), quoted(file));
        let before = self.before.map_or(String::new(), |text| format!("printf '%s\\n' {} | zstd -q; ", quoted(text)));
        // the file is made anew, so that nothing planted at its place is written to
        format!(
            "{dump}rm -f tail.fifo failed\nmkfifo tail.fifo\ntail -c 400 < tail.fifo > tail &\n\
             rm -f -- {file}.part\nset -C\n{{ {before}{{ sh -c 'echo $$ > dump.pid; exec \"$@\"' sh \"$program\" \"$@\" \
             || echo $? > failed; }} | tee tail.fifo | zstd -q -T0 -3; }} > {file}.part\nwait $!\nset +C\n\
             if [ -e failed ]; then echo \"the dump program ended with code $(cat failed)\" >&2; exit 1; fi\n\
             grep -q 'Dump completed' tail || {{ echo 'the dump is cut off: its last line is missing' >&2; exit 1; }}\n\
             sync -- {file}.part\nmv -f -- {file}.part {file}\n",
        )
    }

    /// The script of a dump of the definitions alone, to nowhere, by the same program and account along the same way. It
    /// goes on after an error, so that all of them are told. Its place in the binary log is left out: asking for it may
    /// lock tables. The option file comes on stdin; everything lies in a folder that is removed again.
    ///
    /// It ends with [`NO_WAY`] when its tunnel did not open.
    pub fn trial(&self) -> String {
        let inner = self
            .program(&["--no-data", "--force"])
            .replace(TUNNEL_STANDS, &format!("{TUNNEL_STANDS} || exit {NO_WAY}"))
            + "\"$program\" \"$@\" > /dev/null\n";
        format!(
            "umask 077; b=$(mktemp -d) || exit; trap 'rm -rf -- \"$b\"' EXIT; trap 'exit 143' HUP INT TERM; mkdir \"$b/job\" \
             && cat > \"$b/job.cnf\" && cd -- \"$b/job\" || exit\n\
             env -i PATH=\"$PATH\" LC_ALL=C ${{SSH_AUTH_SOCK:+\"SSH_AUTH_SOCK=$SSH_AUTH_SOCK\"}} sh -c {} </dev/null\n",
            shell_words::quote(&inner)
        )
    }

    /// The lines that find the program and its flags, those in `more` last, and see to its option file and its way to the
    /// server.
    fn program(&self, more: &[&str]) -> String {
        let mut script = String::from("set -eu\numask 077\ncp -- \"$PWD.cnf\" client.cnf\n");
        script.push_str("trap 'rm -f client.cnf \"$PWD.cnf\"; ");
        script.push_str("[ ! -e ssh.pid ] || kill $(cat ssh.pid) 2>/dev/null || true' EXIT\n");
        script.push_str("trap 'exit 143' HUP INT TERM\n");
        script.push_str(&find_dump_program(self.dialect));
        if !self.tls {
            script.push_str("unverified >> client.cnf\n");
        }
        script.push_str(&self.flags(more));
        if let Route::OwnTunnel { ssh, .. } = self.route {
            let ssh = line(ssh);
            script.extend([&*ssh, " &\necho $! > ssh.pid\nsleep 2\n", TUNNEL_STANDS, "\n"]);
        }
        script
    }

    /// The lines that put together the program's arguments. With `more` it is a trial, which takes no place in the log.
    fn flags(&self, more: &[&str]) -> String {
        let is_trial = !more.is_empty();
        let fits =
            |flag: &str| !is_trial || !["--master-data", "--source-data"].iter().any(|place| flag.starts_with(place));
        let flags: Vec<&str> = self.dialect.dump_flags().into_iter().filter(|flag| fits(flag)).collect();
        let mut lines = vec![format!("set -- --defaults-file=client.cnf {}", flags.join(" "))];
        let by_program = self.dialect.dump_flags_by_program(self.gtid && !is_trial);
        for [text, then, otherwise] in by_program.into_iter().filter(|[_, then, _]| fits(then)) {
            let otherwise =
                if otherwise.is_empty() { String::new() } else { format!("else set -- \"$@\" {otherwise}; ") };
            lines.push(format!("if says {}; then set -- \"$@\" {then}; {otherwise}fi", quoted(text)));
        }
        if !self.dialect.is_mariadb() {
            let session = quoted(&format!("--init-command={}", self.dialect.dump_session()));
            lines.push(format!("if says --init-command; then set -- \"$@\" {session}; fi"));
        }
        let more = [more, &["--databases"]].concat().join(" ");
        lines.push(format!("set -- \"$@\" {more} -- {}\n", line(self.databases)));
        lines.join("\n")
    }
}

fn line(argv: &[String]) -> String {
    argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}
