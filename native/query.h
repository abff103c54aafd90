// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../bpf/egress.h"
#include "rate_meter.h"
#include "snapshot.h"

namespace egress {

/// A destination as a list of them is ordered.
struct Listed {
  uint32_t id;
  const Destination& destination;
  Rate rate;
  uint32_t interface;  ///< the index of its interface among their names
  uint64_t active_ns;  ///< when it was last found active, on any clock
};

/// What a list of destinations is ordered by.
struct Order {
  std::string_view name;  ///< as src/kernel/ranking.ts has it
  uint64_t (*major)(const Listed&);
  uint64_t (*minor)(const Listed&);  ///< of those whose `major` is equal
};

/// All orders.
std::span<const Order> orders();
/// The order of this name; null: none.
const Order* find_order(std::string_view name);

/// A destination by the name of its interface.
struct NamedKey {
  std::string interface;
  egress_prefix prefix;
};

/// Which published destinations are wanted, and which part of their list.
struct Query {
  std::string search;       ///< a part of the address as text; empty: any
  std::string interface;    ///< empty: any
  std::string service;      ///< quoted, as ServiceLabels have it; empty: any
  bool by_service = false;  ///< a row for each service that sends there, with its own counts
  std::optional<uint8_t> protocol;
  std::optional<uint16_t> port;
  std::optional<egress_prefix> within;
  /// One of these it has to be.
  std::optional<std::vector<NamedKey>> only_these;
  const Order* order = find_order("bytesPerSecond");
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
inline SortKey sort_key(const Order& order, const Listed& listed) {
  return {order.major(listed), order.minor(listed), listed.id};
}

/// Puts the part of the list that is wanted in its order, and drops the rest.
void paginate(std::vector<SortKey>& keys, const Query& query);

/// Whether an address is wanted, as far as it alone says so.
bool matches(const Query& query, const egress_key& key, const std::string& text);

}  // namespace egress
