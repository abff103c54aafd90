// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "attachment.h"
#include "destination_table.h"
#include "program.h"
#include "snapshot.h"

namespace egress {

/// The program, its table and its attachments. Safe on any thread. Members are in the order of
/// creation, so that what hangs on an interface goes first.
class Exporter {
 public:
  explicit Exporter(const ProgramOptions& options);

  /// Counts what leaves an interface from now on, or again where somebody removed the attachment.
  /// The counts of a departed interface of this name go on, so that no series goes backwards.
  /// @param name the label under which it is shown
  /// @param link_header whether its frames begin with an Ethernet header
  /// @returns "tcx" or "clsact"
  /// @throws Error "attach tcx", "attach clsact", "add clsact qdisc", "write map"; EEXIST if its
  ///         ifindex or name is attached and hangs, ENOSPC beyond EGRESS_INTERFACES_MAX
  const char* attach(uint32_t ifindex, const std::string& name, bool link_header, Mode mode);

  /// Whether the attachment still hangs where it was made: others can remove it.
  /// @returns false also for an ifindex that is not attached
  bool is_attached(uint32_t ifindex);

  /// Stops counting on interfaces. Their last counts stay visible until forget(); their records
  /// leave the table, so a later interface of the same ifindex starts anew. Waits for running
  /// programs.
  void detach(const std::set<uint32_t>& ifindexes);

  /// Lets go of the last counts of an interface that departed.
  void forget(const std::string& name);

  /// Detaches everywhere. Idempotent; the counters can still be read.
  void detach_all();

  /// Reads all maps.
  /// @throws Error "read destinations", "read interfaces"
  Snapshot read();

 private:
  struct Attached {
    uint32_t slot;
    std::string name;
    bool link_header;
    Mode mode;
    Attachment attachment;
  };
  struct Departed {
    egress_interface counters;
    std::vector<Retired> retired;
  };

  uint32_t free_slot() const;
  const char* hang(uint32_t ifindex, Attached& attached);
  void depart(uint32_t ifindex, uint32_t slot, const std::string& name,
              std::vector<Retired> retired);
  void restore(uint32_t ifindex, uint32_t slot, const Departed& departed);
  egress_interface read_slot(uint32_t slot, const std::string& name);

  std::mutex mutex_;  // guards everything
  Program program_;
  DestinationTable destinations_;
  std::map<std::string, Departed> departed_;
  std::map<uint32_t, Attached> attached_;  // by ifindex
};

}  // namespace egress
