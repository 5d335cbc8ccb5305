"""Three machines on this one: the old host, the new host, and the one where the reader sits.

Each has network, processes, host name and mounts of its own (`unshare`): /etc, /var, /root, /home, /usr/local, /run and
/tmp are the host's own, everything else of this machine can only be read. Nothing has a name outside, so the kernel
removes all of it when the first process of a host ends; that one ends with this program, whatever ends it.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
PREFIX = "cutover-tutorial-"
HOSTS = {  # as the page calls it: its name and address
    "this machine": ("runner", "10.0.0.3"),
    "old-host": ("old-host", "10.0.0.1"),
    "new-host": ("new-host", "10.0.0.2"),
}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAMESPACES = ["mount", "net", "pid", "uts", "ipc"]

# The first process of a host: makes the host's folders its own, then collects what has ended.
INIT = r"""
set -eu
root=$1 name=$2
mount --make-rprivate /
hostname "$name"
for folder in etc var root home usr/local; do mount --bind "$root/$folder" "/$folder"; done
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/sshd
[ ! -d "$root/doc" ] || mount --bind "$root/doc" /usr/share/doc
mount --bind "$root/tmp" /tmp
mount -o remount,bind,ro /
mount -t proc proc /proc
ip link set lo up
echo ready
read -r go
[ "$name" = runner ] || /usr/sbin/sshd -e 2>>/var/log/sshd.log
while :; do sleep 1000 & wait; done
"""

# As Debian installs it.
MARIADB_CNF = (
    "[client-server]\nsocket = /run/mysqld/mysqld.sock\n"
    "!includedir /etc/mysql/conf.d/\n!includedir /etc/mysql/mariadb.conf.d/\n"
)
SERVER_CNF = (
    "[mysqld]\npid-file = /run/mysqld/mysqld.pid\nbasedir = /usr\nbind-address = 127.0.0.1\nexpire_logs_days = 10\n"
    "character-set-server = utf8mb4\ncollation-server = utf8mb4_general_ci\n"
)


def dies_with_parent():
    """Runs in a child before its program: the kernel ends it when this program ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def sweep(folder):
    """Removes what a program that was killed has left: its folder, which nobody holds locked."""
    for left in Path(folder).glob(PREFIX + "*"):
        try:
            with open(left / "lock") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
        except OSError:
            continue


