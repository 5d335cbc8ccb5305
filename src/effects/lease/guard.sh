# guard.sh DIR EPOCH NONCE SEQ HASH STEP WORK CALL ENDS PROGRAM ARGS…: runs a program for the runner that holds the lease in
# DIR, and for no other. Follows session.sh. What it says itself begins with `cutover-guard CALL`, and it ends with 76 then.
dir=$1 me="$2 $3" seq=$4 hash=$5 step=$6 work=$7 call=$8 ends=$9
shift 9
say() { echo "cutover-guard $call $*" >&2; exit 76; }
[ -e "$dir/lock" ] || say gone
[ -r "$dir/lock" ] && [ -w "$dir/lock" ] || say failed to open the lock
exec 9<>"$dir/lock"
flock -s 9 || say failed to take the lock
record=
{ IFS= read -r record < "$dir/record"; } 2>/dev/null
case $record in
"$me "*) ;;
*) say displaced "$record" ;;
esac
known=${record#"$me "}
# The record has a fixed length, so that it is overwritten in one piece.
[ "$seq" -le "${known%% *}" ] || printf '%s %s %s\n' "$me" "$seq" "$hash" 1<>"$dir/record"
look_at $$ && leader=$session && look_at "$leader" || say failed to read /proc
read -r boot < /proc/sys/kernel/random/boot_id
cards=$dir/$boot
mkdir -p -- "$cards" 2>/dev/null
# Who was given up before it began does not begin any more.
[ ! -e "$cards/x.$call" ] || say given up
note() { printf '%s %s %s %s %s %s %s %.80s\n' "$leader" "$begun" "$boot" "$step" "$work" "$call" "$ends" "$words" > "$cards/p.$$"; }
words=$*
# On a full disk what makes room must still run; it is short, and nobody need find it to end it.
{ note; } 2>/dev/null || [ "$ends" != tree ] || say failed to note the program: no room for "$cards"
# What an earlier piece of work of this step left running ends first: its connection broke, or it was given up.
for card in "$cards"/p.*; do
    read -r pid birth boot other_step other_work other_call mode words < "$card" || continue
    [ "$other_step" = "$step" ] && [ "$other_work" != "$work" ] && [ "$mode" != shell ] || continue
    if ! end_members >/dev/null 2>&1; then
        rm -f "$cards/p.$$"
        say running "$pid" "$words"
    fi
    rm -f "$card"
done
exec 9>&-
# no built-in command of this shell is meant by any name
env -- "$@"
code=$?
rm -f "$cards/p.$$"
exit $code
