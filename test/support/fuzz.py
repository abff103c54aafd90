#!/usr/bin/env python3
"""Runs generated frames through the program that hangs on lo, by BPF_PROG_TEST_RUN, and through the
model, and prints what the model counted as JSON: COUNT SEED LIMIT SETTINGS(JSON)."""
import ctypes
import ipaddress
import json
import os
import random
import struct
import sys

import bpf_model as model

BPF_TCX_EGRESS, LOOPBACK = 47, 1
libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)


class TestRun(ctypes.Structure):
    """struct bpf_test_run_opts of bpf/bpf.h."""

    _fields_ = [("sz", ctypes.c_size_t), ("data_in", ctypes.c_void_p), ("data_out", ctypes.c_void_p)]
    _fields_ += [("data_size_in", ctypes.c_uint32), ("data_size_out", ctypes.c_uint32)]
    _fields_ += [("ctx_in", ctypes.c_void_p), ("ctx_out", ctypes.c_void_p)]
    _fields_ += [(name, ctypes.c_uint32) for name in ("ctx_size_in", "ctx_size_out", "retval", "repeat")]
    _fields_ += [(name, ctypes.c_uint32) for name in ("duration", "flags", "cpu", "batch_size")]


def program():
    ids, count, flags = (ctypes.c_uint32 * 64)(), ctypes.c_uint32(64), ctypes.c_uint32()
    error = libbpf.bpf_prog_query(LOOPBACK, BPF_TCX_EGRESS, 0, ctypes.byref(flags), ids, ctypes.byref(count))
    if error or count.value != 1:
        sys.exit(f"{count.value} programs on lo, error {error}")
    return libbpf.bpf_prog_get_fd_by_id(ids[0])


class Runner:
    def __init__(self):
        self.fd = program()
        self.data = ctypes.create_string_buffer(4096)
        self.context = ctypes.create_string_buffer(192)  # struct __sk_buff
        self.options = TestRun(sz=ctypes.sizeof(TestRun), data_in=ctypes.addressof(self.data), repeat=1)
        self.options.ctx_in, self.options.ctx_size_in = ctypes.addressof(self.context), 180
        self.reference = ctypes.byref(self.options)

    def run(self, frame, gso):
        ctypes.memmove(self.data, frame, len(frame))
        self.options.data_size_in, self.options.data_size_out = len(frame), 0
        # wire_len, gso_segs, sk, gso_size
        struct.pack_into("=IIQI", self.context, 160, gso.estimate, gso.segments, 0, gso.size)
        error = libbpf.bpf_prog_test_run_opts(self.fd, self.reference)
        if error:
            sys.exit(f"cannot run {frame.hex()} ({vars(gso)}): {os.strerror(-error)}")
        if ctypes.c_int32(self.options.retval).value != -1:
            sys.exit(f"verdict {self.options.retval} for {frame.hex()}")


