// SPDX-License-Identifier: Apache-2.0
#include "exporter.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "address_text.h"
#include "clock.h"
#include "error.h"
#include "grace_period.h"
#include "interface_name.h"
#include "privileges.h"

namespace egress {
namespace {

void add(egress_counter& sum, const egress_counter& part) {
  sum.packets += part.packets;
  sum.bytes += part.bytes;
}

InterfaceCounters sum(const std::vector<egress_interface>& cpus, const egress_moved& moved) {
  InterfaceCounters sum{};
  for (const egress_interface& cpu : cpus) {
    add(sum.total, cpu.total);
    for (int reason = 0; reason < EGRESS_PROGRAM_REASONS; reason++)
      add(sum.unlisted[reason], cpu.unlisted[reason]);
    sum.new_destinations += cpu.new_destinations;
  }
  for (int reason = 0; reason < EGRESS_UNLISTED_REASONS; reason++)
    add(sum.unlisted[reason], moved.unlisted[reason]);
  return sum;
}

ClsactFilter left_filter(uint32_t ifindex, const egress_slot& slot) {
  return ClsactFilter::adopt(ifindex, slot.flags & EGRESS_SLOT_MADE_QDISC);
}

std::map<uint32_t, egress_slot> read_slots(const Map<uint32_t, egress_slot>& map) {
  std::map<uint32_t, egress_slot> slots;
  map.for_each([&](uint32_t ifindex, const egress_slot& slot) { slots[ifindex] = slot; });
  return slots;
}

std::string name_of(const egress_slot& slot) { return show_name(slot.name); }

/// An interface that begins in a slot goes on with what the slot counts.
constexpr uint64_t kSlotBorn = 1;

uint32_t departed_ifindex(const egress_slot& slot) { return EGRESS_DEPARTED | slot.slot; }

}  // namespace

template <typename Each>
void Exporter::for_each_slot(Each each) {
  for (const auto& [ifindex, counted] : counted_) each(counted.slot);
  for (const auto& [name, slot] : departed_) each(slot);
}

Exporter::Exporter(const ExporterOptions& options)
    : pins_(options.pin_path.empty() ? std::nullopt : std::optional<PinFolder>(options.pin_path)),
      program_(options.program, pins_ ? &*pins_ : nullptr),
      limit_(options.program.destinations_limit),
      destinations_(program_, limit_),
      interface_meter_(EGRESS_INTERFACES_MAX, monotonic_ns()) {
  if (!pins_) return;
  for (const auto& version : pins_->replaced())
    replaced_.push_back("they are of another version, " + version);
  if (!program_.replaced().empty()) replaced_.push_back(program_.replaced());
  check_network_namespace();
  if (!program_.adopted()) return;
  adopt();
  leave_out_excluded();
}

void Exporter::remove_pins(const std::string& path) {
  const PinFolder pins(path);
  if (Fd slots = pins.get("interface_slots"))
    for (const auto& [ifindex, slot] : read_slots({slots.get(), "interface_slots"}))
      if (slot.flags & EGRESS_SLOT_CLSACT) left_filter(ifindex, slot);
  pins.remove_all();
}

Exporter::~Exporter() { close(); }

void Exporter::adopt() {
  destinations_.repair();
  const auto slots = read_slots(program_.maps().interface_slots);
  for (const auto& [index, slot] : slots) {
    const auto departed = slots.find(departed_ifindex(slot));
    if (index & EGRESS_DEPARTED) {
      departed_[name_of(slot)] = slot;
    } else if (departed != slots.end()) {
      // A slot of two is one that was moving when the process was killed; nothing hangs there.
      move(index, departed->first, departed->second);
    } else {
      counted_.emplace(index, Counted{slot});
    }
  }
}

std::vector<Exporter::Adopted> Exporter::adopted() {
  std::lock_guard lock(mutex_);
  std::vector<Adopted> found;
  for (const auto& [ifindex, counted] : counted_)
    if (!counted.attached) found.push_back({ifindex, name_of(counted.slot)});
  return found;
}

Mode Exporter::attach(uint32_t ifindex, const std::string& name, bool link_header, Mode mode,
                      uint32_t replaced) {
  std::lock_guard lock(mutex_);
  mode = resolve(mode);
  if (auto found = counted_.find(ifindex);
      found != counted_.end() && name_of(found->second.slot) == name && !hanging_locked(ifindex)) {
    hang(ifindex, found->second, link_header, mode, replaced);
    return mode;
  }
  std::set<uint32_t> stale;  // of an earlier run: renamed, or replaced by another of its name
  for (const auto& [other, counted] : counted_) {
    if (other != ifindex && name_of(counted.slot) != name) continue;
    if (counted.attached) throw Error("attach", name, EEXIST);
    stale.insert(other);
  }
  if (!stale.empty()) detach_locked(stale);

  // The slot first: the program leaves packets of an unknown interface uncounted.
  Counted counted{};
  if (auto departed = departed_.extract(name)) {
    counted.slot = departed.mapped();
    counted.slot.departed_ns = 0;
    move(departed_ifindex(counted.slot), ifindex, counted.slot);
  } else {
    counted.slot.slot = take_slot();
    const std::string raw = raw_name(name);
    if (raw.size() >= sizeof(counted.slot.name)) throw Error("attach", name, ENAMETOOLONG);
    raw.copy(counted.slot.name, raw.size());
    program_.maps().interfaces.clear(counted.slot.slot);
    destinations_.moved(counted.slot.slot) = {};
    write_slot(ifindex, counted.slot);
  }
  try {
    hang(ifindex, counted, link_header, mode, replaced);
  } catch (const Error&) {
    // What it never counted needs no memory; what it counted before goes on to be shown.
    if (read_slot(counted.slot).total.packets == 0)
      delete_slot(ifindex);
    else
      depart(ifindex, std::move(counted));
    throw;
  }
  counted_.emplace(ifindex, std::move(counted));
  return mode;
}

void Exporter::hang(uint32_t ifindex, Counted& counted, bool link_header, Mode mode,
                    uint32_t replaced) {
  // First let go: the destructor of an old clsact filter would remove a new one.
  counted.attachment = Attachment();
  const std::string name = name_of(counted.slot);
  const int entry = link_header ? program_.ethernet_fd() : program_.ip_fd();
  egress_slot slot = counted.slot;
  if (mode == Mode::kTcx) {
    // An earlier run's, on the same maps: together they would count twice.
    if (slot.flags & EGRESS_SLOT_CLSACT) left_filter(ifindex, slot);
    counted.attachment = TcxLink(entry, ifindex, name, pins_ ? &*pins_ : nullptr);
    slot.flags = 0;
  } else {
    if (pins_) TcxLink::remove(ifindex, *pins_);
    ClsactFilter filter(entry, ifindex, name, slot.flags & EGRESS_SLOT_MADE_QDISC, replaced);
    slot.flags = EGRESS_SLOT_CLSACT | (filter.made_qdisc() ? EGRESS_SLOT_MADE_QDISC : 0);
    counted.attachment = std::move(filter);
  }
  if (slot.flags != counted.slot.flags) write_slot(ifindex, slot);
  counted.slot = slot;
  counted.attached = true;
}

std::vector<std::optional<Exporter::Hanging>> Exporter::hanging(
    const std::vector<uint32_t>& ifindexes) {
  std::vector<std::optional<Hanging>> all;
  for (uint32_t ifindex : ifindexes) {
    // One at a time: scrapes may come in between.
    std::lock_guard lock(mutex_);
    all.push_back(hanging_locked(ifindex));
  }
  return all;
}

std::optional<Exporter::Hanging> Exporter::hanging_locked(uint32_t ifindex) {
  auto found = counted_.find(ifindex);
  if (found == counted_.end()) return {};
  const auto& [slot, attachment, attached] = found->second;
  auto before =
      predecessors(attachment, ifindex, name_of(slot), {program_.ethernet_id(), program_.ip_id()});
  if (!before) return {};
  const bool tcx = std::holds_alternative<TcxLink>(attachment);
  return Hanging{tcx ? Mode::kTcx : Mode::kClsact, std::move(*before)};
}

void Exporter::detach(const std::set<uint32_t>& ifindexes) {
  std::lock_guard lock(mutex_);
  detach_locked(ifindexes);
}

void Exporter::detach_locked(const std::set<uint32_t>& ifindexes) {
  std::map<uint32_t, Counted> departing;
  for (uint32_t ifindex : ifindexes)
    if (auto node = counted_.extract(ifindex)) departing.insert(std::move(node));
  for (auto& [ifindex, counted] : departing) {
    if (!counted.attached) {
      // An earlier run's; removed as far as it is still there.
      if (pins_) TcxLink::remove(ifindex, *pins_);
      if (counted.slot.flags & EGRESS_SLOT_CLSACT)
        counted.attachment = left_filter(ifindex, counted.slot);
    }
    counted.attachment = Attachment();
  }
  wait_for_running_programs();
  for (auto& [ifindex, counted] : departing) depart(ifindex, std::move(counted));
}

void Exporter::depart(uint32_t ifindex, Counted counted) {
  counted.slot.departed_ns = boot_time_ns();
  counted.slot.flags = 0;
  // An earlier interface of this name, which departed under it.
  if (auto same = departed_.find(name_of(counted.slot)); same != departed_.end()) forget(same);
  move(ifindex, departed_ifindex(counted.slot), counted.slot);
  departed_[name_of(counted.slot)] = counted.slot;
}

void Exporter::move(uint32_t from, uint32_t to, egress_slot slot) {
  // In this order; adopt() ends what a killed process left between two of them.
  write_slot(to, slot);
  destinations_.move(from, to);
  delete_slot(from);
}

void Exporter::forget(std::map<std::string, egress_slot>::iterator departed) {
  destinations_.remove(departed_ifindex(departed->second));
  delete_slot(departed_ifindex(departed->second));
  departed_.erase(departed);
  discovered_ = UINT64_MAX;  // what its slot had listed is in the sum no longer
}

std::vector<std::string> Exporter::forget_departed(uint64_t after_ms) {
  std::lock_guard lock(mutex_);
  std::vector<std::string> forgotten;
  const uint64_t now_ns = boot_time_ns();
  for (auto it = departed_.begin(); it != departed_.end();) {
    auto departed = it++;
    if (now_ns - departed->second.departed_ns < after_ms * kNsPerMs) continue;
    forgotten.push_back(departed->first);
    forget(departed);
  }
  return forgotten;
}

std::vector<std::string> Exporter::drop_capabilities() {
  return egress::drop_capabilities(program_.maps().interfaces.fd());
}

void Exporter::enable_statistics() {
  statistics_ = Fd(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!statistics_) throw Error("enable statistics", "", errno);
}

void Exporter::close() {
  std::lock_guard lock(mutex_);
  for (auto& [ifindex, counted] : counted_) {
    // Without pinned maps, what hangs would count for nobody.
    if (pins_ && maps_pinned_) leave(counted.attachment);
    // The entry stays, for the last read.
    counted.attachment = Attachment();
  }
}

Housekeeping Exporter::keep_house(uint64_t idle_timeout_ms, bool tell) {
  std::lock_guard lock(mutex_);
  // At least one makes room, in a table of any size.
  const uint32_t wanted = limit_ - (limit_ + 9) / 10;
  auto idle = destinations_.find_idle(idle_timeout_ms * uint64_t{kNsPerMs}, wanted);
  Housekeeping done{};
  done.listed = idle.listed;
  program_.expect(idle.listed);
  done.expired = idle.expired.size();
  done.evicted = idle.evicted.size();
  idle.expired.insert(idle.expired.end(), idle.evicted.begin(), idle.evicted.end());
  const auto retired = destinations_.retire(idle.expired, EGRESS_EXPIRED);
  const auto names = slot_names();
  for (size_t i = 0; tell && i < retired.size(); i++)
    retired_.push_back(sight(idle.expired[i], retired[i], names));
  interface_meter_.begin(monotonic_ns());
  for_each_slot([&](const egress_slot& slot) {
    const InterfaceCounters counters = read_slot(slot);
    interface_meter_.look(slot.slot, kSlotBorn, counters.total);
    done.overflow_packets += counters.unlisted[EGRESS_OVERFLOW].packets;
  });
  return done;
}

std::vector<std::string> Exporter::slot_names() {
  std::vector<std::string> names(EGRESS_INTERFACES_MAX);
  for_each_slot([&](const egress_slot& slot) { names[slot.slot] = name_of(slot); });
  return names;
}

Sighting Exporter::sight(uint32_t id, const Destination& destination,
                         const std::vector<std::string>& names) {
  const int64_t idle_ms = destinations_.idle_ms(id);
  Sighting sighting{id,
                    destination.first_seen_ns,
                    names.at(destination.interface),
                    {},
                    destination.port,
                    destination.protocol,
                    destination.packets,
                    destination.bytes,
                    destination.first_seen_ms,
                    unix_time_ms() - idle_ms,
                    static_cast<int64_t>(monotonic_ns() - destination.first_seen_ns) / kNsPerMs,
                    idle_ms};
  append_address(sighting.destination, destination.key);
  return sighting;
}

uint64_t Exporter::listed_ever() {
  uint64_t listed = 0;
  for_each_slot([&](const egress_slot& slot) { listed += read_slot(slot).new_destinations; });
  return listed;
}

bool Exporter::all_known() {
  std::unique_lock lock(mutex_, std::try_to_lock);
  return lock && listed_ever() == discovered_;
}

Discovery Exporter::discover(size_t most) {
  std::lock_guard lock(mutex_);
  // What the program counts of its own spares most calls the walk over the table.
  const uint64_t listed = listed_ever();
  if (listed == discovered_) return {};
  const auto [found, looked, records] = destinations_.find_unknown(most);
  Discovery discovery{{}, looked, records};
  const auto names = slot_names();
  for (uint32_t id : found)
    discovery.sightings.push_back(sight(id, destinations_.describe(id), names));
  // Not at the first walk in vain: a processor may see another's count before its record.
  if (found.empty() && std::exchange(walked_, listed) == listed) discovered_ = listed;
  return discovery;
}

std::vector<Sighting> Exporter::take_retired(size_t most) {
  std::lock_guard lock(mutex_);
  const auto end = retired_.begin() + static_cast<std::ptrdiff_t>(std::min(most, retired_.size()));
  std::vector<Sighting> taken(std::move_iterator(retired_.begin()), std::move_iterator(end));
  retired_.erase(retired_.begin(), end);
  return taken;
}

void Exporter::know(const std::vector<Sighting>& sightings) {
  std::lock_guard lock(mutex_);
  for (const Sighting& sighting : sightings)
    destinations_.know(sighting.id, sighting.first_seen_ns, sighting.first_seen_ms);
}

Activity Exporter::find_active(uint32_t from, size_t most) {
  std::lock_guard lock(mutex_);
  Activity activity{};
  const auto names = slot_names();
  for (uint32_t id : destinations_.find_active(from, most))
    activity.sightings.push_back(sight(id, destinations_.describe(id), names));
  activity.next = from;
  return activity;
}

Ranking Exporter::rank(const Query& query) {
  std::lock_guard lock(mutex_);
  Ranking ranking{};
  std::map<std::string, egress_slot> slots;
  for_each_slot([&](const egress_slot& slot) { slots[name_of(slot)] = slot; });
  std::vector<uint32_t> by_slot(EGRESS_INTERFACES_MAX);
  for (const auto& [name, slot] : slots) {
    by_slot[slot.slot] = static_cast<uint32_t>(ranking.interfaces.size());
    ranking.interfaces.push_back({{name, {}, 0, {}}, interface_meter_.rate(slot.slot, kSlotBorn)});
  }
  std::vector<Place> places;
  std::string text;
  for (uint32_t id : destinations_.find_known()) {
    const Destination destination = destinations_.describe(id);
    const uint32_t index = by_slot.at(destination.interface);
    Interface& interface = ranking.interfaces[index].interface;
    interface.destinations++;
    if (query.protocol && *query.protocol != destination.protocol) continue;
    if (query.port && *query.port != destination.port) continue;
    if (!query.interface.empty() && query.interface != interface.name) continue;
    text.clear();
    if (!query.search.empty() || query.among) append_address(text, destination.key);
    if (!matches(query, destination.key, text)) continue;
    if (query.among && !query.among->contains({interface.name, text})) continue;
    places.push_back(place_of(query.order, id, destination, destinations_.rate(id, destination),
                              index, destinations_.active_ns(id)));
  }
  ranking.matched = places.size();
  cut(places, query);
  const auto names = slot_names();
  for (const Place& place : places) {
    const Destination destination = destinations_.describe(place.id);
    ranking.rows.push_back(
        {sight(place.id, destination, names), destinations_.rate(place.id, destination)});
  }
  // Totals after destinations, as in read().
  for (auto& [interface, rate] : ranking.interfaces)
    interface.counters = read_slot(slots[interface.name]);
  return ranking;
}

void Exporter::choose(std::vector<Choice> next) {
  std::lock_guard one_at_a_time(choosing_);
  Choices& choices = program_.choices();
  if (!choices.prepare(std::move(next))) return;
  try {
    exchange_choices();
  } catch (...) {
    choices.clear_other();
    throw;
  }
  choices.clear_other();
}

void Exporter::exchange_choices() {
  std::lock_guard lock(mutex_);
  program_.choices().exchange();
  try {
    leave_out_excluded();
  } catch (...) {
    program_.choices().exchange();
    throw;
  }
}

void Exporter::leave_out_excluded() {
  destinations_.retire(destinations_.find([this](const egress_destination& record) {
    return program_.choices().of(record.key) == EGRESS_EXCLUDE;
  }),
                       EGRESS_EXCLUDED);
}

void Exporter::set_own_ports(const std::vector<uint64_t>& bits) {
  std::lock_guard lock(mutex_);
  program_.set_own_ports(bits);
}

void Exporter::read(Snapshot& snapshot, std::optional<uint64_t> zero_for_ns) {
  std::lock_guard lock(mutex_);
  snapshot.read_ns = monotonic_ns();
  snapshot.zero_first = zero_for_ns.has_value();
  snapshot.interfaces.clear();
  destinations_.read(snapshot.destinations, snapshot.read_ns, zero_for_ns);
  // Totals after destinations: what is counted in between never makes a sum exceed its total.
  std::vector<uint32_t> by_slot(EGRESS_INTERFACES_MAX);
  for_each_slot([&](const egress_slot& slot) {
    by_slot[slot.slot] = static_cast<uint32_t>(snapshot.interfaces.size());
    snapshot.interfaces.push_back({name_of(slot), read_slot(slot), 0, {}});
  });
  for (Destination& destination : snapshot.destinations) {
    destination.interface = by_slot.at(destination.interface);
    Interface& interface = snapshot.interfaces[destination.interface];
    interface.destinations++;
    if (!destination.withheld) continue;
    interface.withheld.packets += destination.packets;
    interface.withheld.bytes += destination.bytes;
  }
}

uint32_t Exporter::take_slot() {
  std::vector<bool> taken(EGRESS_INTERFACES_MAX);
  for_each_slot([&](const egress_slot& slot) { taken[slot.slot] = true; });
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

void Exporter::write_slot(uint32_t ifindex, const egress_slot& slot) {
  program_.maps().interface_slots.update(ifindex, slot);
}

void Exporter::delete_slot(uint32_t ifindex) { program_.maps().interface_slots.remove(ifindex); }

InterfaceCounters Exporter::read_slot(const egress_slot& slot) {
  return sum(program_.maps().interfaces.at(slot.slot), destinations_.moved(slot.slot));
}

}  // namespace egress
