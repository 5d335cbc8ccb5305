# Leads the job's session, in the job's folder. Only one leader can link its card into place, ever.
umask 077
IFS= read -r line < "/proc/$$/stat"
line=${line##*") "}
set -- $line
echo "$$ ${20} $(cat /proc/sys/kernel/random/boot_id)" > "pid.$$"
if ! ln "pid.$$" pid; then
    rm -f "pid.$$"
    exit 0
fi
rm -f "pid.$$"
sh ./script </dev/null >out 2>err
echo $? > code.new
mv code.new code
