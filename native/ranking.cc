// SPDX-License-Identifier: Apache-2.0
#include "ranking.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "address_text.h"

namespace egress {
namespace {

bool key_less(const egress_key& left, const egress_key& right) {
  return std::memcmp(&left, &right, sizeof(left)) < 0;
}

/// A record's key, but for its interface, which is named by its index.
egress_key key_of(uint32_t interface, const egress_prefix& prefix) {
  egress_key key{};
  key.ifindex = interface;
  key.family = prefix.family;
  key.prefix_length = static_cast<uint8_t>(prefix.length - EGRESS_FAMILY_BITS);
  std::memcpy(key.address, prefix.address, sizeof(key.address));
  return key;
}

/// Whether a service is wanted; what has no name yet is on no list.
bool is_of(const Query& query, const ServiceLabels* labels) {
  return labels && (query.service.empty() || query.service == labels->service_value());
}

/// What services send, by their slots.
class ServiceSums {
 public:
  explicit ServiceSums(const ServiceSlots& slots) : slots_(slots) {
    if (slots.enabled()) sums_.resize(slots.slots());
  }

  bool enabled() const { return !sums_.empty(); }

  void add(const Destination& destination, Rate rate) {
    RatedService& sum = sums_.at(destination.key.service);
    sum.destinations++;
    sum.counters.packets += destination.packets;
    sum.counters.bytes += destination.bytes;
    sum.rate.packets += rate.packets;
    sum.rate.bytes += rate.bytes;
  }

  std::vector<RatedService> take() {
    std::vector<RatedService> named;
    for (uint32_t slot = 0; slot < sums_.size(); slot++) {
      const ServiceLabels* labels = slots_.labels(slot);
      if (sums_[slot].destinations == 0 || !labels) continue;
      named.push_back(std::move(sums_[slot]));
      named.back().service = labels->service_value();
    }
    return named;
  }

 private:
  const ServiceSlots& slots_;
  std::vector<RatedService> sums_;
};

}  // namespace

Ranking rank(const Query& query, DestinationTable& table, const InterfaceSlots& slots) {
  Ranking ranking{};
  ranking.by_service = query.by_service && table.services().enabled();
  std::map<std::string, egress_slot> by_name;
  slots.for_each([&](const egress_slot& slot) { by_name[InterfaceSlots::name_of(slot)] = slot; });
  std::vector<uint32_t> index_of_slot(EGRESS_INTERFACES_MAX);
  for (const auto& [name, slot] : by_name) {
    index_of_slot[slot.slot] = static_cast<uint32_t>(ranking.interfaces.size());
    ranking.interfaces.push_back({{name, {}, 0, {}}, slots.rate(slot)});
  }
  std::vector<egress_key> only_these;
  for (const auto& [name, prefix] : query.only_these.value_or(std::vector<NamedKey>()))
    if (const auto slot = by_name.find(name); slot != by_name.end())
      only_these.push_back(key_of(index_of_slot[slot->second.slot], prefix));
  std::ranges::sort(only_these, key_less);
  std::vector<SortKey> keys;
  std::string text;
  const auto published = table.find_published();
  const auto siblings = ranking.by_service ? Siblings{} : table.siblings(published);
  ServiceSums services(table.services());
  for (uint32_t id : published) {
    if (services.enabled()) services.add(table.describe(id), table.rate(id));
    const auto ids = siblings.of(id);
    if (ids.front() != id) continue;
    const auto [destination, rate, active_ns] = table.sum(ids);
    const uint32_t index = index_of_slot.at(destination.interface);
    Interface& interface = ranking.interfaces[index].interface;
    interface.destinations++;
    if (ranking.by_service && !is_of(query, table.services().labels(destination.key.service)))
      continue;
    if (query.protocol && *query.protocol != destination.protocol) continue;
    if (query.port && *query.port != destination.port) continue;
    if (!query.interface.empty() && query.interface != interface.name) continue;
    text.clear();
    if (!query.search.empty()) append_address(text, destination.key);
    if (!matches(query, destination.key, text)) continue;
    egress_key key = destination.key;
    key.ifindex = index;
    key.service = 0;  // whoever sends there
    if (query.only_these && !std::ranges::binary_search(only_these, key, key_less)) continue;
    keys.push_back(sort_key(*query.order, {id, destination, rate, index, active_ns}));
  }
  ranking.matched = keys.size();
  ranking.services = services.take();
  paginate(keys, query);
  const auto names = slots.names();
  for (const SortKey& key : keys) {
    ranking.rows.push_back(
        {table.name_total(key.id, siblings, names), table.sum(siblings.of(key.id)).rate});
  }
  // Totals after destinations: no sum exceeds its total.
  for (auto& [interface, rate] : ranking.interfaces)
    interface.counters = slots.counters(by_name[interface.name]);
  return ranking;
}

}  // namespace egress
