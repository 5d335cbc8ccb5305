# Makes a file of our own in folder $1 and removes it again; prints `ok`, or what is wrong.
try() {
    [ -d "$1" ] || { echo "its folder $1 is not there"; return; }
    trial=$(mktemp -- "$1/.cutover-trial.XXXXXX" 2>&1) || { echo "${trial##*: }"; return; }
    if said=$( { printf x > "$trial"; } 2>&1 ); then verdict=ok; else verdict=${said##*: }; fi
    rm -f -- "$trial"
    echo "$verdict"
}
# The same beside the file $1, whose links are followed.
beside_file() {
    if [ -L "$1" ] && [ ! -e "$1" ]; then echo 'it is a link to a file that is not there'
    elif [ -d "$1" ]; then echo 'it is a folder'
    elif [ -L "$1" ]; then try "$(dirname -- "$(readlink -f -- "$1")")"
    else try "$(dirname -- "$1")"
    fi
}
# The same in the folder $1, or where it would have to be made.
in_folder() {
    folder=$1
    while [ ! -e "$folder" ] && [ ! -L "$folder" ]; do folder=$(dirname -- "$folder"); done
    if [ -d "$folder" ]; then try "$folder"; else echo "$folder is no folder"; fi
}
