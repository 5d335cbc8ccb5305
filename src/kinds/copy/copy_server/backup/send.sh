# Sends a compressed backup of this host's server to its reader. A backup that was cut off ends with a code other than 0.
# The server has the processors first: it serves others meanwhile.
for program in $programs; do ! command -v "$program" >/dev/null || break; done
printf '%s\n' "$mark"
{
    nice -n 10 "$program" --defaults-file="$work/client.cnf" --backup --stream=xbstream --target-dir="$work/own" \
        --parallel="$parallel" </dev/null 2>"$work/said" || echo "$?" >"$work/failed"
} | { $pace || echo "$?" >"$work/failed"; } | nice -n 10 zstd -qc -1 -T0
if [ -e "$work/failed" ] || ! grep -q 'completed OK!' "$work/said"; then
    tail -n 20 "$work/said" >&2
    exit 1
fi
