// SPDX-License-Identifier: Apache-2.0
#include "service_slots.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "grace_period.h"
#include "rtnetlink.h"

namespace egress {

ServiceSlots::ServiceSlots(Program& program, Records& records)
    : program_(program),
      maps_(program.maps()),
      records_(records),
      limit_(program.services_limit()) {
  if (!enabled()) {
    names_.resize(1);  // of records, which have none
    return;
  }
  if (program.mmapable()) senders_.emplace(maps_.service_senders, end());
  names_.resize(end());
  for (const auto& [slot, name] :
       {std::pair(EGRESS_SERVICE_UNKNOWN, "unknown"), std::pair(EGRESS_SERVICE_KERNEL, "kernel"),
        std::pair(EGRESS_SERVICE_OTHER, "other")})
    set_name(slot, 0, ServiceLabels({name, name, {}, {}, {}, {}}));
  adopt();
}

/// Names that an earlier process gave.
void ServiceSlots::adopt() {
  maps_.service_slots.for_each([this](uint64_t sender, uint32_t slot) {
    if (this->sender(slot) != sender) aliases_++;
  });
  maps_.service_names.for_each([this](uint32_t slot, const egress_service_name& name) {
    if (slot >= end() || name.sender != sender(slot)) return;
    set_name(slot, name.sender, {std::string(name.labels), name.length});
  });
}

uint64_t ServiceSlots::sender(uint32_t slot) const {
  return senders_ ? __atomic_load_n(&senders_->get()[slot], __ATOMIC_ACQUIRE)
                  : maps_.service_senders.at(slot);
}

void ServiceSlots::set_sender(uint32_t slot, uint64_t sender) {
  if (senders_)
    __atomic_store_n(&senders_->get()[slot], sender, __ATOMIC_RELEASE);
  else
    maps_.service_senders.update(slot, sender);
}

void ServiceSlots::put_in_force() {
  program_.forget_senders();
  wait_for_running_programs();
}

const ServiceLabels* ServiceSlots::labels(uint32_t slot) const {
  const ServiceLabels& labels = names_.at(slot).labels;
  return labels.text.empty() && enabled() ? nullptr : &labels;
}

void ServiceSlots::set_name(uint32_t slot, uint64_t sender, ServiceLabels labels) {
  slot_of_.emplace(labels.service(), slot);
  names_[slot] = {sender, std::move(labels)};
}

std::vector<UnnamedSender> ServiceSlots::find_unnamed() const {
  std::vector<UnnamedSender> unnamed;
  for (uint32_t slot = EGRESS_SERVICES_FIXED; slot < end(); slot++) {
    const uint64_t sender = this->sender(slot);
    if (sender == 0 || names_[slot].sender == sender) continue;
    std::string ingress;
    if (sender & EGRESS_SENDER_INGRESS)
      ingress = rtnetlink::interface_name(static_cast<uint32_t>(sender));
    unnamed.push_back({slot, sender, std::move(ingress)});
  }
  return unnamed;
}

void ServiceSlots::name(const std::vector<NamedSender>& named, bool alone,
                        const std::function<void(uint32_t id)>& merged) {
  std::vector<Fold> folds;
  for (const auto& [slot, sender, service] : named) {
    if (slot < EGRESS_SERVICES_FIXED || slot >= end() || this->sender(slot) != sender ||
        names_[slot].sender == sender)
      continue;
    ServiceLabels labels(service);
    if (const auto same = slot_of_.find(labels.service()); same != slot_of_.end()) {
      if (alone) folds.push_back({slot, sender, same->second});
      continue;
    }
    // Another CPU may have been first to give the sender a slot; this one goes back, then.
    if (maps_.service_slots.lookup(sender) != slot) continue;
    egress_service_name note{};
    note.sender = sender;
    note.length = static_cast<uint32_t>(labels.service_size);
    if (labels.text.size() < sizeof(note.labels)) {
      labels.text.copy(note.labels, labels.text.size());
      maps_.service_names.update(slot, note);
    }
    set_name(slot, sender, std::move(labels));
  }
  if (!folds.empty()) fold(folds, merged);
}

void ServiceSlots::fold(const std::vector<Fold>& folds,
                        const std::function<void(uint32_t id)>& merged) {
  for (const auto& [slot, sender, to] : folds) maps_.service_slots.update(sender, to);
  aliases_ += static_cast<uint32_t>(folds.size());
  put_in_force();
  std::map<uint32_t, std::vector<uint32_t>> ids;
  for (const Fold& fold : folds) ids[fold.slot];
  auto all = records_.all();
  for (uint32_t id = 0; id < all.size(); id++)
    if (const auto found = ids.find(all[id].key.service);
        found != ids.end() && Records::is_listed(all[id]))
      found->second.push_back(id);
  for (const auto& [slot, sender, to] : folds) {
    // The program has taken it back by now, if it does: the sender had another slot.
    if (this->sender(slot) != sender) continue;
    bool folded = true;
    for (const uint32_t id : ids[slot]) {
      const egress_folded done = program_.fold(id, slot, to);
      if (done == EGRESS_FOLD_REFUSED) folded = false;
      records_.refresh(id);
      if (done == EGRESS_FOLD_MERGED && merged) merged(id);
    }
    if (folded) free(slot);
  }
}

/// A process that is killed in here loses a slot, until the pins go; that two senders get one would
/// be worse.
void ServiceSlots::free(uint32_t slot) {
  Name& name = names_[slot];
  if (!name.labels.text.empty()) {
    slot_of_.erase(std::string(name.labels.service()));
    maps_.service_names.remove(slot);
    name = {};
  }
  set_sender(slot, 0);
  maps_.free_services.push(slot);
}

uint32_t ServiceSlots::count_taken() const {
  uint32_t taken = 0;
  for (uint32_t slot = EGRESS_SERVICES_FIXED; slot < end(); slot++) taken += sender(slot) != 0;
  return taken;
}

std::vector<bool> ServiceSlots::find_used() {
  std::vector<bool> used(end());
  for (const egress_destination& record : records_.all())
    if (Records::is_listed(record)) used.at(record.key.service) = true;
  return used;
}

std::vector<uint32_t> ServiceSlots::find_crowding(const std::vector<Activity>& by_slot) const {
  if (!enabled()) return {};
  const uint32_t taken = count_taken();
  if (taken <= wanted()) return {};
  std::vector<uint32_t> quiet;
  uint32_t unused = 0;  // these go anyway
  for (uint32_t slot = EGRESS_SERVICES_FIXED; slot < end(); slot++) {
    if (sender(slot) == 0) continue;
    if (by_slot[slot].active_ns == 0)
      unused++;
    else if (by_slot[slot].quiet)
      quiet.push_back(slot);
  }
  std::ranges::sort(quiet, {}, [&](uint32_t slot) { return by_slot[slot].active_ns; });
  const uint32_t crowding = taken - wanted();
  quiet.resize(std::min<size_t>(quiet.size(), crowding > unused ? crowding - unused : 0));
  return quiet;
}

void ServiceSlots::make_room() {
  if (!enabled()) return;
  const bool few_free = count_taken() > wanted();
  // Who still sends gets a slot again, and its name with the next look.
  const bool many_aliases = aliases_ > (EGRESS_SENDERS_PER_SERVICE - 2) * limit_;
  if (!few_free && !many_aliases) return;
  std::vector<bool> leaves(end());
  if (few_free) {
    const auto used = find_used();
    for (uint32_t slot = EGRESS_SERVICES_FIXED; slot < end(); slot++)
      leaves[slot] = !used[slot] && labels(slot) && sender(slot) != 0;
    if (!many_aliases && std::ranges::find(leaves, true) == leaves.end()) return;
  }
  std::vector<uint64_t> senders;
  maps_.service_slots.for_each([&](uint64_t sender, uint32_t slot) {
    if (leaves.at(slot) || (many_aliases && this->sender(slot) != sender))
      senders.push_back(sender);
  });
  for (const uint64_t sender : senders) maps_.service_slots.remove(sender);
  if (many_aliases) aliases_ = 0;
  put_in_force();
  // A record that came meanwhile keeps its slot; its sender gets another one, which is folded.
  const auto used = find_used();
  for (uint32_t slot = EGRESS_SERVICES_FIXED; slot < end(); slot++)
    if (leaves[slot] && !used[slot]) free(slot);
}

}  // namespace egress
