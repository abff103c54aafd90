"""Runs a command as on a kernel without bpf(), which answers ENOSYS: without-bpf.py COMMAND..."""

import ctypes
import errno
import os
import platform
import struct
import sys

BPF_SYSCALL = {'x86_64': 321, 'aarch64': 280}[platform.machine()]
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD_WORD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06  # linux/bpf_common.h
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000

filters = b''.join(
    struct.pack('HBBI', *instruction)
    for instruction in [
        (LOAD_WORD, 0, 0, 0),  # seccomp_data.nr
        (JUMP_EQUAL, 0, 1, BPF_SYSCALL),
        (RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.ENOSYS),
        (RETURN, 0, 0, SECCOMP_RET_ALLOW),
    ]
)
buffer = ctypes.create_string_buffer(filters)
program = struct.pack('HxxxxxxP', len(filters) // 8, ctypes.addressof(buffer))
libc = ctypes.CDLL(None, use_errno=True)
for arguments in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program)]:
    if libc.prctl(*arguments) != 0:
        raise OSError(ctypes.get_errno(), 'prctl')
os.execvp(sys.argv[1], sys.argv[1:])
