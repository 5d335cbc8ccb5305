# stamp.sh, after `set -- DIR EPOCH NONCE SEQ HASH`: renews the lease, for a shell that is kept open.
[ -w "$1/lock" ] || exit 1
exec 9<>"$1/lock"
flock -s 9 || exit 1
IFS= read -r record < "$1/record"
case $record in
"$2 $3 "*) ;;
*) echo "cutover-guard - displaced $record" >&2; exit 76 ;;
esac
touch -c -- "$1/lock" "$1/holder" # what is old in a folder for temporary files is removed by others
known=${record#"$2 $3 "}
if [ "$4" -ge "${known%% *}" ]; then
    printf '%s %s %s %s\n' "$2" "$3" "$4" "$5" 1<>"$1/record"
else
    printf '%s\n' "$record" 1<>"$1/record" # the same again: what counts is the time
fi
