// SPDX-License-Identifier: Apache-2.0
#include "map_write.h"

#include <bpf/bpf.h>

#include "error.h"

namespace egress {

void write(int map_fd, const char* map, const void* key, const void* value) {
  int error = bpf_map_update_elem(map_fd, key, value, BPF_ANY);
  if (error != 0) throw Error("write map", map, -error);
}

}  // namespace egress
