# Shared by all who look after a session of processes: the scripts of a job, which run in the job's folder, and those of a
# lease. A card (`pid`, unless `card` names another file) holds the leader of the session: its number, its start time in
# clock ticks, and the boot it belongs to, so that no later process is taken for it. The leader of a job stands in its
# folder as well.

# look_at PID: sets state, parent, session and begun; fails when there is no such process.
look_at() {
    { IFS= read -r line < "/proc/$1/stat"; } 2>/dev/null || return 1
    # The name in brackets may hold spaces.
    line=${line##*") "}
    set -- $line
    state=$1 parent=$2 session=$4 begun=${20:-0}
}

# Waits for a job that is just being started to say who it is.
wait_for_leader() {
    tries=0
    until [ -e pid ] || [ -e code ] || [ "$tries" -ge 100 ]; do
        tries=$((tries + 1))
        sleep 0.02
    done
}

# Sets leader and birth; fails when none is known, or it belongs to an earlier boot.
know_leader() {
    leader='' birth='' boot=''
    { read -r leader birth boot rest < "${card:-pid}"; } 2>/dev/null || return 1
    [ "$boot" = "$(cat /proc/sys/kernel/random/boot_id)" ]
}

# Whether the process that is looked at may be the leader that the card names.
is_leader() {
    [ "$begun" = "$birth" ] && { [ -z "${job-}" ] || [ "/proc/$leader/cwd/." -ef . ]; }
}

leader_runs() {
    know_leader && look_at "$leader" && is_leader && [ "$state" != Z ] && [ "$state" != X ]
}

# Numbers of the processes of the session that still run, the leader among them or not, and of those in known. With the
# mode `tree`, what descends from them counts as well.
members() {
    know_leader || return 0
    # The number went to another process: the kernel allows that only when the whole session is gone. Or somebody has
    # written that number down.
    if look_at "$leader" && [ "$state" != Z ] && [ "$state" != X ] && ! is_leader; then
        return 0
    fi
    for entry in /proc/[0-9]*; do
        look_at "${entry#/proc/}" || continue
        [ "$session" = "$leader" ] && known="$known ${entry#/proc/}"
    done
    [ "${mode:-session}" != tree ] || know_descendants
    for number in $(printf '%s\n' $known | sort -u); do
        look_at "$number" && [ "$state" != Z ] && [ "$state" != X ] && echo "$number"
    done
    return 0
}

# Adds to known whatever descends from what is there, in whatever session.
know_descendants() {
    more=1
    while [ -n "$more" ]; do
        more=
        for entry in /proc/[0-9]*; do
            number=${entry#/proc/}
            case " $known " in *" $number "*) continue ;; esac
            look_at "$number" || continue
            case " $known " in *" $parent "*) known="$known $number" more=1 ;; esac
        done
    done
}

# take_lock HUNDREDTHS: takes descriptor 9 for itself alone, within that time. Not every flock knows how to wait.
take_lock() {
    look_at_clock
    lock_until=$((now + $1))
    until flock -n 9; do
        look_at_clock
        [ "$now" -lt "$lock_until" ] || return 1
        sleep 0.05
    done
}

# Sets now, in hundredths of a second.
look_at_clock() {
    read -r now rest < /proc/uptime
    now=${now%.*}${now#*.}
}

# Ends all of a job's session.
end_all() {
    wait_for_leader
    end_members
}

# Ends all of the session: asked to for 3 seconds, made to for 5 more.
end_members() {
    known=
    pids=$(members)
    [ -n "$pids" ] || return 0
    kill -TERM $pids 2>/dev/null
    kill -CONT $pids 2>/dev/null
    look_at_clock
    asked=$now
    # what has left the session is found by its parent, and that one is gone soon
    while known=$(echo $known $pids) && pids=$(members) && [ -n "$pids" ]; do
        look_at_clock
        if [ $((now - asked)) -ge 800 ]; then
            echo "these processes do not end:" $pids >&2
            return 1
        fi
        [ $((now - asked)) -lt 300 ] || kill -KILL $pids 2>/dev/null
        sleep 0.05
    done
    return 0
}
