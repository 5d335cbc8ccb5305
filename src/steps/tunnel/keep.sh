trap 'kill -9 $ssh 2>/dev/null; exit 0' HUP INT TERM
while :; do
  rm -f CONTROL
  LINE &
  ssh=$!
  up= silent=0
  while sleep 1 && kill -0 $ssh 2>/dev/null && [ $silent -lt 2 ]; do
    if timeout 2 CHECK >/dev/null 2>&1; then
      up=1 silent=0
    else
      silent=$((silent + ${up:-0}))
    fi
  done
  kill -9 $ssh 2>/dev/null
  wait $ssh
  sleep 0.5
done
