# Sourced by a host's login: keeps what the host was asked for, and what that was given to read, in seen/HOST.TIME.PID.cmd
# and .in. Follows dir and host.
seen=$dir/seen/$host.$(date +%s%N).$$
printf %s "$SSH_ORIGINAL_COMMAND" >"$seen.cmd"
mkfifo "$seen.pipe"
exec 3<&0
# in a session of its own: what looks for processes of the program's session finds it as if it were not there
setsid tee "$seen.in" <&3 >"$seen.pipe" 2>/dev/null 3<&- &
exec <"$seen.pipe" 3<&-
rm -f "$seen.pipe"
