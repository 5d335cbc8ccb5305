# end.sh DIR CALL: ends the program that was started as CALL, with all that it has started in its session, and sees to it
# that it does not begin any more if it has not yet. Follows session.sh.
read -r boot < /proc/sys/kernel/random/boot_id
cards=$1/$boot
[ -e "$1/lock" ] || exit 0 # nothing can begin there
mkdir -p -- "$cards" 2>/dev/null
exec 9<>"$1/lock"
take_lock 1000 || { echo "the lock of the lease is held" >&2; exit 1; }
# On a full disk it cannot be kept from beginning, but what has begun can be ended.
seen=
{ printf '' > "$cards/x.$2"; } 2>/dev/null && seen=1
exec 9>&-
for card in "$cards"/p.*; do
    [ -e "$card" ] || break
    read -r pid birth boot step work call mode words < "$card" || continue
    [ "$call" = "$2" ] || continue
    end_members || exit 1
    rm -f -- "$card"
    seen=1
done
[ -n "$seen" ] || { echo "no room in $cards to see to its end" >&2; exit 1; }
exit 0
