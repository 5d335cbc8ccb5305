# Says, a line each, why the data directory cannot be replaced by a copy beside it; then how many bytes are free there.
fault() { printf 'fault: %s\n' "$*"; }
real=$(readlink -f -- "$data") || real=$data
[ "$real" = "$(readlink -f -- "$asked")" ] || fault "the server works in $asked, and the inventory says $data"
case $data in */) fault "$data ends with a slash" ;; esac
if [ -d "$real" ]; then
    parent=${real%/*}
    [ "$(stat -c %d -- "$real")" = "$(stat -c %d -- "$parent/")" ] ||
        fault "$real is a file system of its own, so that no folder beside it can take its place by a rename"
    why=$( (own_folder "$parent/") 2>&1) || fault "${why#refused: }"
    [ -w "$parent/" ] || fault "this account may not write to $parent/"
    owner=$(stat -c %u -- "$real")
    [ "$(id -u)" = 0 ] || [ "$(id -u)" = "$owner" ] ||
        fault "this account is neither root nor the one that the server runs as, so that it cannot give it its files"
    found=$(find "$real" -type l 2>/dev/null | head -n 1)
    [ -z "$found" ] || fault "$found leads out of the data directory"
else
    parent=/
    fault "$data is no folder"
fi
printf 'free: %s\n' "$(($(stat -f -c '%a * %S' -- "$parent/")))"
