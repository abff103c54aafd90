#!/bin/sh
# The BPF verifier (Linux 6.18): a loop that ends after four rounds at most, and that it takes from root, is
# refused with EFAULT, "Bad address", from a process with CAP_BPF and CAP_NET_ADMIN alone.
#
# Expected: bounded loops are taken since Linux 5.3, and CAP_PERFMON (5.8) decides what a program may leak, not
# how long it may be; where a program is too complex, the error is E2BIG.
# Seen: without CAP_PERFMON the verifier also follows the branches that a processor may take by speculation. There
# the loop's counter is below no bound, so the loop goes on, thousands of times, until "The sequence of 8193 jumps is
# too complex" (kernel/bpf/verifier.c, push_stack()). Each round must fork, as comparisons of unknown numbers do.
# The same four rounds one after the other, as clang's `#pragma unroll` writes them, are taken by both.
#
# Who tests a program as root alone does not see it.
set -eu
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cat >"$folder/load.py" <<'PYTHON'
import ctypes, errno, os, platform, struct, sys

LDX, ADD, MOV, JGT, JLT, JEQ, JA, DIV, EXIT = 0x61, 0x07, 0xBF, 0x25, 0xA5, 0x15, 0x05, 0x3F, 0x95
LEN, WIRE_LEN = 0, 160  # offsets in struct __sk_buff


def instruction(code, dst=0, src=0, offset=0, value=0):
    return struct.pack("<BBhi", code, src << 4 | dst, offset, value)


def round_of_loop(to_end):
    """Divides what r1 has by what r4 has; leaves if the result is 0: a branch that nobody can foresee."""
    return [
        instruction(ADD, 4, value=-1),
        instruction(MOV, 7, 1),
        instruction(DIV, 7, 4),
        instruction(JEQ, 7, offset=to_end, value=0),
    ]


start = [
    instruction(LDX, 4, 1, WIRE_LEN),
    instruction(LDX, 1, 1, LEN),
    instruction(0xB7, 3, value=1),  # r3 = 1: the round
    instruction(0xB7, 0, value=0),
]
end = [instruction(EXIT)]
looped = start + round_of_loop(3) + [
    instruction(JGT, 3, offset=2, value=3),
    instruction(ADD, 3, value=1),
    instruction(JA, offset=-7),
] + end
unrolled = start + sum((round_of_loop(4 * (3 - i)) for i in range(4)), []) + end


def load(program):
    code = b"".join(program)
    text, gpl = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(1 << 24)
    attributes = struct.pack("<IIQQIIQII", 3, len(program), ctypes.addressof(text), ctypes.addressof(gpl), 1,
                             len(log), ctypes.addressof(log), 0, 0)
    number = {"x86_64": 321, "aarch64": 280}[platform.machine()]
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = ctypes.create_string_buffer(attributes, 128)
    if libc.syscall(number, 5, attributes, len(attributes)) >= 0:
        return "taken"
    reason = [line for line in log.value.decode().splitlines() if "too complex" in line]
    return " ".join([errno.errorcode[ctypes.get_errno()], *reason])


print("looped:", load(looped))
print("unrolled:", load(unrolled))
PYTHON
echo "Linux $(uname -r)"
root=$(python3 "$folder/load.py")
two=$(setpriv --bounding-set=-all,+bpf,+net_admin python3 "$folder/load.py")
printf 'as root\n%s\nwith CAP_BPF and CAP_NET_ADMIN\n%s\n' "$root" "$two"
[ "$root" = 'looped: taken
unrolled: taken' ]
[ "$two" = 'looped: EFAULT The sequence of 8193 jumps is too complex.
unrolled: taken' ]
