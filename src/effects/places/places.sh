# Places on a host that another account cannot swap under our hands. A place is gone to step by step (`go_to`) and then
# named relative to where one stands: whatever becomes of its path meanwhile, one stays in the folder that was looked at.
# A link counts only where nobody but root and this account can have put it there. What refuses says so and ends with 77.

# Which account this is, once it was asked; nothing of the environment's.
uid_here=

# refuse WORDS: why something is not done.
refuse() {
    printf 'refused: %s\n' "$*" >&2
    return 77
}

# Sets entries to owner:mode:type:name-of-owner:links, one word for each of the names. The type is the kernel's, in
# hexadecimal: 8… a file, 4… a folder, a… a link.
look_at_entries() {
    entries=$(stat -c '%u:%a:%f:%U:%h' -- "$@")
}

# judge WORD PLACE: whether only root and this account may change an entry.
judge() {
    owner=${1%%:*} more=${1#*:}
    mode=${more%%:*} more=${more#*:}
    type=${more%%:*} more=${more#*:}
    user=${more%%:*} links=${more#*:}
    [ -n "$uid_here" ] || uid_here=$(id -u)
    case $owner in
    0 | "$uid_here") ;;
    *) refuse "$2 belongs to $user (uid $owner, mode $mode), who could swap what lies there"; return ;;
    esac
    case $type,$mode in
    a???,*) ;; # the mode of a link means nothing
    *,*[2367] | *,*[2367]?)
        refuse "$2 (owner $user, mode $mode) can be written by others, who could swap what lies there"
        ;;
    esac
}

