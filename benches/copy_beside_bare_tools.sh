#!/bin/bash
# How fast a server is copied: each engine of `copy` beside the same tools typed by hand, and beside a dump that is written
# to a file and then loaded. Two servers on this machine, the old one behind ssh, eight sysbench tables (ROWS in all, 4 million
# unless told: 1 GB). Every time is from the start to a server that answers with the copy, the preparation and the restart in
# it. Data and servers are in target/bench/copy; the servers end with this script. `clone` needs MySQL, which the tests fetch.
#
# copy_beside_bare_tools.sh [NAME...]: which of the rows below; all unless told. FAMILY=mysql has clone, dump and file too.
set -euo pipefail
cd -- "$(dirname -- "$0")/.."
PATH=$PATH:/usr/sbin
rows=${ROWS:-4000000} port=${PORT:-33971} runs=${RUNS:-3}
export FAMILY=${FAMILY:-mariadb} ROWS=$rows
dir=$PWD/target/bench/copy/$FAMILY
program=${CUTOVER:-$PWD/target/release/cutover}
ssh=(ssh -F "$dir/ssh_config" old)
export BENCH_PASSWORD=bench
case $FAMILY in
mariadb) server=mariadbd client=mariadb admin=mariadb-admin dumper=mariadb-dump binlog_position=--master-data=2 ;;
mysql)
    PATH=$HOME/.cache/cutover/mysql/run:$PATH
    server=mysqld client=mysql admin=mysqladmin dumper=mysqldump binlog_position=--source-data=2
    ;;
esac

