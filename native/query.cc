// SPDX-License-Identifier: Apache-2.0
#include "query.h"

#include <endian.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace egress {
namespace {

/// Rates are never negative, and the bits of such numbers are in their order.
uint64_t ordered(float rate) { return std::bit_cast<uint32_t>(rate); }

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

}  // namespace

SortKey sort_key(Order order, uint32_t id, const Destination& destination, Rate rate,
                 uint32_t interface, uint64_t active_ns) {
  const auto major = [&]() -> uint64_t {
    switch (order) {
      case Order::kDestination:
        return address_words(destination.key).first;
      case Order::kInterface:
        return interface;
      case Order::kProtocol:
        return destination.protocol;
      case Order::kPort:
        return destination.port;
      case Order::kPackets:
        return destination.packets;
      case Order::kBytes:
        return destination.bytes;
      case Order::kPacketRate:
        return ordered(rate.packets);
      case Order::kByteRate:
        return ordered(rate.bytes);
      case Order::kFirstSeen:
        return static_cast<uint64_t>(destination.first_seen_ms);
      case Order::kLastSeen:
        return active_ns;
    }
    return 0;
  }();
  // Of those that are equal, most of all the silent ones, who got more comes first.
  const uint64_t minor =
      order == Order::kDestination ? address_words(destination.key).second : destination.bytes;
  return {major, minor, id};
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
