# end.sh DIR CALL: ends the program that was started as CALL, with all that it has started in its session. Follows session.sh.
for card in "$1"/p.*; do
    [ -e "$card" ] || break
    read -r pid birth boot step work call mode words < "$card" || continue
    [ "$call" = "$2" ] || continue
    end_members || exit 1
    rm -f -- "$card"
done
exit 0
