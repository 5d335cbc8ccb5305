//! `tunnel`: an ssh tunnel for replication, from the new host to the old.

mod proof;

use crate::domain::endpoint::Endpoint;
use crate::domain::marker;
use crate::domain::{Script, Words};
use crate::effects::Job;
use crate::error::{Class, Failure, Result};
use crate::kinds::role::{Role, Tunnels};
use crate::kinds::support::place::{dialect, job_dir, run_marker};
use crate::kinds::support::privileges::{require, swap};
use crate::kinds::{Action, Complaint, Ctx, Need, Output, OutputType, Outputs, Probe, Reversibility, Step};
use crate::playbook::world::World;
use crate::sh;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Outputs of this kind.
pub const OUTPUTS: &[Output] = &[Output {
    name: "address",
    kind: OutputType::Text,
    about: "Address that the tunnel listens on, as seen from `from`.",
}];

/// Keeps the ssh of the script's arguments running.
const TUNNEL: &str = include_str!("keep.sh");
/// `/proc/net/tcp` names ports in hexadecimal; state 0A is LISTEN. Without IPv6 there is no second table.
const LISTENERS: &str = "set -e; cat /proc/net/tcp; [ ! -e /proc/net/tcp6 ] || cat /proc/net/tcp6";
/// How long a new tunnel may take until the server answers through it.
const SETTLE: Duration = Duration::from_secs(15);

/// Opens an ssh tunnel from one host to another and keeps it open, even when the runner stops. The step succeeds when
/// the server at the far end is proved to be the server of the inventory: a connection through the tunnel appears in
/// that server's own process list. No password is sent through the tunnel before that.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend(
    "x-undo" = "The tunnel is closed.",
    "examples" = [{ "from": "{{ servers.target.host }}", "listen": "127.0.0.1:3307", "to": "{{ servers.source.host }}", "forward": "{{ servers.source.address }}" }]
))]
pub struct Tunnel {
    /// Host on which the tunnel starts: the new one.
    #[schemars(extend("format" = "host"))]
    from: String,
    /// Address that it listens on there.
    #[serde(default = "listen")]
    #[schemars(extend("format" = "address"))]
    listen: String,
    /// Host that the tunnel leads to: the old one.
    #[schemars(extend("format" = "host"))]
    to: String,
    /// Address that the tunnel ends at, as seen from that host.
    #[schemars(extend("format" = "address"))]
    forward: String,
    /// Server that the tunnel must lead to. Default: the server whose `host` and `address` (or `endpoint`) match the
    /// far end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "server"))]
    server: Option<String>,
    /// Route of the tunnel.
    #[serde(default)]
    via: Via,
}

/// Route of a tunnel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Via {
    /// Directly from host to host, with the first host's own ssh. It keeps running when the runner stops.
    #[default]
    Host,
    /// Through the runner's machine, for hosts that cannot reach each other. It ends with the runner.
    Runner,
}

/// Longest time for a trial.
const TRIAL: Duration = Duration::from_secs(20);

fn listen() -> String {
    "127.0.0.1:3307".into()
}

/// The ssh command line of a tunnel, without what is run at its far end: strict host keys, gone within six seconds of a
/// dead peer.
pub fn ssh_command(config: Option<&str>, listen: &str, forward: &str, to: &str) -> Vec<String> {
    let mut argv = vec!["ssh".to_owned()];
    if let Some(config) = config {
        argv.extend(["-F".to_owned(), config.to_owned()]);
    }
    let options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ExitOnForwardFailure=yes",
        "ControlPath=none",
        "ConnectTimeout=10",
        "ServerAliveInterval=2",
        "ServerAliveCountMax=3",
    ];
    argv.push("-T".into());
    argv.extend(options.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]));
    argv.extend(["-L".to_owned(), format!("{listen}:{forward}"), to.to_owned()]);
    argv
}

