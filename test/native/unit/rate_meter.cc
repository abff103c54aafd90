// SPDX-License-Identifier: Apache-2.0
#include "../../../native/rate_meter.h"

#include <doctest/doctest.h>

using egress::RateMeter;

namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kBegin = 100 * kSecond;

}  // namespace

TEST_CASE("a rate is what came between the last two looks, each second") {
  RateMeter meter(1, kBegin);
  meter.begin(kBegin + kSecond);
  meter.look(0, kBegin + 1, {7, 700});
  CHECK(meter.rate(0, kBegin + 1).packets == doctest::Approx(7));
  meter.begin(kBegin + 3 * kSecond);
  meter.look(0, kBegin + 1, {29, 2300});
  CHECK(meter.rate(0, kBegin + 1).packets == doctest::Approx(11));
  CHECK(meter.rate(0, kBegin + 1).bytes == doctest::Approx(800));
  meter.begin(kBegin + 4 * kSecond);
  meter.look(0, kBegin + 1, {29, 2300});
  CHECK(meter.rate(0, kBegin + 1).packets == 0);
}

TEST_CASE("what an earlier process counted is no growth") {
  RateMeter meter(1, kBegin);
  meter.begin(kBegin + kSecond);
  meter.look(0, kBegin - kSecond, {1'000'003, 1'000'003});
  CHECK(meter.rate(0, kBegin - kSecond).packets == 0);
  meter.begin(kBegin + 2 * kSecond);
  meter.look(0, kBegin - kSecond, {1'000'016, 1'000'016});
  CHECK(meter.rate(0, kBegin - kSecond).packets == doctest::Approx(13));
}

TEST_CASE("another in the same place begins at 0, and has no rate before it is looked at") {
  RateMeter meter(1, kBegin);
  meter.begin(kBegin + kSecond);
  meter.look(0, kBegin + 1, {1009, 1009});
  const uint64_t born = kBegin + kSecond + 1;
  CHECK(meter.rate(0, born).packets == 0);
  meter.begin(kBegin + 2 * kSecond);
  meter.look(0, born, {17, 17});
  CHECK(meter.rate(0, born).packets == doctest::Approx(17));
  CHECK(meter.rate(0, kBegin + 1).packets == 0);
}

TEST_CASE("a counter that fell began anew") {
  RateMeter meter(1, kBegin);
  meter.begin(kBegin + kSecond);
  meter.look(0, 1, {1009, 1009});
  meter.begin(kBegin + 2 * kSecond);
  meter.look(0, 1, {5, 5});
  CHECK(meter.rate(0, uint64_t{1}).packets == doctest::Approx(5));
}

TEST_CASE("two looks at one moment measure nothing") {
  RateMeter meter(1, kBegin);
  meter.begin(kBegin);
  meter.look(0, kBegin + 1, {3, 3});
  CHECK(meter.rate(0, kBegin + 1).packets == 0);
}
