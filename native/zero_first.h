// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "../bpf/egress.h"
#include "clock.h"

namespace egress {

/// Zero first: whether a page shows a destination as 0. It does from the first page that has the
/// destination on, for `zero_for_ns`, and never again after that. This depends on pages alone and
/// not on who asks for them, so that no counter falls: a page shows what it counted only if all
/// later ones do. The state is stored before the page leaves, in the user state, which pins keep.
/// @param first_seen_ns of the record, CLOCK_MONOTONIC
/// @param read_ns when the page was read, CLOCK_MONOTONIC; not before that of an earlier call
inline bool is_withheld(egress_user_state& state, uint64_t first_seen_ns, uint64_t read_ns,
                        uint64_t zero_for_ns) {
  if (state.zero_since_ms == EGRESS_REVEALED) return false;
  // It may have come while the page was read.
  const uint64_t age_ms = read_ns > first_seen_ns ? (read_ns - first_seen_ns) / kNsPerMs : 0;
  if (state.zero_since_ms == EGRESS_UNSEEN) {
    // Who waited 49 days for a page has it as 0 on that one alone.
    state.zero_since_ms =
        static_cast<uint32_t>(std::clamp<uint64_t>(age_ms, EGRESS_REVEALED + 1, EGRESS_UNSEEN - 1));
    return true;
  }
  if (age_ms < state.zero_since_ms + zero_for_ns / kNsPerMs) return true;
  state.zero_since_ms = EGRESS_REVEALED;
  return false;
}

}  // namespace egress
