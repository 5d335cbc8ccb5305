# Starts MySQL Shell's upgrade checker, if this host has it. The password comes on stdin; the program's settings and logs lie in a
# folder that is removed again. Prints `none`, or what the checker prints.
umask 077
if ! command -v mysqlsh >/dev/null 2>&1; then
    echo none
    exit 0
fi
b=$(mktemp -d) || exit
trap 'rm -rf -- "$b"' EXIT
trap 'exit 143' HUP INT TERM
env -i PATH="$PATH" HOME="$b" MYSQLSH_USER_CONFIG_HOME="$b" LC_ALL=C.UTF-8 mysqlsh "$@"
