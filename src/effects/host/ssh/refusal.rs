//! Reads ssh's own message about a connection that failed.

/// ssh's message, and its kind.
pub(super) struct Refusal {
    words: String,
    kind: Kind,
}

enum Kind {
    UnknownKey(String),
    ChangedKey(String),
    Denied,
    NoSuchName,
    Unreachable,
    TimedOut,
    /// The other side hung up before anybody logged in: it is going down or coming up, or takes no more at the moment.
    HungUp,
    Other,
}

impl Refusal {
    /// Sorts ssh's complaint.
    pub fn from_words(words: &str) -> Self {
        Self { words: gist(words), kind: Kind::from_words(words) }
    }

    /// ssh's own words, shortened.
    pub fn answer(&self) -> &str {
        if self.words.is_empty() { "ssh printed nothing" } else { &self.words }
    }

    /// Whether nothing answered in time.
    pub fn timed_out(&self) -> bool {
        matches!(self.kind, Kind::TimedOut)
    }

    /// Whether it may go away by itself: the machine or its sshd is away, or is just coming up.
    pub fn passes(&self) -> bool {
        matches!(self.kind, Kind::Unreachable | Kind::TimedOut | Kind::HungUp)
    }

    /// What to do about it; `destination` is what a person gives to ssh, `known_hosts` the file that ssh keeps host keys in.
    pub fn help(&self, destination: &str, known_hosts: &str) -> String {
        match &self.kind {
            Kind::UnknownKey(host) => {
                let scan = format!("ssh-keyscan {}", scan_arguments(host));
                format!(
                    "the host's key is not known here; compare the output of `{scan} | ssh-keygen -lf -` with the \
                     fingerprint shown on the host itself (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`), and \
                     only then add the key with: {scan} >> {known_hosts}"
                )
            }
            Kind::ChangedKey(host) => format!(
                "the host's key has changed: it was reinstalled, or someone intercepts the connection; find out \
                 which, and only then remove the old key with `ssh-keygen -f {known_hosts} -R '{host}'` and add \
                 the new one"
            ),
            Kind::Denied => format!(
                "the host does not accept your key; load it into your agent with `ssh-add`, or add your public key \
                 to authorized_keys there, until `ssh -o BatchMode=yes {destination} true` works"
            ),
            Kind::NoSuchName => {
                format!(
                    "this name does not resolve; check `ssh: {destination}` in the inventory and your ssh configuration"
                )
            }
            Kind::Unreachable | Kind::TimedOut | Kind::HungUp => {
                format!("check that the host is up, that sshd listens there, and that `ssh {destination} true` works")
            }
            Kind::Other => format!("make `ssh -o BatchMode=yes {destination} true` work, then run again"),
        }
    }
}

impl Kind {
    fn from_words(words: &str) -> Self {
        let says = |phrase| words.contains(phrase);
        if let Some(host) = between(words, "host key is known for ", " and you have requested") {
            Self::UnknownKey(host)
        } else if says("HOST IDENTIFICATION HAS CHANGED") || says("has changed and you have requested") {
            Self::ChangedKey(between(words, "ost key for ", " has changed").unwrap_or_else(|| "HOST".into()))
        } else if says("System is booting up") || says("System is going down") {
            Self::HungUp
        } else if says("Permission denied") || says("Too many authentication failures") {
            Self::Denied
        } else if says("Could not resolve hostname") && !says("Temporary failure") {
            Self::NoSuchName
        } else if says("timed out") {
            Self::TimedOut
        } else if ["Connection refused", "unreachable", "No route to host", "Temporary failure in name resolution"]
            .into_iter()
            .any(says)
        {
            Self::Unreachable
        } else if HANGING_UP.into_iter().any(says) {
            Self::HungUp
        } else {
            Self::Other
        }
    }
}

/// Words of ssh and of login for that.
const HANGING_UP: [&str; 8] = [
    "Connection reset",
    "Connection closed",
    "closed by remote host",
    "Connection aborted",
    "Broken pipe",
    "kex_exchange_identification",
    "System is booting up",
    "System is going down",
];

/// The lines with a message, at most the last two.
fn gist(words: &str) -> String {
    let lines: Vec<_> =
        words.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('@')).collect();
    lines[lines.len().saturating_sub(2)..].join("; ")
}

fn between(words: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = words.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found.to_owned())
}

/// `[address]:port`, as known hosts are written, for ssh-keyscan.
fn scan_arguments(host: &str) -> String {
    match host.strip_prefix('[').and_then(|host| host.split_once("]:")) {
        Some((address, port)) => format!("-p {port} {address}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Refusal;

    fn help(words: &str) -> String {
        Refusal::from_words(words).help("me@db", "~/.ssh/known_hosts")
    }

    #[test]
    fn tells_refusals_apart() {
        let unknown = "No ED25519 host key is known for [10.0.0.1]:2222 and you have requested strict checking.\r\n\
                       Host key verification failed.\r\n";
        assert!(help(unknown).contains("add the key with: ssh-keyscan -p 2222 10.0.0.1 >> ~/.ssh/known_hosts"));
        let changed = "@@@@@@\n@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n@@@@@@\n\
                       Host key for db has changed and you have requested strict checking.\n";
        assert!(help(changed).contains("-R 'db'"));
        assert_eq!(
            Refusal::from_words(changed).answer(),
            "Host key for db has changed and you have requested strict checking."
        );
        assert!(help("me@db: Permission denied (publickey).").contains("ssh-add"));
        assert!(help("ssh: Could not resolve hostname db: Name or service not known").contains("does not resolve"));
        assert!(help("ssh: connect to host db port 22: Connection refused").contains("sshd listens"));
        assert!(Refusal::from_words("ssh: connect to host db port 22: Connection timed out").timed_out());
    }

    #[test]
    fn what_is_away_may_come_back_and_what_is_wrong_stays_wrong() {
        for words in [
            "ssh: connect to host db port 22: Connection refused",
            "ssh: connect to host db port 22: No route to host",
            "kex_exchange_identification: read: Connection reset by peer",
            "kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0.1 port 22",
            "Connection timed out during banner exchange",
            "ssh: Could not resolve hostname db: Temporary failure in name resolution",
            "System is booting up. Unprivileged users are not permitted to log in yet.\nConnection closed by 10.0.0.1",
        ] {
            assert!(Refusal::from_words(words).passes(), "{words}");
        }
        for words in [
            "me@db: Permission denied (publickey).",
            "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures",
            "ssh: Could not resolve hostname db: Name or service not known",
            "Host key verification failed.\nNo ED25519 host key is known for db and you have requested strict checking.",
            "/etc/ssh/ssh_config: line 3: Bad configuration option: x",
            "",
        ] {
            assert!(!Refusal::from_words(words).passes(), "{words}");
        }
    }
}
