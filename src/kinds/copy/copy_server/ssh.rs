//! How one host reaches another by ssh, to run a program there.

use crate::playbook::world::World;

/// The command line of ssh from the host `from` to the host `to`, without what is run there; `None` when that one has no
/// `ssh` in the inventory. Strict host keys, no password, gone within a minute of a dead peer: a line that is only slow is
/// no reason to copy a terabyte again.
pub fn ssh_command(world: &World, from: &str, to: &str) -> Option<Vec<String>> {
    let destination = world.inventory.host(to)?.ssh.clone()?;
    let config = world.inventory.host(from)?.peer_ssh_config.clone();
    let options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ControlPath=none",
        "ConnectTimeout=10",
        "ServerAliveInterval=10",
        "ServerAliveCountMax=6",
        "Compression=no",
    ];
    let mut argv = vec!["ssh".to_owned()];
    argv.extend(config.into_iter().flat_map(|config| ["-F".to_owned(), config]));
    argv.push("-T".to_owned());
    argv.extend(options.iter().flat_map(|option| ["-o".to_owned(), (*option).to_owned()]));
    argv.push(destination);
    Some(argv)
}
