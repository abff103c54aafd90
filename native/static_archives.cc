// SPDX-License-Identifier: Apache-2.0
//
// What the distributions' libbpf.a and libelf.a lack for a shared object: they are compiled for
// programs (-fPIE), two things in them cannot move, and some versions leave functions out. The
// linker takes these instead; all else in the archives links.
//
// Others bring libbpf's sources at a tag and compile them with -fPIC. That would need either a copy
// of libbpf here, whose fixes somebody has to fetch, or its repository while building; and libelf,
// where the larger part of this is for, would still be the distribution's. These archives come
// with their fixes from the distribution, and a build needs the registries alone.
#include <search.h>
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

// elfutils 0.192 (Debian 13) left lib/eu-search.c out of libelf.a. libbpf reads each object on one
// thread, so these need none of its locks; its `search_tree` begins with the root.
struct search_tree {
  void* root;
};
using Compare = int (*)(const void*, const void*);

void eu_search_tree_init(search_tree* tree) { tree->root = nullptr; }

void eu_search_tree_fini(search_tree* tree, void (*free_node)(void*)) {
  tdestroy(tree->root, free_node);
}

void* eu_tsearch(const void* key, search_tree* tree, Compare compare) {
  return tsearch(key, &tree->root, compare);
}

void* eu_tdelete(const void* key, search_tree* tree, Compare compare) {
  return tdelete(key, &tree->root, compare);
}
}
