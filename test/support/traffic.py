#!/usr/bin/env python3
"""Makes exact traffic for the tests: every subcommand sends what its arguments say, and ends."""
import errno
import fcntl
import os
import signal
import socket
import struct
import sys
import time

ETH_P_ALL = 3
TUNSETIFF, TUNSETLINK = 0x400454CA, 0x400454CD
IFF_TUN, IFF_NO_PI = 1, 0x1000
SOL_PACKET, PACKET_VNET_HDR = 263, 15
UDP_SEGMENT = 103


def udp(address, port, count, size):
    """Sends `count` datagrams of `size` bytes."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        for _ in range(int(count)):
            sender.sendto(bytes(int(size)), (address, int(port)))


def udp_segments(address, port, count, size, segment):
    """Sends `count` buffers of `size` bytes that the stack cuts into datagrams of `segment` bytes."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, int(segment))
        for _ in range(int(count)):
            sender.sendto(bytes(int(size)), (address, int(port)))


def spray(prefix, count):
    """Sends one datagram to each of `count` addresses from `prefix` followed by 1."""
    for last in range(1, int(count) + 1):
        udp(f"{prefix}{last}", 9, 1, 5)


def burst(address, port, count, cpu):
    """Says "ready", then sends `count` datagrams from one processor."""
    os.sched_setaffinity(0, {int(cpu)})
    print("ready", flush=True)
    udp(address, port, count, 5)


def stream(address, port, rate):
    """Says "ready", sends `rate` datagrams a second until SIGTERM, and prints how many they were."""
    stopped = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
    print("ready", flush=True)
    count, start = 0, time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while not stopped:
            while count < (time.monotonic() - start) * int(rate):
                sender.sendto(bytes(5), (address, int(port)))
                count += 1
            time.sleep(0.5 / int(rate))
    print(count, flush=True)


def frames(interface, virtio="plain"):
    """Sends each line of standard input, hexadecimal, as a frame; `virtio`: behind a virtio_net_hdr."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        if virtio == "virtio":
            sender.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        sender.bind((interface, 0))
        for line in sys.stdin:
            try:
                sender.send(bytes.fromhex(line))
            except OSError as error:
                if error.errno != errno.ENOBUFS:  # that is how the kernel reports that egress dropped it
                    raise


def spray_frames(interface, count, rate=0):
    """Sends a UDP packet to each of `count` addresses from 1.0.0.0 on, as frames; `rate` a second, or at once."""
    frame = bytearray(12) + b"\x08\x00" + bytes.fromhex("4500001c0001000040110000") + bytes(8)
    frame += struct.pack("!HHHH", 40000, 53, 8, 0)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
        sender.bind((interface, 0))
        start = time.monotonic()
        for index in range(int(count)):
            while int(rate) and index >= (time.monotonic() - start) * int(rate):
                time.sleep(0.001)
            struct.pack_into("!I", frame, 30, (1 << 24) + index)
            sender.send(frame)


def udp_server(address, port):
    """Says "ready", and answers each datagram with the same, until it is killed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, int(port)))
        print("ready", flush=True)
        while True:
            data, client = server.recvfrom(2048)
            server.sendto(data, client)


def udp_client(address, port, count, source):
    """Sends `count` datagrams from a source address, and awaits the answer to each."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.settimeout(5)
        for _ in range(int(count)):
            client.sendto(bytes(5), (address, int(port)))
            client.recv(2048)


def tcp_sink(address, port):
    """Says "ready", takes one connection, reads it to its end, and prints how many bytes came."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, int(port)), family=family) as server:
        print("ready", flush=True)
        connection, _ = server.accept()
        total = 0
        while chunk := connection.recv(1 << 20):
            total += len(chunk)
        print(total, flush=True)


def tcp(address, port, size, source=""):
    """Sends `size` bytes over one connection."""
    with socket.create_connection((address, int(port)), source_address=(source, 0)) as connection:
        connection.sendall(bytes(int(size)))


def tun(name, link_type=None):
    """Says "ready", then prints the length of each packet that leaves by the tun device `name`."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    if link_type:
        fcntl.ioctl(device, TUNSETLINK, int(link_type))
    print("ready", flush=True)
    while packet := os.read(device, 65536):
        print(len(packet), flush=True)


if __name__ == "__main__":
    commands = {"udp": udp, "spray": spray, "burst": burst, "stream": stream, "frames": frames}
    commands |= {"spray-frames": spray_frames, "udp-server": udp_server, "udp-client": udp_client}
    commands |= {"udp-segments": udp_segments, "tcp-sink": tcp_sink, "tcp": tcp, "tun": tun}
    commands[sys.argv[1]](*sys.argv[2:])
