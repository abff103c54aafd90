// SPDX-License-Identifier: Apache-2.0
#include "records.h"

#include <algorithm>
#include <numeric>

namespace egress {

Records::Records(const Program& program, uint32_t limit) : maps_(program.maps()), limit_(limit) {
  if (program.mmapable()) {
    mapped_.emplace(maps_.destinations, limit);
    senders_.emplace(maps_.first_senders, limit);
  } else {
    copy_.resize(limit);
  }
  for (uint16_t slot = EGRESS_CPU_COUNTS_MAX - 1; slot > 0; slot--) free_cpu_slots_.push_back(slot);
}

std::span<const egress_destination> Records::all() {
  const auto cpus = maps_.ids_taken.at(0);
  const size_t taken =
      std::min<size_t>(std::accumulate(cpus.begin(), cpus.end(), uint64_t{0}), limit_);
  if (mapped_) return mapped_->get().first(taken);
  for (uint32_t id = 0; id < taken; id++) refresh(id);
  return {copy_.data(), taken};
}

void Records::refresh(uint32_t id) {
  if (!mapped_) copy_[id] = maps_.destinations.at(id);
}

egress_counts Records::counts(const egress_destination& record) const {
  egress_counts sum{load(record.packets), load(record.bytes), load(record.tcp_connects)};
  const uint32_t slot = load(record.cpu_slot);
  if (slot == 0) return sum;
  for (const egress_counts& cpu : maps_.cpu_counts.at(slot)) {
    sum.packets += cpu.packets;
    sum.bytes += cpu.bytes;
    sum.tcp_connects += cpu.tcp_connects;
  }
  return sum;
}

void Records::mark_retired(uint32_t id) {
  // Copies are made anew with each read, and programs find none but by the index.
  if (mapped_) store<__u8>(mapped_->get()[id].state, EGRESS_RETIRED);
}

void Records::unindex(uint32_t id, const egress_key& key) const {
  // A record that comes later may have the key by now. Nobody else deletes: this look stays true.
  if (indexed(key) == id) maps_.destination_ids.remove(key);
}

void Records::count_by_cpu(uint32_t id) {
  // A copy could not be written back without losing what is counted meanwhile.
  if (!mapped_ || free_cpu_slots_.empty() || mapped_->get()[id].cpu_slot != 0) return;
  // The slot is empty: so it was left by free_cpu_slot().
  store<__u16>(mapped_->get()[id].cpu_slot, free_cpu_slots_.back());
  free_cpu_slots_.pop_back();
}

void Records::free_cpu_slot(uint32_t id) {
  const uint16_t slot = mapped_ ? mapped_->get()[id].cpu_slot : 0;
  if (slot == 0) return;
  // Before anybody else can get it.
  maps_.cpu_counts.clear(slot);
  free_cpu_slots_.push_back(slot);
}

void Records::find_cpu_slots() {
  std::vector<bool> taken(EGRESS_CPU_COUNTS_MAX);
  for (const egress_destination& record : all()) taken[record.cpu_slot] = true;
  std::erase_if(free_cpu_slots_, [&](uint16_t slot) { return taken[slot]; });
}

}  // namespace egress
