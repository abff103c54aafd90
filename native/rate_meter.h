// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "../bpf/egress.h"
#include "array_values.h"

namespace egress {

/// How fast a counter grows.
struct Rate {
  float packets;  ///< each second
  float bytes;    ///< each second
};

/// How fast counters grew between two looks at all of them. Not thread-safe.
class RateMeter {
 public:
  /// @param now_ns CLOCK_MONOTONIC; what was born later began with 0
  RateMeter(uint32_t counters, uint64_t now_ns) : counters_(counters), looked_ns_(now_ns) {}

  /// Begins a look. @param now_ns CLOCK_MONOTONIC
  void begin(uint64_t now_ns) {
    before_ns_ = looked_ns_;
    looked_ns_ = now_ns;
  }

  /// Looks at a counter. @param born_ns tells it apart from others in its place, CLOCK_MONOTONIC
  void look(uint32_t index, uint64_t born_ns, const egress_counter& counter) {
    Counter& known = counters_[index];
    // What is older and unknown here was counted by an earlier process.
    if (known.born_ns != born_ns)
      known = {born_ns, born_ns > before_ns_ ? egress_counter{} : counter, {}};
    // Another's, in the same place.
    if (counter.packets < known.last.packets) known.last = {};
    const double seconds = static_cast<double>(looked_ns_ - before_ns_) / 1e9;
    known.rate = {rate(counter.packets - known.last.packets, seconds),
                  rate(counter.bytes - known.last.bytes, seconds)};
    known.last = counter;
  }

  Rate rate(uint32_t index, uint64_t born_ns) const {
    const Counter& known = counters_[index];
    return known.born_ns == born_ns ? known.rate : Rate{};
  }

 private:
  struct Counter {
    uint64_t born_ns;
    egress_counter last;
    Rate rate;
  };

  static float rate(uint64_t count, double seconds) {
    return seconds > 0 ? static_cast<float>(static_cast<double>(count) / seconds) : 0;
  }

  ZeroedArray<Counter> counters_;
  uint64_t before_ns_ = 0;
  uint64_t looked_ns_;
};

}  // namespace egress
