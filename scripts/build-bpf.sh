#!/bin/sh
# Compiles the kernel program and writes its skeleton: build-bpf.sh OUT_DIR [FLAG...]
set -eu
out=$1
shift
mkdir -p "$out"

# Debian and Ubuntu keep asm/types.h in a directory named after the architecture.
multiarch=/usr/include/$(uname -m)-linux-gnu

# v2 of the instruction set (Linux 4.14): what comes later needs newer kernels or buys nothing here.
clang -O2 -g -target bpf -mcpu=v2 -Wall -Wextra -Werror -ffile-prefix-map="$PWD"=. \
	-idirafter "$multiarch" "$@" -c bpf/egress.bpf.c -o "$out/egress.bpf.o"
llvm-strip --strip-debug --keep-section=.BTF --keep-section=.BTF.ext "$out/egress.bpf.o"

# Ubuntu's bpftool is a wrapper that works for the running kernel's tools only.
for bpftool in bpftool /usr/lib/linux-tools/*/bpftool; do
	"$bpftool" version >/dev/null 2>&1 && break
done
"$bpftool" gen skeleton "$out/egress.bpf.o" name egress_bpf >"$out/egress.skel.h.new"
mv "$out/egress.skel.h.new" "$out/egress.skel.h"
