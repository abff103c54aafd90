// SPDX-License-Identifier: Apache-2.0
#include "destination_table.h"

#include <bpf/bpf.h>
#include <sys/mman.h>

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

}  // namespace

DestinationTable::DestinationTable(int map_fd, uint32_t limit, bool mmapable)
    : map_fd_(map_fd), limit_(limit), first_seen_(limit) {
  if (!mmapable) return;
  void* memory =
      mmap(nullptr, limit * sizeof(egress_destination), PROT_READ, MAP_SHARED, map_fd, 0);
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
    int error = bpf_map_lookup_elem(map_fd_, &id, &copy_[id]);
    if (error != 0) throw Error("read destinations", "", -error);
  }
  return copy_;
}

std::vector<Destination> DestinationTable::read() {
  std::lock_guard lock(mutex_);
  const int64_t epoch_ns = now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC);
  std::vector<Destination> found;
  auto all = records();
  for (size_t id = 0; id < all.size(); id++) {
    const egress_destination& record = all[id];
    if (load(record.state, __ATOMIC_ACQUIRE) != EGRESS_LISTED) continue;
    FirstSeen& first = first_seen_[id];
    if (first.monotonic_ns != record.first_seen_ns)
      first = {record.first_seen_ns,
               (epoch_ns + static_cast<int64_t>(record.first_seen_ns)) / kNsPerMs};
    found.push_back({record.key, record.slot, record.port, record.protocol, load(record.packets),
                     load(record.bytes), first.unix_ms});
  }
  return found;
}

}  // namespace egress
