// SPDX-License-Identifier: Apache-2.0
#include "siblings.h"

#include <algorithm>
#include <cstring>

namespace egress {

Siblings::Siblings(std::span<const egress_destination> all, const std::vector<uint32_t>& ids)
    : alone_(false), all_(all) {
  for (const uint32_t id : ids) groups_[destination_of(all[id].key)].push_back(id);
  for (auto& [destination, group] : groups_)
    std::ranges::sort(group, {}, [all](uint32_t id) { return all[id].first_seen_ns; });
}

Siblings::Destination Siblings::destination_of(const egress_key& key) {
  egress_key any = key;
  any.service = 0;
  uint64_t words[3];
  static_assert(sizeof(words) == sizeof(any));
  std::memcpy(words, &any, sizeof(words));
  return {words[0], words[1], words[2]};
}

std::span<const uint32_t> Siblings::of(const uint32_t& id) const {
  if (!alone_)
    if (const auto found = groups_.find(destination_of(all_[id].key)); found != groups_.end() && !found->second.empty())
      return found->second;
  return {&id, 1};
}

std::vector<uint32_t> Siblings::remove(uint32_t id) {
  const auto had = of(id);
  std::vector<uint32_t> siblings(had.begin(), had.end());
  if (!alone_) std::erase(groups_[destination_of(all_[id].key)], id);
  return siblings;
}

}  // namespace egress
