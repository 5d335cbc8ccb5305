# servers FOLDER: prints the numbers of the servers that work in FOLDER.
servers() {
    for process in /proc/[0-9]*; do
        [ "$process/cwd/." -ef "$1/." ] || continue
        case $(tr '\0' ' ' 2>/dev/null <"$process/cmdline") in
        *mysqld* | *mariadbd*) echo "${process#/proc/}" ;;
        esac
    done
}
