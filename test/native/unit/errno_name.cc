// SPDX-License-Identifier: Apache-2.0
#include "../../../native/errno_name.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string_view>

TEST_CASE("names of errors are those of the C library, and no number has another one") {
  constexpr int kBeyondAll = 4096;
  int named = 0;
  for (int number = 1; number < kBeyondAll; number++) {
    const char* expected = strerrorname_np(number);
    const char* name = egress::errno_name(number);
    REQUIRE((name == nullptr) == (expected == nullptr));
    if (name == nullptr) continue;
    CHECK(std::string_view(name) == expected);
    named++;
  }
  CHECK(named > 100);
}
