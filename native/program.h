// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../bpf/egress.h"
#include "pins.h"

struct egress_bpf;  // the generated skeleton

namespace egress {

/// How the kernel program is loaded.
struct ProgramOptions {
  uint32_t destinations_limit;  ///< records in the table, 1 or more
  std::vector<egress_prefix> exclusions;
  bool map_memory = true;  ///< false: read as on kernels without mmapable arrays
};

/// The loaded kernel program and its maps.
class Program {
 public:
  /// @param pins maps that are pinned there are used again, others pinned; null: nothing outlives
  ///        the process
  /// @throws Error "load program", "write map", "pin", and as PinFolder does; "open pins"
  /// EOPNOTSUPP
  ///         without mmapable arrays
  Program(const ProgramOptions& options, const PinFolder* pins);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// The entry for devices with an Ethernet header.
  int ethernet_fd() const;
  /// The entry for devices without a link header.
  int ip_fd() const;

  uint32_t ethernet_id() const;
  uint32_t ip_id() const;

  int destinations_fd() const;
  int destination_ids_fd() const;
  int free_ids_fd() const;
  int interface_slots_fd() const;
  int interfaces_fd() const;
  int first_seen_fd() const;

  /// Whether the maps are an earlier run's, with its counts.
  bool adopted() const { return adopted_; }
  /// Why pinned maps of an earlier run could not be used and were replaced; empty if there were
  /// none.
  const std::string& replaced() const { return replaced_; }

  /// Whether `destinations` can be mapped into memory (Linux 5.5 and newer).
  bool destinations_mmapable() const { return mmapable_; }

 private:
  struct Destroy {
    void operator()(egress_bpf* skeleton) const;
  };
  void adopt(const PinFolder& pins);

  std::unique_ptr<egress_bpf, Destroy> skeleton_;
  bool mmapable_;
  bool adopted_ = false;
  std::string replaced_;
};

/// Writes an element of a map; of a stack, without a key, pushes it.
/// @param map its name, for the error
/// @throws Error "write map"
void write(int map_fd, const char* map, const void* key, const void* value);

}  // namespace egress
