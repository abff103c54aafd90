// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "attachments.h"
#include "destination_table.h"
#include "discovery.h"
#include "fd.h"
#include "interface_slots.h"
#include "pins.h"
#include "program.h"
#include "ranking.h"
#include "snapshot.h"

namespace egress {

/// How an exporter begins and ends.
struct ExporterOptions {
  ProgramOptions program;
  std::string pin_path;  ///< a folder on a BPF file system; empty: nothing outlives the process
};

/// What a sweep found and did.
struct SweepResult {
  uint64_t listed;            ///< destinations now
  uint64_t expired;           ///< taken out for want of traffic
  uint64_t evicted;           ///< taken out for want of room
  uint64_t overflow_packets;  ///< of all interfaces, so far
};

/// The program, its table and its attachments. Safe on any thread. The maps hold everything that
/// counts, so that with pins the next process goes on where this one was, however it ended.
///
/// Most methods wait for the table, which a sweep holds while it waits for running programs: they
/// are for pool threads. Those for the main thread say so.
///
/// Members are in the order of creation, so that what is attached goes first.
class Exporter {
 public:
  explicit Exporter(const ExporterOptions& options);
  /// As close().
  ~Exporter() { close(); }

  /// Removes a folder of pins with what is attached by them, and nothing else.
  /// @throws Error as PinFolder does
  static void remove_pins(const std::string& path);

  /// An interface of an earlier run, whose counts go on.
  struct Adopted {
    uint32_t ifindex;
    std::string name;
  };
  /// What an earlier run counted on, as far as it has been neither attached nor detached since. The
  /// program of that run counts there until then.
  std::vector<Adopted> adopted();
  /// What of an earlier run's was lost, a line each. Waits for nothing.
  const std::vector<std::string>& replaced() const { return replaced_; }

  /// Counts what leaves an interface from now on, or again where somebody removed the attachment.
  /// The counts of a departed interface of this name go on, so that no series goes backwards.
  /// @param name the label under which it is shown
  /// @param link_header whether its frames begin with an Ethernet header
  /// @param replaced as of ClsactFilter
  /// @throws Error "attach tcx", "attach clsact", "add clsact qdisc", "write map"; EEXIST if its
  ///         ifindex or name is attached already, ENOSPC beyond EGRESS_INTERFACES_MAX
  Mode attach(uint32_t ifindex, const std::string& name, bool link_header, Mode mode,
              uint32_t replaced = 0);

  /// How the program is attached; none where it is not any more: others can remove it. Does not
  /// wait for the table.
  /// @throws Error "list programs", "list filters"
  std::vector<std::optional<AttachmentInfo>> attachment_info(
      const std::vector<uint32_t>& ifindexes);

  /// Stops counting on interfaces. Their last counts stay visible until they are forgotten; a later
  /// interface of the same ifindex starts anew. Waits for running programs.
  void detach(const std::set<uint32_t>& ifindexes);

  /// @see InterfaceSlots::forget_departed
  std::vector<std::string> forget_departed(uint64_t after_ms);

  /// Takes destinations out of the table that had no packet for so long (0: none), and from 90 % of
  /// the limit on those that had none for longest. Waits for running programs.
  /// @param report_retired whether take_retired() is to have them
  /// @throws Error "read map", "write map"
  SweepResult sweep(uint64_t idle_timeout_ms, bool report_retired);

  /// What sweep() took out and reported: once each, in order, so many at most.
  std::vector<NamedDestination> take_retired(size_t most);

  /// Senders whose service is to be looked up, without those that nobody can tell any more.
  /// @throws Error "read map", "write map"
  std::vector<UnnamedSender> unnamed_senders();

  /// @see ServiceSlots::name
  void name_senders(const std::vector<NamedSender>& named);

  /// Exchanges the prefixes that decide about destinations, listed ones too: what those counted
  /// that are excluded now counts as excluded. All or nothing: at a failure the old ones are in
  /// force. What takes as long as there are prefixes holds nobody up.
  /// @throws Error "read map", "write map"
  void set_prefix_rules(std::vector<PrefixRule> next);

  /// @see Program::set_client_ports
  void set_client_ports(const std::vector<uint64_t>& bits);

  /// Pins what others removed anew, as far as that can be done. Does not wait for the table.
  KeptPins keep_pins();

  /// Gives up what is not needed any more; see privileges.h. Waits for nothing.
  std::vector<std::string> drop_capabilities();

  /// Turns the kernel's BPF statistics on, for all programs, as long as this process runs. Waits
  /// for nothing.
  /// @throws Error "enable statistics"; EINVAL before Linux 5.8
  void enable_statistics();

  /// Waits for nothing. @see Program::run_statistics
  Program::RunStatistics run_statistics() const { return program_.run_statistics(); }

  /// Ends counting, or with pins, as keep_pins() last found them, only this process's part in it.
  /// Idempotent; the counters can still be read. For the main thread: does not wait for the table.
  void close();

  /// Whether discover() would find nothing; false also where it takes waiting to know that. For the
  /// main thread.
  /// @throws Error "read map"
  bool nothing_new();

  /// @see Discovery::find_new
  Discovered discover(size_t most);

  /// @see DestinationTable::publish
  void publish(const std::vector<NamedDestination>& destinations);

  /// @see Discovery::find_active
  Activity find_active(uint32_t from, size_t most);

  /// @see egress::rank
  Ranking rank(const Query& query);

  /// Reads all maps into a snapshot, whose memory is used again.
  /// @param zero_for_ns of the rule in zero_first.h; absent: the snapshot is not for scrapers
  /// @throws Error "read map"
  void read(Snapshot& snapshot, std::optional<uint64_t> zero_for_ns = {});

 private:
  void detach_locked(const std::set<uint32_t>& ifindexes);
  /// Whether no program of an earlier run counts any more.
  bool is_alone() const;
  void name_locked(const std::vector<NamedSender>& named);
  void exchange_prefix_rules();
  void retire_excluded();

  std::mutex
      setting_rules_;   // guards the prefix rules that are not in force; taken before the next
  std::mutex table_;    // guards the program's settings, the table, the slots and the discovery
  std::mutex pinning_;  // guards the folder of pins
  std::optional<PinFolder> pins_;
  std::atomic<bool> maps_pinned_ = true;  // as far as it is known
  Program program_;
  const uint32_t limit_;
  DestinationTable destinations_;
  InterfaceSlots slots_;
  Discovery discovery_;
  std::vector<std::string> replaced_;
  Fd statistics_;
  Attachments attachments_;  // has a lock of its own, taken after any other
};

}  // namespace egress
