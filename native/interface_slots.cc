// SPDX-License-Identifier: Apache-2.0
#include "interface_slots.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "clock.h"
#include "error.h"
#include "interface_name.h"

namespace egress {
namespace {

/// An interface that begins in a slot goes on with what the slot counts.
constexpr uint64_t kSlotBorn = 1;

void add(egress_counter& sum, const egress_counter& part) {
  sum.packets += part.packets;
  sum.bytes += part.bytes;
}

/// The key of a departed interface's slot and records.
uint32_t departed_ifindex(const egress_slot& slot) { return EGRESS_DEPARTED | slot.slot; }

}  // namespace

InterfaceSlots::InterfaceSlots(const Program& program, Retirement& retirement)
    : maps_(program.maps()),
      retirement_(retirement),
      meter_(EGRESS_INTERFACES_MAX, monotonic_ns()) {}

std::string InterfaceSlots::name_of(const egress_slot& slot) { return show_name(slot.name); }

std::map<uint32_t, egress_slot> InterfaceSlots::read_all(const Map<uint32_t, egress_slot>& map) {
  std::map<uint32_t, egress_slot> slots;
  map.for_each([&](uint32_t ifindex, const egress_slot& slot) { slots[ifindex] = slot; });
  return slots;
}

void InterfaceSlots::adopt() {
  const auto slots = read_all(maps_.interface_slots);
  for (const auto& [ifindex, slot] : slots) {
    const auto departed = slots.find(departed_ifindex(slot));
    if (ifindex & EGRESS_DEPARTED) {
      departed_[name_of(slot)] = slot;
    } else if (departed != slots.end()) {
      // A slot of two is one that was moving when the process was killed; the program is attached
      // to neither.
      rename_slot(ifindex, departed->first, departed->second);
    } else {
      present_.emplace(ifindex, slot);
    }
  }
}

const egress_slot* InterfaceSlots::find(uint32_t ifindex) const {
  const auto found = present_.find(ifindex);
  return found == present_.end() ? nullptr : &found->second;
}

std::vector<std::string> InterfaceSlots::names() const {
  std::vector<std::string> names(EGRESS_INTERFACES_MAX);
  for_each([&](const egress_slot& slot) { names[slot.slot] = name_of(slot); });
  return names;
}

void InterfaceSlots::arrive(uint32_t ifindex, const std::string& name) {
  egress_slot slot{};
  if (const auto departed = departed_.extract(name)) {
    slot = departed.mapped();
    slot.departed_ns = 0;
    rename_slot(departed_ifindex(slot), ifindex, slot);
  } else {
    const std::string raw = raw_name(name);
    if (raw.size() >= sizeof(slot.name)) throw Error("attach", name, ENAMETOOLONG);
    slot.slot = take_free();
    raw.copy(slot.name, raw.size());
    maps_.interfaces.clear(slot.slot);
    retirement_.retired_counts(slot.slot) = {};
    maps_.interface_slots.update(ifindex, slot);
  }
  present_[ifindex] = slot;
}

void InterfaceSlots::set_flags(uint32_t ifindex, uint32_t flags) {
  egress_slot slot = present_.at(ifindex);
  if (slot.flags == flags) return;
  slot.flags = flags;
  maps_.interface_slots.update(ifindex, slot);
  present_[ifindex] = slot;
}

void InterfaceSlots::depart(uint32_t ifindex) {
  egress_slot slot = present_.at(ifindex);
  slot.departed_ns = boot_time_ns();
  slot.flags = 0;
  // An earlier interface of this name, which departed under it.
  if (const auto same = departed_.find(name_of(slot)); same != departed_.end()) forget(same);
  rename_slot(ifindex, departed_ifindex(slot), slot);
  present_.erase(ifindex);
  departed_[name_of(slot)] = slot;
}

void InterfaceSlots::give_up(uint32_t ifindex) {
  // What it counted before goes on to be shown.
  if (counters(present_.at(ifindex)).total.packets > 0) return depart(ifindex);
  maps_.interface_slots.remove(ifindex);
  present_.erase(ifindex);
}

void InterfaceSlots::rename_slot(uint32_t from, uint32_t to, const egress_slot& slot) {
  // In this order; adopt() ends what a killed process left between two of them.
  maps_.interface_slots.update(to, slot);
  retirement_.rekey(from, to);
  maps_.interface_slots.remove(from);
}

void InterfaceSlots::forget(Departed::iterator departed) {
  const egress_slot slot = departed->second;
  retirement_.remove(departed_ifindex(slot));
  maps_.interface_slots.remove(departed_ifindex(slot));
  listed_before_ += counters(slot).new_destinations;
  departed_.erase(departed);
}

std::vector<std::string> InterfaceSlots::forget_departed(uint64_t after_ms) {
  std::vector<std::string> forgotten;
  const uint64_t now_ns = boot_time_ns();
  for (auto it = departed_.begin(); it != departed_.end();) {
    const auto departed = it++;
    if (now_ns - departed->second.departed_ns < after_ms * kNsPerMs) continue;
    forgotten.push_back(departed->first);
    forget(departed);
  }
  return forgotten;
}

uint32_t InterfaceSlots::take_free() {
  std::vector<bool> taken(EGRESS_INTERFACES_MAX);
  for_each([&](const egress_slot& slot) { taken[slot.slot] = true; });
  const auto free = std::find(taken.begin(), taken.end(), false);
  if (free != taken.end()) return static_cast<uint32_t>(free - taken.begin());
  // Those that left longest ago make room.
  const auto oldest = std::min_element(departed_.begin(), departed_.end(), [](auto& a, auto& b) {
    return a.second.departed_ns < b.second.departed_ns;
  });
  if (oldest == departed_.end()) throw Error("attach", "", ENOSPC);
  const uint32_t slot = oldest->second.slot;
  forget(oldest);
  return slot;
}

InterfaceCounters InterfaceSlots::counters(const egress_slot& slot) const {
  InterfaceCounters sum{};
  for (const egress_interface& cpu : maps_.interfaces.at(slot.slot)) {
    add(sum.total, cpu.total);
    for (int reason = 0; reason < EGRESS_PROGRAM_REASONS; reason++)
      add(sum.unlisted[reason], cpu.unlisted[reason]);
    sum.new_destinations += cpu.new_destinations;
  }
  const egress_retired_counts& retired = retirement_.retired_counts(slot.slot);
  for (int reason = 0; reason < EGRESS_UNLISTED_REASONS; reason++)
    add(sum.unlisted[reason], retired.unlisted[reason]);
  return sum;
}

uint64_t InterfaceSlots::listed_ever() const {
  uint64_t listed = listed_before_;
  for_each([&](const egress_slot& slot) { listed += counters(slot).new_destinations; });
  return listed;
}

uint64_t InterfaceSlots::measure() {
  uint64_t overflow_packets = 0;
  meter_.begin(monotonic_ns());
  for_each([&](const egress_slot& slot) {
    const InterfaceCounters counted = counters(slot);
    meter_.look(slot.slot, kSlotBorn, counted.total);
    overflow_packets += counted.unlisted[EGRESS_OVERFLOW].packets;
  });
  return overflow_packets;
}

Rate InterfaceSlots::rate(const egress_slot& slot) const {
  return meter_.rate(slot.slot, kSlotBorn);
}

}  // namespace egress
