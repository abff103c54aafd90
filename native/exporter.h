// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "attachment.h"
#include "destination_table.h"
#include "program.h"
#include "snapshot.h"

namespace egress {

/// The program, its table and its attachments. Members are in the order of creation, so that what
/// hangs on an interface goes first.
class Exporter {
 public:
  explicit Exporter(const ProgramOptions& options);

  /// Counts what leaves an interface from now on.
  /// @param name the label under which it is shown
  /// @param link_header whether its frames begin with an Ethernet header
  /// @returns "tcx" or "clsact"
  /// @throws Error "attach tcx", "attach clsact", "add clsact qdisc", "write map"; EEXIST if it is
  ///         attached already, ENOSPC beyond EGRESS_INTERFACES_MAX
  const char* attach(uint32_t ifindex, const std::string& name, bool link_header, Mode mode);

  /// Detaches everywhere. Idempotent; the counters can still be read.
  void detach_all();

  /// Reads all maps. Safe on any thread.
  /// @throws Error "read destinations", "read interfaces"
  Snapshot read();

 private:
  std::vector<Interface> read_interfaces();

  Program program_;
  DestinationTable destinations_;
  std::mutex mutex_;                            // guards what follows
  std::vector<std::string> names_;              // by slot; slots are never taken back
  std::map<uint32_t, Attachment> attachments_;  // by ifindex
};

}  // namespace egress
