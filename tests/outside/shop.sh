#!/bin/sh
# Another team's program: takes orders, one transaction each, and keeps a list of those that were acknowledged. It reads
# its database's address from DIR/db.env before each order, and ends when DIR/stop is there.
#
#   shop.sh DIR FIRST
dir=$1 id=$2
while [ ! -e "$dir/stop" ]; do
    id=$((id + 1))
    . "$dir/db.env"
    if mariadb --defaults-file="$dir/client.cnf" --protocol=TCP --host="$DB_HOST" --port="$DB_PORT" \
        --connect-timeout=2 -e "INSERT INTO shop.orders VALUES ($id, 'by the shop')" 2>>"$dir/refused"; then
        echo "$id $DB_PORT" >>"$dir/acknowledged.$2"
    fi
    sleep 0.02
done
