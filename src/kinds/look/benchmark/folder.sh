# measure_in FOLDER: goes there and sets reports to the folder of the job, and the arguments to what a program must be
# started by so that nothing planted there matters: the folder's owner, who may plant links, gains nothing by them then.
# Follows places.sh.
measure_in() {
    reports=$PWD
    go_to "$1" || return
    look_at_entries . || return 1
    set_user=
    ( judge "$entries" "$here" ) 2>/dev/null && return
    owner=${entries%%:*}
    if [ "$owner" = 0 ] || [ "$(id -u)" != 0 ]; then
        judge "$entries" "$here"
        return
    fi
    command -v setpriv >/dev/null || { echo "setpriv (of util-linux) is not installed" >&2; return 1; }
    set_user="setpriv --reuid=$owner --regid=$(stat -c %g .) --clear-groups"
}
