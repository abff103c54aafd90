// SPDX-License-Identifier: Apache-2.0
#include "discovery.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace egress {

Discovered Discovery::find_new(size_t most) {
  // What the program counts of its own spares most calls the walk over the table.
  const uint64_t listed = slots_.listed_ever();
  if (listed == nothing_new_at_) return {};
  const auto [found, looked, records] = table_.find_unpublished(most);
  Discovered discovered{{}, looked, records};
  const auto names = slots_.names();
  const auto siblings = found.empty() ? Siblings{} : table_.siblings();
  for (uint32_t id : found)
    discovered.destinations.push_back(table_.name_total(id, siblings, names));
  // Not at the first walk in vain: a processor may see another's count before its record.
  if (found.empty() && std::exchange(in_vain_at_, listed) == listed) nothing_new_at_ = listed;
  return discovered;
}

Activity Discovery::find_active(uint32_t from, size_t most) {
  Activity activity{};
  const auto names = slots_.names();
  const auto found = table_.find_active(from, most);
  const auto siblings = found.empty() ? Siblings{} : table_.siblings();
  for (uint32_t id : found) activity.destinations.push_back(table_.name_total(id, siblings, names));
  activity.next = from;
  return activity;
}

void Discovery::report_retired(uint32_t id, Siblings& siblings,
                               const std::vector<std::string>& interfaces) {
  NamedDestination named = table_.name_destination(id, table_.describe(id), interfaces);
  const auto had = siblings.remove(id);
  named.life_ns = table_.first_seen_ns(had.front());
  const auto left = siblings.of(id);
  if (left.front() != id) named.next_life_ns = table_.first_seen_ns(left.front());
  retired_.push_back(std::move(named));
}

void Discovery::report_merged(uint32_t id, Siblings& siblings,
                              const std::vector<std::string>& interfaces) {
  report_retired(id, siblings, interfaces);
  if (retired_.back().life_ns == retired_.back().next_life_ns) retired_.pop_back();
}

std::vector<NamedDestination> Discovery::take_retired(size_t most) {
  const auto end = retired_.begin() + static_cast<std::ptrdiff_t>(std::min(most, retired_.size()));
  std::vector<NamedDestination> taken(std::move_iterator(retired_.begin()),
                                      std::move_iterator(end));
  retired_.erase(retired_.begin(), end);
  return taken;
}

}  // namespace egress
