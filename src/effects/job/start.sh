# start.sh DIR PROGRESS SIZE LEADER < SCRIPT: starts the job, or leaves the one that is there as it is.
set -u
umask 077
dir=$1 progress=$2 size=$3 leader_script=$4
script=$(cat; echo .)
command -v setsid >/dev/null || { echo "setsid (of util-linux) is not installed" >&2; exit 1; }
own_folder "${dir%/*}" make || exit
# The folder is the lock: whoever makes it starts the job.
if mkdir -- "$dir" 2>/dev/null; then
    job_folder "$dir" || exit
    printf '%s' "${script%.}" > script.new
    # A connection that breaks looks like the end of the script.
    if [ "$(wc -c < script.new)" -ne "$size" ]; then
        rm -f script.new
        rmdir -- "$dir"
        echo "the script did not arrive whole" >&2
        exit 1
    fi
    printf '%s' "$progress" > progress
    mv script.new script
    setsid sh -c "$leader_script" cutover-job </dev/null >/dev/null 2>&1 &
    wait_for_leader
    [ -e pid ] || { echo "the job did not start" >&2; exit 1; }
else
    job_folder "$dir" || exit
    tries=0
    until [ -e script ] || [ "$tries" -ge 100 ]; do
        tries=$((tries + 1))
        sleep 0.02
    done
    [ -e script ] || { echo "$dir is there and holds no job" >&2; exit 1; }
    job_folder "$dir" || exit
    [ "$script" = "$(cat script; echo .)" ] || { echo "$dir holds a job with another script" >&2; exit 1; }
    wait_for_leader
fi