class Generator:
    """Frames of every kind: well-formed, cut short at every byte, and at random."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.v4 = [self.address("203.0.113.0", 24) for _ in range(40)]
        self.v4 += [self.address(net, 8) for net in ("10.0.0.0", "127.0.0.0", "224.0.0.0") for _ in range(5)]
        self.v4 += [self.address("0.0.0.0", 0) for _ in range(60)]
        self.v6 = [self.address("2001:db8::", 32) for _ in range(40)]
        self.v6 += [self.address(net, 16) for net in ("fe80::", "ff02::", "fc00::") for _ in range(5)]
        self.pending = []

    def address(self, net, bits):
        base = ipaddress.ip_address(net)
        free = base.max_prefixlen - bits
        return (int(base) | self.random.getrandbits(free) if free else int(base)).to_bytes(
            base.max_prefixlen // 8, "big"
        )

    def next(self):
        """A frame, and what the kernel says of its segmentation."""
        if not self.pending:
            frame = self.frame()
            kind = self.random.random()
            if kind < 0.02:
                self.pending = [frame[:length] for length in range(15, len(frame) + 1)]
            elif kind < 0.06:
                self.pending = [self.random.randbytes(self.random.randrange(15, 120))]
            elif kind < 0.12:
                changed = bytearray(frame)
                for _ in range(self.random.randrange(1, 4)):
                    changed[self.random.randrange(len(changed))] = self.random.randrange(256)
                self.pending = [bytes(changed)]
            else:
                self.pending = [frame]
        frame = self.pending.pop()
        if self.random.random() < 0.9:
            # Others may have changed its length since.
            return frame, model.Gso(0, 0, len(frame) + self.random.choice((0, 0, 0, 0, 11, 3000)))
        return frame, self.gso(len(frame))

    def gso(self, length):
        size = self.random.choice((1, 7, 13, 20, 32, 100, 1000, 0xFFFE, 0xFFFF))
        segments = self.random.choice((0, 0, 0, 1, 2, 3, 45, 65535))
        if self.random.random() < 0.3:
            return model.Gso(size, segments, length + self.random.randrange(60000))
        # As the kernel makes it, of some headers.
        headers = self.random.choice((14, 34, 42, 54, 58, 62, 66, 74, 78, 102, 134, self.random.randrange(1, length)))
        count = segments or model.Gso(size).cut(length, headers)
        return model.Gso(size, segments, min(length + (count - 1) * headers, 65000))

    def frame(self):
        tags = b""
        for _ in range(self.random.choice((0, 0, 0, 0, 0, 1, 2, 3))):
            tags += struct.pack("!HH", self.random.choice((0x8100, 0x88A8)), self.random.randrange(65536))
        kind = self.random.random()
        if kind < 0.05:
            ethertype = self.random.choice((0x0806, 0x88CC, 0x8847, self.random.randrange(65536)))
            payload = self.random.randbytes(40)
            return bytes(12) + tags + struct.pack("!H", ethertype) + payload
        if kind < 0.55:
            return bytes(12) + tags + b"\x08\x00" + self.ipv4()
        return bytes(12) + tags + b"\x86\xdd" + self.ipv6()

    def ipv4(self):
        options = self.random.randbytes(4 * self.random.choice((0,) * 9 + (1, 5, 10)))
        protocol, payload = self.transport(False)
        offset = self.random.choice((0,) * 12 + (0x2000, 0x2001, 0x0100, 0x1FFF, 0x4000))
        header = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, 0, 0, 0, offset, 64, protocol, 0)
        return header + bytes(4) + self.random.choice(self.v4) + options + payload

    def ipv6(self):
        following, rest = self.transport(True)
        for _ in range(self.random.choice((0,) * 8 + (1, 1, 2, 3, 8, 9))):
            kind = self.random.choice((0, 43, 60, 135, 139, 140, 44, 51))
            if kind == 44:
                offset = self.random.choice((0, 0, 0, 1, 8, 0xFFF8))
                rest = struct.pack("!BBHI", following, 0, offset, 0) + rest
            else:
                words = self.random.choice((0, 0, 1, 2))
                size = (words + 2) * 4 if kind == 51 else (words + 1) * 8
                rest = bytes((following, words)) + self.random.randbytes(size - 2) + rest
            following = kind
        return struct.pack("!IHBB", 6 << 28, len(rest), following, 64) + bytes(16) + self.random.choice(self.v6) + rest

    def transport(self, v6):
        protocol = self.random.choice((6, 6, 6, 17, 17, 58 if v6 else 1, 132, 33, 136, 47, 50, 59, 4, 41, 1, 58, 255))
        port = self.random.choice((22, 53, 80, 443, 32767, 32768, 40000, 60999, 61000, 65535, 0))
        body = struct.pack("!HH", port, self.random.randrange(65536)) + self.random.randbytes(4)
        if protocol == 6:
            flags = self.random.choice((0x02, 0x12, 0x10, 0x18, 0x04, 0x11, 0xC2, 0x00, 0xFF))
            return 6, body + self.random.randbytes(4) + bytes((self.random.choice((5, 8, 15)) << 4, flags)) + bytes(6)
        if protocol in (1, 58):
            return protocol, bytes((self.random.randrange(256), 0)) + bytes(6)
        return protocol, body + bytes(8)


def is_refused(frame):
    """Newer kernels test no frame whose IP header is cut short; behind a tag they do not see it."""
    least = {b"\x08\x00": 34, b"\x86\xdd": 54}.get(frame[12:14], 0)
    return len(frame) < least


def choice(text):
    net = ipaddress.ip_network(text)
    return (2 if net.version == 4 else 10, int(net.network_address), net.prefixlen)


def main(count, seed, limit, settings):
    own = set(range(*settings.pop("ownPorts")))
    excluded, included = (list(map(choice, settings.pop(key))) for key in ("excluded", "included"))
    expected = model.Model(model.Settings(excluded, included, own=own, **settings), limit)
    generator, runner = Generator(seed), Runner()
    for _ in range(count):
        frame, gso = generator.next()
        if is_refused(frame):
            frame, gso.estimate = frame[:12] + b"\x81\x00\x00\x07" + frame[12:], gso.estimate + 4
        expected.count(frame, gso)
        runner.run(frame, gso)
    bits = expected.settings.bits

    def name(family, address):
        text = str(ipaddress.IPv4Address(address) if family == 2 else ipaddress.IPv6Address(address))
        return text if bits[family] == model.width(family) else f"{text}/{bits[family]}"

    destinations = {name(*key): value for key, value in expected.destinations.items()}
    print(json.dumps({"destinations": destinations, "unlisted": expected.unlisted}))


main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4]))
