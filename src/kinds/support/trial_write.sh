# Makes a file of our own where one stands and removes it again; prints `ok`, or what is wrong. Follows places.sh.
try() {
    said=$( new_file 2>&1 && { { printf x >&3; } 2>&1; wrote=$?; drop_file; exit "$wrote"; } ) || { echo "${said##*: }"; return; }
    echo ok
}
# say WORDS: what is wrong, in one line.
say() {
    words=${1#refused: }
    echo "${words%%"
"*}"
}
# The same beside the file $1, whose links are followed where nobody else could have put them there.
beside_file() {
    if [ -L "$1" ] && [ ! -e "$1" ]; then echo 'it is a link to a file that is not there'
    elif [ -d "$1" ]; then echo 'it is a folder'
    elif [ ! -d "$(dirname -- "$1")" ]; then echo "its folder $(dirname -- "$1") is not there"
    elif said=$( go_to_file "$1" 2>&1 && { [ ! -e "./$file" ] || look_at_file "./$file" 2>&1; } ); then go_to_file "$1" && try
    else say "$said"
    fi
}
# The same in the folder $1, or where it would have to be made. With `ours` nobody else may be able to swap it.
in_folder() {
    said=$( go_to "$1" 2>&1 )
    case $? in
    0 | 2) ;;
    *) say "$said"; return ;;
    esac
    go_to "$1"
    [ "${2-}" != ours ] || said=$( only_ours "$here" 2>&1 ) || { say "$said"; return; }
    try
}
