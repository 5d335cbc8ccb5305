# give_back.sh DIR EPOCH NONCE keep|forget: says that the lease is free, or removes it with the folders made for it.
[ -e "$1/lock" ] || exit 0
exec 9>>"$1/lock"
flock -w 5 9 || exit 1
IFS= read -r record < "$1/record" || exit 1
case $record in "$2 $3 "*) ;; *) exit 0 ;; esac
if [ "$4" = forget ]; then
    leases=$(dirname -- "$1")
    made=
    [ ! -e "$1/made" ] || made=$(dirname -- "$leases")
    rm -rf -- "$1"
    rmdir -- "$leases" 2>/dev/null && [ -z "$made" ] || rmdir -- "$made" 2>/dev/null
    exit 0
fi
IFS= read -r holder < "$1/holder" || exit 1
printf 'free %s\n' "$holder" > "$1/holder.new" && mv -f -- "$1/holder.new" "$1/holder"