# only_ours REALPATH: whether nobody but root and this account can change what leads to it, nor itself. No folder is an
# exception because it is sticky: who made a name first there has it.
only_ours() {
    left=$1
    set --
    while [ -n "$left" ]; do
        set -- "$left" "$@"
        left=${left%/*}
    done
    look_at_entries / "$@" || return 1
    for place in / "$@"; do
        judge "${entries%%"
"*}" "$place" || return
        entries=${entries#*"
"}
    done
}

# go_to FOLDER [make|as_is]: goes to a folder (absolute) and sets here to its real path, empty for `/`. What is missing is
# made with mode 0700 by `make`, and only where nobody else can write; otherwise the return code is 2.
go_to() {
    case $1 in
    /*) ;;
    *) refuse "$1 is no absolute path"; return ;;
    esac
    left_over=$1/ followed=0 here=
    cd / || return 1
    while [ -n "$left_over" ]; do
        name=${left_over%%/*} left_over=${left_over#*/}
        case $name in
        '' | .) continue ;;
        ..)
            cd -P .. || return 1
            here=${here%/*}
            continue
            ;;
        esac
        if [ -L "./$name" ]; then
            follow "$name" || return
            left_over=$target/$left_over
            continue
        fi
        if [ ! -e "./$name" ]; then
            [ "${2-}" = make ] || return 2
            ( only_ours "$here" ) || return
            ( umask 077; exec mkdir -- "./$name" ) || [ -d "./$name" ] || return 1
        fi
        [ -d "./$name" ] || { refuse "$here/$name is no folder"; return; }
        cd -P "./$name" 2>/dev/null || {
            ( only_ours "$here/$name" ) || return
            echo "$here/$name cannot be entered" >&2
            return 1
        }
        [ "$PWD" = "$here/$name" ] || { refuse "$here/$name is being swapped"; return; }
        here=$here/$name
    done
}

# follow NAME: sets target to what the link NAME here says, if it may be followed; an absolute one leads from `/`.
follow() {
    followed=$((followed + 1))
    [ "$followed" -le 20 ] || { refuse "$here/$1 leads through too many links"; return; }
    why=$( only_ours "$here/$1" 2>&1 ) || { refuse "the link $here/$1 is not followed: ${why#refused: }"; return; }
    target=$(readlink -- "./$1" && echo .) || return 1
    target=${target%??}
    case $target in
    /*)
        cd / || return 1
        here=
        ;;
    esac
}

# own_folder FOLDER [make]: goes to a folder of our own, which nobody else can swap, nor what leads to it.
own_folder() {
    go_to "$@" || return
    ( only_ours "$here" )
}

# is_own NAME: whether NAME here is a plain file that this account has made.
is_own() {
    [ -f "./$1" ] && [ ! -L "./$1" ] && [ -O "./$1" ]
}

# go_to_file PATH [make]: goes to the folder of a file and sets file to its name there, links followed where they may be.
# What is there is no folder.
go_to_file() {
    case $1 in
    */) refuse "$1 is a directory"; return ;;
    */*) ;;
    *) refuse "$1 is no absolute path"; return ;;
    esac
    goal=$1 hops=0
    while :; do
        go_to "${goal%/*}/" "${2-}" || return
        file=${goal##*/}
        case $file in . | ..) refuse "$goal is a directory"; return ;; esac
        [ -L "./$file" ] || break
        hops=$((hops + 1)) followed=0
        [ "$hops" -le 20 ] || { refuse "$1 leads through too many links"; return; }
        follow "$file" || return
        case $target in
        /*) goal=$target ;;
        *) goal=$here/$target ;;
        esac
    done
    if [ -e "./$file" ]; then
        [ ! -d "./$file" ] || { refuse "$here/$file is a directory"; return; }
        # the target of a link is as much ours as the link
        [ "$hops" -eq 0 ] || ( only_ours "$here/$file" ) || return
    fi
}

# Sets entry to owner:group:mode of the plain file ./NAME or /PATH. One with several names may be root's, under a name that
# the folder's owner has given it.
look_at_file() {
    case $1 in ./*) place=$here/${1#./} ;; *) place=$1 ;; esac
    entry=$(stat -c '%u:%g:%a:%f:%h' -- "$1") || return 1
    case $entry in
    *:8???:1) ;;
    *:8???:*)
        ( only_ours "${place%/*}" ) 2>/dev/null || { refuse "$place has further names, and others can write to its folder"; return; }
        ;;
    *) refuse "$place is no plain file"; return ;;
    esac
    entry=${entry%:*:*}
}

# new_file: makes a file with a name that nobody can know before, for its owner alone, open as descriptor 3. Sets new.
new_file() {
    new=.cutover.$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    case $new in .cutover.????????????????????????????????) ;; *) return 1 ;; esac
    umask 077
    set -C
    # a special built-in ends the shell where it fails
    command exec 3>"./$new" || { set +C; return 1; }
    set +C
}

# finish_file NAME [OWNER:GROUP:MODE [MODE]]: gives the file of new_file its owner and mode, by its descriptor, and the name
# NAME here, in one instant. A folder of that name is not moved into, and a link of that name is replaced.
finish_file() {
    bits=
    if [ -n "${2-}" ]; then
        owned=${2%:*} bits=${2##*:}
        [ "$owned" = "$(stat -L -c %u:%g /proc/self/fd/3)" ] || chown -- "$owned" /proc/self/fd/3 || return 1
        # never a bit by which a program runs as someone else
        case $bits in ????*) bits=${bits#"${bits%???}"} ;; esac
    fi
    bits=${3:-$bits}
    [ -z "$bits" ] || chmod -- "$bits" /proc/self/fd/3 || return 1
    sync -- /proc/self/fd/3 || return 1
    mv -fT -- "./$new" "./$1" || return 1
    new=
    exec 3>&-
    sync -- .
}

# drop_file: removes what new_file has made and finish_file has not named.
drop_file() {
    [ -z "${new-}" ] || rm -f -- "./$new"
}

# print_file NAME: prints the file NAME here; in a folder that others can write to a plain one only, and what takes its
# place meanwhile is neither followed nor waited for.
print_file() {
    if ( only_ours "$here" ) 2>/dev/null; then
        cat -- "./$1" || return 1
    else
        look_at_file "./$1" || return
        dd if="./$1" iflag=nofollow,nonblock bs=65536 status=none || return 1
        look_at_file "./$1"
    fi
}

# keep PATH COPY: copies a plain file, with owner, mode and times, to the name COPY beside it, unless either is missing or
# done already.
keep() {
    go_to_file "$1"
    case $? in 0) ;; 2) return 0 ;; *) return 1 ;; esac
    [ -e "./$file" ] || return 0
    from=./$file
    # where a link was followed, nobody else can change what its names mean
    [ "$hops" -eq 0 ] || from=$here/$file
    go_to "${2%/*}/" || return
    copy=${2##*/}
    if [ -e "./$copy" ] || [ -L "./$copy" ]; then
        look_at_file "./$copy"
        return
    fi
    look_at_file "$from" || return
    new=.cutover.$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    # what is swapped after the look is not followed (-P), and a pipe in its place is not waited for
    if timeout 60 cp -Pp -- "$from" "./$new" && look_at_file "./$new" && sync -- "./$new" && mv -fT -- "./$new" "./$copy"; then
        new=
        return
    fi
    drop_file
    refuse "$1 could not be copied to ${2##*/}: there is no room, or it is being swapped"
}

# put COPY PATH: gives a plain file the name of another one beside it, in one instant; a COPY that is missing is there
# already.
put() {
    go_to "${1%/*}/" || return
    from=${1##*/}
    [ -e "./$from" ] || [ -L "./$from" ] || return 0
    look_at_file "./$from" || return
    from_here=$here/$from
    go_to_file "$2" || return
    [ "$hops" -eq 0 ] || from=
    if [ -n "$from" ]; then mv -fT -- "./$from" "./$file"; else mv -fT -- "$from_here" "./$file"; fi
}
