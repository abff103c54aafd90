// SPDX-License-Identifier: Apache-2.0
#include "exporter.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "clock.h"
#include "error.h"
#include "grace_period.h"
#include "privileges.h"

namespace egress {

Exporter::Exporter(const ExporterOptions& options)
    : pins_(options.pin_path.empty() ? std::nullopt : std::optional<PinFolder>(options.pin_path)),
      program_(options.program, pins_ ? &*pins_ : nullptr),
      limit_(options.program.destinations_limit),
      destinations_(program_, limit_),
      slots_(program_, destinations_.retirement()),
      discovery_(destinations_, slots_),
      attachments_(program_, pins_ ? &*pins_ : nullptr) {
  if (!pins_) return;
  for (const auto& version : pins_->replaced())
    replaced_.push_back("they are of another version, " + version);
  if (!program_.replaced().empty()) replaced_.push_back(program_.replaced());
  pins_->require_own_network_namespace();
  if (!program_.adopted()) return;
  destinations_.retirement().repair();
  slots_.adopt();
  retire_excluded();
}

void Exporter::remove_pins(const std::string& path) {
  const PinFolder pins(path);
  if (const Fd slots = pins.get("interface_slots"))
    for (const auto& [ifindex, slot] : InterfaceSlots::read_all({slots.get(), "interface_slots"}))
      Attachments::remove_left_filter(ifindex, slot.flags);
  pins.remove_all();
}

std::vector<Exporter::Adopted> Exporter::adopted() {
  std::lock_guard lock(table_);
  std::vector<Adopted> found;
  for (const auto& [ifindex, slot] : slots_.present())
    if (!attachments_.has(ifindex)) found.push_back({ifindex, InterfaceSlots::name_of(slot)});
  return found;
}

Mode Exporter::attach(uint32_t ifindex, const std::string& name, bool link_header, Mode mode,
                      uint32_t replaced) {
  std::lock_guard lock(table_);
  mode = resolve(mode);
  const auto attach = [&] {
    const uint32_t flags = slots_.find(ifindex)->flags;
    slots_.set_flags(ifindex,
                     attachments_.attach(ifindex, name, link_header, mode, flags, replaced));
  };
  if (const egress_slot* slot = slots_.find(ifindex);
      slot && InterfaceSlots::name_of(*slot) == name && !attachments_.info(ifindex)) {
    attach();
    return mode;
  }
  std::set<uint32_t> stale;  // of an earlier run: renamed, or replaced by another of its name
  for (const auto& [other, slot] : slots_.present()) {
    if (other != ifindex && InterfaceSlots::name_of(slot) != name) continue;
    if (attachments_.has(other)) throw Error("attach", name, EEXIST);
    stale.insert(other);
  }
  if (!stale.empty()) detach_locked(stale);
  // The slot first: the program leaves packets of an unknown interface uncounted.
  slots_.arrive(ifindex, name);
  try {
    attach();
  } catch (const Error&) {
    slots_.give_up(ifindex);
    throw;
  }
  return mode;
}

std::vector<std::optional<AttachmentInfo>> Exporter::attachment_info(
    const std::vector<uint32_t>& ifindexes) {
  std::vector<std::optional<AttachmentInfo>> all;
  for (uint32_t ifindex : ifindexes) all.push_back(attachments_.info(ifindex));
  return all;
}

void Exporter::detach(const std::set<uint32_t>& ifindexes) {
  std::lock_guard lock(table_);
  detach_locked(ifindexes);
}

void Exporter::detach_locked(const std::set<uint32_t>& ifindexes) {
  std::vector<uint32_t> departing;
  for (uint32_t ifindex : ifindexes) {
    const egress_slot* slot = slots_.find(ifindex);
    if (!slot) continue;
    attachments_.detach(ifindex, slot->flags);
    departing.push_back(ifindex);
  }
  wait_for_running_programs();
  for (uint32_t ifindex : departing) slots_.depart(ifindex);
}

std::vector<std::string> Exporter::forget_departed(uint64_t after_ms) {
  std::lock_guard lock(table_);
  return slots_.forget_departed(after_ms);
}

std::vector<std::string> Exporter::drop_capabilities() {
  return egress::drop_capabilities(program_.maps().interfaces.fd());
}

void Exporter::enable_statistics() {
  statistics_ = Fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!statistics_) throw Error("enable statistics", "", errno);
}

void Exporter::close() {
  // Without pinned maps, what is attached would count for nobody. Slots stay, for the last read.
  attachments_.close(pins_ && maps_pinned_);
}

KeptPins Exporter::keep_pins() {
  std::lock_guard lock(pinning_);
  if (!pins_) return {};
  KeptPins kept = pins_->keep_maps(program_.pinned_maps());
  maps_pinned_ = kept.lost.empty();
  // A link without its maps would count for nobody.
  if (maps_pinned_)
    attachments_.for_each_link([&](const std::string& pin, int fd) { pins_->keep(pin, fd, kept); });
  return kept;
}

