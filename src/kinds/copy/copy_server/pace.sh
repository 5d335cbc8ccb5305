# Limits the rate: a fixed number of bytes in each tenth of a second. Limits of the copy programs count other things.
limited() {
    exec 3>&1
    while :; do
        said=$(LC_ALL=C dd bs="$1" count=1 iflag=fullblock 2>&1 >&3) || return
        case $said in "0+0 records in"*) return 0 ;; esac
        sleep 0.1
    done
}
