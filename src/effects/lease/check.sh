# check.sh, after `set -- DIR EPOCH NONCE`, before each command of a shell that is kept open. Whoever takes over ends that
# shell before anything else is done, so that nothing need be held while the command runs.
IFS= read -r record < "$1/record"
case $record in
"$2 $3 "*) ;;
*) echo "cutover-guard - displaced $record" >&2; exit 76 ;;
esac
