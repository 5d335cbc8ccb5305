# Prints, for each database server that runs here, its data directory and each binary log filter it was started with.
# One program looks at all processes: a host may have thousands. The file of a server is gone once its package was upgraded.
servers=$(ls -ln /proc/[0-9]*/exe 2>/dev/null | grep -E '/(mariadbd|mysqld)( \(deleted\))?$' |
    sed 's|^.* \(/proc/[0-9]*\)/exe -> .*|\1|') || :
for process in $servers; do
    folder=$(readlink "$process/cwd" 2>/dev/null) || continue
    tr '\0' '\n' <"$process/cmdline" | {
        set --
        while IFS= read -r word; do
            case $word in
            --defaults-file=* | --defaults-extra-file=* | --defaults-group-suffix=* | --no-defaults) set -- "$@" "$word" ;;
            --binlog?do?db=* | --binlog?ignore?db=*) printf '%s\n' "$word" ;;
            esac
        done
        cd "$folder" && "$process/exe" "$@" --print-defaults 2>/dev/null
    } | tr ' ' '\n' | awk -v folder="$folder" '/^--binlog[-_](do|ignore)[-_]db=/ { print folder "\t" $0 }'
done
