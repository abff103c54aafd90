// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "destination_table.h"
#include "interface_slots.h"
#include "snapshot.h"

namespace egress {

/// One step of a walk over the table.
struct Activity {
  uint32_t next;  ///< the id to go on with
  std::vector<NamedDestination> destinations;
};

/// One step of the walk for destinations that are not published yet, which goes round and round.
struct Discovered {
  std::vector<NamedDestination> destinations;
  size_t looked;   ///< records that were looked at
  size_t records;  ///< that there are
};

/// What whoever remembers destinations hears of: those that come, those that are active, and those
/// that have left. Not thread-safe.
class Discovery {
 public:
  /// @param table, slots must outlive this object
  Discovery(DestinationTable& table, const InterfaceSlots& slots) : table_(table), slots_(slots) {}

  /// Whether find_new() would find nothing.
  /// @throws Error "read map"
  bool nothing_new() const { return slots_.listed_ever() == nothing_new_at_; }

  /// Listed destinations that are not published yet, so many at most.
  /// @throws Error "read map"
  Discovered find_new(size_t most);

  /// Published destinations with packets since the last such walk, from an id on, so many at most.
  /// @throws Error "read map"
  Activity find_active(uint32_t from, size_t most);

  /// Keeps what has left the table for take_retired(), with what it counted.
  /// @param siblings that it had; it is taken out of them
  void report_retired(uint32_t id, Siblings& siblings, const std::vector<std::string>& interfaces);

  /// Keeps that another record counts on for this one, where the memory has to know.
  void report_merged(uint32_t id, Siblings& siblings, const std::vector<std::string>& interfaces);
  /// Each of them once, in order, so many at most.
  std::vector<NamedDestination> take_retired(size_t most);

 private:
  DestinationTable& table_;
  const InterfaceSlots& slots_;
  std::deque<NamedDestination> retired_;
  // What the program had listed when all was published, and when a walk last found nothing.
  uint64_t nothing_new_at_ = UINT64_MAX;
  uint64_t in_vain_at_ = UINT64_MAX;
};

}  // namespace egress
