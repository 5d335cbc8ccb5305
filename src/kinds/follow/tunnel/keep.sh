trap 'kill -9 $ssh 2>/dev/null; exit 0' HUP INT TERM
# a session in which nothing is said: on connections that never had one, sshd holds small packets back
[ -p hold ] || mkfifo hold
exec 3<>hold
session=cat
while :; do
  "$@" $session <&3 &
  ssh=$!
  stopped=0
  while sleep 1 && [ $stopped -lt 2 ] && IFS= read -r stat 2>/dev/null < /proc/$ssh/stat; do
    case ${stat##*") "} in
      Z*) break ;;
      T*) stopped=$((stopped + 1)) ;;
      *) stopped=0 ;;
    esac
  done
  kill -9 $ssh 2>/dev/null
  wait $ssh
  case $? in
    137 | 255) ;;
    *) session=-N ;;
  esac
done
