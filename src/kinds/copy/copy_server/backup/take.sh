# Takes a backup of another host's server into a folder beside the data directory, and makes a data directory of it. The
# words "$@" are the way to that host.
cp -- "$PWD.cnf" client.cnf
trap 'rm -f client.cnf "$PWD.cnf"' EXIT
trap 'exit 143' HUP INT TERM
real=$(readlink -f -- "$data")
copy=$real.$suffix
# away with half a copy of an earlier attempt
owner=$(stat -c %u -- "$real") group=$(stat -c %g -- "$real")
(
    own_folder "${real%/*}" && rm -rf -- "./${copy##*/}" && mkdir -m 700 -- "./${copy##*/}" &&
        { [ "$(id -u)" = "$owner" ] || chown -- "$owner:$group" "./${copy##*/}"; }
) || exit
# what another host sends is unpacked with no more rights than the server has
as_server() {
    if [ "$(id -u)" = "$owner" ]; then exec "$@"; fi
    exec setpriv --reuid="$owner" --regid="$group" --clear-groups -- "$@"
}
rm -f failed.* said stream.pid
{
    printf '%s' "$begin"
    echo "cat > \"\$work/client.cnf\" <<'$mark'"
    cat client.cnf
    printf '%s\n%s' "$mark" "$send"
} | {
    "$@" sh 2>said || echo "the backup on the other host ended with code $?" >failed.source
} | {
    while IFS= read -r line; do [ "$line" != "$mark" ] || break; done
    { zstd -dqc || echo 'the stream is damaged or was cut off' >failed.stream; } | {
        (sh -c 'echo $PPID' >stream.pid && as_server "$unpack" -x -C "$copy") ||
            echo 'the stream could not be unpacked' >failed.unpack
    }
}
for failed in failed.*; do
    [ ! -e "$failed" ] || { cat said failed.* >&2; exit 1; }
done
# a quarter of what is free, in MiB
memory=$(($(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo) / 4096))
(as_server "$prepare" --no-defaults --prepare --target-dir="$copy" --use-memory="${memory}M") </dev/null >prepare.log 2>&1 ||
    echo "preparing the backup ended with code $?" >failed.prepare
if [ -e failed.prepare ] || ! grep -q 'completed OK!' prepare.log; then
    tail -n 20 prepare.log >&2
    exit 1
fi
[ ! -e /sys/fs/selinux/enforce ] || chcon -R --reference="$real" -- "$copy"
chmod --reference="$real" -- "$copy"
# it must outlive a loss of power from the moment that it takes the other one's place
sync -f -- "$copy"
