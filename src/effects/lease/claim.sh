# claim.sh DIR SEEN ME STAMP HOLDER: writes `ME STAMP` into the record if that still is SEEN (empty: there is none) or ME's
# already, then ends what other runners left running. Follows places.sh and session.sh. Exit code 76: somebody was faster; 75: something
# of another runner does not end.
umask 077
dir=$1 seen=$2 me=$3 stamp=$4 holder=$5
command -v flock >/dev/null && command -v setsid >/dev/null || { echo "flock and setsid (of util-linux) are not installed" >&2; exit 1; }
# Whoever makes the host's work_dir removes it again when the run turns out to do nothing.
[ -d "${dir%/*/*}" ] && made= || made=1
# Nobody else may be able to swap what is started from there.
own_folder "$dir" make || exit
[ -z "$made" ] || : > "$dir/made"
[ ! -e "$dir/lock" ] || { [ -r "$dir/lock" ] && [ -w "$dir/lock" ]; } || { echo "$dir belongs to another account" >&2; exit 1; }
exec 9<>"$dir/lock"
take_lock 2000 || { echo "another program holds $dir/lock" >&2; exit 75; }
record=
{ IFS= read -r record < "$dir/record"; } 2>/dev/null
case $record in
"$me "*) ;;
"$seen")
    # On a full disk there is room for what is overwritten, if not for a new file.
    # Never this runner's record beside the name of another, nor the other way round.
    rm -f -- "$dir/holder"
    if [ -n "$record" ]; then
        printf '%s %s\n' "$me" "$stamp" 1<>"$dir/record" && sync -- "$dir/record" || exit 1
    else
        printf '%s %s\n' "$me" "$stamp" > "$dir/record.new" && sync -- "$dir/record.new" || exit 1
        mv -f -- "$dir/record.new" "$dir/record" && sync -- "$dir" || exit 1
    fi
    printf '%s\n' "$holder" > "$dir/holder.new" && mv -f -- "$dir/holder.new" "$dir/holder"
    ;;
*) exit 76 ;;
esac
# Nothing of the displaced runner can start any more. What it had started may finish for a while, and is ended then.
exec 9>&-
look_at_clock
since=$now
read -r this_boot < /proc/sys/kernel/random/boot_id
for card in "$dir/$this_boot"/p.*; do
    [ -e "$card" ] || break
    read -r pid birth boot step work call mode words < "$card" || continue
    case $call in "${me#* }".*) continue ;; esac # started by this very runner
    known=
    while [ "$mode" != shell ] && [ -n "$(members)" ] && look_at_clock && [ $((now - since)) -lt 1000 ]; do
        sleep 0.1
    done
    end_members || { echo "$words (process $pid) of the runner before still runs" >&2; exit 75; }
    rm -f -- "$card"
done
exit 0
