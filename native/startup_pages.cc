// SPDX-License-Identifier: Apache-2.0
#include "startup_pages.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

namespace egress {
namespace {

/// Only what the linker mapped without the right to write has no page of its own to lose.
void release(const dl_phdr_info& object, const ElfW(Phdr) & segment) {
  if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W)) return;
  const uintptr_t page = static_cast<uintptr_t>(getpagesize());
  const uintptr_t begin = (object.dlpi_addr + segment.p_vaddr) / page * page;
  // The last page may be the next segment's as well.
  const uintptr_t end = (object.dlpi_addr + segment.p_vaddr + segment.p_memsz) / page * page;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace

void release_startup_pages() {
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void*) {
        for (int i = 0; i < object->dlpi_phnum; ++i) release(*object, object->dlpi_phdr[i]);
        return 0;
      },
      nullptr);
}

}  // namespace egress
