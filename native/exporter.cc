// SPDX-License-Identifier: Apache-2.0
#include "exporter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <utility>

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

std::vector<egress_interface> one_per_cpu() {
  return std::vector<egress_interface>(static_cast<size_t>(libbpf_num_possible_cpus()));
}

}  // namespace

Exporter::Exporter(const ProgramOptions& options)
    : program_(options), destinations_(program_, options.destinations_limit) {}

const char* Exporter::attach(uint32_t ifindex, const std::string& name, bool link_header,
                             Mode mode) {
  std::lock_guard lock(mutex_);
  if (auto found = attached_.find(ifindex);
      found != attached_.end() && found->second.name == name && !hangs(found->second.attachment))
    return hang(ifindex, found->second);
  for (const auto& [other, attached] : attached_)
    if (other == ifindex || attached.name == name) throw Error("attach", name, EEXIST);

  const uint32_t slot = free_slot();
  if (slot == EGRESS_INTERFACES_MAX) throw Error("attach", name, ENOSPC);
  // The slot first: the program leaves packets of an unknown interface uncounted.
  auto zero = one_per_cpu();
  write(program_.interfaces_fd(), "interfaces", &slot, zero.data());
  write(program_.interface_slots_fd(), "interface_slots", &ifindex, &slot);
  const bool returns = departed_.contains(name);
  if (returns) restore(ifindex, slot, departed_.extract(name).mapped());
  Attached attached{slot, name, link_header, mode, {}};
  try {
    const char* used = hang(ifindex, attached);
    attached_.emplace(ifindex, std::move(attached));
    return used;
  } catch (const Error&) {
    if (returns) depart(ifindex, slot, name, std::move(destinations_.remove({ifindex})[ifindex]));
    throw;
  }
}

const char* Exporter::hang(uint32_t ifindex, Attached& attached) {
  // First let go: the destructor of an old clsact filter would remove a new one.
  attached.attachment = Attachment();
  int entry = attached.link_header ? program_.ethernet_fd() : program_.ip_fd();
  attached.attachment = egress::attach(entry, ifindex, attached.name, attached.mode);
  return mode_name(attached.attachment);
}

bool Exporter::is_attached(uint32_t ifindex) {
  std::lock_guard lock(mutex_);
  auto found = attached_.find(ifindex);
  return found != attached_.end() && hangs(found->second.attachment);
}

void Exporter::detach(const std::set<uint32_t>& ifindexes) {
  std::lock_guard lock(mutex_);
  for (uint32_t ifindex : ifindexes)
    if (auto found = attached_.find(ifindex); found != attached_.end())
      found->second.attachment = Attachment();
  auto retired = destinations_.remove(ifindexes);
  for (uint32_t ifindex : ifindexes)
    if (auto node = attached_.extract(ifindex))
      depart(ifindex, node.mapped().slot, node.mapped().name, std::move(retired[ifindex]));
}

void Exporter::depart(uint32_t ifindex, uint32_t slot, const std::string& name,
                      std::vector<Retired> retired) {
  departed_[name] = {read_slot(slot, name), std::move(retired)};
  bpf_map_delete_elem(program_.interface_slots_fd(), &ifindex);
}

void Exporter::forget(const std::string& name) {
  std::lock_guard lock(mutex_);
  departed_.erase(name);
}

void Exporter::detach_all() {
  std::lock_guard lock(mutex_);
  for (auto& [ifindex, attached] : attached_) {
    // The entry stays, for the last read.
    attached.attachment = Attachment();
  }
}

Snapshot Exporter::read() {
  std::lock_guard lock(mutex_);
  Snapshot snapshot;
  snapshot.destinations = destinations_.read();
  // Totals after destinations: what is counted in between never makes a sum exceed its total.
  std::vector<uint32_t> by_slot(EGRESS_INTERFACES_MAX);
  for (const auto& [ifindex, attached] : attached_) {
    by_slot[attached.slot] = static_cast<uint32_t>(snapshot.interfaces.size());
    snapshot.interfaces.push_back({attached.name, read_slot(attached.slot, attached.name), 0});
  }
  for (Destination& destination : snapshot.destinations)
    destination.interface = by_slot.at(destination.interface);

  for (const auto& [name, departed] : departed_) {
    const auto interface = static_cast<uint32_t>(snapshot.interfaces.size());
    snapshot.interfaces.push_back({name, departed.counters, 0});
    for (const Retired& retired : departed.retired)
      snapshot.destinations.push_back(retired.describe(interface));
  }
  for (const Destination& destination : snapshot.destinations)
    snapshot.interfaces[destination.interface].destinations++;
  return snapshot;
}

uint32_t Exporter::free_slot() const {
  std::vector<bool> taken(EGRESS_INTERFACES_MAX);
  for (const auto& [ifindex, attached] : attached_) taken[attached.slot] = true;
  return static_cast<uint32_t>(std::find(taken.begin(), taken.end(), false) - taken.begin());
}

void Exporter::restore(uint32_t ifindex, uint32_t slot, const Departed& departed) {
  auto cpus = one_per_cpu();
  cpus[0] = departed.counters;
  for (Retired retired : departed.retired) {
    retired.record.key.ifindex = ifindex;
    retired.record.slot = slot;
    // Where its place has been taken meanwhile, what it counted overflows now.
    if (!destinations_.insert(retired))
      add(cpus[0].unlisted[EGRESS_OVERFLOW], {retired.record.packets, retired.record.bytes});
  }
  write(program_.interfaces_fd(), "interfaces", &slot, cpus.data());
}

egress_interface Exporter::read_slot(uint32_t slot, const std::string& name) {
  auto cpus = one_per_cpu();
  int error = bpf_map_lookup_elem(program_.interfaces_fd(), &slot, cpus.data());
  if (error != 0) throw Error("read interfaces", name, -error);
  return sum(cpus);
}

}  // namespace egress
