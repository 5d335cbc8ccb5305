# kill.sh DIR
cd -- "$1" && end_all