# stop NAME
stop() {
    [ -s "$dir/$1.pid" ] || return 0
    local pid
    pid=$(cat "$dir/$1.pid")
    kill "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}
# start NAME
start() {
    setsid "$server" --defaults-file="$dir/$1.cnf" --user="$(id -un)" </dev/null >>"$dir/$1.log" 2>&1 &
    local pid=$!
    until "$admin" --no-defaults --user=root --socket="$dir/$1.sock" ping >/dev/null 2>&1; do
        kill -0 "$pid" 2>/dev/null || { tail -n 5 "$dir/$1.log" >&2; return 1; }
        sleep 0.05
    done
}
# ask NAME ARGS...
ask() {
    local name=$1
    shift
    "$client" --no-defaults --user=root --socket="$dir/$name.sock" "$@"
}
# A target as it was before any copy.
fresh() {
    close_tunnel
    stop new
    rm -rf "$dir"/new "$dir"/new.* "$dir/state" "$dir/work" "$dir/by-hand"
    cp -a "$dir/empty" "$dir/new"
    cp "$dir/first.cnf" "$dir/new.cnf"
    mkdir -m 700 "$dir/work" "$dir/by-hand"
    start new
    sync
}
restart_new() {
    stop new
    start new
}

# ---- what a person types ---------------------------------------------------------------------------------------------
hand_mariabackup() {
    mkdir "$dir/new.copy"
    "${ssh[@]}" "mariadb-backup --defaults-file=$dir/login.cnf --backup --stream=xbstream --parallel=4 2>/dev/null | zstd -q -1" |
        zstd -dq | mbstream -x -C "$dir/new.copy" --parallel=4
    mariadb-backup --prepare --target-dir="$dir/new.copy" 2>/dev/null
    sync -f "$dir/new.copy"
    swap_folders
}
hand_clone() {
    tunnel
    ask new -e "SET GLOBAL clone_valid_donor_list = '127.0.0.1:$((port + 4))';
        CLONE INSTANCE FROM bench@127.0.0.1:$((port + 4)) IDENTIFIED BY 'bench' DATA DIRECTORY = '$dir/new.copy' REQUIRE NO SSL"
    close_tunnel
    swap_folders
}
swap_folders() {
    stop new
    mv "$dir/new" "$dir/new.old"
    mv "$dir/new.copy" "$dir/new"
    start new
}
tunnel() {
    "${ssh[@]}" -f -N -o ExitOnForwardFailure=yes -L $((port + 4)):127.0.0.1:"$port"
}
# Ends whoever keeps one open, too.
close_tunnel() {
    local pid
    for pid in $(pgrep -f -- "$((port + 4)):127.0.0.1:$port"); do pkill -s "$(ps -o sid= -p "$pid" | tr -d ' ')" || :; done
}
hand_file() {
    "${ssh[@]}" "$dumper --defaults-file=$dir/login.cnf --single-transaction $binlog_position --routines --events \
        --databases bench | zstd -q -3" >"$dir/by-hand/dump.zst"
    zstd -dcq "$dir/by-hand/dump.zst" | "$client" --defaults-file="$dir/login.cnf" --port=$((port + 1))
}
hand_mydumper() {
    tunnel
    mydumper --defaults-file="$dir/tool.cnf" --host=127.0.0.1 --port=$((port + 4)) --database=bench --threads=4 \
        --trx-consistency-only --triggers --routines --events --outputdir="$dir/by-hand/dump"
    myloader --defaults-file="$dir/tool.cnf" --host=127.0.0.1 --port=$((port + 1)) --threads=4 --directory="$dir/by-hand/dump"
    close_tunnel
}

# ---- the same by cutover -----------------------------------------------------------------------------------------------
# by_cutover PLAYBOOK
by_cutover() {
    /usr/bin/time -f %M -o "$dir/memory.$(basename "$1" .yaml)" "$program" run "$1" -i "$dir/inventory.yaml" --state "$dir/state" --yes
}
# What a measured command says goes to a file, which is shown when it fails.
measured() {
    "$@" >"$dir/said" 2>&1
}
# playbook ENGINE: one that only copies.
playbook() {
    {
        printf 'version: 1\nname: copy-%s\nsteps:\n' "$1"
        if [ "$1" = file ]; then
            printf '  - { id: dump, uses: dump, with: { server: source, on: target } }\n'
            printf '  - { id: import, needs: [dump], uses: import, with: { server: target, file: "{{ steps.dump.file }}" } }\n'
        elif [ "$1" = clone ]; then
            printf '  - { id: tunnel, uses: tunnel, with: { from: new, to: old, listen: "127.0.0.1:%s", forward: "127.0.0.1:%s" } }\n' \
                $((port + 4)) "$port"
            printf '  - { id: copy, needs: [tunnel], uses: copy, with: { from: source, to: target, engine: clone, through: tunnel } }\n'
        else
            printf '  - { id: copy, uses: copy, with: { from: source, to: target, engine: %s } }\n' "$1"
        fi
    } >"$dir/$1.yaml"
}

# first_files NAME: configuration and data directory of a new server.
first_files() {
    local offset=0 number=1
    [ "$1" = old ] || offset=1 number=2
    printf '[mysqld]\ndatadir=%s\nsocket=%s\npid_file=%s\nport=%s\nbind_address=127.0.0.1\nskip_name_resolve\nserver_id=%s
log_bin=binlog\nbinlog_format=ROW\ninnodb_buffer_pool_size=512M\ninnodb_flush_log_at_trx_commit=2\n' \
        "$dir/$1" "$dir/$1.sock" "$dir/$1.pid" $((port + offset)) "$number" >"$dir/$1.cnf"
    case $FAMILY in
    mariadb)
        printf 'innodb_log_file_size=256M\n' >>"$dir/$1.cnf"
        mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/$1" --auth-root-authentication-method=normal \
            --skip-test-db >/dev/null
        ;;
    mysql)
        printf 'innodb_redo_log_capacity=512M\nplugin_load_add=mysql_clone.so\n' >>"$dir/$1.cnf"
        mysqld --no-defaults --initialize-insecure --user="$(id -un)" --datadir="$dir/$1" 2>/dev/null
        ;;
    esac
}
first_statements() {
    case $FAMILY in
    mariadb)
        echo "DELETE FROM mysql.global_priv WHERE User = ''; FLUSH PRIVILEGES; SET sql_log_bin = 0;
            GRANT ALL ON *.* TO bench@127.0.0.1 IDENTIFIED BY 'bench' WITH GRANT OPTION"
        ;;
    mysql)
        echo "SET sql_log_bin = 0; CREATE USER bench@127.0.0.1 IDENTIFIED BY 'bench'; GRANT ALL ON *.* TO bench@127.0.0.1 WITH GRANT OPTION"
        ;;
    esac
}

