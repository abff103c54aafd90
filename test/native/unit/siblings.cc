// SPDX-License-Identifier: Apache-2.0
#include "../../../native/siblings.h"

#include <doctest/doctest.h>

#include "key.h"

using namespace egress;

namespace {

egress_destination record(const std::string& address, uint16_t service, uint64_t first_seen_ns,
                          uint32_t ifindex = 2) {
  egress_destination one{};
  one.key = key_of(address);
  one.key.ifindex = ifindex;
  one.key.service = service;
  one.first_seen_ns = first_seen_ns;
  return one;
}

std::vector<uint32_t> of(const Siblings& siblings, uint32_t id) {
  const auto found = siblings.of(id);
  return {found.begin(), found.end()};
}

using Ids = std::vector<uint32_t>;

}  // namespace

TEST_CASE("records of one interface and destination are siblings, the oldest first") {
  const std::vector<egress_destination> all = {
      record("192.0.2.1", 3, 700),    record("192.0.2.1", 4, 500),     record("192.0.2.2", 3, 300),
      record("192.0.2.1", 3, 200, 5), record("2001:db8::1", 65535, 9), record("192.0.2.1", 0, 600)};
  Siblings siblings(all, {0, 1, 2, 3, 4, 5});
  CHECK(of(siblings, 0) == Ids{1, 5, 0});
  CHECK(of(siblings, 5) == Ids{1, 5, 0});
  CHECK(of(siblings, 2) == Ids{2});
  CHECK(of(siblings, 3) == Ids{3});
  CHECK(of(siblings, 4) == Ids{4});

  CHECK(siblings.remove(1) == Ids{1, 5, 0});
  CHECK(of(siblings, 0) == Ids{5, 0});
  CHECK(siblings.remove(0) == Ids{5, 0});
  CHECK(siblings.remove(5) == Ids{5});
  CHECK(of(siblings, 5) == Ids{5});
}

TEST_CASE("where services are not told apart each record is alone") {
  Siblings siblings;
  CHECK(of(siblings, 7) == Ids{7});
  CHECK(siblings.remove(7) == Ids{7});
}
