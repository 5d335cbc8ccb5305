# check.sh, after `set -- DIR EPOCH NONCE`: for a shell that is kept open. Holds the lease as long as the shell's subshell.
exec 9>>"$1/lock" && flock -s 9 || exit 1
IFS= read -r record < "$1/record"
case $record in
"$2 $3 "*) ;;
*) echo "cutover-guard - displaced $record" >&2; exit 76 ;;
esac
