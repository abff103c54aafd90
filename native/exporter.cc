// SPDX-License-Identifier: Apache-2.0
#include "exporter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <vector>

#include "error.h"

namespace egress {
namespace {

void add(egress_counter& sum, const egress_counter& part) {
  sum.packets += part.packets;
  sum.bytes += part.bytes;
}

egress_interface sum(const std::vector<egress_interface>& cpus) {
  egress_interface sum{};
  for (const egress_interface& cpu : cpus) {
    add(sum.total, cpu.total);
    for (int reason = 0; reason < EGRESS_UNLISTED_REASONS; reason++)
      add(sum.unlisted[reason], cpu.unlisted[reason]);
    sum.new_destinations += cpu.new_destinations;
  }
  return sum;
}

}  // namespace

Exporter::Exporter(const ProgramOptions& options)
    : program_(options),
      destinations_(program_.destinations_fd(), options.destinations_limit,
                    program_.destinations_mmapable()) {}

const char* Exporter::attach(uint32_t ifindex, const std::string& name, bool link_header,
                             Mode mode) {
  std::lock_guard lock(mutex_);
  if (attachments_.contains(ifindex)) throw Error("attach", name, EEXIST);
  auto slot = static_cast<uint32_t>(names_.size());
  if (slot == EGRESS_INTERFACES_MAX) throw Error("attach", name, ENOSPC);

  // The slot first: the program leaves packets of an unknown interface uncounted.
  int error = bpf_map_update_elem(program_.interface_slots_fd(), &ifindex, &slot, BPF_ANY);
  if (error != 0) throw Error("write map", "interface_slots", -error);
  int entry = link_header ? program_.ethernet_fd() : program_.ip_fd();
  auto [attached, inserted] =
      attachments_.emplace(ifindex, egress::attach(entry, ifindex, name, mode));
  names_.push_back(name);
  return mode_name(attached->second);
}

void Exporter::detach_all() {
  std::lock_guard lock(mutex_);
  attachments_.clear();
}

Snapshot Exporter::read() {
  Snapshot snapshot;
  snapshot.destinations = destinations_.read();
  // Totals after destinations: what is counted in between never makes a sum exceed its total.
  snapshot.interfaces = read_interfaces();
  for (const Destination& destination : snapshot.destinations)
    snapshot.interfaces.at(destination.interface).destinations++;
  return snapshot;
}

std::vector<Interface> Exporter::read_interfaces() {
  std::lock_guard lock(mutex_);
  std::vector<egress_interface> cpus(static_cast<size_t>(libbpf_num_possible_cpus()));
  std::vector<Interface> found;
  for (uint32_t slot = 0; slot < names_.size(); slot++) {
    int error = bpf_map_lookup_elem(program_.interfaces_fd(), &slot, cpus.data());
    if (error != 0) throw Error("read interfaces", names_[slot], -error);
    found.push_back({names_[slot], sum(cpus), 0});
  }
  return found;
}

}  // namespace egress
