// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "../bpf/egress.h"
#include "map.h"

namespace egress {

/// What is to become of destinations that begin with a prefix.
struct PrefixRule {
  egress_prefix prefix;
  egress_action action;
};

/// Where the program finds them.
struct PrefixRuleMaps {
  std::array<Map<egress_prefix, uint32_t>, 2> sets;  ///< of which it asks the one in force
  PerCpuMap<uint32_t, egress_key> recent;            ///< what it remembers of either
};

/// The prefixes that decide about destinations. They are exchanged all or none: a new set is
/// written beside the one in force, and takes its place in one step.
class PrefixRules {
 public:
  /// Writes the first set. The program does not run yet.
  /// @param put_in_force tells the program which set to ask
  /// @throws Error "write map"
  PrefixRules(const PrefixRuleMaps& maps, std::vector<PrefixRule> first,
              std::function<void(uint32_t set)> put_in_force);

  /// Writes a set beside the one in force. Takes as long as there are prefixes.
  /// @returns false if it is the same
  /// @throws Error "write map"; nothing is changed then
  bool prepare(std::vector<PrefixRule> next);
  /// Puts the other set in force: what was prepared, or what was in force before. Waits for running
  /// programs.
  /// @throws Error "write map"; nothing is changed then
  void exchange();
  /// Empties the set that is not in force. What cannot be removed is before the next set is
  /// written.
  void clear_other() noexcept;

  /// What the longest prefix that matches says of an address; EGRESS_INCLUDE if none does.
  egress_action action_for(const egress_key& key) const;

 private:
  uint32_t other() const { return 1 - in_force_; }
  void fill(uint32_t set, std::vector<PrefixRule> rules);
  /// @throws Error "write map"
  void clear(uint32_t set);

  PrefixRuleMaps maps_;
  std::function<void(uint32_t)> put_in_force_;
  std::array<std::vector<PrefixRule>, 2> written_;  // in order, each once
  uint32_t in_force_ = 0;
};

}  // namespace egress
