# Prints `ok` where nobody can listen at the socket $1 but root, this account and the account $2, which the proxy runs as;
# otherwise what was seen. Follows places.sh. A socket that is not there is asked all the same, and does not answer.
socket_owner() {
    said=$( go_to "${1%/*}/" 2>&1 )
    case $? in
    0) ;;
    2) echo ok; return ;;
    *) echo "${said#refused: }"; return ;;
    esac
    go_to "${1%/*}/"
    name=${1##*/}
    [ -e "./$name" ] || [ -L "./$name" ] || { echo ok; return; }
    at=$here/$name
    while :; do
        entry=$(stat -c '%u:%U:%G:%a:%F' -- "${at:-/}") || { echo "${at:-/} cannot be looked at"; return; }
        number=${entry%%:*} rest=${entry#*:}
        user=${rest%%:*} rest=${rest#*:}
        group=${rest%%:*} rest=${rest#*:}
        mode=${rest%%:*} type=${rest#*:}
        case $number,$user in
        0,* | "$(id -u)",* | *,"$2") ;;
        *) echo "${at:-/} belongs to $user (uid $number), who could answer in the proxy's place"; return ;;
        esac
        case $type,$mode,$group in
        socket,*) ;;
        directory,1???,*) ;; # names of others cannot be taken away there
        directory,*[2367],*) echo "${at:-/} (mode $mode) can be written by everyone, who could answer in the proxy's place"; return ;;
        directory,*[2367]?,root | directory,*[2367]?,"$2") ;;
        directory,*[2367]?,*) echo "${at:-/} (mode $mode) can be written by the group $group, who could answer in the proxy's place"; return ;;
        directory,*) ;;
        *) echo "$at is no socket but a $type"; return ;;
        esac
        [ -n "$at" ] || break
        at=${at%/*}
    done
    echo ok
}
