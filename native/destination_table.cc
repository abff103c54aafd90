// SPDX-License-Identifier: Apache-2.0
#include "destination_table.h"

#include <algorithm>
#include <numeric>

#include "clock.h"
#include "field.h"
#include "grace_period.h"
#include "zero_first.h"

namespace egress {
namespace {

/// Sharing a cache line costs some 50 ns a packet: below this, less than 0.1 % of a processor.
constexpr float kBusyPacketsPerSecond = 10'000;

}  // namespace

DestinationTable::DestinationTable(const Program& program, uint32_t limit)
    : program_(program),
      limit_(limit),
      notes_(program.mmapable(), program.maps().notes, limit),
      known_(limit),
      reported_(limit),
      meter_(limit, monotonic_ns()),
      moved_(program.mmapable(), program.maps().moved, EGRESS_INTERFACES_MAX),
      pending_move_(program.mmapable(), program.maps().pending_move, 1) {
  if (program.mmapable())
    mapped_.emplace(program.maps().destinations, limit);
  else
    copy_.resize(limit);
  for (uint16_t place = EGRESS_CPU_COUNTS_MAX - 1; place > 0; place--)
    free_cpu_counts_.push_back(place);
}

egress_counts DestinationTable::counts(const egress_destination& record) {
  egress_counts sum{load(record.packets), load(record.bytes), load(record.tcp_connects)};
  const uint32_t place = load(record.cpu_counts);
  if (place == 0) return sum;
  for (const egress_counts& cpu : program_.maps().cpu_counts.at(place)) {
    sum.packets += cpu.packets;
    sum.bytes += cpu.bytes;
    sum.tcp_connects += cpu.tcp_connects;
  }
  return sum;
}

void DestinationTable::count_by_cpu(uint32_t id) {
  // A copy could not be written back without losing what is counted meanwhile.
  if (!mapped_ || free_cpu_counts_.empty() || mapped_->get()[id].cpu_counts != 0) return;
  // The place is empty: so it was left by clear().
  store<__u16>(mapped_->get()[id].cpu_counts, free_cpu_counts_.back());
  free_cpu_counts_.pop_back();
}

std::span<const egress_destination> DestinationTable::records() {
  const auto cpus = program_.maps().ids_taken.at(0);
  const size_t taken =
      std::min<size_t>(std::accumulate(cpus.begin(), cpus.end(), uint64_t{0}), limit_);
  if (mapped_) return mapped_->get().first(taken);
  for (uint32_t id = 0; id < taken; id++) copy_[id] = program_.maps().destinations.at(id);
  return {copy_.data(), taken};
}

bool DestinationTable::known(uint32_t id, const egress_destination& record) const {
  return known_[id] == record.first_seen_ns;
}

void DestinationTable::know(uint32_t id, uint64_t first_seen_ns, int64_t first_seen_ms) {
  if (id >= limit_) return;
  egress_note& note = notes_[id];
  note.first_seen_unix_ms = first_seen_ms;
  if (note.first_seen_ns != first_seen_ns) {
    // What it has now is no activity of later; the record of another has all to come.
    const egress_destination& record = this->record(id);
    const bool same = record.first_seen_ns == first_seen_ns;
    note.packets = same ? static_cast<uint32_t>(counts(record).packets) : 0;
    note.zero_since_ms = EGRESS_UNSEEN;
    note.active_ns = boot_time_ns();
    store<__u64>(note.first_seen_ns, first_seen_ns);
  }
  reported_[id] = 0;
  // If the record is another's by now, this is not its first packet.
  known_[id] = first_seen_ns;
}

Destination DestinationTable::describe(uint32_t id) {
  const egress_destination& record = this->record(id);
  const egress_note& note = notes_[id];
  const egress_counts counted = counts(record);
  int64_t first_seen_ms = note.first_seen_unix_ms;
  if (note.first_seen_ns != record.first_seen_ns) {
    const auto age_ns = static_cast<int64_t>(monotonic_ns() - record.first_seen_ns);
    first_seen_ms = (unix_time_ns() - age_ns) / kNsPerMs;
  }
  return {
      record.key,      record.slot,   record.port,          record.protocol,      false,
      counted.packets, counted.bytes, counted.tcp_connects, record.first_seen_ns, first_seen_ms};
}

int64_t DestinationTable::idle_ms(uint32_t id) {
  return static_cast<int64_t>(boot_time_ns() - notes_[id].active_ns) / kNsPerMs;
}

template <typename Each>
void DestinationTable::for_each_known(Each each) {
  auto all = records();
  for (uint32_t id = 0; id < all.size(); id++)
    if (load(all[id].state, __ATOMIC_ACQUIRE) == EGRESS_LISTED && known(id, all[id])) each(id);
}

void DestinationTable::read(std::vector<Destination>& found, uint64_t read_ns,
                            std::optional<uint64_t> zero_for_ns) {
  found.clear();
  found.reserve(limit_);  // what is not used takes no memory
  for_each_known([&](uint32_t id) {
    found.push_back(describe(id));
    if (zero_for_ns)
      found.back().withheld =
          is_withheld(notes_[id], found.back().first_seen_ns, read_ns, *zero_for_ns);
  });
}

DestinationTable::Walk DestinationTable::find_unknown(size_t most) {
  auto all = records();
  Walk walk{{}, 0, all.size()};
  // Once around, from where the last look ended.
  for (; walk.looked < all.size() && walk.found.size() < most; walk.looked++) {
    const uint32_t id = unknown_from_ < all.size() ? unknown_from_ : 0;
    unknown_from_ = id + 1;
    if (load(all[id].state, __ATOMIC_ACQUIRE) == EGRESS_LISTED && !known(id, all[id]))
      walk.found.push_back(id);
  }
  return walk;
}

std::vector<uint32_t> DestinationTable::find_known() {
  std::vector<uint32_t> found;
  for_each_known([&](uint32_t id) { found.push_back(id); });
  return found;
}

std::vector<uint32_t> DestinationTable::find_active(uint32_t& from, size_t most) {
  std::vector<uint32_t> found;
  auto all = records();
  for (; from < all.size() && found.size() < most; from++) {
    const egress_destination& record = all[from];
    if (load(record.state, __ATOMIC_ACQUIRE) != EGRESS_LISTED || !known(from, record)) continue;
    const uint64_t packets = counts(record).packets;
    if (packets == reported_[from]) continue;
    reported_[from] = packets;
    found.push_back(from);
  }
  return found;
}

template <typename Change>
void DestinationTable::change(uint32_t id, Change change) {
  if (mapped_) return change(mapped_->get()[id]);
  change(copy_[id]);
  program_.maps().destinations.update(id, copy_[id]);
}

void DestinationTable::index(uint32_t id, const egress_key& key) {
  program_.maps().destination_ids.update(key, id);
}

std::optional<uint32_t> DestinationTable::indexed(const egress_key& key) const {
  return program_.maps().destination_ids.lookup(key);
}

void DestinationTable::unindex(uint32_t id, const egress_key& key) {
  // A record that comes later may have the key by now. Nobody else deletes: this look stays true.
  if (indexed(key) != id) return;
  program_.maps().destination_ids.remove(key);
}

void DestinationTable::move(uint32_t from, uint32_t to) {
  auto all = records();
  for (uint32_t id = 0; id < all.size(); id++) {
    if (all[id].state != EGRESS_LISTED || all[id].key.ifindex != from) continue;
    const egress_key old = all[id].key;
    change(id, [to](egress_destination& record) { store(record.key.ifindex, to); });
    index(id, all[id].key);
    unindex(id, old);
  }
}

void DestinationTable::remove(uint32_t ifindex) {
  auto all = records();
  for (uint32_t id = 0; id < all.size(); id++) {
    if (all[id].state != EGRESS_LISTED || all[id].key.ifindex != ifindex) continue;
    change(id, [](egress_destination& record) { store<__u8>(record.state, EGRESS_RETIRED); });
    unindex(id, all[id].key);
    clear(id);
    release(id);
  }
}

std::vector<Destination> DestinationTable::retire(const std::vector<uint32_t>& ids,
                                                  egress_unlisted reason) {
  std::vector<Destination> retired;
  if (ids.empty()) return retired;
  for (uint32_t id : ids) {
    // Alone: a program may count on it. Copies are made anew with each read.
    if (mapped_) store<__u8>(mapped_->get()[id].state, EGRESS_RETIRED);
    unindex(id, record(id).key);
  }
  wait_for_running_programs();
  for (uint32_t id : ids) {
    if (!mapped_) copy_[id] = program_.maps().destinations.at(id);
    retired.push_back(describe(id));
    move_counts(id, reason);
    release(id);
  }
  return retired;
}

void DestinationTable::move_counts(uint32_t id, egress_unlisted reason) {
  const egress_destination& record = this->record(id);
  const egress_counter& before = moved_[record.slot].unlisted[reason];
  egress_move& move = pending_move_[0];
  move.id = id;
  move.slot = record.slot;
  move.reason = reason;
  const egress_counts counted = counts(record);
  move.sum = {before.packets + counted.packets, before.bytes + counted.bytes};
  store<__u64>(move.pending, 1);
  end_pending_move();
}

void DestinationTable::end_pending_move() {
  egress_move& move = pending_move_[0];
  egress_counter& counter = moved_[move.slot].unlisted[move.reason];
  store(counter.packets, move.sum.packets);
  store(counter.bytes, move.sum.bytes);
  clear(move.id);
  store<__u64>(move.pending, 0);
}

void DestinationTable::clear(uint32_t id) {
  const uint32_t place = mapped_ ? mapped_->get()[id].cpu_counts : 0;
  if (place != 0) {
    // Before anybody else can get it.
    program_.maps().cpu_counts.clear(place);
    free_cpu_counts_.push_back(static_cast<uint16_t>(place));
  }
  change(id, [](egress_destination& record) {
    store<__u16>(record.cpu_counts, 0);
    store<__u64>(record.packets, 0);
    store<__u64>(record.bytes, 0);
    store<__u64>(record.tcp_connects, 0);
    // The last word before release(). Killed in between, a process loses the record, which is
    // better than that two keys get it.
    store<__u8>(record.state, EGRESS_RETURNED);
  });
}

void DestinationTable::release(uint32_t id) { program_.maps().free_ids.push(id); }

std::vector<uint32_t> DestinationTable::find(
    const std::function<bool(const egress_destination&)>& picks) {
  std::vector<uint32_t> found;
  auto all = records();
  for (uint32_t id = 0; id < all.size(); id++)
    if (load(all[id].state, __ATOMIC_ACQUIRE) == EGRESS_LISTED && picks(all[id]))
      found.push_back(id);
  return found;
}

DestinationTable::Idle DestinationTable::find_idle(uint64_t timeout_ns, uint32_t wanted) {
  Idle idle{};
  std::vector<uint32_t> quiet;  // since the last look at least
  const uint64_t now = boot_time_ns();
  auto all = records();
  meter_.begin(monotonic_ns());
  for (uint32_t id = 0; id < all.size(); id++) {
    if (load(all[id].state, __ATOMIC_ACQUIRE) != EGRESS_LISTED) continue;
    egress_note& note = notes_[id];
    const egress_counts counted = counts(all[id]);
    const uint64_t packets = counted.packets;
    meter_.look(id, all[id].first_seen_ns, {packets, counted.bytes});
    if (meter_.rate(id, all[id].first_seen_ns).packets >= kBusyPacketsPerSecond) count_by_cpu(id);
    if (!known(id, all[id])) {
      idle.listed++;
      continue;
    }
    if (note.packets != static_cast<uint32_t>(packets)) {
      note.packets = static_cast<uint32_t>(packets);
      note.active_ns = now;
    } else if (timeout_ns != 0 && now - note.active_ns >= timeout_ns) {
      idle.expired.push_back(id);
      continue;
    } else {
      quiet.push_back(id);
    }
    idle.listed++;
  }
  if (idle.listed > wanted) {
    const size_t evicted = std::min<size_t>(idle.listed - wanted, quiet.size());
    const auto end = quiet.begin() + static_cast<std::ptrdiff_t>(evicted);
    std::nth_element(quiet.begin(), end, quiet.end(), [this](uint32_t a, uint32_t b) {
      return notes_[a].active_ns < notes_[b].active_ns;
    });
    idle.evicted.assign(quiet.begin(), end);
    idle.listed -= static_cast<uint32_t>(evicted);
  }
  return idle;
}

}  // namespace egress
