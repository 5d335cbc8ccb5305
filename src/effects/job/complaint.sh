# complaint.sh DIR LINES: prints the end of what the job complained.
job_folder "$1" || exit
[ ! -e err ] || exec tail -n "$2" -- err
