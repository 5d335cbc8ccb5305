# Reports whether a server of this host reads the option file $path, there or not, when it starts. Prints one word, then the
# option files that were found, one a line:
#   folder   the file's folder is not there
#   read     a server reads it
#   suffix   a server reads the folder, but only what ends in .cnf
#   unread   no server reads it: each one's command line, and every file that it leads to, could be seen
#   unknown  no server that reads it was found, and not everything could be seen
# Processes are other people's: what their command lines name is read at most, and never run.
newline='
'
PATH=$PATH:/usr/sbin:/usr/local/sbin
folder=$(dirname -- "$path")
[ -d "$folder" ] || { echo folder; exit 0; }
name=$(basename -- "$path")
place=$(cd -- "$folder" 2>/dev/null && pwd -P) || { echo unknown; exit 0; }

# where the installed program begins, and the one that runs where it is the same; a `~` is the server's own home
compiled() {
  for program in mariadbd mysqld; do
    [ -z "$1" ] || [ "$(readlink -f -- "$1")" = "$(readlink -f -- "$(command -v $program)")" ] || continue
    "$program" --no-defaults --verbose --help 2>/dev/null </dev/null |
      sed -n '/^Default options are read from/{n;s/ /\n/g;p;q;}' | grep '^/' && return
  done
  return 1
}

sure=no standard=yes todo=
for process in $(grep -l -s -a -E 'mariadbd|mysqld' /proc/[0-9]*/cmdline); do
  words=$newline$(tr '\0' '\n' 2>/dev/null <"$process")$newline
  program=$(printf '%s' "$words" | grep -m 1 -E '(^|/)(mariadbd|mysqld)$') || continue
  [ $sure != no ] || sure=yes standard=no
  # in a container a path is another file; NSpid has one number outside of all
  set -- $(grep '^NSpid:' "${process%cmdline}status" 2>/dev/null)
  [ $# -eq 2 ] || sure=doubt
  todo=$todo$newline$(printf '%s' "$words" | sed -n -e 's/^--defaults-file=//p' -e 's/^--defaults-extra-file=//p')
  case $words in *"$newline--defaults-file="* | *"$newline--no-defaults$newline"*) continue ;; esac
  standard=yes
  begin=$(compiled "$program") || sure=doubt
  todo=$todo$newline$begin
done
# where users do not see each other's processes, one that is not seen may be the server
! grep -q '^proc /proc .*hidepid=' /proc/self/mounts || sure=doubt
[ $standard = no ] || todo=$todo$newline/etc/my.cnf$newline/etc/mysql/my.cnf$newline$(compiled '')

seen= verdict= left=1000
while [ -n "$todo" ]; do
  file=${todo%%"$newline"*}
  case $todo in *"$newline"*) todo=${todo#*"$newline"} ;; *) todo= ;; esac
  case $file in /*) ;; '') continue ;; *) sure=doubt; continue ;; esac
  case $seen$newline in *"$newline$file$newline"*) continue ;; esac
  in=$(cd -- "$(dirname -- "$file")" 2>/dev/null && pwd -P) || continue
  [ "$in/$(basename -- "$file")" != "$place/$name" ] || verdict=read
  [ -e "$file" ] || continue
  left=$((left - 1))
  [ -f "$file" ] && [ -r "$file" ] && [ $left -gt 0 ] || { sure=doubt; continue; }
  seen=$seen$newline$file
  while read -r word to; do
    case $word in
      '!includedir')
        if there=$(cd -- "$to" 2>/dev/null && pwd -P); then
          [ "$there" != "$place" ] || case $name in *.cnf) verdict=read ;; *) verdict=${verdict:-suffix} ;; esac
          for one in "$there"/*.cnf; do todo=$todo$newline$one; done
        elif [ -e "$to" ]; then
          sure=doubt
        fi
        ;;
      '!include') todo=$todo$newline$to ;;
    esac
  done <<END
$(grep '^[[:space:]]*!include' "$file")
END
done
case $verdict,$sure in
  ,yes) echo unread ;;
  ,*) echo unknown ;;
  *) echo "$verdict" ;;
esac
printf '%s\n' "$seen" | sed '/^$/d' | tr -cd '[:print:]\n'
