// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ctime>

namespace egress {

inline constexpr int64_t kNsPerMs = 1'000'000;

/// Nanoseconds of a clock.
inline int64_t clock_ns(clockid_t clock) {
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

/// Nanoseconds of CLOCK_BOOTTIME: it goes on while the machine sleeps, and never jumps.
inline uint64_t boot_time_ns() { return static_cast<uint64_t>(clock_ns(CLOCK_BOOTTIME)); }

/// Nanoseconds of CLOCK_MONOTONIC, which is the program's clock.
inline uint64_t monotonic_ns() { return static_cast<uint64_t>(clock_ns(CLOCK_MONOTONIC)); }

/// Nanoseconds since the Unix epoch.
inline int64_t unix_time_ns() { return clock_ns(CLOCK_REALTIME); }

/// Milliseconds since the Unix epoch.
inline int64_t unix_time_ms() { return unix_time_ns() / kNsPerMs; }

}  // namespace egress
