# Puts what comes by stdin into the copy as its login file, for its owner alone. The folder is the server's, so nothing in it
# is followed: the server's account creates a new file.
real=$(readlink -f -- "$data")
own_folder "${real%/*}" || exit
copy=${real##*/}.$suffix
owner=$(stat -c %u -- "./$copy") group=$(stat -c %g -- "./$copy")
set --
[ "$(id -u)" = "$owner" ] || set -- setpriv --reuid="$owner" --regid="$group" --clear-groups --
exec "$@" sh -c 'set -eu
umask 077
cd -- "$1"
rm -f -- "./$2"
set -C
cat > "./$2"
set +C
[ -z "$3" ] || { rm -f ./auto.cnf; printf "[auto]\nserver-uuid=%s\n" "$3" > ./auto.cnf; }
sync -- "./$2"' sh "$here/$copy" "$file" "$uuid"
