#!/bin/sh
# systemd (252.39, Debian 12): whose traffic it is that a socket unit's service sends depends on whether systemd may
# call bpf().
#
# Expected: PID 1 opens the socket, so its packets have the cgroup init.scope until the service starts; the
# connections that the service accepts are the service's, which is what reads and answers.
# Seen: a socket keeps for life the cgroup that it was made in, and accepted ones inherit it. Where systemd can attach
# BPF programs, as on a host, it forks into NAME.socket's own cgroup to open an Internet socket (src/core/socket.c,
# socket_address_listen_in_cgroup()); where it cannot, as in most containers, PID 1 opens it. So what NAME.service
# sends to its callers has NAME.socket's id in inet_diag and bpf_skb_cgroup_id(), or that of init.scope, in the same
# distribution. Neither is NAME.service; only what that opens for itself is its own.
set -eu
folder=$(mktemp -d)
name=egress-finding-$$
# Both hierarchies of a hybrid host: systemd-nspawn leaves its cgroups behind.
hierarchies=$(findmnt -rn -t cgroup,cgroup2 -o TARGET,FSTYPE,OPTIONS | awk '$2 == "cgroup2" || /name=systemd/ { print $1 }')
finish() {
	for hierarchy in $hierarchies; do
		find "$hierarchy/$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
	done
	rmdir "/run/systemd/nspawn/propagate/$name" 2>/dev/null || true
	rm -rf "$folder"
}
trap finish EXIT
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | head -n 1)
cd "$folder"
apt-get download -qq debootstrap=1.0.128* systemd-container=252.39-* >&2
for package in *.deb; do dpkg-deb -x "$package" tools; done
export DEBOOTSTRAP_DIR="$folder/tools/usr/share/debootstrap"
sh tools/usr/sbin/debootstrap --variant=minbase --include=systemd,systemd-sysv,python3-minimal,iproute2 bookworm root "$mirror" >&2

unit() { cat >"root/etc/systemd/system/$1"; }
unit web.socket <<'UNIT'
[Socket]
ListenStream=127.0.0.1:8080
UNIT
unit web.service <<'UNIT'
[Service]
ExecStart=/usr/bin/python3 -c 'import socket, time; own = socket.create_server(("127.0.0.1", 8081)); accepted = socket.socket(fileno=3).accept(); time.sleep(600)'
UNIT
# Calls the service, awaits that it has accepted, and says whose each socket is.
unit probe.service <<'UNIT'
[Unit]
Requires=web.socket
After=web.socket
[Service]
Type=oneshot
ExecStart=/bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/8080; until ss -tln | grep -q :8081; do :; done; ss -tanH --cgroup state all sport = :8080 or sport = :8081 >/result'
ExecStopPost=/bin/systemctl --no-block poweroff
[Install]
WantedBy=multi-user.target
UNIT
mkdir -p root/etc/systemd/system/multi-user.target.wants
ln -s ../probe.service root/etc/systemd/system/multi-user.target.wants/

# Boots until the probe has its answer. Arguments: what systemd-nspawn is to allow.
whose_sockets() {
	for hierarchy in $hierarchies; do
		mkdir -p "$hierarchy/$name"
		echo 0 >"$hierarchy/$name/cgroup.procs"
	done
	rm -f root/result
	export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 LD_LIBRARY_PATH="$folder/tools/usr/lib/$(uname -m)-linux-gnu/systemd"
	timeout 300 tools/usr/bin/systemd-nspawn -q -D root -b -M "$name" --register=no --keep-unit --private-network "$@" </dev/null >&2
	awk '{ sub(".*[/:]", "", $4); sub(".*/", "", $NF); print $4, $1, $NF }' root/result | sort
}
dpkg --root=root -s systemd | sed -n 's/^Version: /systemd /p'
with=$(whose_sockets --capability=CAP_BPF,CAP_NET_ADMIN,CAP_PERFMON --system-call-filter=bpf)
without=$(whose_sockets)
printf 'with bpf()\n%s\nwithout\n%s\n' "$with" "$without"
[ "$with" = '8080 ESTAB web.socket
8080 LISTEN web.socket
8081 LISTEN web.service' ]
[ "$without" = '8080 ESTAB init.scope
8080 LISTEN init.scope
8081 LISTEN web.service' ]
