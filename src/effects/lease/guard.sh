# guard.sh DIR EPOCH NONCE SEQ HASH STEP WORK CALL ENDS PROGRAM ARGS…: runs a program for the runner that holds the lease in DIR,
# and for no other. Follows session.sh. What it says itself begins with `cutover-guard CALL`, and it ends with 76 then.
dir=$1 me="$2 $3" seq=$4 hash=$5 step=$6 work=$7 call=$8 ends=$9
shift 9
say() { echo "cutover-guard $call $*" >&2; exit 76; }
[ -w "$dir/lock" ] || say unclaimed
exec 9>>"$dir/lock"
flock -s 9 || say failed flock
record=
{ IFS= read -r record < "$dir/record"; } 2>/dev/null
case $record in
"$me "*) ;;
*) say displaced "$record" ;;
esac
known=${record#"$me "}
# The record has a fixed length, so that it is overwritten in one piece.
[ "$seq" -le "${known%% *}" ] || printf '%s %s %s\n' "$me" "$seq" "$hash" 1<>"$dir/record"
# What an earlier piece of work of this step left running ends first: its connection broke, or it was given up.
for card in "$dir"/p.*; do
    [ -e "$card" ] || break
    read -r pid birth boot other_step other_work other_call mode words < "$card" || continue
    [ "$other_step" = "$step" ] && [ "$other_work" != "$work" ] || continue
    end_members >/dev/null 2>&1 || say running "$pid" "$words"
    rm -f "$card"
done
look_at $$ && leader=$session && look_at "$leader" || say failed to read /proc
read -r boot < /proc/sys/kernel/random/boot_id
printf '%s %s %s %s %s %s %s %.80s\n' "$leader" "$begun" "$boot" "$step" "$work" "$call" "$ends" "$*" > "$dir/p.$$"
exec 9>&-
# no built-in command of this shell is meant by any name
env -- "$@"
code=$?
rm -f "$dir/p.$$"
exit $code
