#!/bin/sh
# Runs a command as the first process of a machine of its own. However it ends, or whoever called it,
# the kernel ends every process that it started, and takes back its network namespaces, mounts, pins
# and temporary files.
exec setpriv --pdeathsig KILL \
  unshare --pid --mount --net --fork --kill-child=KILL --mount-proc sh -euc '
    mount -t tmpfs -o mode=755 tmpfs /run
    mount -t bpf bpf /sys/fs/bpf
    mkdir -m 755 /run/netns
    mkdir -m 1777 /run/tmp
    ip link set lo up
    export TMPDIR=/run/tmp TMUX_TMPDIR=/run/tmp
    exec "$@"
  ' sh "$@"