def make_key(path):
    """A key without a passphrase."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


class World:
    """The three machines, as a context."""

    def __init__(self, cutover, repository):
        self.cutover, self.repository = Path(cutover).resolve(), repository
        self.processes = {}

    def __enter__(self):
        self.folder = None
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _build(self):
        sweep(tempfile.gettempdir())
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.folder.chmod(0o755)
        self.lock = open(self.folder / "lock", "w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        for place, (name, _) in HOSTS.items():
            self._furnish(name)
            self._start(place, name)
        self._connect()
        for process in self.processes.values():
            process.stdin.write(b"go\n")
            process.stdin.flush()
        for place in ["old-host", "new-host"]:
            self._install_mariadb(place)
        self._wait_for_ssh()

    def __exit__(self, *_):
        for number in [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]:
            signal.signal(number, signal.SIG_IGN)  # nothing comes between
        for process in self.processes.values():
            process.kill()  # the kernel ends the host's other processes
        for process in self.processes.values():
            process.wait()
        for _ in range(50):
            if self.folder is None or not self.folder.exists():
                return
            shutil.rmtree(self.folder, ignore_errors=True)
            time.sleep(0.1)
        raise SystemExit(f"could not remove {self.folder}")

    def _furnish(self, name):
        """The folders of a host before it starts."""
        root = self.folder / name
        for folder in "root/.ssh home usr/local/bin tmp var/tmp var/lib/mysql var/log/mysql".split():
            (root / folder).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        (root / "root").chmod(0o700)
        (root / "root/.ssh").chmod(0o700)
        subprocess.run(["cp", "-a", "/etc", root / "etc"], check=True)
        etc = root / "etc"
        for theirs in [etc / "mysql", etc / "ssh", etc / "shop"]:
            shutil.rmtree(theirs, ignore_errors=True)
        (etc / "mysql/conf.d").mkdir(parents=True)
        (etc / "mysql/mariadb.conf.d").mkdir()
        (etc / "mysql/my.cnf").symlink_to("mariadb.cnf")
        (etc / "mysql/mariadb.cnf").write_text(MARIADB_CNF)
        (etc / "mysql/mariadb.conf.d/50-server.cnf").write_text(SERVER_CNF)
        names = "".join(f"{address} {host}\n" for host, address in HOSTS.values())
        (etc / "hosts").write_text("127.0.0.1 localhost\n" + names)
        (etc / "hostname").write_text(name + "\n")
        (etc / "machine-id").write_text(os.urandom(16).hex() + "\n")
        (etc / "ssh").mkdir()
        (etc / "ssh/sshd_config").write_text("PermitRootLogin prohibit-password\nUsePAM no\nLogLevel ERROR\n")
        make_key(etc / "ssh/ssh_host_ed25519_key")
        shutil.copy(HERE / "systemctl.sh", root / "usr/local/bin/systemctl")
        (root / "usr/local/bin/systemctl").chmod(0o755)
        if name == "runner":
            self._furnish_runner(root)
        else:
            self._let_the_reader_in(root, name)

    def _furnish_runner(self, root):
        shutil.copy(self.cutover, root / "usr/local/bin/cutover")
        # where the Debian package has them
        shutil.copytree(self.repository / "playbooks", root / "doc/cutover/playbooks")
        make_key(root / "root/.ssh/id_ed25519")

    def _let_the_reader_in(self, root, name):
        """The reader logs in as root without a question, as the page asks for."""
        reader = self.folder / "runner/root/.ssh"
        shutil.copy(reader / "id_ed25519.pub", root / "root/.ssh/authorized_keys")
        kind, key, *_ = (root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()
        with open(reader / "known_hosts", "a") as known:
            known.write(f"{name} {kind} {key}\n")

    def _start(self, place, name):
        flags = [f"--{namespace}" for namespace in NAMESPACES]
        argv = ["unshare", *flags, "--fork", "--kill-child", "sh", "-c", INIT, "sh", self.folder / name, name]
        log = open(self.folder / f"{name}.log", "wb")
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
        bound = {"preexec_fn": dies_with_parent, "start_new_session": True}
        process = subprocess.Popen(argv, env={"PATH": PATH}, **pipes, **bound)
        self.processes[place] = process
        if process.stdout.readline() != b"ready\n":
            raise SystemExit(f"{name} does not start: {(self.folder / f'{name}.log').read_text()}")

    def _first(self, place):
        """Process id of the first process of a host, as seen from here."""
        pid = self.processes[place].pid
        return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])

    def _connect(self):
        """A switch in the reader's machine, with a cable to each host."""
        middle = self._first("this machine")
        self.run("this machine", "ip link add br0 type bridge && ip link set br0 up && ip addr add 10.0.0.3/24 dev br0")
        for place in ["old-host", "new-host"]:
            name, address = HOSTS[place]
            cable = f"to-{name[:3]} netns {middle} type veth peer name eth0 netns {self._first(place)}"
            subprocess.run(["ip", "link", "add", *cable.split()], check=True)
            self.run("this machine", f"ip link set to-{name[:3]} master br0 up")
            self.run(place, f"ip addr add {address}/24 dev eth0 && ip link set eth0 up")

    def _install_mariadb(self, place):
        """What the package mariadb-server does when it is installed."""
        install = "mariadb-install-db --user=mysql --skip-test-db --rpm --auth-root-authentication-method=socket"
        self.run(place, "chown -R mysql:mysql /var/lib/mysql /var/log/mysql")
        self.run(place, f"{install} >/var/log/install.log 2>&1 && systemctl start mariadb")

    def _wait_for_ssh(self):
        for place in ["old-host", "new-host"]:
            self.run("this machine", f"for i in $(seq 50); do ssh root@{place} true && exit; sleep 0.2; done; exit 1")

    def enter(self, place, *command):
        """The command line that runs `command` on a host, as root there."""
        flags = [f"--{namespace}" for namespace in NAMESPACES]
        environment = f"env -i PATH={PATH} HOME=/root USER=root LANG=C.UTF-8 TERM=dumb".split()
        return ["nsenter", "--target", str(self._first(place)), *flags, "--wdns=/root", *environment, *command]

    def run(self, place, script, given=""):
        """Runs a script on a host and returns what it printed; it must work."""
        done = subprocess.run(self.enter(place, "sh", "-c", script), input=given, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"on {place}: {script}\n{done.stdout}{done.stderr}")
        return done.stdout

    def write(self, place, path, text, mode=0o644):
        """Writes a file on a host; folders are made."""
        self.run(place, f'mkdir -p "$(dirname "{path}")" && cat >"{path}" && chmod {mode:o} "{path}"', text)
