#!/bin/busybox sh
# The first process of a test kernel. The host's root directory comes by 9p, read-only, beneath a
# layer in memory; so the guest has the host's programs and this tree as it was built there. Between
# them lies what a guest of another architecture has of its own.
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /host /layer /root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do insmod "$module"; done

share=trans=virtio,version=9p2000.L,ro,cache=loose,msize=1048576
mount -t 9p -o "$share" host /host || poweroff -f
lower=/host
if [ -d /own ]; then
	mount -t 9p -o "$share" own /own || poweroff -f
	lower=/own:/host
fi
mount -t tmpfs tmpfs /layer
mkdir /layer/upper /layer/work
mount -t overlay -o lowerdir=$lower,upperdir=/layer/upper,workdir=/layer/work overlay /root || poweroff -f
mkdir -p /root/usr/lib/modules
mount -t 9p -o "$share" modules /root/usr/lib/modules
mount --move /proc /root/proc
mount --move /sys /root/sys
mount --move /dev /root/dev
mkdir -p /root/dev/shm
for folder in run dev/shm; do mount -t tmpfs tmpfs "/root/$folder"; done
mount -t bpf bpf /root/sys/fs/bpf
# The kernel starts its helper in the first root directory.
printf '#!/bin/sh\nexec /bin/chroot /root /sbin/modprobe "$@"\n' >/load-module
chmod +x /load-module
echo /load-module >/root/proc/sys/kernel/modprobe
chroot /root /sbin/modprobe tun # only its opening would load it, and nothing makes its node before
chroot /root /sbin/ip link set lo up
cp /command /root/run/command

chroot /root /bin/bash /run/command
echo "guest: exit code $?"
poweroff -f
