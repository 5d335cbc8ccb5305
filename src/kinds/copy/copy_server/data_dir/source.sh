# Says, a line each, why the files of a server cannot be copied by this account; then how many bytes they have.
fault() { printf 'fault: %s\n' "$*"; }
if [ -r "$asked" ] && [ -x "$asked" ]; then
    hidden=$(find "$asked" ! -name '#*' ! -name 'lost+found' \( -type f -o -type d \) ! -readable 2>/dev/null | head -n 1)
    [ -z "$hidden" ] || fault "this account may not read $hidden"
    found=$(find "$asked" \( -type l -o -name '*.isl' \) 2>/dev/null | head -n 1)
    [ -z "$found" ] || fault "$found leads out of the data directory"
    bytes=$(find "$asked" -type f ! -path "$logs.*" -printf '%s\n' 2>/dev/null | awk '{ sum += $1 } END { printf "%.0f", sum }')
    printf 'bytes: %s\n' "${bytes:-0}"
else
    fault "this account may not read $asked: it must be root, or the one that the server runs as"
fi
