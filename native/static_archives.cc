// SPDX-License-Identifier: Apache-2.0
//
// The distributions compile libbpf.a and libelf.a for programs (-fPIE), and two things in them
// cannot move into a shared object as they are. Both are given here, so that the linker takes
// these; all else in the archives links.
#include <unistd.h>

#include <cstdio>

// libbpf's default print callback reads libc's variable as if it lay in the same module
// ("relocation R_X86_64_PC32 against symbol `stderr@@GLIBC_2.2.5'"). The addon has a callback of
// its own (libbpf_log.cc), so this is for what libbpf may say before it is set.
extern "C" __attribute__((visibility("hidden"))) FILE* libbpf_stderr asm("stderr");
__attribute__((used)) FILE* libbpf_stderr = fdopen(STDERR_FILENO, "w");

// elf_error.o has a thread-local variable of the local-exec model ("relocation R_X86_64_TPOFF32").
static thread_local int last_error = 0;

extern "C" {

/// libelf calls this for every failure; the name is its own.
void __libelf_seterrno(int value) { last_error = value; }

/// elfutils' libelf.h: returns the last error and clears it.
int elf_errno() {
  int value = last_error;
  last_error = 0;
  return value;
}

/// elfutils' libelf.h: the text of an error; libbpf only logs it.
const char* elf_errmsg(int) { return "libelf cannot read the BPF object"; }
}
