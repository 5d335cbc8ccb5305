#!/bin/sh
# Two hosts as a person would set them up by hand: a MariaDB server and an sshd each, on ports of 127.0.0.1. Nothing of
# cutover is used. `old` is a server in use; `new` is as installed.
#
#   by_hand.sh DIR OLD_PORT NEW_PORT OLD_SSH_PORT NEW_SSH_PORT ON|OFF|DISABLED
#
# The last word is the old server's event scheduler. What runs is in DIR/*.pid.
set -eu
dir=$1 old_port=$2 new_port=$3 old_ssh=$4 new_ssh=$5 events=$6
PATH=$PATH:/usr/sbin
user=$(id -un)
umask 077

# server NAME PORT: its folder, its configuration and a restart script, as a machine without systemd has one
server() {
    home=$dir/$1
    mkdir -p "$home/data" "$home/tmp"
    TMPDIR=$home/tmp mariadb-install-db --no-defaults --user="$user" --datadir="$home/data" \
        --auth-root-authentication-method=normal --skip-test-db >"$home/install.log" 2>&1
    printf '[mysqld]\ndatadir = %s\nport = %s\nbind_address = 127.0.0.1\n' "$home/data" "$2" >"$home/my.cnf"
    cat >"$home/restart.sh" <<END
#!/bin/sh
if [ -s "$dir/$1.pid" ]; then
    pid=\$(cat "$dir/$1.pid")
    kill "\$pid" 2>/dev/null || :
    while grep -qs mariadbd "/proc/\$pid/cmdline"; do sleep 0.05; done
fi
export TMPDIR=$home/tmp
setsid mariadbd --defaults-file="$home/my.cnf" --socket="$home/s.sock" --user="$user" \
    </dev/null >>"$home/error.log" 2>&1 &
echo \$! >"$dir/$1.pid"
for try in \$(seq 600); do
    mariadb-admin --no-defaults --socket="$home/s.sock" --user=root ping >/dev/null 2>&1 && exit 0
    sleep 0.05
done
tail -n 20 "$home/error.log" >&2
exit 1
END
    chmod 700 "$home/restart.sh"
}

# host NAME PORT: an sshd, and the configuration for those who log in there
host() {
    ssh-keygen -q -t ed25519 -N '' -f "$dir/$1_host_key"
    printf '[127.0.0.1]:%s %s\n' "$2" "$(cat "$dir/$1_host_key.pub")" >>"$dir/known_hosts"
    cat >"$dir/$1_sshd_config" <<END
ListenAddress 127.0.0.1:$2
HostKey $dir/$1_host_key
AuthorizedKeysFile $dir/$1_authorized_keys
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
SetEnv PATH=$PATH
END
    cat >"$dir/$1_ssh_config" <<END
Host $1 127.0.0.1
  HostName 127.0.0.1
  Port $2
  User $user
  IdentityFile $dir/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile $dir/known_hosts
END
    cp "$dir/key.pub" "$dir/$1_authorized_keys"
    "$(command -v sshd)" -D -f "$dir/$1_sshd_config" -E "$dir/$1_sshd.log" </dev/null >/dev/null 2>&1 &
    echo $! >"$dir/$1_sshd.pid"
}

mkdir -p "$dir"
[ "$user" != root ] || mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
ssh-keygen -q -t ed25519 -N '' -f "$dir/tunnel_key"
ssh-keygen -q -t ed25519 -N '' -f "$dir/back_key"
host old "$old_ssh"
host new "$new_ssh"
# the new host gets to the old one's server, and no further
echo "restrict,port-forwarding,permitopen=\"127.0.0.1:$old_port\" $(cat "$dir/tunnel_key.pub")" >>"$dir/old_authorized_keys"
sed "s|IdentityFile .*|IdentityFile $dir/tunnel_key|" "$dir/old_ssh_config" >"$dir/peer_ssh_config"
# and for the way back the other way round
echo "restrict,port-forwarding,permitopen=\"127.0.0.1:$new_port\" $(cat "$dir/back_key.pub")" >>"$dir/new_authorized_keys"
sed "s|IdentityFile .*|IdentityFile $dir/back_key|" "$dir/new_ssh_config" >"$dir/back_ssh_config"
server old "$old_port"
server new "$new_port"
printf 'server_id = 1\nlog_bin = binlog\nbinlog_format = ROW\nevent_scheduler = %s\n' "$events" >>"$dir/old/my.cnf"
"$dir/old/restart.sh"
"$dir/new/restart.sh"
