// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>

#include "error.h"

namespace egress {

/// The processors that this machine can have: so many values a per-CPU map has for each key.
/// @throws Error "count processors" where /sys does not tell
inline size_t possible_cpus() {
  const int count = libbpf_num_possible_cpus();
  if (count < 0) throw Error("count processors", "/sys/devices/system/cpu/possible", -count);
  return static_cast<size_t>(count);
}

}  // namespace egress
