// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "../bpf/egress.h"

namespace egress {

/// Which records count one destination: one, or where services are told apart one for each that
/// sends there. In the order of their first packets.
class Siblings {
 public:
  /// Each record is alone.
  Siblings() = default;
  /// @param all the table
  /// @param ids of those that are to be grouped
  Siblings(std::span<const egress_destination> all, const std::vector<uint32_t>& ids);

  /// The siblings of a record, itself among them.
  /// @param id outlives what this returns
  std::span<const uint32_t> of(const uint32_t& id) const;

  /// Takes a record out. @returns the siblings that it had
  std::vector<uint32_t> remove(uint32_t id);

 private:
  /// The key without the service.
  using Destination = std::tuple<uint64_t, uint64_t, uint64_t>;
  static Destination destination_of(const egress_key& key);

  bool alone_ = true;
  std::span<const egress_destination> all_;
  std::map<Destination, std::vector<uint32_t>> groups_;
};

}  // namespace egress
