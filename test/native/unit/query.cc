// SPDX-License-Identifier: Apache-2.0
#include "../../../native/query.h"

#include <doctest/doctest.h>

#include <cstring>

#include "key.h"

using namespace egress;

namespace {

Destination destination_of(const std::string& address, uint64_t bytes = 0) {
  Destination destination{};
  destination.key = key_of(address);
  destination.bytes = bytes;
  return destination;
}

SortKey key_for(const char* order, const Destination& destination, Rate rate = {}) {
  return sort_key(*find_order(order), {0, destination, rate, 0, 0});
}

/// The ids that are left, in order.
std::vector<uint32_t> page_of(const Query& query) {
  std::vector<SortKey> keys;
  for (uint32_t id : {3, 0, 4, 1, 2}) keys.push_back({id * 10, 0, id});
  paginate(keys, query);
  std::vector<uint32_t> ids;
  for (const SortKey& key : keys) ids.push_back(key.id);
  return ids;
}

egress_prefix prefix_of(const std::string& address, uint32_t length) {
  const egress_key key = key_of(address);
  egress_prefix prefix{EGRESS_FAMILY_BITS + length, key.family, {}, {}};
  std::memcpy(prefix.address, key.address, sizeof(prefix.address));
  return prefix;
}

bool is_within(const std::string& address, const egress_prefix& prefix, int length = -1) {
  Query query;
  query.within = prefix;
  return matches(query, key_of(address, length), {});
}

}  // namespace

TEST_CASE("addresses are ordered as numbers, IPv4 first") {
  const char* ordered[] = {"0.0.0.0",    "9.255.255.255", "10.0.0.0",       "255.255.255.255",
                           "2001:db8::", "2001:db8::1:0", "2001:db8:0:1::", "ff02::1"};
  for (size_t i = 1; i < std::size(ordered); i++) {
    CAPTURE(ordered[i]);
    CHECK(key_for("destination", destination_of(ordered[i - 1])) <
          key_for("destination", destination_of(ordered[i])));
  }
}

TEST_CASE("rates are ordered as numbers") {
  const float ordered[] = {0.0F, 1e-20F, 0.5F, 1.0F, 1.5F, 1e9F};
  const Destination destination = destination_of("192.0.2.1");
  for (size_t i = 1; i < std::size(ordered); i++) {
    CHECK(key_for("packetsPerSecond", destination, {ordered[i - 1], 0}) <
          key_for("packetsPerSecond", destination, {ordered[i], 0}));
    CHECK(key_for("bytesPerSecond", destination, {0, ordered[i - 1]}) <
          key_for("bytesPerSecond", destination, {0, ordered[i]}));
  }
}

TEST_CASE("of those that are equal, who got more bytes is above") {
  CHECK(key_for("port", destination_of("192.0.2.1", 7)) <
        key_for("port", destination_of("192.0.2.0", 11)));
}

TEST_CASE("a part of the list is in order, and no more than the part") {
  Query query;
  query.limit = 2;
  CHECK(page_of(query) == std::vector<uint32_t>{4, 3});
  query.offset = 2;
  CHECK(page_of(query) == std::vector<uint32_t>{2, 1});
  query.descending = false;
  CHECK(page_of(query) == std::vector<uint32_t>{2, 3});
  query.limit = 100;
  CHECK(page_of(query) == std::vector<uint32_t>{2, 3, 4});
  query.offset = 5;
  CHECK(page_of(query).empty());
  query.offset = SIZE_MAX;
  CHECK(page_of(query).empty());
}

TEST_CASE("a prefix has the addresses that begin so, of its family") {
  CHECK(is_within("192.0.2.127", prefix_of("192.0.2.0", 25)));
  CHECK_FALSE(is_within("192.0.2.128", prefix_of("192.0.2.0", 25)));
  CHECK(is_within("192.0.2.128", prefix_of("0.0.0.0", 0)));
  CHECK_FALSE(is_within("2001:db8::1", prefix_of("0.0.0.0", 0)));
  CHECK(is_within("2001:db8:0:1ff::", prefix_of("2001:db8:0:100::", 56)));
  CHECK_FALSE(is_within("2001:db8:0:200::", prefix_of("2001:db8:0:100::", 56)));
  CHECK(is_within("192.0.2.1", prefix_of("192.0.2.1", 32)));
}

TEST_CASE("what stands for many is within what is no longer than it") {
  CHECK(is_within("192.0.2.0", prefix_of("192.0.0.0", 16), 24));
  CHECK(is_within("192.0.2.0", prefix_of("192.0.2.0", 24), 24));
  CHECK_FALSE(is_within("192.0.2.0", prefix_of("192.0.2.0", 25), 24));
}

TEST_CASE("a search is for a part of the address as text") {
  Query query;
  query.search = "2.1";
  CHECK(matches(query, key_of("192.0.2.17"), "192.0.2.17"));
  CHECK_FALSE(matches(query, key_of("192.0.20.17"), "192.0.20.17"));
}
