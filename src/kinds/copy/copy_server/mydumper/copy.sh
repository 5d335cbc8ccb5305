# Dumps by mydumper into files of this folder, loads them by myloader, and removes them. Tables and views are theirs: they do
# not keep the sql_mode and the time zone of code, so that all code comes from the dump program ("$program" "$@"), taken as
# mydumper ends, and loaded last, by the client (`load`).
began=$(date +%s.%N)
rm -rf files
rm -f failed dumped place took told said code.sql
[ -n "$threads" ] || threads=$(nproc)
help=$(mydumper --help 2>&1 || true)
case $help in *--trx-tables*) consistent=--trx-tables ;; *) consistent=--trx-consistency-only ;; esac
{ cat client.cnf; printf '%s\ninit-command = "%s"\n' "$own" "$read"; } >dumper.cnf
{ cat target.cnf; printf '%s\ninit-command = "%s"\n' "$own" "$write"; } >loader.cnf
# ended NAME WHAT: fails with what the program said, unless it ended well and complained of nothing
ended() {
    if [ -e failed ] || grep -q -e CRITICAL -e '\[ERROR\]' "$1.log"; then
        { grep -e CRITICAL -e ERROR "$1.log" || tail -n 20 "$1.log"; } | cut -c 1-600 >&2
        echo "$2 ended with code $(cat failed 2>/dev/null || echo 0)" >&2
        exit 1
    fi
}
sh -c 'echo $$ >dump.pid; exec "$@"' sh mydumper --defaults-file="$PWD/dumper.cnf" --outputdir="$PWD/files" \
    --regex "$regex" "$consistent" --routines --threads "$threads" --chunk-filesize 64 --verbose 2 \
    </dev/null >dump.log 2>&1 || echo "$?" >failed
ended dump mydumper
grep -q '^\(# \)\{0,1\}Finished dump at: ' files/metadata || { echo 'the dump is cut off: metadata has no end mark' >&2; exit 1; }
du -sb files | cut -f 1 >dumped
"$program" "$@" >code.sql
tail -c 400 code.sql | grep -q 'Dump completed' || { echo 'the dump of code is cut off: its last line is missing' >&2; exit 1; }
sh -c 'echo $$ >load.pid; exec "$@"' sh myloader --defaults-file="$PWD/loader.cnf" --directory="$PWD/files" \
    --threads "$threads" --verbose 2 </dev/null >load.log 2>&1 || echo "$?" >failed
ended load myloader
code=0
{ printf '%s\n' "$preamble"; cat code.sql; printf "\nSELECT '%s';\n" "$mark"; } | load >told 2>said || code=$?
if [ "$code" != 0 ] || ! grep -q -x "$mark" told; then
    echo "the client that loads code ended with code $code" >&2
    grep '^ERROR' said >&2 || tail -n 3 said >&2
    exit 1
fi
cp files/metadata place
printf '%s %s %s\n' "$began" "$(date +%s.%N)" "$(cat dumped)" >took
rm -rf files
rm -f code.sql told said dumper.cnf loader.cnf
