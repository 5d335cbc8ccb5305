# write_file.sh PATH MODE SIZE < CONTENT: replaces PATH in one instant. An empty MODE keeps what is there. Follows places.sh.
path=$1 mode=$2 size=$3
umask 077
# A link (such as Debian's /etc/mysql/my.cnf) stays a link.
go_to_file "$path" make || exit
entry=
[ ! -e "./$file" ] || look_at_file "./$file" || exit
new=
trap drop_file EXIT
new_file || exit 1
cat >&3 || exit 1
# A connection that breaks looks like the end of the content.
if [ "$(wc -c < /proc/self/fd/3)" -ne "$size" ]; then
    echo "the content did not arrive whole" >&2
    exit 1
fi
finish_file "$file" "$entry" "$mode"
