# state.sh DIR: prints whether it runs (1 or 0), its exit code or -, the bytes done or -.
job_folder "$1" || exit
wait_for_leader
# First whether it runs, then its code: a job that ends in between has written it by then.
running=0
if leader_runs; then
    running=1
fi
code=-
if [ -e code ]; then
    read -r code < code
    running=0
elif [ "$running" = 0 ] && [ -n "$(members)" ]; then
    # The leader was killed, but its work goes on.
    running=1
fi
bytes=-
if [ -s progress ]; then
    bytes=$(sh ./progress </dev/null 2>/dev/null) || bytes=-
fi
set -- $bytes
echo "$running $code ${1:--}"
