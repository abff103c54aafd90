// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "../bpf/egress.h"
#include "program.h"
#include "rate_meter.h"
#include "retirement.h"
#include "snapshot.h"

namespace egress {

/// Which interface counts in which slot: those that are there by ifindex, and those that departed,
/// whose last counts are still shown, by name. The map `interface_slots` has the same, for the
/// program and for the next process. Not thread-safe.
class InterfaceSlots {
 public:
  /// @param program, retirement must outlive this object
  InterfaceSlots(const Program& program, Retirement& retirement);

  /// Takes over what an earlier run left in the map, and ends what it had begun.
  /// @throws Error "read map", "write map"
  void adopt();

  /// Those in a map.
  /// @throws Error "read map"
  static std::map<uint32_t, egress_slot> read_all(const Map<uint32_t, egress_slot>& map);

  /// Of interfaces that are there, by ifindex.
  const std::map<uint32_t, egress_slot>& present() const { return present_; }
  /// Of one of them; null: none.
  const egress_slot* find(uint32_t ifindex) const;
  /// What an interface is shown as.
  static std::string name_of(const egress_slot& slot);
  /// The names of all interfaces, by slot.
  std::vector<std::string> names() const;
  template <typename Each>
  void for_each(Each each) const {
    for (const auto& [ifindex, slot] : present_) each(slot);
    for (const auto& [name, slot] : departed_) each(slot);
  }

  /// Gives an interface a slot: that of a departed one of this name, whose counts go on, or an
  /// empty one. None of this ifindex or name must be present.
  /// @throws Error "attach" ENAMETOOLONG, or ENOSPC beyond EGRESS_INTERFACES_MAX; "write map"
  void arrive(uint32_t ifindex, const std::string& name);
  /// EGRESS_SLOT_*
  /// @throws Error "write map"
  void set_flags(uint32_t ifindex, uint32_t flags);
  /// Keeps the last counts of an interface under its name. The program must not be attached there
  /// any more, and what it was counting have ended.
  /// @throws Error "read map", "write map"
  void depart(uint32_t ifindex);
  /// Likewise, but one that never counted is forgotten.
  /// @throws Error "read map", "write map"
  void give_up(uint32_t ifindex);
  /// Forgets the last counts of interfaces that departed longer ago than this.
  /// @returns their names
  /// @throws Error "read map", "write map"
  std::vector<std::string> forget_departed(uint64_t after_ms);

  /// What an interface counted, all CPUs together.
  /// @throws Error "read map"
  InterfaceCounters counters(const egress_slot& slot) const;
  /// How many destinations the program has listed so far, those of forgotten slots too.
  /// @throws Error "read map"
  uint64_t listed_ever() const;
  /// Measures how fast interfaces grow. @returns overflow packets of all so far
  /// @throws Error "read map"
  uint64_t measure();
  /// How fast one grew between the last two calls of measure().
  Rate rate(const egress_slot& slot) const;

 private:
  using Departed = std::map<std::string, egress_slot>;

  /// Moves a slot, with all its records, to another ifindex.
  void rename_slot(uint32_t from, uint32_t to, const egress_slot& slot);
  void forget(Departed::iterator departed);
  uint32_t take_free();

  const ProgramMaps& maps_;
  Retirement& retirement_;
  std::map<uint32_t, egress_slot> present_;
  Departed departed_;
  uint64_t listed_before_ = 0;  // by slots that are forgotten
  RateMeter meter_;
};

}  // namespace egress
