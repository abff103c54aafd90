// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>

#include "../bpf/egress.h"
#include "map.h"

namespace egress {

/// A map of the kernel program (bpf/maps.bpf.h) that is pinned: it holds counts. The others are
/// made from the settings.
struct PinnedMap {
  const char* name;
  size_t bytes_per_destination = 0;  ///< in the kernel; 0: the limit does not change its size
  bool mmapable = false;             ///< user space reads it in place, where arrays can be mapped
  size_t per_service = 0;  ///< entries for each service that may be; 0: it is none of theirs
};

inline constexpr PinnedMap kPinnedMaps[] = {
    {"destinations", sizeof(egress_destination), true},
    {"first_senders", sizeof(egress_sender), true},
    {"destination_ids", 96},  // an element with its bucket and its preallocated neighbours
    {"free_ids", sizeof(uint32_t)},
    {"interface_slots"},
    {"interfaces"},
    {"cpu_counts"},
    {"ids_taken"},
    {"user_state", sizeof(egress_user_state), true},
    {"retired_counts", 0, true},
    {"retire_journal", 0, true},
    {"service_slots", 0, false, EGRESS_SENDERS_PER_SERVICE},
    {"service_senders", 0, true, 1},
    {"free_services", 0, false, 1},
    {"service_names", 0, false, 1},
};

/// The maps that user space works with, of a program that is loaded.
struct ProgramMaps {
  const bpf_object* program;

  Map<uint32_t, egress_destination> destinations = open("destinations");
  Map<uint32_t, egress_sender> first_senders = open("first_senders");
  Map<egress_key, uint32_t> destination_ids = open("destination_ids");
  StackMap<uint32_t> free_ids = open("free_ids");
  PerCpuMap<uint32_t, uint64_t> ids_taken = open("ids_taken");
  Map<uint32_t, egress_slot> interface_slots = open("interface_slots");
  PerCpuMap<uint32_t, egress_interface> interfaces = open("interfaces");
  PerCpuMap<uint32_t, egress_counts> cpu_counts = open("cpu_counts");
  Map<uint32_t, egress_user_state> user_state = open("user_state");
  Map<uint32_t, egress_retired_counts> retired_counts = open("retired_counts");
  Map<uint32_t, egress_retire_journal> retire_journal = open("retire_journal");
  Map<uint64_t, uint32_t> service_slots = open("service_slots");
  Map<uint32_t, uint64_t> service_senders = open("service_senders");
  StackMap<uint32_t> free_services = open("free_services");
  Map<uint32_t, egress_service_name> service_names = open("service_names");
  Map<uint32_t, uint64_t> client_ports = open("client_ports");
  PerCpuMap<uint32_t, egress_key> excluded_recently = open("excluded_recently");

 private:
  MapHandle open(const char* name) const {
    return {bpf_object__find_map_fd_by_name(program, name), name};
  }
};

}  // namespace egress