set_up() {
    rm -rf "$dir"
    mkdir -p -m 700 "$dir"
    trap 'close_tunnel; stop old; stop new; [ ! -s "$dir/sshd.pid" ] || kill "$(cat "$dir/sshd.pid")"' EXIT
    trap 'exit 130' INT TERM
    local name
    for name in old new; do
        first_files "$name"
        start "$name"
        ask "$name" -e "$(first_statements)"
    done
    ask old -e 'CREATE DATABASE bench'
    stop new
    cp -a "$dir/new" "$dir/empty"
    cp "$dir/new.cnf" "$dir/first.cnf"
    printf '[client]\nuser=bench\npassword=bench\nhost=127.0.0.1\nport=%s\n' "$port" >"$dir/login.cnf"
    printf '[client]\nuser=bench\npassword=bench\n[mydumper]\nuser=bench\npassword=bench\n[myloader]\nuser=bench\npassword=bench\n' >"$dir/tool.cnf"
    echo "filling 8 tables with $rows rows"
    sysbench oltp_read_only --db-driver=mysql --mysql-socket="$dir/old.sock" --mysql-user=root --mysql-db=bench --tables=8 \
        --table-size=$((rows / 8)) --threads=2 prepare >/dev/null
    set_up_ssh
    printf '#!/bin/sh\nFAMILY=%s PORT=%s exec %q restart_new\n' "$FAMILY" "$port" "$self" >"$dir/restart"
    chmod 700 "$dir/restart"
    local version=
    [ "$FAMILY" = mariadb ] || version=", version: \"$(ask old -N -e 'SELECT @@version')\""
    cat >"$dir/inventory.yaml" <<END
hosts:
  new: { work_dir: "$dir/work", peer_ssh_config: "$dir/ssh_config" }
  old: { ssh: old, ssh_config: "$dir/ssh_config", work_dir: "$dir/work" }
servers:
  source: { host: old, address: "127.0.0.1:$port", user: bench, password: { env: BENCH_PASSWORD }, family: $FAMILY$version }
  target: { host: new, address: "127.0.0.1:$((port + 1))", user: bench, password: { env: BENCH_PASSWORD }, family: $FAMILY$version,
            config_file: "$dir/new.cnf", data_dir: "$dir/new", restart: ["$dir/restart"] }
END
    for engine in file dump mydumper mariabackup clone; do playbook "$engine"; done
}
# An sshd of our own: the old server's host.
set_up_ssh() {
    mkdir -p /run/sshd
    ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
    ssh-keygen -q -t ed25519 -N '' -f "$dir/key"
    printf '[127.0.0.1]:%s %s\n' $((port + 2)) "$(cat "$dir/host_key.pub")" >"$dir/known_hosts"
    printf 'ListenAddress 127.0.0.1:%s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile %s\nStrictModes no\nUsePAM no\n' \
        $((port + 2)) "$dir/host_key" "$dir/key.pub" "$dir/sshd.pid" >"$dir/sshd_config"
    printf 'Host old\n  HostName 127.0.0.1\n  Port %s\n  User %s\n  IdentityFile %s\n  IdentitiesOnly yes\n  IdentityAgent none\n  UserKnownHostsFile %s\n' \
        $((port + 2)) "$(id -un)" "$dir/key" "$dir/known_hosts" >"$dir/ssh_config"
    /usr/sbin/sshd -f "$dir/sshd_config" -E "$dir/sshd.log"
}

self=$PWD/benches/copy_beside_bare_tools.sh
case ${1:-} in
fresh | restart_new) "$1"; exit ;;
hand_* | by_cutover) measured "$@"; exit ;;
esac
if [ $# -eq 0 ] && [ "$FAMILY" = mariadb ] && [ -x "$HOME/.cache/cutover/mysql/run/mysqld" ]; then
    "$self" mariabackup mydumper dump file
    FAMILY=mysql exec "$self" clone
elif [ $# -eq 0 ]; then
    echo 'clone is left out: there is no MySQL here, which `make test` fetches' >&2
    set -- mariabackup mydumper dump file
fi
set_up
commands=()
for name in "$@"; do
    case $name in # a dump that streams has no usual form by hand
    dump) ;;
    *) commands+=(--command-name "$name by hand" "$self hand_$name") ;;
    esac
    commands+=(--command-name "$name by cutover" "$self by_cutover $dir/$name.yaml")
done
hyperfine --runs "$runs" --prepare "$self fresh" --export-json "$dir/times.json" "${commands[@]}" ||
    { cat "$dir/said" >&2; exit 1; }
python3 - "$dir" <<'END'
import glob, json, os, sys
found = {r["command"]: r["median"] for r in json.load(open(f"{sys.argv[1]}/times.json"))["results"]}
for name, seconds in found.items():
    engine = name.split()[0]
    memory = f"{sys.argv[1]}/memory.{engine}"
    line = f"{name:28} {seconds:7.2f} s"
    if name.endswith("by cutover"):
        if f"{engine} by hand" in found:
            line += f"   {seconds / found[f'{engine} by hand']:.2f} x by hand"
        if os.path.exists(memory):
            line += f"   runner's memory {int(open(memory).read().split()[-1]) / 1024:.0f} MiB"
    print(line)
END
