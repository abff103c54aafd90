#!/usr/bin/env python3
"""Attaches a program of somebody else's at a device's TCX egress: OBJECT PROGRAM DEVICE head|tail.

Says "ready"; the program hangs until this process ends. Neither tc nor Debian 12's bpftool can do it.
"""
import ctypes
import os
import signal
import socket
import struct
import sys

BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_EGRESS = 3, 47
FLAGS = {"head": 1 << 3, "tail": 1 << 4}  # BPF_F_BEFORE, BPF_F_AFTER

path, name, device, place = sys.argv[1:]
libbpf = ctypes.CDLL("libbpf.so.1", use_errno=True)
for function in (libbpf.bpf_object__open_file, libbpf.bpf_object__find_program_by_name):
    function.restype = ctypes.c_void_p
bpf_object = ctypes.c_void_p(libbpf.bpf_object__open_file(path.encode(), None))
program = ctypes.c_void_p(libbpf.bpf_object__find_program_by_name(bpf_object, name.encode()))
libbpf.bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS)
# Programs of the same file need not be loadable here.
others = ctypes.c_void_p(None)
libbpf.bpf_object__next_program.restype = ctypes.c_void_p
libbpf.bpf_program__set_autoload.argtypes = [ctypes.c_void_p, ctypes.c_bool]
while other := libbpf.bpf_object__next_program(bpf_object, others):
    others = ctypes.c_void_p(other)
    libbpf.bpf_program__set_autoload(others, other == program.value)
if libbpf.bpf_object__load(bpf_object) != 0:
    sys.exit("cannot load it")
options = ctypes.create_string_buffer(struct.pack("=QI52x", 64, FLAGS[place]))
link = libbpf.bpf_link_create(
    libbpf.bpf_program__fd(program), socket.if_nametoindex(device), BPF_TCX_EGRESS, options
)
if link < 0:
    sys.exit(os.strerror(-link))
print("ready", flush=True)
signal.pause()
