// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "attachment.h"
#include "destination_table.h"
#include "fd.h"
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

/// What one round of housekeeping found and did.
struct Housekeeping {
  uint64_t listed;            ///< destinations now
  uint64_t expired;           ///< taken out for want of traffic
  uint64_t evicted;           ///< taken out for want of room
  uint64_t overflow_packets;  ///< of all interfaces, so far
};

/// One step of a walk over the table.
struct Activity {
  uint32_t next;  ///< the id to go on with
  std::vector<Sighting> sightings;
};

/// One step of the walk for destinations that are not known yet, which goes round and round.
struct Discovery {
  std::vector<Sighting> sightings;
  size_t looked;   ///< records that were looked at
  size_t records;  ///< that there are
};

/// What became of the pins.
struct KeptPins {
  std::vector<std::string> anew;  ///< somebody had removed these
  std::vector<std::string> lost;  ///< these are not pinned: what they are of ends with the process
  std::string reason;             ///< why, of the last
};

/// The program, its table and its attachments. Safe on any thread. The maps hold everything that
/// counts, so that with pins the next process goes on where this one was, however it ended.
///
/// Members are in the order of creation, so that what hangs on an interface goes first.
class Exporter {
 public:
  explicit Exporter(const ExporterOptions& options);
  /// Detaches everywhere; with pins, leaves everything as it is.
  ~Exporter();

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
  /// What of an earlier run's was lost, a line each.
  const std::vector<std::string>& replaced() const { return replaced_; }

  /// How the program hangs on an interface.
  struct Hanging {
    Mode mode;  ///< kTcx or kClsact
    std::vector<Predecessor> before;
  };

  /// Counts what leaves an interface from now on, or again where somebody removed the attachment.
  /// The counts of a departed interface of this name go on, so that no series goes backwards.
  /// @param name the label under which it is shown
  /// @param link_header whether its frames begin with an Ethernet header
  /// @param replaced as of ClsactFilter
  /// @throws Error "attach tcx", "attach clsact", "add clsact qdisc", "write map"; EEXIST if its
  ///         ifindex or name is attached and hangs, ENOSPC beyond EGRESS_INTERFACES_MAX
  Mode attach(uint32_t ifindex, const std::string& name, bool link_header, Mode mode,
              uint32_t replaced = 0);

  /// How attachments hang; none for those that do not any more: others can remove them.
  /// @throws Error "list programs", "list filters"
  std::vector<std::optional<Hanging>> hanging(const std::vector<uint32_t>& ifindexes);

  /// Stops counting on interfaces. Their last counts stay visible until they are forgotten; a later
  /// interface of the same ifindex starts anew. Waits for running programs.
  void detach(const std::set<uint32_t>& ifindexes);

  /// Lets go of the last counts of interfaces that departed longer ago than this.
  /// @returns their names
  std::vector<std::string> forget_departed(uint64_t after_ms);

  /// Takes destinations out of the table that had no packet for so long (0: none), and from 90 % of
  /// the limit on those that had none for longest. Waits for running programs.
  /// @param tell whether take_retired() is to tell of them
  /// @throws Error "read map", "write map"
  Housekeeping keep_house(uint64_t idle_timeout_ms, bool tell);

  /// What keep_house() took out and is to tell of: once each, in order, so many at most.
  std::vector<Sighting> take_retired(size_t most);

  /// Exchanges the prefixes that decide about destinations, listed ones too: what those counted
  /// that are excluded now counts as excluded. All or nothing: at a failure the old ones are in
  /// force. What takes as long as there are prefixes holds nobody up.
  /// @throws Error "read map", "write map"
  void choose(std::vector<Choice> next);

  /// @see Program::set_own_ports
  void set_own_ports(const std::vector<uint64_t>& bits);

  /// Pins what others removed anew, as far as that can be done.
  KeptPins keep_pins();

  /// Gives up what is not needed any more; see privileges.h.
  std::vector<std::string> drop_capabilities();

  /// Turns the kernel's BPF statistics on, for all programs, as long as this process runs.
  /// @throws Error "enable statistics"; EINVAL before Linux 5.8
  void enable_statistics();

  /// @see Program::run_statistics
  Program::RunStatistics run_statistics() const { return program_.run_statistics(); }

  /// Ends counting, or with pins, as keep_pins() last found them, only this process's part in it.
  /// Idempotent; the counters can still be read.
  void close();

  /// Whether discover() would find nothing; false also where it takes waiting to know that.
  /// @throws Error "read map"
  bool all_known();

  /// Listed destinations that are not known yet, so many at most. They are in no snapshot.
  /// @throws Error "read map"
  Discovery discover(size_t most);

  /// @see DestinationTable::know
  void know(const std::vector<Sighting>& sightings);

  /// Known destinations with packets since the last such walk, from an id on, so many at most.
  /// @throws Error "read map"
  Activity find_active(uint32_t from, size_t most);

  /// A part of the list of known destinations, in some order, and what the interfaces count. How
  /// fast they grow is of the time between the last two calls of keep_house().
  /// @throws Error "read map"
  Ranking rank(const Query& query);

  /// Reads all maps into a snapshot, whose memory is used again.
  /// @param zero_for_ns of the rule in zero_first.h; absent: the snapshot is not for scrapers
  /// @throws Error "read map"
  void read(Snapshot& snapshot, std::optional<uint64_t> zero_for_ns = {});

 private:
  /// An interface that has a slot.
  struct Counted {
    egress_slot slot;
    Attachment attachment = {};
    bool attached = false;  // by this process
  };

  void adopt();
  void detach_locked(const std::set<uint32_t>& ifindexes);
  void check_network_namespace();
  void hang(uint32_t ifindex, Counted& counted, bool link_header, Mode mode, uint32_t replaced);
  std::optional<Hanging> hanging_locked(uint32_t ifindex);
  void move(uint32_t from, uint32_t to, egress_slot slot);
  void depart(uint32_t ifindex, Counted counted);
  void forget(std::map<std::string, egress_slot>::iterator departed);
  uint32_t take_slot();
  void write_slot(uint32_t ifindex, const egress_slot& slot);
  void delete_slot(uint32_t ifindex);
  InterfaceCounters read_slot(const egress_slot& slot);
  /// How many destinations the program has listed so far.
  uint64_t listed_ever();
  void exchange_choices();
  void leave_out_excluded();
  /// The names of interfaces, by slot.
  std::vector<std::string> slot_names();
  Sighting sight(uint32_t id, const Destination& destination,
                 const std::vector<std::string>& names);
  template <typename Each>
  void for_each_slot(Each each);

  std::mutex choosing_;  // guards the choices that are not in force; taken before the next
  std::mutex mutex_;     // guards everything else
  std::optional<PinFolder> pins_;
  Fd network_namespace_;     // a map that tells which
  bool maps_pinned_ = true;  // as far as it is known
  Program program_;
  uint32_t limit_;
  DestinationTable destinations_;
  RateMeter interface_meter_;
  std::vector<std::string> replaced_;
  Fd statistics_;
  std::deque<Sighting> retired_;      // to be told of
  uint64_t discovered_ = UINT64_MAX;  // what the program had listed when all was known
  uint64_t walked_ = UINT64_MAX;      // and when a walk last found nothing
  std::map<std::string, egress_slot> departed_;
  std::map<uint32_t, Counted> counted_;  // by ifindex
};

}  // namespace egress
