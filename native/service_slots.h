// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../bpf/egress.h"
#include "array_values.h"
#include "program.h"
#include "records.h"
#include "service.h"

namespace egress {

/// A sender that the program gave a slot, and nobody a name yet.
struct UnnamedSender {
  uint32_t slot;
  uint64_t sender;      ///< as in `service_slots`
  std::string ingress;  ///< the interface that it came in by; empty: none, or it is gone

  bool has_departed() const { return sender & EGRESS_SENDER_INGRESS && ingress.empty(); }
};

/// Such a sender with its service.
struct NamedSender {
  uint32_t slot;
  uint64_t sender;
  Service service;
};

/// Which service counts in which slot. The program gives each new sender a slot of its own; user
/// space names it, and where another slot has that name already, lets it have the sender and its
/// records: no two slots have one name, and the slot is free again. Not thread-safe.
class ServiceSlots {
 public:
  /// @param program, records must outlive this object
  /// @throws Error "map memory", "read map"
  ServiceSlots(Program& program, Records& records);

  /// Whether services are told apart.
  bool enabled() const { return limit_ > 0; }

  /// How many slots there are, free ones too.
  uint32_t slots() const { return static_cast<uint32_t>(names_.size()); }

  /// The labels of a slot's service; null: it has none yet.
  const ServiceLabels* labels(uint32_t slot) const;

  /// Senders whose service is to be looked up.
  /// @throws Error "read map"
  std::vector<UnnamedSender> find_unnamed() const;

  /// Names senders. Waits for running programs where services come together.
  /// @param alone whether no program of an earlier run counts any more, which remembers slots for
  ///        itself; else services that have to come together stay without a name
  /// @param merged is called with each record that another one counts on for
  /// @throws Error "read map", "write map"
  void name(const std::vector<NamedSender>& named, bool alone,
            const std::function<void(uint32_t id)>& merged);

  /// What a look at all records found of a slot.
  struct Activity {
    uint64_t active_ns;  ///< the last packet of any record; 0: it has no record
    bool quiet;          ///< none had a packet since the look before
  };
  /// The slots whose records are to leave, so that a tenth of all stays free: those that are quiet
  /// for longest.
  std::vector<uint32_t> find_crowding(const std::vector<Activity>& by_slot) const;

  /// Frees slots that no record has, where few are free. Waits for running programs then.
  /// @throws Error "read map", "write map"
  void make_room();

 private:
  struct Name {
    uint64_t sender = 0;  ///< that the slot had when it got the name
    ServiceLabels labels;
  };
  struct Fold {
    uint32_t slot;
    uint64_t sender;
    uint32_t to;
  };

  uint64_t sender(uint32_t slot) const;
  void set_sender(uint32_t slot, uint64_t sender);
  /// After it, no program counts for a sender where it did before service_slots changed.
  void put_in_force();
  void adopt();
  void set_name(uint32_t slot, uint64_t sender, ServiceLabels labels);
  void fold(const std::vector<Fold>& folds, const std::function<void(uint32_t id)>& merged);
  void free(uint32_t slot);
  uint32_t end() const { return EGRESS_SERVICES_FIXED + limit_; }
  uint32_t count_taken() const;
  uint32_t wanted() const { return limit_ - (limit_ + 9) / 10; }
  std::vector<bool> find_used();

  Program& program_;
  const ProgramMaps& maps_;
  Records& records_;
  const uint32_t limit_;
  std::optional<ArrayValues<uint64_t>> senders_;  // where they can be mapped
  std::vector<Name> names_;
  std::map<std::string, uint32_t, std::less<>> slot_of_;  // by the `service` label
  uint32_t aliases_ = 0;  // senders with a slot that is not their own
};

}  // namespace egress
