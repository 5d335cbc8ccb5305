# read_file.sh PATH: prints a plain file; ends with 78 when there is none. Follows places.sh.
go_to_file "$1"
case $? in
0) [ -e "./$file" ] || exit 78 ;;
2) exit 78 ;;
*) exit ;;
esac
print_file "$file"
