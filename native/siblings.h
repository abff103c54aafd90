// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "../bpf/egress.h"

namespace egress {

/// Which records count one destination: one, or where services are told apart one for each that
/// sends there, in the order of their first packets.
class Siblings {
 public:
  /// Each record is alone.
  Siblings() = default;
  /// @param all the table; must outlive this object
  /// @param ids of those that are to be grouped
  Siblings(std::span<const egress_destination> all, const std::vector<uint32_t>& ids);

  /// The siblings of a record, itself among them.
  /// @param id must outlive what this returns
  std::span<const uint32_t> of(const uint32_t& id) const;

  /// Takes a record out of its siblings. @returns them as they were
  std::vector<uint32_t> remove(uint32_t id);

 private:
  /// The words of a key without its service.
  using Destination = std::array<uint64_t, 3>;
  static Destination destination_of(const egress_key& key);

  std::span<const egress_destination> all_;
  // Sorted, and the ids of each.
  std::vector<Destination> destinations_;
  std::vector<uint32_t> ids_;
};

}  // namespace egress
