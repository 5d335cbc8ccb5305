# look.sh DIR: prints the lease's record, when it was last renewed (seconds), and who holds it; nothing when there is none. Follows
# places.sh.
own_folder "$1"
case $? in
0) ;;
2) exit 0 ;;
*) exit ;;
esac
[ -e "$1/record" ] || exit 0
[ -r "$1/record" ] || { echo "$1 belongs to another account" >&2; exit 1; }
IFS= read -r record < "$1/record"
holder=
{ IFS= read -r holder < "$1/holder"; } 2>/dev/null
printf '%s\n%s\n%s\n' "$record" "$(stat -c %Y -- "$1/record")" "$holder"
