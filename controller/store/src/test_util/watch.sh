# Stops the server in the directory $1 when nobody has locked `users` for ten seconds, and removes
# its data (the directory, if $2 is `own`). Who comes meanwhile waits for the lock, and then finds
# no server.
cd "$1" || exit
idle=0
while [ -e users ]; do
    sleep 1
    if flock --exclusive --nonblock users true; then idle=$((idle + 1)); else idle=0; fi
    if [ "$idle" -ge 10 ]; then
        idle=0
        # shellcheck disable=SC2016
        flock --exclusive --nonblock users sh -c '
            pid=$(head -n 1 data/postmaster.pid) && kill -QUIT "$pid"
            while [ -n "$pid" ] && kill -0 "$pid"; do sleep 0.1; done
            rm -rf data socket' || continue
        if [ "$2" = own ]; then rm -rf "$1"; fi
        exit
    fi
done
# The directory is gone: whose it was has removed it.
