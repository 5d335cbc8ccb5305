#!/bin/sh
# Two hosts and their servers as strangers have them: nothing of cutover is used, and nothing is as cutover would have it.
# Each host has a home directory with option files of its owner's, a login shell that prints, tools of its own family
# alone, and is far away. No server has TLS. `old` is in use; `new` is as installed.
#
#   lab.sh DIR FAMILY BIN OLD_PORT NEW_PORT OLD_SSH_PORT NEW_SSH_PORT DELAY_MS OLD_SHELL NEW_SHELL
#
# Where DIR/seen is there, both hosts are watched: see watch.sh. BIN holds the family's programs. Lines for a server's configuration are taken from DIR/old.cnf and DIR/new.cnf. What
# runs is in DIR/*.pid.
set -eu
dir=$1 family=$2 bin=$3 old_port=$4 new_port=$5 old_ssh=$6 new_ssh=$7 delay=$8 old_shell=$9
shift 9
new_shell=$1
PATH=$PATH:/usr/sbin
user=$(id -un)
here=$(dirname "$0")
umask 077

# tools: what every machine has, and the family's own
tools() {
    mkdir -p "$dir/tools"
    for folder in /usr/local/bin /usr/bin /bin; do
        [ ! -d "$folder" ] || cp -sn "$folder"/* "$dir/tools" 2>/dev/null || :
    done
    rm -f "$dir"/tools/mysql* "$dir"/tools/mariadb* "$dir"/tools/mbstream
    for program in mysql mysqldump mysqladmin mariadb mariadb-dump mariadb-admin; do
        # where one family is installed, the other's names may lead to it
        case $family,$program in mysql,mariadb*) continue ;; esac
        [ ! -x "$bin/$program" ] || ln -s "$bin/$program" "$dir/tools/$program"
    done
}

# server NAME PORT ID: its folder, its configuration, and a restart script, as a machine without systemd has one
server() {
    home=$dir/$1
    mkdir -p "$home/tmp"
    admin=$bin/mysqladmin
    if [ "$family" = mariadb ]; then
        mkdir -p "$home/data"
        TMPDIR=$home/tmp mariadb-install-db --no-defaults --user="$user" --datadir="$home/data" \
            --auth-root-authentication-method=normal --skip-test-db >"$home/install.log" 2>&1
        program=mariadbd
        [ -x "$admin" ] || admin=$bin/mariadb-admin
    else
        TMPDIR=$home/tmp "$bin/mysqld" --no-defaults --initialize-insecure --user="$user" --datadir="$home/data" \
            >"$home/install.log" 2>&1
        program=$bin/mysqld
    fi
    {
        printf '[mysqld]\ndatadir = %s\nport = %s\nbind_address = *\n' "$home/data" "$2"
        [ "$family" = mariadb ] || printf "mysqlx = OFF\ntls_version = ''\n"
        cat "$dir/$1.cnf"
    } >"$home/my.cnf"
    cat >"$home/restart.sh" <<END
#!/bin/sh
PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin
if [ -s "$dir/$1.pid" ]; then
    pid=\$(cat "$dir/$1.pid")
    kill "\$pid" 2>/dev/null || :
    while grep -qs -e mariadbd -e mysqld "/proc/\$pid/cmdline"; do sleep 0.05; done
fi
export TMPDIR=$home/tmp
setsid $program --defaults-file="$home/my.cnf" --socket="$home/s.sock" --user="$user" \
    </dev/null >>"$home/error.log" 2>&1 &
echo \$! >"$dir/$1.pid"
for try in \$(seq 600); do
    "$admin" --no-defaults --socket="$home/s.sock" --user=root ping >/dev/null 2>&1 && exit 0
    sleep 0.05
done
tail -n 20 "$home/error.log" >&2
exit 1
END
    chmod 700 "$home/restart.sh"
}

# host NAME PORT SHELL: an sshd whose users have a home of their own, and the configuration for those who log in there
host() {
    mkdir -p "$dir/home-$1"
    cat >"$dir/home-$1/login" <<END
#!/bin/sh
export HOME=$dir/home-$1 USER=$user
cd
dir=$dir host=$1
[ ! -d "\$dir/seen" ] || [ -z "\${SSH_ORIGINAL_COMMAND:-}" ] || . "\$dir/watch.sh"
if [ -n "\${SSH_ORIGINAL_COMMAND:-}" ]; then exec $3 -c "\$SSH_ORIGINAL_COMMAND"; else exec $3; fi
END
    chmod 700 "$dir/home-$1/login"
    printf 'echo "*** Welcome to %s. No smoking."\n' "$1" >"$dir/home-$1/.bashrc"
    cp "$dir/home-$1/.bashrc" "$dir/home-$1/.cshrc"
    # whoever works there has made life easy for himself, and dangerous for everyone else
    cat >"$dir/home-$1/.my.cnf" <<END
[client]
host = 127.0.0.1
port = $old_port
user = nobody
password = wrong
[mysqldump]
no-data
[mariadb-dump]
no-data
[mysql]
safe-updates
skip-column-names
END
    # what the account of this machine does at each login is none of the lab's business: its home is another until `login`
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
KexAlgorithms -sntrup*
ForceCommand $dir/home-$1/login
SetEnv HOME=$dir/nowhere PATH=$dir/tools MYSQL_HOST=127.0.0.1 MYSQL_TCP_PORT=$old_port MYSQL_PWD=wrong
END
    login "$1" "$2" key >"$dir/peer_to_$1"
    # a host that is watched notes every program that is started there
    witness=
    [ ! -d "$dir/seen" ] || witness="strace -f -qq --seccomp-bpf -v -e trace=execve -e signal=none -s 1000000 -o $dir/seen/$1.started"
    { login "$1" "$2" key; echo "  ProxyCommand perl $dir/far.pl %h %p $delay"; } >"$dir/$1_ssh_config"
    cp "$dir/key.pub" "$dir/$1_authorized_keys"
    # shellcheck disable=SC2086 # words
    $witness "$(command -v sshd)" -D -f "$dir/$1_sshd_config" -E "$dir/$1_sshd.log" </dev/null >/dev/null 2>&1 &
    echo $! >"$dir/$1_sshd.pid"
}

# login NAME PORT KEY: lines for ssh
login() {
    cat <<END
Host $1 127.0.0.1
  HostName 127.0.0.1
  Port $2
  User $user
  IdentityFile $dir/$3
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile $dir/known_hosts
END
}

mkdir -p "$dir"
cp "$here/far.pl" "$here/watch.sh" "$dir"
[ "$user" != root ] || mkdir -p /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
ssh-keygen -q -t ed25519 -N '' -f "$dir/tunnel_key"
ssh-keygen -q -t ed25519 -N '' -f "$dir/back_key"
tools
host old "$old_ssh" "$old_shell"
host new "$new_ssh" "$new_shell"
# each host gets to the other one's server, and no further
grant() { echo "restrict,port-forwarding,permitopen=\"127.0.0.1:$1\" $(cat "$dir/$2.pub")" >>"$dir/$3_authorized_keys"; }
grant "$old_port" tunnel_key old
grant "$new_port" back_key new
login old "$old_ssh" tunnel_key >"$dir/peer_ssh_config"
login new "$new_ssh" back_key >"$dir/back_ssh_config"
server old "$old_port"
server new "$new_port"
"$dir/old/restart.sh"
"$dir/new/restart.sh"
