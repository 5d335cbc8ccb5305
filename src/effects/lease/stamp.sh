# stamp.sh, after `set -- DIR EPOCH NONCE SEQ HASH`: renews the lease, for a shell that is kept open.
exec 9>>"$1/lock" && flock -s 9 || exit 1
IFS= read -r record < "$1/record"
case $record in
"$2 $3 "*) printf '%s %s %s %s\n' "$2" "$3" "$4" "$5" 1<>"$1/record" ;;
*) echo "cutover-guard - displaced $record" >&2; exit 76 ;;
esac
