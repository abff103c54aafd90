// SPDX-License-Identifier: Apache-2.0
#include "prefix_rules.h"

#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "error.h"
#include "grace_period.h"

namespace egress {
namespace {

int compare(const PrefixRule& a, const PrefixRule& b) {
  return std::memcmp(&a.prefix, &b.prefix, sizeof(a.prefix));
}

bool is_same(const PrefixRule& a, const PrefixRule& b) {
  return compare(a, b) == 0 && a.action == b.action;
}

/// In order, each prefix once, with what was said of it first.
void normalize(std::vector<PrefixRule>& rules) {
  std::ranges::stable_sort(rules, [](auto& a, auto& b) { return compare(a, b) < 0; });
  const auto twice = std::ranges::unique(rules, [](auto& a, auto& b) { return !compare(a, b); });
  rules.erase(twice.begin(), twice.end());
}

}  // namespace

PrefixRules::PrefixRules(const PrefixRuleMaps& maps, std::vector<PrefixRule> first,
                         std::function<void(uint32_t)> put_in_force)
    : maps_(maps), put_in_force_(std::move(put_in_force)) {
  normalize(first);
  fill(in_force_, std::move(first));
}

bool PrefixRules::prepare(std::vector<PrefixRule> next) {
  normalize(next);
  if (std::ranges::equal(next, written_[in_force_], is_same)) return false;
  clear(other());
  // What the program remembers of the set that was here before.
  const uint32_t first = other() * EGRESS_EXCLUDED_RECENTLY;
  for (uint32_t i = first; i < first + EGRESS_EXCLUDED_RECENTLY; i++) maps_.recent.clear(i);
  try {
    fill(other(), std::move(next));
  } catch (...) {
    clear_other();
    throw;
  }
  return true;
}

void PrefixRules::fill(uint32_t set, std::vector<PrefixRule> rules) {
  written_[set] = std::move(rules);
  for (const PrefixRule& rule : written_[set]) maps_.sets[set].update(rule.prefix, rule.action);
}

void PrefixRules::clear(uint32_t set) {
  auto& written = written_[set];
  for (; !written.empty(); written.pop_back()) maps_.sets[set].remove(written.back().prefix);
  written.shrink_to_fit();
}

void PrefixRules::clear_other() noexcept {
  try {
    clear(other());
  } catch (const Error&) {
    // prepare() tries again, and tells.
  }
}

void PrefixRules::exchange() {
  put_in_force_(other());
  in_force_ = other();
  // They may ask, and remember, what was in force before.
  wait_for_running_programs();
}

egress_action PrefixRules::action_for(const egress_key& key) const {
  egress_prefix prefix{};
  prefix.family = key.family;
  prefix.length = EGRESS_FAMILY_BITS + (key.family == AF_INET ? 32 : 128);
  std::memcpy(prefix.address, key.address, sizeof(prefix.address));
  return static_cast<egress_action>(maps_.sets[in_force_].lookup(prefix).value_or(EGRESS_INCLUDE));
}

}  // namespace egress
