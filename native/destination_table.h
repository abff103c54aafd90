// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "../bpf/egress.h"
#include "array_values.h"
#include "program.h"
#include "rate_meter.h"
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

  /// Puts the known destinations in place of what `found` holds; their `interface` is the slot.
  /// @param read_ns when, CLOCK_MONOTONIC
  /// @param zero_for_ns of the rule in zero_first.h; absent: nothing is withheld
  /// @throws Error "read map"
  void read(std::vector<Destination>& found, uint64_t read_ns, std::optional<uint64_t> zero_for_ns);

  /// A part of a walk over the table that goes round and round.
  struct Walk {
    std::vector<uint32_t> found;
    size_t looked;   ///< records that were looked at
    size_t records;  ///< that there are
  };
  /// The ids of listed destinations that are not known yet, so many at most.
  /// @throws Error "read map"
  Walk find_unknown(size_t most);

  /// Makes a destination known, unless its record has another first packet by now.
  /// @param first_seen_ms since the Unix epoch, as it will be shown
  void know(uint32_t id, uint64_t first_seen_ns, int64_t first_seen_ms);

  /// The ids of known destinations with packets since the last such look, so many at most.
  /// @param from the first id to look at; afterwards the one to go on with
  /// @throws Error "read map"
  std::vector<uint32_t> find_active(uint32_t& from, size_t most);

  /// The ids of the known destinations.
  /// @throws Error "read map"
  std::vector<uint32_t> find_known();

  /// How fast a known destination grew between the last two calls of find_idle().
  Rate rate(uint32_t id, const Destination& destination) const {
    return meter_.rate(id, destination.first_seen_ns);
  }

  /// A record as it is now; `interface` is the slot.
  Destination describe(uint32_t id);
  /// When find_idle() last found that a record had more packets, CLOCK_BOOTTIME.
  uint64_t active_ns(uint32_t id) { return notes_[id].active_ns; }
  /// How long ago that was, in ms.
  int64_t idle_ms(uint32_t id);

  /// Gives all records of one ifindex to another. The program must be attached to neither, and what
  /// it was counting have ended.
  /// @throws Error "read map", "write map"
  void move(uint32_t from, uint32_t to);

  /// Takes all records of an ifindex out of the table, with their counts, under the same condition.
  /// @throws Error "read map", "write map"
  void remove(uint32_t ifindex);

  /// Takes records out of the table while the program counts on: their counts go to moved(), and
  /// what comes later makes a new record. Waits for running programs.
  /// @throws Error "write map"
  /// @returns what they were at the end
  std::vector<Destination> retire(const std::vector<uint32_t>& ids, egress_unlisted reason);

  /// The ids of the listed records that a predicate picks.
  /// @throws Error "read map"
  std::vector<uint32_t> find(const std::function<bool(const egress_destination&)>& picks);

  /// Which records to take out, since nothing goes there any more or others need the room.
  struct Idle {
    std::vector<uint32_t> expired;
    std::vector<uint32_t> evicted;
    uint32_t listed;  ///< without them
  };
  /// Looks at every known record, and measures how fast it grows; those that are busy count by CPU
  /// from then on, as far as there is room. Those without a packet for
  /// `timeout_ns` have expired. Where more than `wanted` would stay, those that have been idle
  /// longest are evicted, as far as there are any.
  /// @param timeout_ns 0: none expires
  /// @throws Error "read map"
  Idle find_idle(uint64_t timeout_ns, uint32_t wanted);

  /// What retired records of a slot had counted, by reason.
  egress_moved& moved(uint32_t slot) { return moved_[slot]; }

  /// Ends what a killed process had begun: after it, each listed record is found by its key, and by
  /// no other. Programs may run.
  /// @throws Error "read map", "write map"
  void repair();

 private:
  /// The records that were ever taken: the kernel's own where they can be mapped, else a fresh
  /// copy.
  std::span<const egress_destination> records();
  /// Whether this process has been told of a listed record; those of pins are told anew.
  bool known(uint32_t id, const egress_destination& record) const;
  template <typename Each>
  void for_each_known(Each each);
  /// Changes a record that no program counts on.
  template <typename Change>
  void change(uint32_t id, Change change);
  /// A record as it is, or was when it was last read.
  const egress_destination& record(uint32_t id) { return mapped_ ? mapped_->get()[id] : copy_[id]; }
  /// What a record has counted, on all CPUs.
  /// @throws Error "read map"
  egress_counts counts(const egress_destination& record);
  void count_by_cpu(uint32_t id);
  void index(uint32_t id, const egress_key& key);
  /// Which record a key leads to.
  std::optional<uint32_t> indexed(const egress_key& key) const;
  /// Takes a key out of the index, if it leads to this record.
  void unindex(uint32_t id, const egress_key& key);
  void unindex_stale(std::span<const egress_destination> all);
  void move_counts(uint32_t id, egress_unlisted reason);
  void end_pending_move();
  void clear(uint32_t id);
  void release(uint32_t id);

  const Program& program_;
  const uint32_t limit_;
  std::optional<ArrayValues<egress_destination>> mapped_;
  std::vector<egress_destination> copy_;  // where it cannot be mapped
  OwnArray<egress_note> notes_;
  uint32_t unknown_from_ = 0;
  ZeroedArray<uint64_t> known_;     // the first packet's time, as in the record
  ZeroedArray<uint64_t> reported_;  // packets, at the last look of find_active()
  RateMeter meter_;
  std::vector<uint16_t> free_cpu_counts_;
  OwnArray<egress_moved> moved_;
  OwnArray<egress_move> pending_move_;
};

}  // namespace egress
