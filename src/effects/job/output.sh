# output.sh DIR BYTES: prints the beginning of what the job printed.
job_folder "$1" || exit
[ ! -e out ] || exec head -c "$2" -- out
