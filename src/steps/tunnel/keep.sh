trap 'kill -9 $ssh 2>/dev/null; exit 0' HUP INT TERM
while :; do
  LINE &
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
done
