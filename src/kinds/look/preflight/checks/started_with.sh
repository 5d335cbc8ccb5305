# Prints, for each database server that runs here, its data directory and each binary log filter it was started with.
for process in /proc/[0-9]*; do
    program=$(readlink "$process/exe" 2>/dev/null) || continue
    case ${program##*/} in mariadbd | mysqld) ;; *) continue ;; esac
    folder=$(readlink "$process/cwd" 2>/dev/null) || continue
    tr '\0' '\n' <"$process/cmdline" | {
        set --
        while IFS= read -r word; do
            case $word in
            --defaults-file=* | --defaults-extra-file=* | --defaults-group-suffix=* | --no-defaults) set -- "$@" "$word" ;;
            --binlog?do?db=* | --binlog?ignore?db=*) printf '%s\n' "$word" ;;
            esac
        done
        cd "$folder" && "$program" "$@" --print-defaults 2>/dev/null
    } | tr ' ' '\n' | awk -v folder="$folder" '/^--binlog[-_](do|ignore)[-_]db=/ { print folder "\t" $0 }'
done
