#!/bin/sh
# Stands in for systemctl on a host of the tutorial: starts, stops, restarts and reloads mariadb, and units with an
# ExecStart= in /etc/systemd/system. The only stand-in of the test.
#
#   systemctl start|stop|restart|reload|enable|daemon-reload [--now] [UNIT]
#   systemctl show --property=LoadState -- UNIT
set -eu
verb=$1
shift
[ "${1:-}" != --now ] || { shift; verb=start; }
case $verb in enable | daemon-reload) exit 0 ;; esac
if [ "$verb" = show ]; then
    [ "$3" = mariadb ] || [ -e "/etc/systemd/system/${3%.service}.service" ] || { echo LoadState=not-found && exit 0; }
    echo LoadState=loaded && exit 0
fi
unit=${1%.service}
file=/etc/systemd/system/$unit.service
pid_file=/run/systemctl.$unit.pid
mkdir -p /var/log/units

runs() { [ -s "$pid_file" ] && kill -0 "$(cat "$pid_file")" 2>/dev/null; }

setting() { sed -n "s|^$1=||p" "$file"; }

stop() {
    runs || return 0
    pid=$(cat "$pid_file")
    # as systemd does it: the whole group of processes
    kill -- "-$pid" 2>/dev/null || :
    for try in $(seq 1200); do
        kill -0 -- "-$pid" 2>/dev/null || break
        sleep 0.05
    done
    rm -f "$pid_file"
}

start() {
    if [ "$unit" = mariadb ]; then
        mkdir -p /run/mysqld
        chown mysql:mysql /run/mysqld
        program='mariadbd --user=mysql'
    else
        program=$(setting ExecStart)
    fi
    # nothing of the caller's is inherited but PATH and HOME
    # shellcheck disable=SC2086 # words
    env -i PATH="$PATH" HOME=/root setsid sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$pid_file" $program \
        </dev/null >>"/var/log/units/$unit.log" 2>&1 &
    [ "$unit" = mariadb ] || return 0
    for try in $(seq 1200); do
        mariadb-admin --no-defaults --socket=/run/mysqld/mysqld.sock ping >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    tail -n 20 "/var/log/units/$unit.log" >&2
    exit 1
}

case $verb in
start) runs || start ;;
stop) stop ;;
restart) stop && start ;;
reload) kill -HUP "$(cat "$pid_file")" ;;
*) echo "systemctl: $verb is not known here" >&2 && exit 1 ;;
esac
