// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "../bpf/egress.h"
#include "program.h"
#include "snapshot.h"

namespace egress {

/// A record that left the table, with what the table knew of it.
struct Retired {
  egress_destination record;
  int64_t first_seen_ms;  ///< since the Unix epoch

  /// @param interface its index in the snapshot
  Destination describe(uint32_t interface) const;
};

/// The kernel's `destinations` map with the hash and the stack that index it. Read in place where
/// it can be mapped, element by element on Linux 5.4. Not thread-safe.
class DestinationTable {
 public:
  /// @param program must outlive this object
  /// @throws Error "map destinations"
  DestinationTable(const Program& program, uint32_t limit);
  ~DestinationTable();
  DestinationTable(const DestinationTable&) = delete;
  DestinationTable& operator=(const DestinationTable&) = delete;

  /// The listed destinations; `interface` holds the slot.
  /// @throws Error "read destinations"
  std::vector<Destination> read();

  /// Takes the records of interfaces out of the table, with their last counts, by ifindex. The
  /// program must be detached from them; what it is still counting is waited for.
  /// @throws Error "read destinations", "write map"
  std::map<uint32_t, std::vector<Retired>> remove(const std::set<uint32_t>& ifindexes);

  /// Puts a record back under its key.
  /// @returns false if the table is full
  /// @throws Error "write map"
  bool insert(const Retired& retired);

 private:
  /// When a record's first packet came, by both clocks: converted once, so that neither NTP nor a
  /// suspended machine moves it from scrape to scrape.
  struct FirstSeen {
    uint64_t monotonic_ns;
    int64_t unix_ms;
  };

  std::span<const egress_destination> records();
  int64_t first_seen_ms(uint32_t id, uint64_t monotonic_ns);

  const Program& program_;
  const uint32_t limit_;
  const egress_destination* mapped_ = nullptr;
  std::vector<egress_destination> copy_;
  std::vector<FirstSeen> first_seen_;
};

}  // namespace egress
