// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "array_values.h"
#include "records.h"

namespace egress {

/// Takes records out of the table, or gives them to another interface. The program counts on
/// meanwhile, and this process may be killed between any two steps: repair() ends what it had
/// begun. Not thread-safe.
class Retirement {
 public:
  /// @param records must outlive this object, as must the program
  /// @throws Error "map memory"
  Retirement(const Program& program, Records& records);

  /// Takes records out of the table while the program counts on: their counts go to
  /// retired_counts(), and what comes later makes a new record. Waits for running programs.
  /// @param last_look is called with each record when its counts are final
  /// @throws Error "read map", "write map"
  void retire(const std::vector<uint32_t>& ids, egress_unlisted reason,
              const std::function<void(uint32_t id)>& last_look = {});

  /// Takes all records of an ifindex out of the table, with their counts. The program must not be
  /// attached there, and what it was counting have ended.
  /// @throws Error "read map", "write map"
  void remove(uint32_t ifindex);

  /// Gives all records of one ifindex to another. The program must be attached to neither,
  /// likewise.
  /// @throws Error "read map", "write map"
  void rekey(uint32_t from, uint32_t to);

  /// Ends what a killed process had begun: after it, each listed record is found by its key, and by
  /// no other. Programs may run.
  /// @throws Error "read map", "write map"
  void repair();

  /// What retired records of a slot had counted, by reason.
  egress_retired_counts& retired_counts(uint32_t slot) { return retired_counts_[slot]; }

 private:
  void keep_counts(uint32_t id, egress_unlisted reason);
  void finish_journal();
  void clear(uint32_t id);
  void unindex_stale(std::span<const egress_destination> all);

  Records& records_;
  UserArray<egress_retired_counts> retired_counts_;
  UserArray<egress_retire_journal> journal_;  // one entry
};

}  // namespace egress
