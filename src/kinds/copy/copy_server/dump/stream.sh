# Streams what the dump program writes into the client (`load`), with no file between. Whatever breaks on the way leaves a
# mark, for a pipe has one code only; and the client is asked at the end whether it has come to the end.
began=$(date +%s.%N)
rm -f seen.fifo failed.* head tail counted said told complaint place took
mkfifo seen.fifo
# one reader for the head, the tail and the count, which goes on to the end: nobody who looks on may end the stream
{
    LC_ALL=C dd bs=1048576 count=1 iflag=fullblock >head 2>/dev/null
    LC_ALL=C dd bs=1048576 2>counted | tail -c 400 >tail
} <seen.fifo &
seen=$!
code=0
{
    {
        sh -c 'echo $$ >dump.pid; exec "$@"' sh "$program" "$@" 2>complaint || echo "$?" >failed.dump
    } | tee seen.fifo || echo "$?" >failed.tee
} | {
    printf '%s\n' "$preamble" "$before"
    $pace || echo "$?" >failed.pace
    set -- failed.*
    [ -e "$1" ] || printf "\nSELECT '%s';\n" "$mark"
} | load >told 2>said || code=$?
: <>seen.fifo # ends the reader if nobody has written to it
wait "$seen" || echo "$?" >failed.reader
# Whoever ended first is named: those before it in the pipe end by SIGPIPE (141), those behind it by what is missing.
for part in dump tee pace reader; do
    [ -e "failed.$part" ] || continue
    ended=$(cat "failed.$part")
    [ "$ended" != 141 ] || continue
    if [ "$part" = dump ]; then
        ! grep -q 'errno 32' complaint || continue # the same in other words
        cat complaint >&2
    fi
    echo "the $part program ended with code $ended" >&2
    exit 1
done
set -- failed.*
if [ "$code" != 0 ]; then
    echo "the client ended with code $code" >&2
    grep '^ERROR' said >&2 || tail -n 3 said >&2
elif [ -e "$1" ]; then
    echo 'what was dumped was not passed on' >&2
elif ! cat head tail | tail -c 400 | grep -q 'Dump completed'; then
    echo 'the dump is cut off: its last line is missing' >&2
elif ! grep -q -x "$mark" told; then
    echo 'the client ended before it had come to the end' >&2
else
    sed -n '/^-- Current Database: /q;p' head | head -n 120 | LC_ALL=C cut -b 1-30000 >place
    more=$(sed -n 's/^\([0-9]*\) bytes.*/\1/p' counted)
    printf '%s %s %s\n' "$began" "$(date +%s.%N)" "$(($(wc -c <head) + ${more:-0}))" >took
    rm -f seen.fifo head tail counted said told complaint
    exit 0
fi
exit 1
