//! The shell script that dumps: plain POSIX, because it runs on whatever host the inventory names.

use crate::dialect::{Dialect, Gtid};
use crate::domain::script::argument;
use crate::domain::{Script, Words};
use crate::error::Failure;
use crate::kinds::support::client_program::find_dump_program;
use crate::kinds::support::place::SESSION_GROUPS;
use crate::playbook::inventory::Server;
use crate::playbook::world::World;
use crate::sh;

/// Prints how many bytes the dump program has written so far.
pub const PROGRESS: &str = "sed -n 's/^wchar: //p' /proc/$(cat dump.pid)/io";

/// The code of a trial whose tunnel did not open.
pub const NO_WAY: i32 = 97;

/// What a program's help says that can note GTIDs as a comment.
const COMMENTED: &str = "COMMENTED";

/// How a trial ends then.
const OR_NO_WAY: &str = " || exit 97";

/// Takes the option file in, and ends the script's own tunnel with it.
pub const BEGIN: &str = "set -eu\numask 077\nway=\ncp -- \"$PWD.cnf\" client.cnf\n\
    trap 'rm -f client.cnf \"$PWD.cnf\"; [ -z \"$way\" ] || kill \"$way\" 2>/dev/null || true' EXIT\n\
    trap 'exit 143' HUP INT TERM\n";

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
                .help("add `ssh` to that host in the inventory, or dump on the server's own host"));
        };
        let hash = blake3::hash(format!("{host} {to} {}", source.address).as_bytes());
        let port = 20_000 + u16::from_be_bytes([hash.as_bytes()[0], hash.as_bytes()[1]]) % 10_000;
        let listen = format!("127.0.0.1:{port}");
        let config = from.and_then(|host| host.peer_ssh_config.as_deref());
        let mut ssh = crate::kinds::follow::tunnel::ssh_command(config, &listen, &source.address, to);
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
    /// Whether the dump notes its GTID set; for [`Gtid::IfCommented`] a line before has set `gtid_mode`.
    pub gtid: Gtid,
    /// Databases, as words.
    pub databases: &'a Script,
    /// Statements that stand before those of the dump program, where the family knows any; may be empty or a marker.
    pub before: Option<&'a str>,
}

impl Dumping<'_> {
    /// The script. A dump that was cut off never gets its final name: the program's exit code and its own last line,
    /// `Dump completed`, are both asked for.
    pub fn script(&self, file: &Words) -> Script {
        let (dump, part, file) = (self.program(BEGIN, &[], ""), argument(file.clone().then(".part")), argument(file));
        let before =
            self.before.map_or_else(Script::default, |text| sh!("printf '%s\\n' {} | zstd -q; ", argument(text)));
        // the file is made anew, so that nothing planted at its place is written to
        sh!(
            "{}rm -f tail.fifo failed\nmkfifo tail.fifo\ntail -c 400 < tail.fifo > tail &\n\
             rm -f -- {}\nset -C\n{{ {}{{ sh -c 'echo $$ > dump.pid; exec \"$@\"' sh \"$program\" \"$@\" \
             || echo $? > failed; }} | tee tail.fifo | zstd -q -T0 -3; }} > {}\nwait $!\nset +C\n\
             if [ -e failed ]; then echo \"the dump program ended with code $(cat failed)\" >&2; exit 1; fi\n\
             grep -q 'Dump completed' tail || {{ echo 'the dump is cut off: its last line is missing' >&2; exit 1; }}\n\
             sync -- {}\nmv -fT -- {} {}\n",
            dump,
            &part,
            before,
            &part,
            &part,
            &part,
            file
        )
    }

    /// The script of a dump of the definitions only, whose output is discarded, with the same program, account and
    /// connection. It continues after an error, so that all errors are reported. It does not ask for the binlog
    /// position, which may lock tables. The option file comes on stdin; everything lies in a folder that is removed
    /// again.
    ///
    /// It ends with [`NO_WAY`] when its tunnel did not open.
    pub fn trial(&self) -> Script {
        let inner = self.program(BEGIN, &["--no-data", "--force"], OR_NO_WAY).then("\"$program\" \"$@\" > /dev/null\n");
        sh!(
            "umask 077; b=$(mktemp -d) || exit; trap 'rm -rf -- \"$b\"' EXIT; trap 'exit 143' HUP INT TERM; mkdir \"$b/job\" \
             && cat > \"$b/job.cnf\" && cd -- \"$b/job\" || exit\n\
             env -i PATH=\"$PATH\" LC_ALL=C ${{SSH_AUTH_SOCK:+\"SSH_AUTH_SOCK=$SSH_AUTH_SOCK\"}} sh -c {} </dev/null\n",
            inner.quoted()
        )
    }

    /// The lines that find the program (`$program`) and its flags (`"$@"`), those in `more` last, and see to its option file
    /// and its way to the server. With `more` it takes no place in the log. `begin` is [`BEGIN`], or takes in more than that.
    pub fn program(&self, begin: &'static str, more: &[&'static str], no_way: &'static str) -> Script {
        let unverified = if self.tls { "" } else { "unverified >> client.cnf\n" };
        let script = sh!("{}{}{}{}", begin, find_dump_program(self.dialect), unverified, self.flags(more));
        match self.route {
            Route::OwnTunnel { ssh, .. } => {
                script.then(sh!("{} &\nway=$!\nsleep 2\nkill -0 \"$way\"{}\n", Script::words(ssh), no_way))
            }
            Route::Address(_) => script,
        }
    }

    /// The lines that put together the program's arguments.
    fn flags(&self, more: &[&'static str]) -> Script {
        let takes_place = more.is_empty();
        let fits =
            |flag: &str| takes_place || !["--master-data", "--source-data"].iter().any(|place| flag.starts_with(place));
        let flags = self.dialect.dump_flags().into_iter().filter(|flag| fits(flag));
        let mut lines = vec![sh!("set -- {}", Script::words(flags))];
        let gtid = if takes_place { self.gtid } else { Gtid::Off };
        let by_program = self.dialect.dump_flags_by_program(gtid);
        for [text, then, otherwise] in by_program.into_iter().filter(|[_, then, _]| fits(then)) {
            let otherwise = match otherwise {
                "" => Script::default(),
                flag => sh!("else set -- \"$@\" {}; ", argument(flag)),
            };
            // a program that is to note what the server has not got ends with an error
            let guard = if gtid == Gtid::IfCommented && text == COMMENTED { "[ \"$gtid_mode\" = ON ] && " } else { "" };
            let told = sh!("{}says {}", guard, argument(text));
            lines.push(sh!("if {}; then set -- \"$@\" {}; {}fi", told, argument(then), otherwise));
        }
        if !self.dialect.is_mariadb() {
            let session = argument(format!("--init-command={}", self.dialect.dump_session()));
            lines.push(sh!("if says --init-command; then set -- \"$@\" {}; fi", session));
        }
        // what names the option file must come first
        let mut file = sh!("set -- --defaults-file=client.cnf \"$@\"");
        if self.dialect.is_mariadb() {
            let groups = argument(SESSION_GROUPS);
            file = sh!("if takes_session; then set -- {} \"$@\"; fi\n{}", groups, file);
        }
        lines.push(file);
        let more = Script::words(more.iter().copied().chain(["--databases"]));
        lines.push(sh!("set -- \"$@\" {} -- {}\n", more, self.databases));
        Script::join(lines, "\n")
    }
}
