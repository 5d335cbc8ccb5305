#!/bin/sh
# fetch.sh ROOT: unpacks MySQL's server and clients from Debian unstable into ROOT, with every library they need, beside
# whatever this machine has installed. Needs apt-get and dpkg, no rights. Takes the mirror from apt's own configuration.
set -eu
root=$1
[ ! -e "$root/complete" ] || exit 0
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || {
    echo "MySQL is fetched from Debian's packages, and this machine has no apt-get" >&2
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
echo "deb [signed-by=$keys] $site unstable main" >"$work/apt/sources.list"
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
    ! grep -qE "$there" "$work/complaint" || echo "the mirror does not have MySQL" >&2
    exit 1
}
# without this mode, lists that could not be fetched would pass for empty ones
apt -o APT::Update::Error-Mode=any update >"$work/complaint" 2>&1 || failed
apt install --download-only -y mysql-server-core mysql-client-core >"$work/complaint" 2>&1 || failed
for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$work/root"
done

# a program runs by the loader of its own root, which finds its own libraries there and no others
mkdir "$work/root/run"
for program in sbin/mysqld bin/mysql bin/mysqldump bin/mysqladmin bin/mysqlbinlog; do
    more=
    [ "$program" != sbin/mysqld ] || more='--basedir="$root/usr" --lc-messages-dir="$root/usr/share/mysql" \
    --plugin-dir="$root/usr/lib/mysql/plugin" --secure-file-priv= --mysqlx=OFF'
    cat >"$work/root/run/${program#*/}" <<PROGRAM
#!/bin/sh
root=\$(dirname "\$(dirname "\$(readlink -f "\$0")")")
for loader in "\$root"/usr/lib/*/ld-linux*.so.*; do break; done
exec "\$loader" --library-path "\${loader%/*}" "\$root/usr/$program" "\$@" $more
PROGRAM
    chmod 755 "$work/root/run/${program#*/}"
done
"$work/root/run/mysqld" --no-defaults --version >"$work/version"
mv "$work/version" "$work/root/complete"
rm -rf "$root"
mv "$work/root" "$root"
