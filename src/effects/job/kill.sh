# kill.sh DIR
job_folder "$1" || exit
end_all