impl Tunnel {
    fn destination<'a>(&self, world: &'a World) -> Option<&'a str> {
        world.inventory.host(&self.to)?.ssh.as_deref()
    }
    fn ssh(&self, world: &World) -> Vec<String> {
        let config = world.inventory.host(&self.from).and_then(|host| host.peer_ssh_config.as_deref());
        ssh_command(config, &self.listen, &self.forward, self.destination(world).unwrap_or_default())
    }
    /// Restarts ssh whenever it ends: a lost connection is no reason to lose the replica. A stopped ssh process keeps
    /// its connections open but carries nothing, so it is killed when two checks find it stopped: within three seconds.
    /// Faults beyond it, ssh itself notices by its keep-alives.
    ///
    /// It holds a session in which `cat` waits for nothing: sshd switches Nagle's algorithm off only on connections that
    /// have had one (`ssh_packet_set_interactive` in packet.c), and with it the last transaction waits for the delayed
    /// acknowledgement of the one before: 40 ms of every switch, measured. Where the far end runs no such command, the
    /// tunnel does without (`-N`).
    fn script(&self, world: &World) -> Script {
        sh!("set -- {}\n{}", Script::words(self.ssh(world)), Script::ours("keep a tunnel open", TUNNEL))
    }
    fn dir(&self, cx: &Ctx<'_>) -> Words {
        job_dir(cx.world, &self.from, cx.run, cx.step)
    }
    fn planned_dir(&self, world: &World) -> Words {
        job_dir(world, &self.from, &run_marker(), &marker::late("step"))
    }
    fn forward_actions(&self) -> Vec<Action> {
        vec![
            Action::connect(&self.to, &self.forward),
            Action::forward(&self.from, &self.listen, &self.to, &self.forward),
        ]
    }
    /// Whether anything listens there; a table that cannot be read is an error, not a "no".
    async fn listening(&self, cx: &Ctx<'_>) -> Result<bool> {
        let port = Endpoint::parse(&self.listen).and_then(Endpoint::number).ok_or_else(|| {
            Failure::permanent("open the tunnel", format!("`{}` has no port", self.listen)).at(&self.from)
        })?;
        let table = cx.fx.host(&self.from).await?.print(&LISTENERS.into()).await?;
        let local = |line: &str| {
            let mut words = line.split_whitespace().skip(1);
            Some((words.next()?.to_owned(), words.nth(1)? == "0A"))
        };
        let end = format!(":{port:04X}");
        Ok(table.lines().filter_map(local).any(|(address, listens)| listens && address.ends_with(&end)))
    }
    async fn wait_until_proved(&self, cx: &Ctx<'_>, job: Option<&Job>) -> Result<Outputs> {
        let begin = Instant::now();
        loop {
            let failure = match self.proved(cx).await {
                Ok(version) => {
                    let name = self.behind(cx.world)?;
                    cx.progress.note(format!("`{name}` answers through {}: {version}", self.listen));
                    return Ok(self.outputs());
                }
                Err(failure) if failure.class == Class::Refused => return Err(failure),
                Err(failure) => failure,
            };
            if begin.elapsed() > SETTLE {
                let words = match job {
                    Some(job) => job.complaint().await.unwrap_or_default(),
                    None => String::new(),
                };
                let words = words.lines().last().map_or(failure.answer, str::to_owned);
                let answer = format!("no server answered through {}: {words}", self.listen);
                return Err(Failure::transient("open the tunnel", answer).at(&self.from).help(format!(
                    "try this by hand on {}: {}",
                    self.from,
                    shell_words::join(self.ssh(cx.world).iter().map(String::as_str).chain(["-N"]))
                )));
            }
            cx.pause(Duration::from_millis(150), "open the tunnel").await?;
        }
    }
    fn outputs(&self) -> Outputs {
        Outputs::from_iter([("address".to_owned(), self.listen.clone().into())])
    }
    /// Whether the first host's ssh reaches the second, may forward to the address there, and something answers: this
    /// tests the key, the account, the host's name, and what its sshd allows. A database server speaks first, so
    /// nothing is sent.
    async fn can_reach(&self, cx: &Ctx<'_>) -> Result<()> {
        let argv = self.trial(cx.world);
        let ran = cx.fx.host(&self.from).await?.run_within(&Script::words(&argv), None, TRIAL).await?;
        if !ran.stdout.is_empty() {
            return Ok(());
        }
        let said = ran.stderr.trim().lines().rfind(|line| !line.contains("stdio forwarding failed"));
        let refused = ["administratively prohibited", "open failed"].iter().any(|words| ran.stderr.contains(words));
        let answer = said.unwrap_or("nothing answers there").to_owned();
        let help = if refused {
            format!(
                "check on `{}` that sshd lets this key forward to {} (AllowTcpForwarding, PermitOpen, and \
                 `permitopen` in authorized_keys), and that the server listens there",
                self.to, self.forward
            )
        } else {
            let by_hand = shell_words::join(&argv);
            format!("this command must work without a password and with a known host key: {by_hand}")
        };
        Err(Failure::refused(format!("reach {} on host `{}` by ssh", self.forward, self.to), answer)
            .at(&self.from)
            .now("nothing was touched")
            .help(help))
    }

    /// The same ssh, which carries one connection instead of listening.
    fn trial(&self, world: &World) -> Vec<String> {
        let mut argv = self.ssh(world);
        let to = argv.pop().unwrap_or_default();
        argv.truncate(argv.len().saturating_sub(2)); // -L and its value
        argv.extend(["-W".to_owned(), self.forward.clone(), to]);
        argv
    }
}

#[async_trait]
impl Step for Tunnel {
    fn reversibility(&self) -> Reversibility {
        Reversibility::Reversible
    }

    fn roles(&self) -> Vec<Role> {
        vec![Tunnels {}.into()]
    }

