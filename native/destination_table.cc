// SPDX-License-Identifier: Apache-2.0
#include "destination_table.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "error.h"

namespace egress {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kNsPerSecond = 1'000'000'000;

int64_t now_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return now.tv_sec * kNsPerSecond + now.tv_nsec;
}

/// The kernel writes records while they are read: each field is loaded once, whole.
template <typename T>
T load(const T& field, int order = __ATOMIC_RELAXED) {
  return __atomic_load_n(&field, order);
}

/// Waits until every program that could have seen the maps as they were has ended: they run in RCU
/// read-side sections, and this command is synchronize_rcu() (kernel/sched/membarrier.c).
void wait_for_running_programs() {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return;
  // Kernels with nohz_full refuse it. No program runs for a tick, let alone for this long.
  constexpr timespec kGracePeriod{0, 100'000'000};
  nanosleep(&kGracePeriod, nullptr);
}

}  // namespace

DestinationTable::DestinationTable(const Program& program, uint32_t limit)
    : program_(program), limit_(limit), first_seen_(limit) {
  if (!program.destinations_mmapable()) return;
  void* memory = mmap(nullptr, limit * sizeof(egress_destination), PROT_READ, MAP_SHARED,
                      program.destinations_fd(), 0);
  if (memory == MAP_FAILED) throw Error("map destinations", "", errno);
  mapped_ = static_cast<const egress_destination*>(memory);
}

DestinationTable::~DestinationTable() {
  if (mapped_)
    munmap(const_cast<egress_destination*>(mapped_), limit_ * sizeof(egress_destination));
}

std::span<const egress_destination> DestinationTable::records() {
  if (mapped_) return {mapped_, limit_};
  copy_.resize(limit_);
  for (uint32_t id = 0; id < limit_; id++) {
    int error = bpf_map_lookup_elem(program_.destinations_fd(), &id, &copy_[id]);
    if (error != 0) throw Error("read destinations", "", -error);
  }
  return copy_;
}

Destination Retired::describe(uint32_t interface) const {
  return {record.key,     interface,    record.port,  record.protocol,
          record.packets, record.bytes, first_seen_ms};
}

int64_t DestinationTable::first_seen_ms(uint32_t id, uint64_t monotonic_ns) {
  FirstSeen& first = first_seen_[id];
  if (first.monotonic_ns != monotonic_ns) {
    const int64_t age_ns = now_ns(CLOCK_MONOTONIC) - static_cast<int64_t>(monotonic_ns);
    first = {monotonic_ns, (now_ns(CLOCK_REALTIME) - age_ns) / kNsPerMs};
  }
  return first.unix_ms;
}

std::vector<Destination> DestinationTable::read() {
  std::vector<Destination> found;
  auto all = records();
  for (uint32_t id = 0; id < limit_; id++) {
    const egress_destination& record = all[id];
    if (load(record.state, __ATOMIC_ACQUIRE) != EGRESS_LISTED) continue;
    found.push_back({record.key, record.slot, record.port, record.protocol, load(record.packets),
                     load(record.bytes), first_seen_ms(id, record.first_seen_ns)});
  }
  return found;
}

std::map<uint32_t, std::vector<Retired>> DestinationTable::remove(
    const std::set<uint32_t>& ifindexes) {
  wait_for_running_programs();
  std::map<uint32_t, std::vector<Retired>> removed;
  auto all = records();
  for (uint32_t id = 0; id < limit_; id++) {
    if (all[id].state != EGRESS_LISTED || !ifindexes.contains(all[id].key.ifindex)) continue;
    const egress_destination record = all[id];
    int error = bpf_map_delete_elem(program_.destination_ids_fd(), &record.key);
    if (error != 0) throw Error("write map", "destination_ids", -error);
    const egress_destination free{};
    write(program_.destinations_fd(), "destinations", &id, &free);
    write(program_.free_ids_fd(), "free_ids", nullptr, &id);
    removed[record.key.ifindex].push_back({record, first_seen_ms(id, record.first_seen_ns)});
  }
  return removed;
}

bool DestinationTable::insert(const Retired& retired) {
  uint32_t id;
  int error = bpf_map_lookup_and_delete_elem(program_.free_ids_fd(), nullptr, &id);
  if (error == -ENOENT) return false;
  if (error != 0) throw Error("write map", "free_ids", -error);
  write(program_.destinations_fd(), "destinations", &id, &retired.record);
  write(program_.destination_ids_fd(), "destination_ids", &retired.record.key, &id);
  first_seen_[id] = {retired.record.first_seen_ns, retired.first_seen_ms};
  return true;
}

}  // namespace egress
