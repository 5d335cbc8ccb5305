# work.sh FOLDER STEP [FILE]: an effect that takes its time and leaves a trace. `date` gives nanoseconds.
dir=$1 step=$2 file=${3:-}
say() { printf '%s %s %s %s\n' "$(date +%s%N)" "$step" "$$" "$1" >>"$dir/trace"; }
say begin
for _ in 1 2 3 4 5 6 7 8 9 10; do
    sleep 0.05
    say beat
done
[ -z "$file" ] || echo "$step" >>"$file"
echo "$$" >>"$dir/done.$step" # the step `creates` this: one line for each time that the effect happened
say end
