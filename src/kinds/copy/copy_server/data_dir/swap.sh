# Puts the copy in the place of the data directory (`there`), or the old one back in its place (`back`). Whatever ended an
# earlier call, the next one goes on from what is there: the old one has a name of its own from the first step on.
real=$(readlink -f -- "$data")
own_folder "${real%/*}" || exit
name=${real##*/} copy=${real##*/}.$suffix old=${real##*/}.$suffix.old

# Ends the server in an orderly way, and waits until it is gone: it may have much to write.
stop_server() {
    waited=0
    pids=$(servers "./$name")
    [ -z "$pids" ] || kill -TERM $pids
    while pids=$(servers "./$name") && [ -n "$pids" ]; do
        waited=$((waited + 1))
        [ "$waited" -lt "$((limit * 10))" ] || { echo "the server (process $pids) has not ended within ${limit}s" >&2; exit 1; }
        sleep 0.1
    done
}

case $way in
there)
    if [ ! -e "./$old" ]; then
        [ -d "./$copy" ] || { echo "$here/$copy is not there" >&2; exit 1; }
        stop_server
        mv -T -- "./$name" "./$old"
    fi
    [ -e "./$name" ] || mv -T -- "./$copy" "./$name"
    ;;
back)
    if [ -e "./$old" ]; then
        if [ -e "./$name" ]; then
            stop_server
            rm -rf -- "./$copy"
            mv -T -- "./$name" "./$copy"
        fi
        mv -T -- "./$old" "./$name"
    fi
    rm -rf -- "./$copy"
    ;;
esac
sync -f .
