#!/bin/sh
# How fast a replica is compared with its source: `verify` beside pt-table-checksum, on the same two MariaDB servers on
# this machine with eight sysbench tables (ROWS in all, 4 million unless told). Both tools are timed from their start to
# their end. Data and servers are in target/bench/verify; the servers end with this script.
set -eu
cd -- "$(dirname -- "$0")/.."
PATH=$PATH:/usr/sbin
rows=${ROWS:-4000000}
dir=$PWD/target/bench/verify
port=${PORT:-33961}
rm -rf "$dir"
mkdir -p "$dir"

stop() {
    for server in source replica; do
        if [ -s "$dir/$server.pid" ]; then
            pid=$(cat "$dir/$server.pid")
            kill "$pid" 2>/dev/null || :
            while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
        fi
    done
}
trap stop EXIT
trap 'exit 130' INT TERM

# start NAME PORT NUMBER
start() {
    mariadbd --no-defaults --user="$(id -un)" --datadir="$dir/$1" --socket="$dir/$1.sock" --pid-file="$dir/$1.pid" \
        --port="$2" --bind-address=127.0.0.1 --skip-name-resolve --server-id="$3" --report-host=127.0.0.1 \
        --report-port="$2" --log-bin=binlog --binlog-format=ROW --innodb-buffer-pool-size=1G --sync-binlog=1 \
        >"$dir/$1.log" 2>&1 &
    until mariadb-admin --no-defaults --user=root --socket="$dir/$1.sock" --silent ping 2>/dev/null; do sleep 0.1; done
}
ask() {
    server=$1
    shift
    mariadb --no-defaults --user=root --socket="$dir/$server.sock" "$@"
}

mariadb-install-db --no-defaults --user="$(id -un)" --datadir="$dir/source" --auth-root-authentication-method=normal \
    --skip-test-db >/dev/null
start source "$port" 1
ask source -e "DELETE FROM mysql.global_priv WHERE User = ''; FLUSH PRIVILEGES; CREATE DATABASE bench;
    GRANT ALL ON *.* TO bench@127.0.0.1 IDENTIFIED BY 'bench'"
echo "filling 8 tables with $rows rows"
sysbench oltp_read_only --db-driver=mysql --mysql-socket="$dir/source.sock" --mysql-user=root --mysql-db=bench --tables=8 \
    --table-size=$((rows / 8)) --threads=2 prepare >/dev/null
stop
cp -a "$dir/source" "$dir/replica"
start source "$port" 1
start replica $((port + 1)) 2
set -- $(ask source -N -e 'SHOW MASTER STATUS')
ask replica -e "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = $port, MASTER_USER = 'bench',
    MASTER_PASSWORD = 'bench', MASTER_LOG_FILE = '$1', MASTER_LOG_POS = $2, MASTER_USE_GTID = no; START SLAVE"

cat >"$dir/verify.yaml" <<END
version: 1
name: verify
steps:
  - { id: same, uses: verify, with: { source: source, replica: replica, databases: [bench], threads: ${THREADS:-2} } }
END
cat >"$dir/inventory.yaml" <<END
hosts: { local: {} }
servers:
  source: { host: local, address: "127.0.0.1:$port", user: bench, password: { env: BENCH_PASSWORD } }
  replica: { host: local, address: "127.0.0.1:$((port + 1))", user: bench, password: { env: BENCH_PASSWORD } }
END
export BENCH_PASSWORD=bench
program=${CUTOVER:-target/release/cutover}
hyperfine --warmup 1 --runs "${RUNS:-3}" --export-json target/bench/verify.json \
    --prepare "rm -rf '$dir/state'" --command-name 'cutover verify' \
    "$program run '$dir/verify.yaml' -i '$dir/inventory.yaml' --state '$dir/state'" \
    --prepare true --command-name 'pt-table-checksum' \
    "pt-table-checksum h=127.0.0.1,P=$port,u=bench,p=bench --databases bench --recursion-method hosts \
        --no-check-binlog-format --no-version-check --quiet"
python3 - "$rows" <<'END'
import json, sys
rows = int(sys.argv[1])
ours, theirs = (result["median"] for result in json.load(open("target/bench/verify.json"))["results"])
print(f"verify {ours:.2f} s ({rows / ours:,.0f} rows/s), pt-table-checksum {theirs:.2f} s ({rows / theirs:,.0f} rows/s): "
      f"{theirs / ours:.1f} times as long")
END
