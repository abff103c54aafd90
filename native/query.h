// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../bpf/egress.h"
#include "rate_meter.h"
#include "snapshot.h"

namespace egress {

/// What a list of destinations is ordered by.
enum class Order {
  kDestination,
  kInterface,
  kProtocol,
  kPort,
  kPackets,
  kBytes,
  kPacketRate,
  kByteRate,
  kFirstSeen,
  kLastSeen,
};

/// Which published destinations are wanted, and which part of their list.
struct Query {
  std::string search;     ///< a part of the address as text; empty: any
  std::string interface;  ///< empty: any
  std::optional<uint8_t> protocol;
  std::optional<uint16_t> port;
  std::optional<egress_prefix> within;
  /// Interfaces and destinations, one of which it has to be.
  std::optional<std::set<std::pair<std::string, std::string>>> only_these;
  Order order = Order::kByteRate;
  bool descending = true;
  size_t offset = 0;
  size_t limit = 0;
};

/// What a list is sorted by: compared from the first member on.
struct SortKey {
  uint64_t major;
  uint64_t minor;
  uint32_t id;

  auto operator<=>(const SortKey&) const = default;
};

/// Where a destination belongs.
/// @param interface the index of its interface among their names
/// @param active_ns when it was last found active, on any clock
SortKey sort_key(Order order, uint32_t id, const Destination& destination, Rate rate,
                 uint32_t interface, uint64_t active_ns);

/// Puts the part of the list that is wanted in its order, and drops the rest.
void paginate(std::vector<SortKey>& keys, const Query& query);

/// Whether an address is wanted, as far as it alone says so.
bool matches(const Query& query, const egress_key& key, const std::string& text);

}  // namespace egress
