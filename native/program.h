// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../bpf/egress.h"
#include "pins.h"
#include "prefix_rules.h"
#include "program_maps.h"

struct bpf_map;
struct egress_bpf;  // the generated skeleton

namespace egress {

/// How the kernel program is loaded.
struct ProgramOptions {
  uint32_t destinations_limit;  ///< records in the table, 1 or more
  std::vector<PrefixRule> prefix_rules;
  uint32_t ipv4_prefix_length = 32;   ///< what destinations are told apart by, in bits
  uint32_t ipv6_prefix_length = 128;  ///< likewise
  bool aggregate_replies = false;
  uint32_t services_limit = 0;  ///< services that are told apart; 0: none
  /// As on Linux 5.4, for tests: arrays cannot be mapped, and programs not read gso_size.
  bool old_kernel = false;
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

  /// What the kernel measured while its BPF statistics were on (kernel.bpf_stats_enabled).
  struct RunStatistics {
    uint64_t runs;
    uint64_t ns;
  };
  /// Of this process's program, both entries together.
  /// @throws Error "list programs"
  RunStatistics run_statistics() const;

  /// The entry for devices with an Ethernet header.
  int ethernet_fd() const;
  /// The entry for devices without a link header.
  int ip_fd() const;

  uint32_t ethernet_id() const;
  uint32_t ip_id() const;

  const ProgramMaps& maps() const { return *maps_; }

  /// Whether the maps are an earlier run's, with its counts.
  bool adopted() const { return adopted_; }
  /// Why pinned maps of an earlier run could not be used and were replaced; empty if there were
  /// none.
  const std::string& replaced() const { return replaced_; }

  /// The maps that are to be pinned, by their names.
  std::vector<std::pair<std::string, int>> pinned_maps() const;

  /// What the maps take of the kernel's memory with so many destinations and services, without the
  /// prefix rules and what the kernel needs to manage maps.
  static uint64_t kernel_bytes(uint32_t destinations_limit, uint32_t services_limit);

  /// As in ProgramOptions.
  uint32_t services_limit() const { return services_limit_; }

  /// Lets a record count for another service; no program may count on it any more.
  /// @throws Error "write map"
  egress_folded fold(uint32_t id, uint32_t from, uint32_t to) const;

  /// Whether arrays can be mapped into memory (Linux 5.5 and newer).
  bool mmapable() const { return mmapable_; }

  /// The prefixes that decide about new destinations.
  PrefixRules& prefix_rules() { return *prefix_rules_; }

  /// Lets the program forget what it remembers of senders: it looks for their slots again.
  void forget_senders();

  /// Sizes the lookup cache for so many destinations, up to the limit: the program finds them
  /// fastest then.
  void resize_lookup_cache(uint32_t destinations);

  /// Says which source ports are those of calls: EGRESS_CLIENT_PORTS_WORDS for TCP, as many for
  /// others.
  /// @throws Error "write map"
  void set_client_ports(const std::vector<uint64_t>& bits);

 private:
  struct Destroy {
    void operator()(egress_bpf* skeleton) const;
  };
  std::vector<bpf_map*> maps_to_pin() const;
  void size_maps(const ProgramOptions& options);
  void adopt(const PinFolder& pins);
  void put_in_force(uint32_t set);
  /// Where variables are not mapped.
  void write_variables();
  /// Puts all ids into free_ids. @throws Error "write map"
  void fill_free_ids();
  /// Puts all slots into free_services. @throws Error "write map"
  void fill_free_services() const;

  std::unique_ptr<egress_bpf, Destroy> skeleton_;
  bool mmapable_;
  bool gso_size_;
  const uint32_t services_limit_;
  bool adopted_ = false;
  std::string replaced_;
  std::optional<ProgramMaps> maps_;
  std::optional<PrefixRules> prefix_rules_;
  std::vector<uint64_t> client_ports_;
};

}  // namespace egress