    fn preview(&self, world: &World) -> Result<Vec<Action>, Vec<Complaint>> {
        let listens = Endpoint::parse(&self.listen);
        if listens.is_some_and(|at| !at.is_loopback()) {
            let message = format!("anyone who can reach {} could use the tunnel at {}", self.from, self.listen);
            let help = "set `listen` to a loopback address of the host: 127.0.0.1:PORT or [::1]:PORT";
            return Err(vec![Complaint::new("listen", message).help(help)]);
        }
        let mut missing = vec![("to", &self.to)];
        if self.via == Via::Runner {
            missing.push(("from", &self.from));
        }
        for (field, host) in missing {
            if world.inventory.host(host).is_some_and(crate::playbook::inventory::Host::is_local) {
                let message = format!("host `{host}` has no `ssh` in the inventory, so no tunnel can lead there");
                return Err(vec![
                    Complaint::new(field, message).help("add `ssh: user@address` to it in the inventory"),
                ]);
            }
        }
        let open = match self.via {
            Via::Host => vec![Action::job(&self.from, self.planned_dir(world), self.script(world), "")],
            Via::Runner => self.forward_actions(),
        };
        let name = self
            .behind(world)
            .map_err(|failure| vec![Complaint { help: failure.help, ..Complaint::new("forward", failure.answer) }])?;
        let mut actions = open;
        actions.extend(self.proof_actions(world, name));
        Ok(actions)
    }

    fn preview_undo(&self, world: &World) -> Vec<Action> {
        let mut actions = vec![Action::note(format!("end the ssh that listens on {} of {}:", self.listen, self.from))];
        match self.via {
            Via::Host => actions.push(Action::end(&self.from, self.planned_dir(world))),
            Via::Runner => {
                actions.push(Action::look(&self.from, LISTENERS));
                actions.extend(self.forward_actions());
            }
        }
        actions
    }

    fn needs(&self, world: &World) -> Vec<Need> {
        self.behind(world).map_or_else(|_| Vec::new(), |name| swap::seeing_sessions(world, name))
    }

    fn questions(&self, world: &World) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.via == Via::Host {
            actions.push(Action::look(&self.from, Script::words(self.trial(world))));
        }
        actions.push(Action::look(&self.from, LISTENERS));
        let name = self.behind(world).ok();
        actions.extend(name.map(|name| Action::sql(name, dialect(world, name).own_privileges())));
        actions
    }

    fn unproved(&self, _: &World) -> Vec<String> {
        vec![
            format!(
                "that the tunnel opens and leads to its server: this is proved once it is open, and not again when \
                 ssh reopens it on {}",
                self.from
            ),
            "that the connection stays up: when it breaks, it is reopened, and the replica lags meanwhile".to_owned(),
        ]
    }

    async fn inspect(&self, cx: &Ctx<'_>, _: &BTreeSet<String>) -> Vec<Failure> {
        let mut failures = Vec::new();
        if self.via == Via::Host {
            failures.extend(self.can_reach(cx).await.err());
        } else {
            failures.extend(cx.fx.host(&self.to).await.err());
        }
        match self.listening(cx).await {
            Ok(false) => {}
            Ok(true) => {
                let answer = format!("another program already listens on {}", self.listen);
                let help = "choose another `listen` address, or stop the program that listens there";
                failures.push(Failure::refused("open the tunnel", answer).at(&self.from).help(help));
            }
            Err(failure) => failures.push(failure),
        }
        if let Ok(name) = self.behind(cx.world) {
            let attempted = "prove that the tunnel leads to this server";
            failures.extend(require(cx, &swap::seeing_sessions(cx.world, name), attempted).await);
        }
        failures
    }

    async fn probe(&self, cx: &Ctx<'_>) -> Result<Probe> {
        match self.proved(cx).await {
            Ok(_) => Ok(Probe::Done(self.outputs())),
            Err(failure) if failure.class == Class::Refused => Ok(Probe::Conflict(failure)),
            Err(_) => Ok(Probe::NotDone),
        }
    }

    async fn execute(&self, cx: &Ctx<'_>) -> Result<Outputs> {
        if self.via == Via::Runner {
            let near = cx.fx.connect(&self.to, &self.forward).await?;
            let host = cx.fx.host(&self.from).await?;
            host.forward_back(&self.listen, (&self.to, &self.forward), &near).await?;
            return self.wait_until_proved(cx, None).await;
        }
        let host = cx.fx.host(&self.from).await?;
        let dir = self.dir(cx);
        if let Some(job) = host.find_job(&dir).await?
            && !job.state().await?.running
        {
            job.remove().await?;
        }
        let job = host.start_job(&dir, &self.script(cx.world), &Script::default()).await?;
        self.wait_until_proved(cx, Some(&job)).await
    }

    async fn undo(&self, cx: &Ctx<'_>) -> Result<()> {
        if self.via == Via::Runner {
            // one that a dead runner made went with it
            if !self.listening(cx).await? {
                return Ok(());
            }
            let near = cx.fx.connect(&self.to, &self.forward).await?;
            let host = cx.fx.host(&self.from).await?;
            let ended = host.end_forward_back(&self.listen, (&self.to, &self.forward), &near).await;
            // what listens there and is not ours is none of this step's business
            return if self.listening(cx).await? && self.proved(cx).await.is_ok() { ended } else { Ok(()) };
        }
        cx.fx.host(&self.from).await?.clear_job(&self.dir(cx)).await
    }
}
