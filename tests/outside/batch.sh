#!/bin/sh
# A calculation of the same team: one transaction after the other with many changes, and never a commit.
#
#   batch.sh DIR
dir=$1
while [ ! -e "$dir/stop" ]; do
    . "$dir/db.env"
    mariadb --defaults-file="$dir/client.cnf" --protocol=TCP --host="$DB_HOST" --port="$DB_PORT" --connect-timeout=2 -e "
        BEGIN;
        INSERT INTO shop.orders SELECT id + 10000000, note FROM shop.orders WHERE id < 20000;
        DO SLEEP(1.5);
        ROLLBACK" 2>>"$dir/refused"
done
