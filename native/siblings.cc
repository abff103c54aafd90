// SPDX-License-Identifier: Apache-2.0
#include "siblings.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace egress {

Siblings::Siblings(std::span<const egress_destination> all, const std::vector<uint32_t>& ids)
    : all_(all) {
  struct Entry {
    Destination destination;
    uint64_t first_seen_ns;
    uint32_t id;
    auto operator<=>(const Entry&) const = default;
  };
  std::vector<Entry> entries;
  entries.reserve(ids.size());
  for (const uint32_t id : ids)
    entries.push_back({destination_of(all[id].key), all[id].first_seen_ns, id});
  std::ranges::sort(entries);
  destinations_.reserve(ids.size());
  ids_.reserve(ids.size());
  for (const Entry& entry : entries) {
    destinations_.push_back(entry.destination);
    ids_.push_back(entry.id);
  }
}

Siblings::Destination Siblings::destination_of(const egress_key& key) {
  egress_key any = key;
  any.service = 0;
  Destination words;
  static_assert(sizeof(words) == sizeof(any));
  std::memcpy(words.data(), &any, sizeof(words));
  return words;
}

std::span<const uint32_t> Siblings::of(const uint32_t& id) const {
  if (ids_.empty()) return {&id, 1};
  const auto same = std::ranges::equal_range(destinations_, destination_of(all_[id].key));
  if (same.empty()) return {&id, 1};
  const auto begin = static_cast<size_t>(same.begin() - destinations_.begin());
  return std::span(ids_).subspan(begin, same.size());
}

std::vector<uint32_t> Siblings::remove(uint32_t id) {
  const auto had = of(id);
  std::vector<uint32_t> siblings(had.begin(), had.end());
  const auto found = std::ranges::find(ids_, id);
  if (found != ids_.end()) {
    destinations_.erase(destinations_.begin() + (found - ids_.begin()));
    ids_.erase(found);
  }
  return siblings;
}

}  // namespace egress
