# remove.sh DIR: ends the job and removes its folder, and no other folder.
[ -e "$1" ] || [ -L "$1" ] || exit 0
if [ -L "$1" ] || [ ! -f "$1/script" ]; then
    # A start that was cut off at once left an empty folder.
    rmdir -- "$1" 2>/dev/null && exit 0
    echo "$1 is not the folder of a job" >&2
    exit 1
fi
job_folder "$1" || exit
end_all || exit 1
gone=$1.gone.$$
mv -T -- "$1" "$gone" || exit 1
# Moved away, it is nobody's to start again; what was started since the first look ends now.
end_all || exit 1
cd / && rm -rf -- "$gone"
