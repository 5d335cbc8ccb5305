#!/bin/sh
# fetch.sh ROOT NAME SUITE PROGRAMS PACKAGE...: unpacks the packages of a server and its clients from a suite of Debian
# into ROOT, with every library they need, beside whatever this machine has installed. PROGRAMS are paths below /usr,
# the server's first, separated by spaces. NAME is for messages. Needs apt-get and dpkg, no rights. Takes the mirror from
# apt's own configuration.
set -eu
root=$1 name=$2 suite=$3 programs=$4
shift 4
[ ! -e "$root/complete" ] || exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
    echo "$name is fetched from Debian's packages, and this machine has no apt-get" >&2
    exit 1
}
mkdir -p "$(dirname "$root")"
exec 9>"$root.lock" # two that need it at once fetch it once
flock 9
[ ! -e "$root/complete" ] || exit 0
work=$(mktemp -d "$root.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 143' HUP INT TERM

targets() { apt-get indextargets --format '$(ORIGIN) $(LABEL) $(SITE)' 'Created-By: Packages'; }
site=$(targets | sed -n 's/^Debian Debian //p' | head -n 1)
if [ -z "$site" ]; then
    # lists that were cleared away, as in containers, still leave the addresses
    site=$(apt-get indextargets --no-release-info --format '$(SITE)' 'Created-By: Packages' | grep '/debian$' | head -n 1)
fi
[ -n "$site" ] || {
    echo "apt knows no mirror of Debian" >&2
    exit 1
}

keys=/usr/share/keyrings/debian-archive-keyring.gpg
mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/parts" "$work/root"
: >"$work/apt/status" # nothing counts as installed, so that every library comes along
echo "deb [signed-by=$keys] $site $suite main" >"$work/apt/sources.list"
# words for apt-get, with the machine's own proxies and certificates
apt() {
    apt-get -qq -o "Dir::State=$work/apt" -o "Dir::State::status=$work/apt/status" -o "Dir::State::lists=$work/apt/lists" \
        -o "Dir::Cache=$work/apt/cache" -o "Dir::Etc::sourcelist=$work/apt/sources.list" \
        -o "Dir::Etc::sourceparts=$work/apt/parts" -o "Dir::Etc::preferencesparts=$work/apt/parts" \
        -o APT::Install-Recommends=false -o Debug::NoLocking=1 -o APT::Sandbox::User= -o APT::Architectures::= \
        -o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "$@"
}
# a mirror that answers that it does not have it is told from one that does not answer
failed() {
    cat "$work/complaint" >&2
    there='Unable to locate package|has no installation candidate|not installable|404 +Not Found|does not have a Release file'
    ! grep -qE "$there" "$work/complaint" || echo "the mirror does not have $name" >&2
    exit 1
}
# without this mode, lists that could not be fetched would pass for empty ones
apt -o APT::Update::Error-Mode=any update >"$work/complaint" 2>&1 || failed
apt install --download-only -y "$@" >"$work/complaint" 2>&1 || failed
for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$work/root"
done

# A program runs by the loader of its own root, which finds its own libraries there and no others. Older suites have
# libraries beside /usr too.
mkdir "$work/root/run"
write() { # NAME: a program of that name, which is what comes on stdin after the lines that all have
    {
        cat <<'HEAD'
#!/bin/sh
root=$(dirname "$(dirname "$(readlink -f "$0")")")
for loader in "$root"/usr/lib/*/ld-linux*.so.* "$root"/lib/*/ld-linux*.so.*; do [ ! -e "$loader" ] || break; done
arch=${loader%/*}
arch=${arch##*/}
libraries=$root/usr/lib/$arch:$root/lib/$arch
for share in "$root/usr/share/mariadb" "$root/usr/share/mysql"; do [ ! -d "$share/english" ] || break; done
HEAD
        cat
    } >"$work/root/run/$1"
    chmod 755 "$work/root/run/$1"
}
server=${programs%% *}
for program in $programs; do
    [ -e "$work/root/usr/$program" ] || continue # older packages keep some of them elsewhere
    places=
    case $program in
    sbin/*) places='--basedir="$root/usr" --lc-messages-dir="$share" --plugin-dir="$root/usr/lib/mysql/plugin" --secure-file-priv=' ;;
    esac
    [ "$program" != sbin/mysqld ] || places="$places --mysqlx=OFF"
    write "${program#*/}" <<PROGRAM
exec "\$loader" --library-path "\$libraries" "\$root/usr/$program" "\$@" $places
PROGRAM
done
if [ "$server" = sbin/mariadbd ]; then
    # the names that its programs had before, as packages link them
    for pair in mysqld=mariadbd mysql=mariadb mysqldump=mariadb-dump mysqladmin=mariadb-admin mysqlbinlog=mariadb-binlog; do
        [ ! -e "$work/root/run/${pair#*=}" ] || ln -s "${pair#*=}" "$work/root/run/${pair%=*}"
    done
    # the packages' own installer runs helpers that need this machine's libraries, so this does the part of it that counts
    write mariadb-install-db <<'PROGRAM'
user= data=
for word in "$@"; do
    case $word in
    --datadir=*) data=${word#*=} ;;
    --user=*) user=$word ;;
    esac
done
mkdir -p -m 700 "$data"
{
    # the server takes one statement a line
    printf '%s;\n' 'CREATE DATABASE IF NOT EXISTS mysql' 'USE mysql' 'SET @auth_root_socket = NULL'
    for part in system_tables performance_tables system_tables_data; do
        cat "$share"/*_"$part.sql" || exit
    done
    cat "$share"/maria_add_gis_sp_bootstrap.sql
    cat "$share"/*_sys_schema.sql 2>/dev/null # from 10.6 on
} | "$root/run/mariadbd" --no-defaults --bootstrap $user --datadir="$data" --log-warnings=0 --enforce-storage-engine= \
    --max_allowed_packet=8M --net_buffer_length=16K
PROGRAM
fi
"$work/root/run/${server#*/}" --no-defaults --version >"$work/version"
mv "$work/version" "$work/root/complete"
rm -rf "$root"
mv "$work/root" "$root"
