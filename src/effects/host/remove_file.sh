# remove_file.sh PATH: removes a file, or a link itself; a missing one is fine. Follows places.sh.
go_to "${1%/*}/"
case $? in
0) exec rm -f -- "./${1##*/}" ;;
2) exit 0 ;;
*) exit ;;
esac
