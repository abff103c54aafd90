// SPDX-License-Identifier: Apache-2.0
#include "destination_table.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
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

/// Kept in order with what comes before: a killed process has made all stores up to some point.
template <typename T>
void store(T& field, T value) {
  __atomic_store_n(&field, value, __ATOMIC_RELEASE);
}

bool same(const egress_key& a, const egress_key& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }

}  // namespace

/// Programs run in RCU read-side sections, and this command is synchronize_rcu()
/// (kernel/sched/membarrier.c).
void wait_for_running_programs() {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return;
  // Kernels with nohz_full refuse it. No program runs for a tick, let alone for this long.
  constexpr timespec kGracePeriod{0, 100'000'000};
  nanosleep(&kGracePeriod, nullptr);
}

DestinationTable::DestinationTable(const Program& program, uint32_t limit)
    : program_(program), limit_(limit) {
  if (program.destinations_mmapable()) {
    mapped_.emplace(program.destinations_fd(), "destinations", limit);
    mapped_first_seen_.emplace(program.first_seen_fd(), "first_seen", limit);
  } else {
    copy_.resize(limit);
    first_seen_.resize(limit);
  }
}

std::span<const egress_destination> DestinationTable::records() {
  if (mapped_) return mapped_->get();
  for (uint32_t id = 0; id < limit_; id++) {
    int error = bpf_map_lookup_elem(program_.destinations_fd(), &id, &copy_[id]);
    if (error != 0) throw Error("read map", "destinations", -error);
  }
  return copy_;
}

int64_t DestinationTable::first_seen_ms(uint32_t id, uint64_t monotonic_ns) {
  egress_first_seen& first = mapped_first_seen_ ? mapped_first_seen_->get()[id] : first_seen_[id];
  if (first.monotonic_ns != monotonic_ns) {
    const int64_t age_ns = now_ns(CLOCK_MONOTONIC) - static_cast<int64_t>(monotonic_ns);
    first.unix_ms = (now_ns(CLOCK_REALTIME) - age_ns) / kNsPerMs;
    store<__u64>(first.monotonic_ns, monotonic_ns);
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

template <typename Change>
void DestinationTable::change(uint32_t id, Change change) {
  if (mapped_) return change(mapped_->get()[id]);
  change(copy_[id]);
  write(program_.destinations_fd(), "destinations", &id, &copy_[id]);
}

void DestinationTable::index(uint32_t id, const egress_key& key) {
  write(program_.destination_ids_fd(), "destination_ids", &key, &id);
}

void DestinationTable::unindex(const egress_key& key) {
  int error = bpf_map_delete_elem(program_.destination_ids_fd(), &key);
  if (error != 0 && error != -ENOENT) throw Error("write map", "destination_ids", -error);
}

void DestinationTable::move(uint32_t from, uint32_t to) {
  auto all = records();
  for (uint32_t id = 0; id < limit_; id++) {
    if (all[id].state != EGRESS_LISTED || all[id].key.ifindex != from) continue;
    const egress_key old = all[id].key;
    change(id, [to](egress_destination& record) { store(record.key.ifindex, to); });
    index(id, all[id].key);
    unindex(old);
  }
}

void DestinationTable::remove(uint32_t ifindex) {
  auto all = records();
  for (uint32_t id = 0; id < limit_; id++) {
    if (all[id].state != EGRESS_LISTED || all[id].key.ifindex != ifindex) continue;
    change(id, [](egress_destination& record) { store<__u8>(record.state, EGRESS_RETIRED); });
    take_out(id);
  }
}

void DestinationTable::take_out(uint32_t id) {
  unindex(mapped_ ? mapped_->get()[id].key : copy_[id].key);
  change(id, [](egress_destination& record) {
    store<__u64>(record.packets, 0);
    store<__u64>(record.bytes, 0);
    // The last word before the push. Killed in between, a process loses the record, which
    // is better than that two keys get it.
    store<__u8>(record.state, EGRESS_RETURNED);
  });
  write(program_.free_ids_fd(), "free_ids", nullptr, &id);
}

void DestinationTable::repair() {
  auto all = records();
  // Keys that lead to a record of another key: it was moving. The program writes the record first.
  std::vector<egress_key> stale;
  egress_key key{};
  const egress_key* previous = nullptr;
  while (bpf_map_get_next_key(program_.destination_ids_fd(), previous, &key) == 0) {
    uint32_t id;
    if (bpf_map_lookup_elem(program_.destination_ids_fd(), &key, &id) == 0 && id < limit_ &&
        !same(all[id].key, key))
      stale.push_back(key);
    previous = &key;
  }
  for (const egress_key& old : stale) unindex(old);
  for (uint32_t id = 0; id < limit_; id++) {
    if (all[id].state == EGRESS_RETIRED) take_out(id);
    uint32_t found;
    if (all[id].state == EGRESS_LISTED &&
        bpf_map_lookup_elem(program_.destination_ids_fd(), &all[id].key, &found) != 0)
      index(id, all[id].key);
  }
}

}  // namespace egress
