# give_back.sh DIR EPOCH NONCE SEQ HASH keep|forget: notes how far the journal has come and says that the lease is free, or removes it with the folders made for it. Follows
# session.sh.
[ -w "$1/lock" ] || exit 0
exec 9<>"$1/lock"
take_lock 500 || exit 1
IFS= read -r record < "$1/record" || exit 1
case $record in "$2 $3 "*) ;; *) exit 0 ;; esac
if [ "$6" = forget ]; then
    leases=$(dirname -- "$1")
    made=
    [ ! -e "$1/made" ] || made=$(dirname -- "$leases")
    rm -rf -- "$1"
    rmdir -- "$leases" 2>/dev/null && [ -z "$made" ] || rmdir -- "$made" 2>/dev/null
    exit 0
fi
printf '%s %s %s %s\n' "$2" "$3" "$4" "$5" 1<>"$1/record"
IFS= read -r holder < "$1/holder" || exit 1
printf 'free %s\n' "$holder" > "$1/holder.new" && mv -f -- "$1/holder.new" "$1/holder"
