// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "../bpf/egress.h"
#include "array_values.h"
#include "field.h"
#include "program.h"

namespace egress {

/// The records of the kernel's `destinations` map and the index that leads to them. Read in place
/// where arrays can be mapped, element by element on Linux 5.4. Not thread-safe.
class Records {
 public:
  /// @param program must outlive this object
  /// @throws Error "map memory"
  Records(const Program& program, uint32_t limit);

  /// The records that were ever taken: the kernel's own where they can be mapped, else a fresh
  /// copy.
  /// @throws Error "read map"
  std::span<const egress_destination> all();
  /// A record as it is, or was when it was last read.
  const egress_destination& operator[](uint32_t id) const {
    return mapped_ ? mapped_->get()[id] : copy_[id];
  }
  /// Who sent the first packet of a record.
  /// @throws Error "read map"
  egress_sender first_sender(uint32_t id) const {
    return senders_ ? senders_->get()[id] : maps_.first_senders.at(id);
  }
  /// Reads a record anew where it is a copy.
  /// @throws Error "read map"
  void refresh(uint32_t id);
  static bool is_listed(const egress_destination& record) {
    return load(record.state, __ATOMIC_ACQUIRE) == EGRESS_LISTED;
  }
  /// What a record has counted, on all CPUs.
  /// @throws Error "read map"
  egress_counts counts(const egress_destination& record) const;

  /// Says that a listed record is to leave, while the program may count on it.
  void mark_retired(uint32_t id);
  /// Changes a record that no program counts on.
  /// @throws Error "write map"
  template <typename Change>
  void change(uint32_t id, Change change) {
    if (mapped_) return change(mapped_->get()[id]);
    change(copy_[id]);
    maps_.destinations.update(id, copy_[id]);
  }
  /// Gives a record that is in no index to the program.
  /// @throws Error "write map"
  void free(uint32_t id) const { maps_.free_ids.push(id); }

  /// Which record a key leads to.
  /// @throws Error "read map"
  std::optional<uint32_t> indexed(const egress_key& key) const {
    return maps_.destination_ids.lookup(key);
  }
  /// Lets the key of a record lead to it.
  /// @throws Error "write map"
  void index(uint32_t id) const { maps_.destination_ids.update((*this)[id].key, id); }
  /// Takes a key out of the index, if it leads to this record.
  /// @throws Error "read map", "write map"
  void unindex(uint32_t id, const egress_key& key) const;
  /// Calls `each` with every key and the record that it leads to.
  /// @throws Error "read map"
  template <typename Each>
  void for_each_indexed(Each each) const {
    maps_.destination_ids.for_each(each);
  }

  /// Lets each CPU count a record for itself from now on, as far as there is room and a way to do
  /// it.
  void count_by_cpu(uint32_t id);
  /// Empties a record's CPU slot for the next.
  /// @throws Error "write map"
  void free_cpu_slot(uint32_t id);
  /// Finds out which CPU slots are in use: those of an earlier process.
  /// @throws Error "read map"
  void find_cpu_slots();

 private:
  const ProgramMaps& maps_;
  const uint32_t limit_;
  std::optional<ArrayValues<egress_destination>> mapped_;
  std::optional<ArrayValues<egress_sender>> senders_;  // where they can be mapped
  std::vector<egress_destination> copy_;               // where it cannot be mapped
  std::vector<uint16_t> free_cpu_slots_;
};

}  // namespace egress
