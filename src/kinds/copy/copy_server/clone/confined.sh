# Prints what keeps the server that works in the data directory to folders of its own, where none beside it is known to be
# among them.
real=$(readlink -f -- "$data")
for process in $(servers "$real"); do
    label=$(tr -d '\0' 2>/dev/null <"/proc/$process/attr/current") || continue
    case $label in
    *'(enforce)') grep -rqsF -- "$real.cutover-" /etc/apparmor.d || printf 'confined: %s\n' "$label" ;;
    esac
done
