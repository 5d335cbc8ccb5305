# claim.sh DIR SEEN ME STAMP HOLDER: writes `ME STAMP` into the record if that still is SEEN (empty: there is none) or ME's
# already, then ends what other runners left running. Follows session.sh. Exit code 76: somebody was faster.
umask 077
dir=$1 seen=$2 me=$3 stamp=$4 holder=$5
command -v flock >/dev/null && command -v setsid >/dev/null || { echo "flock and setsid (of util-linux) are not installed" >&2; exit 1; }
# Whoever makes the host's work_dir removes it again when the run turns out to do nothing.
[ -d "$(dirname -- "$(dirname -- "$dir")")" ] && made= || made=1
mkdir -p -- "$dir" || exit 1
[ -z "$made" ] || : > "$dir/made"
exec 9>>"$dir/lock"
flock -w 20 9 || { echo "another program holds $dir/lock" >&2; exit 1; }
record=
{ IFS= read -r record < "$dir/record"; } 2>/dev/null
case $record in
"$me "*) ;;
"$seen")
    printf '%s\n' "$holder" > "$dir/holder.new" && mv -f -- "$dir/holder.new" "$dir/holder" || exit 1
    printf '%s %s\n' "$me" "$stamp" > "$dir/record.new" && sync -- "$dir/record.new" || exit 1
    mv -f -- "$dir/record.new" "$dir/record" && sync -- "$dir" || exit 1
    ;;
*) exit 76 ;;
esac
# Nothing of the displaced runner can start any more. What it had started may finish for a while, and is ended then.
exec 9>&-
look_at_clock
since=$now
for card in "$dir"/p.*; do
    [ -e "$card" ] || break
    read -r pid birth boot step work call mode words < "$card" || continue
    case $call in "${me#* }".*) continue ;; esac # started by this very runner
    while [ -n "$(members)" ] && look_at_clock && [ $((now - since)) -lt 1000 ]; do
        sleep 0.1
    done
    end_members || { echo "$words (process $pid) of the runner before still runs" >&2; exit 1; }
    rm -f -- "$card"
done
exit 0
