// SPDX-License-Identifier: Apache-2.0
#include "ranking.h"

#include <map>
#include <string>

#include "address_text.h"

namespace egress {

Ranking rank(const Query& query, DestinationTable& table, const InterfaceSlots& slots) {
  Ranking ranking{};
  std::map<std::string, egress_slot> by_name;
  slots.for_each([&](const egress_slot& slot) { by_name[InterfaceSlots::name_of(slot)] = slot; });
  std::vector<uint32_t> index_of_slot(EGRESS_INTERFACES_MAX);
  for (const auto& [name, slot] : by_name) {
    index_of_slot[slot.slot] = static_cast<uint32_t>(ranking.interfaces.size());
    ranking.interfaces.push_back({{name, {}, 0, {}}, slots.rate(slot)});
  }
  std::vector<SortKey> keys;
  std::string text;
  for (uint32_t id : table.find_published()) {
    const Destination destination = table.describe(id);
    const uint32_t index = index_of_slot.at(destination.interface);
    Interface& interface = ranking.interfaces[index].interface;
    interface.destinations++;
    if (query.protocol && *query.protocol != destination.protocol) continue;
    if (query.port && *query.port != destination.port) continue;
    if (!query.interface.empty() && query.interface != interface.name) continue;
    text.clear();
    if (!query.search.empty() || query.only_these) append_address(text, destination.key);
    if (!matches(query, destination.key, text)) continue;
    if (query.only_these && !query.only_these->contains({interface.name, text})) continue;
    keys.push_back(sort_key(
        *query.order, {id, destination, table.rate(id, destination), index, table.active_ns(id)}));
  }
  ranking.matched = keys.size();
  paginate(keys, query);
  const auto names = slots.names();
  for (const SortKey& key : keys) {
    const Destination destination = table.describe(key.id);
    ranking.rows.push_back(
        {table.name_destination(key.id, destination, names), table.rate(key.id, destination)});
  }
  // Totals after destinations: no sum exceeds its total.
  for (auto& [interface, rate] : ranking.interfaces)
    interface.counters = slots.counters(by_name[interface.name]);
  return ranking;
}

}  // namespace egress
