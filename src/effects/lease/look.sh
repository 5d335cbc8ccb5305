# look.sh DIR: prints the lease's record, when it was last renewed (seconds), and who holds it; nothing when there is none.
for folder in "${1%/*/*}" "${1%/*}" "$1"; do
    if [ -d "$folder" ] && [ ! -x "$folder" ]; then
        echo "$folder belongs to another account: give this one a work_dir of its own" >&2
        exit 1
    fi
done
[ -e "$1/record" ] || exit 0
[ -r "$1/record" ] || { echo "$1 belongs to another account" >&2; exit 1; }
IFS= read -r record < "$1/record"
holder=
{ IFS= read -r holder < "$1/holder"; } 2>/dev/null
printf '%s\n%s\n%s\n' "$record" "$(stat -c %Y -- "$1/record")" "$holder"
