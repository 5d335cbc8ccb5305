# Stops the server of this folder cleanly, if it runs, and starts it, detached; ends when it answers. Further
# arguments go to the server.
pid_file=$dir/server.pid

# A zombie counts as gone, since nobody need reap it for us to go on, but only once all its threads are.
gone() {
    read -r stat 2>/dev/null <"/proc/$1/stat" || return 0
    case ${stat##*) } in Z*) ;; *) return 1 ;; esac
    set -- "/proc/$1/task/"*
    [ $# -le 1 ]
}

# A number left by a server that was killed may belong to somebody else by now.
if pid=$(cat "$pid_file" 2>/dev/null) && grep -aqF "$dir/my.cnf" "/proc/$pid/cmdline" 2>/dev/null; then
    kill -TERM "$pid"
    tries=0
    until gone "$pid"; do
        tries=$((tries + 1))
        [ "$tries" -lt 3000 ] || { echo "the server did not stop within 60 s" >&2; exit 1; }
        sleep 0.02
    done
fi
rm -f "$pid_file"

# A server that starts removes what others have in a shared folder for temporary files.
export TMPDIR="$dir"

# Whoever called waits for the ends of these to be closed.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
TMPDIR=$dir/tmp setsid "$program" --defaults-file="$dir/my.cnf" ${base:+"--basedir=$base"} $as_user --pid-file="$pid_file" --socket="$dir/s.sock" "$@" \
    </dev/null >>"$dir/error.log" 2>&1 &
pid=$!
echo "$pid" >"$pid_file"
tries=0
until "$admin" --no-defaults $unverified --socket="$dir/s.sock" --user=root --connect-timeout=2 ping >/dev/null 2>&1; do
    tries=$((tries + 1))
    if gone "$pid" || [ "$tries" -ge 1200 ]; then
        echo "the server did not start:" >&2
        tail -n 20 "$dir/error.log" >&2
        exit 1
    fi
    sleep 0.05
done
