// SPDX-License-Identifier: Apache-2.0
//
// What a process that was killed had begun with the table, another one ends.
#include <algorithm>
#include <cstring>

#include "destination_table.h"
#include "field.h"

namespace egress {
namespace {

bool same(const egress_key& a, const egress_key& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

}  // namespace

/// Keys that lead to a record of another key: it was moving. The program writes the record first.
void DestinationTable::unindex_stale(std::span<const egress_destination> all) {
  std::vector<std::pair<uint32_t, egress_key>> stale;
  program_.maps().destination_ids.for_each([&](const egress_key& key, uint32_t id) {
    if (id < all.size() && !same(all[id].key, key)) stale.emplace_back(id, key);
  });
  for (const auto& [id, old] : stale) unindex(id, old);
}

void DestinationTable::repair() {
  std::vector<bool> taken(EGRESS_CPU_COUNTS_MAX);
  for (const egress_destination& record : records()) taken[record.cpu_counts] = true;
  std::erase_if(free_cpu_counts_, [&](uint16_t place) { return taken[place]; });
  if (load(pending_move_[0].pending) != 0) {
    end_pending_move();
    release(pending_move_[0].id);
  }
  auto all = records();
  unindex_stale(all);
  // Before the index is looked at: a key of these may belong to a record that came later.
  std::vector<uint32_t> retired;
  for (uint32_t id = 0; id < all.size(); id++)
    if (load(all[id].state) == EGRESS_RETIRED) retired.push_back(id);
  retire(retired, EGRESS_EXPIRED);
  // Two records of one key would be two series of one name: the one that packets find stays.
  std::vector<uint32_t> twins;
  for (uint32_t id = 0; id < all.size(); id++) {
    if (load(all[id].state, __ATOMIC_ACQUIRE) != EGRESS_LISTED) continue;
    const auto found = indexed(all[id].key);
    if (!found)
      index(id, all[id].key);
    else if (*found != id)
      twins.push_back(id);
  }
  retire(twins, EGRESS_EXPIRED);
}

}  // namespace egress
