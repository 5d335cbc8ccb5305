# Carries a piece of the source's own files to the disk that the copy will lie on, packed as a backup is, and prints its bytes
# and the nanoseconds that took. "$@" is the way to the source's host; nothing stays behind.
real=$(readlink -f -- "$data")
probe=$(mktemp "$real.cutover-probe.XXXXXX")
trap 'rm -f -- "$probe"' EXIT
trap 'exit 143' HUP INT TERM
# first the way there alone, so that a login's time is not taken for the link's
printf ': ' | "$@" sh >/dev/null 2>&1
began=$(date +%s%N)
printf 'printf "%%s\\n" "%s"\n%s' "$mark" "$read" | "$@" sh 2>/dev/null | {
    while IFS= read -r line; do [ "$line" != "$mark" ] || break; done
    zstd -dqc 2>/dev/null
} | dd of="$probe" bs=1M conv=fsync 2>/dev/null
ended=$(date +%s%N)
printf 'probed: %s %s\n' "$(stat -c %s -- "$probe")" "$((ended - began))"
