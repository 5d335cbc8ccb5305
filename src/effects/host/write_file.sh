# write_file.sh PATH MODE SIZE < CONTENT: replaces PATH in one instant. An empty MODE keeps what is there.
set -eu
umask 077
path=$1 mode=$2 size=$3
# A link (such as Debian's /etc/mysql/my.cnf) stays a link.
[ ! -L "$path" ] || path=$(readlink -f -- "$path")
if [ -d "$path" ]; then
    echo "$path is a directory" >&2
    exit 1
fi
folder=$(dirname -- "$path")
mkdir -p -- "$folder"
new=$(mktemp -- "$folder/.cutover.XXXXXX")
trap 'rm -f -- "$new"' EXIT
cat > "$new"
# A connection that breaks looks like the end of the content.
if [ "$(wc -c < "$new")" -ne "$size" ]; then
    echo "the content did not arrive whole" >&2
    exit 1
fi
if [ -n "$mode" ]; then
    chmod -- "$mode" "$new"
elif [ -e "$path" ]; then
    owner=$(stat -c %u:%g -- "$path")
    [ "$owner" = "$(stat -c %u:%g -- "$new")" ] || chown -- "$owner" "$new"
    chmod -- "$(stat -c %a -- "$path")" "$new"
fi
sync -- "$new"
mv -f -- "$new" "$path"
trap - EXIT
sync -- "$folder"
