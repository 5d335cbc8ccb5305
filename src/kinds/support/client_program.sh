# No variable that someone has set and no file in a home directory is to change what a client program does.
for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in PATH | PWD | TMPDIR | SSH_AUTH_SOCK | CUTOVER_*) ;; *) unset "$name" ;; esac
done
# Sets program, version (what it says of that), family (mariadb or mysql) and words (all that its help says) to the first
# of the programs that is there and of the family; `any` stands for both. Every folder of the path is looked in: both families
# call a program mysqldump.
find_program() {
    wanted=$1
    shift
    for name in "$@"; do
        rest=$PATH:
        while [ -n "$rest" ]; do
            program=${rest%%:*}/$name
            rest=${rest#*:}
            [ -x "$program" ] && [ "$program" != "/$name" ] || continue
            version=$("$program" --no-defaults --version 2>/dev/null || true)
            case $version in
            '') break ;; # it stands in the way of those behind it, as in any shell
            *MariaDB*) family=mariadb ;;
            *) family=mysql ;;
            esac
            case $wanted in any | "$family")
                words=$("$program" --no-defaults --help 2>/dev/null || true)
                return 0
                ;;
            esac
        done
    done
    echo "none of these programs is installed, of the family $wanted: $*" >&2
    return 1
}
# Whether the program's help has this text in it.
says() { case $words in *"$1"*) ;; *) return 1 ;; esac; }
# Whether a program of MariaDB takes a whole connection string in place of a host, and in that a statement to begin its
# session with: from 10.11 on. That of 10.5 looks the string up as a host's name.
takes_session() {
    case $version in *-MariaDB*) ;; *) return 1 ;; esac
    number=${version%%-MariaDB*}
    number=${number##*[!0-9.]}
    [ "${number%%.*}" -gt 10 ] || case $number in 10.1[1-9].*) ;; *) return 1 ;; esac
}
# Options that make the program insist on TLS and verify the server; for MySQL's programs, with the given mode.
verified() {
    case $family in
    mariadb) echo ssl-verify-server-cert ;;
    mysql) if says --ssl-mode; then echo "ssl-mode = $1"; else echo ssl-verify-server-cert; fi ;;
    esac
}
# Options to log in where nothing is verified: inside a tunnel, or on the server's own host.
unverified() {
    case $family in
    mariadb) echo skip-ssl-verify-server-cert ;;
    mysql) ! says --get-server-public-key || echo get-server-public-key ;;
    esac
}
