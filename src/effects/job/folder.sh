# job_folder DIR: goes to a job's folder. Nothing in it counts that another account could have put there. Follows places.sh.
job_folder() {
    own_folder "$1"
    case $? in
    0) ;;
    2)
        echo "$1 is not there" >&2
        return 1
        ;;
    *) return 77 ;;
    esac
    for part in script progress pid code out err; do
        if { [ -e "./$part" ] || [ -L "./$part" ]; } && ! is_own "$part"; then
            refuse "$here/$part was not made by this account"
            return
        fi
    done
    job=1
}