SweepResult Exporter::sweep(uint64_t idle_timeout_ms, bool report_retired) {
  std::lock_guard lock(table_);
  // At least one makes room, in a table of any size.
  const uint32_t wanted = limit_ - (limit_ + 9) / 10;
  auto idle = destinations_.find_idle(idle_timeout_ms * uint64_t{kNsPerMs}, wanted);
  program_.resize_lookup_cache(idle.listed);
  SweepResult result{idle.listed, idle.expired.size(), idle.evicted.size(), 0};
  idle.expired.insert(idle.expired.end(), idle.evicted.begin(), idle.evicted.end());
  const auto names = slots_.names();
  auto siblings = idle.expired.empty() ? Siblings{} : destinations_.siblings();
  destinations_.retirement().retire(idle.expired, EGRESS_EXPIRED, [&](uint32_t id) {
    if (report_retired) discovery_.report_retired(id, siblings, names);
  });
  if (is_alone()) destinations_.services().make_room();
  result.overflow_packets = slots_.measure();
  return result;
}

std::vector<NamedDestination> Exporter::take_retired(size_t most) {
  std::lock_guard lock(table_);
  return discovery_.take_retired(most);
}

std::vector<UnnamedSender> Exporter::unnamed_senders() {
  std::lock_guard lock(table_);
  auto unnamed = destinations_.services().find_unnamed();
  const auto departed =
      std::ranges::partition(unnamed, [](const UnnamedSender& one) { return !one.has_departed(); });
  std::vector<NamedSender> unknown;
  for (const auto& [slot, sender, ingress] : departed)
    unknown.push_back({slot, sender, {"unknown", "unknown", {}, {}, {}, {}}});
  unnamed.erase(departed.begin(), departed.end());
  name_locked(unknown);
  return unnamed;
}

void Exporter::name_senders(const std::vector<NamedSender>& named) {
  std::lock_guard lock(table_);
  name_locked(named);
}

bool Exporter::is_alone() const {
  return std::ranges::all_of(slots_.present(),
                             [this](const auto& one) { return attachments_.has(one.first); });
}

void Exporter::name_locked(const std::vector<NamedSender>& named) {
  if (named.empty()) return;
  auto siblings = destinations_.siblings();
  const auto names = slots_.names();
  destinations_.services().name(
      named, is_alone(), [&](uint32_t id) { discovery_.report_merged(id, siblings, names); });
}

void Exporter::set_prefix_rules(std::vector<PrefixRule> next) {
  std::lock_guard one_at_a_time(setting_rules_);
  PrefixRules& rules = program_.prefix_rules();
  if (!rules.prepare(std::move(next))) return;
  try {
    exchange_prefix_rules();
  } catch (...) {
    rules.clear_other();
    throw;
  }
  rules.clear_other();
}

void Exporter::exchange_prefix_rules() {
  std::lock_guard lock(table_);
  program_.prefix_rules().exchange();
  try {
    retire_excluded();
  } catch (...) {
    program_.prefix_rules().exchange();
    throw;
  }
}

void Exporter::retire_excluded() {
  const auto excluded = destinations_.find([this](const egress_destination& record) {
    return program_.prefix_rules().action_for(record.key) == EGRESS_EXCLUDE;
  });
  destinations_.retirement().retire(excluded, EGRESS_EXCLUDED);
}

void Exporter::set_client_ports(const std::vector<uint64_t>& bits) {
  std::lock_guard lock(table_);
  program_.set_client_ports(bits);
}

bool Exporter::nothing_new() {
  std::unique_lock lock(table_, std::try_to_lock);
  return lock && discovery_.nothing_new();
}

Discovered Exporter::discover(size_t most) {
  std::lock_guard lock(table_);
  return discovery_.find_new(most);
}

void Exporter::publish(const std::vector<NamedDestination>& destinations) {
  std::lock_guard lock(table_);
  for (const NamedDestination& destination : destinations)
    destinations_.publish(destination.id, destination.first_seen_ns, destination.first_seen_ms);
}

Activity Exporter::find_active(uint32_t from, size_t most) {
  std::lock_guard lock(table_);
  return discovery_.find_active(from, most);
}

Ranking Exporter::rank(const Query& query) {
  std::lock_guard lock(table_);
  return egress::rank(query, destinations_, slots_);
}

void Exporter::read(Snapshot& snapshot, std::optional<uint64_t> zero_for_ns) {
  std::lock_guard lock(table_);
  snapshot.read_ns = monotonic_ns();
  snapshot.zero_first = zero_for_ns.has_value();
  snapshot.interfaces.clear();
  const ServiceSlots& services = destinations_.services();
  snapshot.by_service = services.enabled();
  snapshot.services.assign(services.slots(), {});
  destinations_.read(snapshot.destinations, snapshot.read_ns, zero_for_ns);
  // Totals after destinations: what is counted in between never makes a sum exceed its total.
  std::vector<uint32_t> by_slot(EGRESS_INTERFACES_MAX);
  slots_.for_each([&](const egress_slot& slot) {
    by_slot[slot.slot] = static_cast<uint32_t>(snapshot.interfaces.size());
    snapshot.interfaces.push_back({InterfaceSlots::name_of(slot), slots_.counters(slot), 0, {}});
  });
  for (Destination& destination : snapshot.destinations) {
    destination.interface = by_slot.at(destination.interface);
    Interface& interface = snapshot.interfaces[destination.interface];
    interface.destinations++;
    if (!destination.unnamed) {
      ServiceLabels& labels = snapshot.services[destination.key.service];
      if (snapshot.by_service && labels.text.empty())
        labels = *services.labels(destination.key.service);
    }
    if (!destination.withheld && !destination.unnamed) continue;
    interface.withheld.packets += destination.packets;
    interface.withheld.bytes += destination.bytes;
  }
  std::erase_if(snapshot.destinations, [](const Destination& one) { return one.unnamed; });
}

}  // namespace egress
