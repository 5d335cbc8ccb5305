# The folder beside the data directory in which the server makes its clone: it may not make one there itself. `find` prints
# where the clone is to lie, or `whole` where the copy lies ready; `anew` clears what is there; `whole` makes the copy of a clone
# that is whole, and prints its bytes; `remove` clears away what is no copy.
real=$(readlink -f -- "$data")
own_folder "${real%/*}" || exit
copy=${real##*/}.$suffix making=${real##*/}.$suffix.clone

# Makes the folder, for the server alone.
make() {
    owner=$(stat -c %u -- "$real") && group=$(stat -c %g -- "$real") || return
    [ -d "./$making" ] || mkdir -m 700 -- "./$making" || return
    [ "$(id -u)" = "$owner" ] || chown -- "$owner:$group" "./$making" || return
    [ ! -e /sys/fs/selinux/enforce ] || chcon --reference="$real" -- "./$making"
}

case $todo in
find)
    if [ -e "./$copy" ]; then echo whole; else make && printf '%s\n' "$here/$making/data"; fi
    ;;
anew)
    rm -rf -- "./$making" && make
    ;;
whole)
    if [ ! -e "./$copy" ]; then
        if [ ! -d "./$making/data" ] || [ -e "./$making/data/#clone/#status_in_progress" ]; then
            echo "$here/$making/data holds no whole clone" >&2
            exit 1
        fi
        mv -T -- "./$making/data" "./$copy" || exit
    fi
    # here, where the server cannot swap it any more
    if [ -L "./$copy" ] || [ ! -d "./$copy" ] || [ "$(stat -c %u -- "./$copy")" != "$(stat -c %u -- "$real")" ]; then
        rm -rf -- "./$copy"
        echo "what lay in $here/$making was no folder of the server" >&2
        exit 1
    fi
    chmod --reference="$real" -- "./$copy" && rm -rf -- "./$making" && sync -f . || exit
    du -sb -- "./$copy" | cut -f 1
    ;;
remove)
    rm -rf -- "./$making"
    ;;
esac
