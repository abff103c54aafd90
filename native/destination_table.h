// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "../bpf/egress.h"
#include "array_values.h"
#include "program.h"
#include "rate_meter.h"
#include "records.h"
#include "retirement.h"
#include "service_slots.h"
#include "siblings.h"
#include "snapshot.h"

namespace egress {

/// The destinations that the kernel program lists, with what user space knows of them: which are
/// published, since when they are idle, how fast they grow. Not thread-safe.
class DestinationTable {
 public:
  /// @param program must outlive this object
  /// @throws Error "map memory"
  DestinationTable(Program& program, uint32_t limit);

  /// Puts the published destinations in place of what `found` holds; their `interface` is the slot.
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
  /// The ids of listed destinations that are not published yet, so many at most.
  /// @throws Error "read map"
  Walk find_unpublished(size_t most);

  /// Publishes a destination, unless its record has another first packet by now.
  /// @param first_seen_ms since the Unix epoch, as it will be shown
  void publish(uint32_t id, uint64_t first_seen_ns, int64_t first_seen_ms);

  /// The ids of published destinations with packets since the last such look, so many at most.
  /// @param from the first id to look at; afterwards the one to go on with
  /// @throws Error "read map"
  std::vector<uint32_t> find_active(uint32_t& from, size_t most);

  /// The ids of the published destinations.
  /// @throws Error "read map"
  std::vector<uint32_t> find_published();

  /// The ids of the listed records that a predicate picks.
  /// @throws Error "read map"
  std::vector<uint32_t> find(const std::function<bool(const egress_destination&)>& picks);

  /// A record as it is now; `interface` is the slot.
  /// @throws Error "read map"
  Destination describe(uint32_t id);
  /// A described record by the names that users have for it, with its times and first sender.
  /// @param interfaces their names by slot
  /// @throws Error "read map"
  NamedDestination name_destination(uint32_t id, const Destination& destination,
                                    const std::vector<std::string>& interfaces);
  /// The same of all records that count a record's destination.
  NamedDestination name_total(uint32_t id, const Siblings& siblings,
                              const std::vector<std::string>& interfaces);
  /// What a record knows of its own first packet.
  /// @throws Error "read map"
  OwnContact own_contact(uint32_t id);
  /// When find_idle() last found that a record had more packets, CLOCK_BOOTTIME.
  uint64_t active_ns(uint32_t id) { return user_state_[id].active_ns; }

  /// When a record had its first packet, CLOCK_MONOTONIC.
  uint64_t first_seen_ns(uint32_t id) const { return records_[id].first_seen_ns; }

  /// The listed records by their destinations.
  /// @throws Error "read map"
  Siblings siblings();
  /// The published ones.
  /// @param published as of find_published()
  Siblings siblings(const std::vector<uint32_t>& published);

  /// How fast a record grew between the last two calls of find_idle().
  Rate rate(uint32_t id) const { return meter_.rate(id, records_[id].first_seen_ns); }

  /// All that records of one destination counted, how fast between the last two calls of
  /// find_idle(), and when last.
  struct Total {
    Destination destination;  ///< otherwise the oldest record's
    Rate rate;
    uint64_t active_ns;
  };
  /// @param ids oldest first
  /// @throws Error "read map"
  Total sum(std::span<const uint32_t> ids);

  /// Which records to take out, since nothing goes there any more or others need the room.
  struct Idle {
    std::vector<uint32_t> expired;
    std::vector<uint32_t> evicted;
    uint32_t listed;  ///< without them
  };
  /// Looks at every listed record, and measures how fast it grows; those that are busy count by CPU
  /// from then on, as far as there is room. Those without a packet for `timeout_ns` have expired.
  /// Where more than `wanted` would stay, those that have been idle longest are evicted, as far as
  /// there are any.
  /// @param timeout_ns 0: none expires
  /// @throws Error "read map"
  Idle find_idle(uint64_t timeout_ns, uint32_t wanted);

  /// Whose packets they count.
  ServiceSlots& services() { return services_; }

  /// How records leave.
  Retirement& retirement() { return retirement_; }

 private:
  /// Whether a listed record has been published by this process; those of pins are anew.
  bool is_published(uint32_t id, const egress_destination& record) const {
    return published_[id] == record.first_seen_ns;
  }
  template <typename Each>
  void for_each_published(Each each);
  /// Evicts the quiet records of services that leave too few slots free.
  void evict_services(const std::vector<ServiceSlots::Activity>& services,
                      std::vector<uint32_t>& quiet, Idle& idle);
  /// Whether the service of a record has a name.
  bool is_named(const egress_destination& record) const {
    return services_.labels(record.key.service) != nullptr;
  }
  /// Whether a published record has more packets than at the last look, which this one becomes.
  bool has_become_active(uint32_t id, uint64_t packets, uint64_t now_ns);

  const uint32_t limit_;
  Records records_;
  Retirement retirement_;
  ServiceSlots services_;
  UserArray<egress_user_state> user_state_;
  uint32_t unpublished_from_ = 0;
  ZeroedArray<uint64_t> published_;  // the first packet's time, as in the record
  ZeroedArray<uint64_t> reported_;   // packets, at the last look of find_active()
  RateMeter meter_;
};

}  // namespace egress
