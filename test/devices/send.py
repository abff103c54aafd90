#!/usr/bin/env python3
"""Traffic for the table of devices: each command says "ready" where others wait for it."""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

PORT = 5001
DATAGRAMS, DATAGRAM_BYTES = 23, 100
BUFFERS, BUFFER_BYTES, SEGMENT_BYTES = 3, 12001, 1000
STREAM_BYTES = 100_003
UDP_SEGMENT = 103
TUNSETIFF, TUNSETOFFLOAD = 0x400454CA, 0x400454D0
IFF_TUN, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 1, 2, 0x1000, 0x4000
# TUN_F_CSUM, TSO4, TSO6, TSO_ECN, UFO, and since Linux 6.2 USO4 and USO6
OFFLOADS_OLD, OFFLOADS = 0x1F, 0x7F


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def bound(kind, address, device, protocol=0):
    sender = socket.socket(family_of(address), kind, protocol)
    if device:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    return sender


def udp(address, device, size=DATAGRAM_BYTES):
    with bound(socket.SOCK_DGRAM, address, device) as sender:
        for _ in range(DATAGRAMS):
            sender.sendto(bytes(int(size)), (address, PORT))


def gso(address, device):
    with bound(socket.SOCK_DGRAM, address, device) as sender:
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT_BYTES)
        for _ in range(BUFFERS):
            sender.sendto(bytes(BUFFER_BYTES), (address, PORT))


def stream(address, device, size, protocol):
    """Ends when the peer has read all, where the protocol tells."""
    with bound(socket.SOCK_STREAM, address, device, protocol) as sender:
        sender.settimeout(20)
        sender.connect((address, PORT))
        chunk = 20_000 if protocol == socket.IPPROTO_SCTP else 1 << 20
        for start in range(0, int(size), chunk):
            sender.sendall(bytes(min(chunk, int(size) - start)))
        if protocol == socket.IPPROTO_TCP:
            sender.shutdown(socket.SHUT_WR)
            sender.recv(1)


def tcp(address, device, size=STREAM_BYTES):
    stream(address, device, size, socket.IPPROTO_TCP)


def sctp(address, device, size=STREAM_BYTES):
    stream(address, device, size, socket.IPPROTO_SCTP)


def send(what, device, *addresses):
    """`what`: names of the above, with commas between; `tcp=SIZE` where the size matters."""
    for address in addresses:
        for name, *size in (part.split("=") for part in what.split(",")):
            {"udp": udp, "gso": gso, "tcp": tcp, "sctp": sctp}[name](address, device, *size)


def serve(connection):
    with connection:
        while connection.recv(1 << 20):
            pass


def accept(server):
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


def sink():
    """Takes whatever is sent, of both families."""
    datagrams = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams.bind(("::", PORT))
    for protocol in (socket.IPPROTO_TCP, socket.IPPROTO_SCTP):
        try:
            server = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, protocol)
        except OSError:
            continue  # a kernel without SCTP
        server.bind(("::", PORT))
        server.listen()
        threading.Thread(target=accept, args=(server,), daemon=True).start()
    print("ready", flush=True)
    while True:
        datagrams.recv(1 << 16)


def open_tun(name, flags):
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags | IFF_NO_PI | IFF_VNET_HDR))
    try:
        fcntl.ioctl(device, TUNSETOFFLOAD, OFFLOADS)
    except OSError:
        fcntl.ioctl(device, TUNSETOFFLOAD, OFFLOADS_OLD)
    return device


def reader(name, kind):
    """Makes the tun or tap device `name`, which takes oversized buffers, and reads what leaves by it."""
    device = open_tun(name, IFF_TAP if kind == "tap" else IFF_TUN)
    print("ready", flush=True)
    while True:
        os.read(device, 1 << 17)


def machine(name):
    """Sends each line of standard input, hexadecimal, by the tap device `name` of a bridge, as a virtual machine does."""
    device = open_tun(name, IFF_TAP)
    # Opened, it has a carrier, which the bridge is told a moment later.
    ports = ["ip", "-j", "-d", "link", "show", "type", "bridge_slave"]
    while subprocess.check_output(ports, text=True).count('"state":"forwarding"') < 2:
        time.sleep(0.05)
    for line in sys.stdin:
        os.write(device, bytes.fromhex(line))


def pppoe(device, peer, session):
    """Makes ppp0 over a PPPoE session that nobody negotiated."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not os.path.exists("/dev/ppp"):
        os.mknod("/dev/ppp", 0o600 | 0o020000, os.makedev(108, 0))
    session_socket = libc.socket(24, 1, 0)  # AF_PPPOX, SOCK_STREAM, PX_PROTO_OE
    # struct sockaddr_pppox, packed: family, protocol, session, peer, device
    address = struct.pack("=HI2s6s16s", 24, 0, struct.pack("!H", int(session)), bytes.fromhex(peer), device.encode())
    if session_socket < 0 or libc.connect(session_socket, address, len(address)) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
    channel = fcntl.ioctl(session_socket, 0x80047437, bytes(4))  # PPPIOCGCHAN
    link, unit = os.open("/dev/ppp", os.O_RDWR), os.open("/dev/ppp", os.O_RDWR)
    fcntl.ioctl(link, 0x40047438, channel)  # PPPIOCATTCHAN
    number = fcntl.ioctl(unit, 0xC004743E, struct.pack("i", -1))  # PPPIOCNEWUNIT
    fcntl.ioctl(link, 0x4004743A, number)  # PPPIOCCONNECT
    for protocol in (0x21, 0x57):  # IPv4 and IPv6 pass: PPPIOCSNPMODE
        fcntl.ioctl(unit, 0x4008744B, struct.pack("ii", protocol, 0))
    print("ready", flush=True)
    signal.pause()


def netkit(name, mode):
    """Makes the netkit device `name`, and its other end, which the kernel calls nk0; Debian 12's ip cannot."""

    def attribute(kind, data):
        return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)

    # IFLA_NETKIT_MODE in IFLA_INFO_DATA, beside IFLA_INFO_KIND; then IFLA_IFNAME and IFLA_LINKINFO.
    data = attribute(2, attribute(5, struct.pack("=I", ("l2", "l3").index(mode))))
    link = attribute(3, name.encode() + b"\0") + attribute(18, attribute(1, b"netkit\0") + data)
    # RTM_NEWLINK, with NLM_F_REQUEST, ACK, EXCL and CREATE; an empty struct ifinfomsg.
    header = struct.pack("=IHHII", 16 + 16 + len(link), 16, 0x1 | 0x4 | 0x200 | 0x400, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.send(header + bytes(16) + link)
        (error,) = struct.unpack_from("=i", kernel.recv(4096), 16)
    if error != 0:
        sys.exit(os.strerror(-error))


if __name__ == "__main__":
    commands = {"send": send, "sink": sink, "reader": reader, "machine": machine, "pppoe": pppoe, "netkit": netkit}
    commands[sys.argv[1]](*sys.argv[2:])
