// SPDX-License-Identifier: Apache-2.0
//
// What a process that was killed had begun with the table, another one ends; retirement.cc says in
// which states it can be.
#include <algorithm>
#include <cstring>

#include "retirement.h"

namespace egress {
namespace {

bool same(const egress_key& a, const egress_key& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

}  // namespace

/// Keys that lead to a record of another key.
void Retirement::unindex_stale(std::span<const egress_destination> all) {
  std::vector<std::pair<uint32_t, egress_key>> stale;
  records_.for_each_indexed([&](const egress_key& key, uint32_t id) {
    if (id < all.size() && !same(all[id].key, key)) stale.emplace_back(id, key);
  });
  for (const auto& [id, old] : stale) records_.unindex(id, old);
}

void Retirement::repair() {
  records_.find_cpu_slots();
  if (load(journal_[0].pending) != 0) {
    finish_journal();
    records_.free(journal_[0].id);
  }
  auto all = records_.all();
  unindex_stale(all);
  // Before the index is looked at: a key of these may belong to a record that came later.
  std::vector<uint32_t> retired;
  for (uint32_t id = 0; id < all.size(); id++)
    if (load(all[id].state) == EGRESS_RETIRED) retired.push_back(id);
  retire(retired, EGRESS_EXPIRED);
  // Two records of one key would be two series of one name: the one that packets find stays.
  std::vector<uint32_t> twins;
  for (uint32_t id = 0; id < all.size(); id++) {
    if (!Records::is_listed(all[id])) continue;
    const auto found = records_.indexed(all[id].key);
    if (!found)
      records_.index(id);
    else if (*found != id)
      twins.push_back(id);
  }
  retire(twins, EGRESS_EXPIRED);
}

}  // namespace egress
