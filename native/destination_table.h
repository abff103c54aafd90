// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "../bpf/egress.h"
#include "snapshot.h"

namespace egress {

/// Reads the kernel's `destinations` map: in place where it can be mapped, element by element on
/// Linux 5.4.
class DestinationTable {
 public:
  /// @param map_fd stays the caller's and must outlive this object
  /// @throws Error "map destinations"
  DestinationTable(int map_fd, uint32_t limit, bool mmapable);
  ~DestinationTable();
  DestinationTable(const DestinationTable&) = delete;
  DestinationTable& operator=(const DestinationTable&) = delete;

  /// The listed destinations; `interface` holds the slot. Safe on any thread.
  /// @throws Error "read destinations"
  std::vector<Destination> read();

 private:
  /// When a record's first packet came, by both clocks: converted once, so that neither NTP nor a
  /// suspended machine moves it from scrape to scrape.
  struct FirstSeen {
    uint64_t monotonic_ns;
    int64_t unix_ms;
  };

  std::span<const egress_destination> records();

  const int map_fd_;
  const uint32_t limit_;
  const egress_destination* mapped_ = nullptr;
  std::mutex mutex_;  // guards what follows
  std::vector<egress_destination> copy_;
  std::vector<FirstSeen> first_seen_;
};

}  // namespace egress
