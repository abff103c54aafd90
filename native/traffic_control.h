// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace egress::traffic_control {

/// The qdiscs at the one place that `ingress` and `clsact` share (parent ffff:fff1), by ifindex:
/// their kinds. Only clsact has an egress side; what is asked of the other is answered for ingress.
/// @throws Error "list qdiscs"
std::map<uint32_t, std::string> shared_place_qdiscs();

/// Of one interface; empty: none.
/// @throws Error "list qdiscs"
std::string shared_place_qdisc(uint32_t ifindex);

enum class Hook { kIngress, kEgress };

/// A filter on a clsact qdisc.
struct Filter {
  uint32_t priority;
  uint16_t protocol_be;
  uint32_t chain;       ///< the first is 0; others are jumped to
  uint32_t handle;      ///< 0: no filter, but what all of a priority have in common
  uint32_t program_id;  ///< 0: not a BPF filter
  std::string kind;     ///< such as "bpf" or "u32"
  std::string name;     ///< of a BPF filter

  /// Whether packets run through it, which is not so of heads and of u32's hash tables.
  bool classifies() const;
};

/// What is attached there, in the order in which it runs; none where the interface has no such
/// qdisc.
/// @throws Error "list filters"
std::vector<Filter> filters(uint32_t ifindex, Hook hook);

/// Where a BPF filter for all protocols comes as early as it can, without taking priority 1 first:
/// beside one of its like, before which it runs, or else at the lowest that is free.
/// @param handle which it shall have
uint32_t choose_priority(const std::vector<Filter>& egress, uint32_t handle);

}  // namespace egress::traffic_control
