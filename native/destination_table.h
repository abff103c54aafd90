// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../bpf/egress.h"
#include "array_values.h"
#include "program.h"
#include "snapshot.h"

namespace egress {

/// The kernel's `destinations` map with the hash and the stack that index it. Read in place where
/// it can be mapped, element by element on Linux 5.4. Not thread-safe.
///
/// What changes it can be killed at any point and leaves maps that repair() makes whole.
class DestinationTable {
 public:
  /// @param program must outlive this object
  /// @throws Error "map memory"
  DestinationTable(const Program& program, uint32_t limit);

  /// The listed destinations; `interface` holds the slot.
  /// @throws Error "read map"
  std::vector<Destination> read();

  /// Gives all records of one ifindex to another. The program must be attached to neither, and what
  /// it was counting have ended.
  /// @throws Error "read map", "write map"
  void move(uint32_t from, uint32_t to);

  /// Takes all records of an ifindex out of the table, under the same condition.
  /// @throws Error "read map", "write map"
  void remove(uint32_t ifindex);

  /// Ends what a killed process had begun: after it, each listed record is found by its key, and by
  /// no other. Programs may run.
  /// @throws Error "read map", "write map"
  void repair();

 private:
  /// The records: the kernel's own where they can be mapped, else a fresh copy.
  std::span<const egress_destination> records();
  int64_t first_seen_ms(uint32_t id, uint64_t monotonic_ns);
  /// Changes a record that no program counts on.
  template <typename Change>
  void change(uint32_t id, Change change);
  void index(uint32_t id, const egress_key& key);
  void unindex(const egress_key& key);
  void take_out(uint32_t id);

  const Program& program_;
  const uint32_t limit_;
  std::optional<ArrayValues<egress_destination>> mapped_;
  std::optional<ArrayValues<egress_first_seen>> mapped_first_seen_;
  std::vector<egress_destination> copy_;       // where it cannot be mapped
  std::vector<egress_first_seen> first_seen_;  // likewise
};

/// Waits until every program that could have seen the maps as they were has ended.
void wait_for_running_programs();

}  // namespace egress
