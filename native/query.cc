// SPDX-License-Identifier: Apache-2.0
#include "query.h"

#include <endian.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace egress {
namespace {

/// Rates are never negative, and the bits of such numbers are in their order.
uint64_t ordered(float rate) {
  uint32_t bits;
  std::memcpy(&bits, &rate, sizeof(bits));
  return bits;
}

/// As numbers; IPv4 comes first.
std::pair<uint64_t, uint64_t> address_words(const egress_key& key) {
  if (key.family == AF_INET) return {0, be32toh(key.address[0])};
  uint64_t words[2];
  std::memcpy(words, key.address, sizeof(words));
  return {be64toh(words[0]), be64toh(words[1])};
}

bool within(const egress_prefix& prefix, const egress_key& key) {
  const uint32_t length = prefix.length - EGRESS_FAMILY_BITS;
  if (key.family != prefix.family || key.prefix_length < length) return false;
  uint8_t address[sizeof(key.address)];
  std::memcpy(address, key.address, sizeof(address));
  for (uint32_t bit = 0; bit < length; bit += 8) {
    const auto mask = static_cast<uint8_t>(length - bit >= 8 ? 0xff : 0xff00 >> (length - bit));
    if ((address[bit / 8] ^ prefix.address[bit / 8]) & mask) return false;
  }
  return true;
}

uint64_t bytes(const Listed& listed) { return listed.destination.bytes; }

/// Of those that are equal, most of all the silent ones, who got more bytes comes first.
constexpr Order kOrders[] = {
    {"destination", [](const Listed& one) { return address_words(one.destination.key).first; },
     [](const Listed& one) { return address_words(one.destination.key).second; }},
    {"interface", [](const Listed& one) -> uint64_t { return one.interface; }, bytes},
    {"protocol", [](const Listed& one) -> uint64_t { return one.destination.protocol; }, bytes},
    {"port", [](const Listed& one) -> uint64_t { return one.destination.port; }, bytes},
    {"packets", [](const Listed& one) { return one.destination.packets; }, bytes},
    {"bytes", bytes, bytes},
    {"packetsPerSecond", [](const Listed& one) { return ordered(one.rate.packets); }, bytes},
    {"bytesPerSecond", [](const Listed& one) { return ordered(one.rate.bytes); }, bytes},
    {"firstSeen",
     [](const Listed& one) { return static_cast<uint64_t>(one.destination.first_seen_ms); }, bytes},
    {"lastSeen", [](const Listed& one) { return one.active_ns; }, bytes},
};

}  // namespace

std::span<const Order> orders() { return kOrders; }

const Order* find_order(std::string_view name) {
  const auto found = std::ranges::find(kOrders, name, &Order::name);
  return found == std::end(kOrders) ? nullptr : found;
}

void paginate(std::vector<SortKey>& keys, const Query& query) {
  const size_t begin = std::min(query.offset, keys.size());
  const size_t end = begin + std::min(query.limit, keys.size() - begin);
  const auto at = [&](size_t index) { return keys.begin() + static_cast<std::ptrdiff_t>(index); };
  if (query.descending)
    std::partial_sort(keys.begin(), at(end), keys.end(), std::greater<>());
  else
    std::partial_sort(keys.begin(), at(end), keys.end());
  keys.erase(at(end), keys.end());
  keys.erase(keys.begin(), at(begin));
}

bool matches(const Query& query, const egress_key& key, const std::string& text) {
  return (!query.within || within(*query.within, key)) &&
         (query.search.empty() || text.find(query.search) != std::string::npos);
}

}  // namespace egress
