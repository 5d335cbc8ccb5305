# Begins what a host does that is copied. It comes by stdin, and so does the option file behind it: no login shell reads
# either, and neither is an argument. What a login prints stands before the mark, and is passed over.
set -eu
umask 077
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
trap 'exit 143' HUP INT TERM
