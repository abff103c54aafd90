// SPDX-License-Identifier: Apache-2.0
#include "destination_table.h"

#include <algorithm>

#include "address_text.h"
#include "clock.h"
#include "zero_first.h"

namespace egress {
namespace {

/// Sharing a cache line costs some 50 ns a packet: below this, less than 0.1 % of a processor.
constexpr float kBusyPacketsPerSecond = 10'000;

}  // namespace

DestinationTable::DestinationTable(Program& program, uint32_t limit)
    : limit_(limit),
      records_(program, limit),
      retirement_(program, records_),
      services_(program, records_),
      user_state_(program.mmapable(), program.maps().user_state, limit),
      published_(limit),
      reported_(limit),
      meter_(limit, monotonic_ns()) {}

void DestinationTable::publish(uint32_t id, uint64_t first_seen_ns, int64_t first_seen_ms) {
  if (id >= limit_) return;
  egress_user_state& state = user_state_[id];
  state.first_seen_unix_ms = first_seen_ms;
  if (state.first_seen_ns != first_seen_ns) {
    // What it has now is no activity of later; the record of another has all to come.
    const egress_destination& record = records_[id];
    const bool same = record.first_seen_ns == first_seen_ns;
    state.packets = same ? static_cast<uint32_t>(records_.counts(record).packets) : 0;
    state.zero_since_ms = EGRESS_UNSEEN;
    state.active_ns = boot_time_ns();
    store<__u64>(state.first_seen_ns, first_seen_ns);
  }
  reported_[id] = 0;
  // If the record is another's by now, this is not its first packet.
  published_[id] = first_seen_ns;
}

Destination DestinationTable::describe(uint32_t id) {
  const egress_destination& record = records_[id];
  const egress_user_state& state = user_state_[id];
  const egress_counts counted = records_.counts(record);
  int64_t first_seen_ms = state.first_seen_unix_ms;
  if (state.first_seen_ns != record.first_seen_ns) {
    const auto age_ns = static_cast<int64_t>(monotonic_ns() - record.first_seen_ns);
    first_seen_ms = (unix_time_ns() - age_ns) / kNsPerMs;
  }
  return {.key = record.key,
          .interface = record.slot,
          .port = record.port,
          .protocol = record.protocol,
          .withheld = false,
          .unnamed = !is_named(record),
          .packets = counted.packets,
          .bytes = counted.bytes,
          .tcp_connects = counted.tcp_connects,
          .first_seen_ns = record.first_seen_ns,
          .first_seen_ms = first_seen_ms};
}

NamedDestination DestinationTable::name_destination(uint32_t id, const Destination& destination,
                                                    const std::vector<std::string>& interfaces) {
  const int64_t idle_ms = static_cast<int64_t>(boot_time_ns() - active_ns(id)) / kNsPerMs;
  NamedDestination named{
      .id = id,
      .first_seen_ns = destination.first_seen_ns,
      .interface = interfaces.at(destination.interface),
      .destination = {},
      .port = destination.port,
      .protocol = destination.protocol,
      .packets = destination.packets,
      .bytes = destination.bytes,
      .first_seen_ms = destination.first_seen_ms,
      .last_seen_ms = unix_time_ms() - idle_ms,
      .age_ms = static_cast<int64_t>(monotonic_ns() - destination.first_seen_ns) / kNsPerMs,
      .idle_ms = idle_ms,
      .sender = records_.first_sender(id),
      .life_ns = destination.first_seen_ns,
      .next_life_ns = 0,
      .own = {}};
  append_address(named.destination, destination.key);
  return named;
}

Siblings DestinationTable::siblings() {
  if (!services_.enabled()) return {};
  const auto ids = find([](const egress_destination&) { return true; });
  return {records_.all(), ids};
}

Siblings DestinationTable::siblings(const std::vector<uint32_t>& published) {
  return services_.enabled() ? Siblings{records_.all(), published} : Siblings{};
}

DestinationTable::Total DestinationTable::sum(std::span<const uint32_t> ids) {
  const uint32_t oldest = ids.front();
  Total total{describe(oldest), {}, 0};
  for (const uint32_t id : ids) {
    const egress_counts counted = records_.counts(records_[id]);
    if (id != oldest) {
      total.destination.packets += counted.packets;
      total.destination.bytes += counted.bytes;
      total.destination.tcp_connects += counted.tcp_connects;
    }
    const Rate rate = meter_.rate(id, records_[id].first_seen_ns);
    total.rate.packets += rate.packets;
    total.rate.bytes += rate.bytes;
    total.active_ns = std::max(total.active_ns, active_ns(id));
  }
  return total;
}

NamedDestination DestinationTable::name_total(uint32_t id, const Siblings& siblings,
                                              const std::vector<std::string>& interfaces) {
  const auto ids = siblings.of(id);
  const Total total = sum(ids);
  NamedDestination named = name_destination(ids.front(), total.destination, interfaces);
  const int64_t later_ms =
      static_cast<int64_t>(total.active_ns - active_ns(ids.front())) / kNsPerMs;
  named.last_seen_ms += later_ms;
  named.idle_ms -= later_ms;
  named.id = id;
  named.first_seen_ns = records_[id].first_seen_ns;
  if (services_.enabled()) named.own = own_contact(id);
  return named;
}

OwnContact DestinationTable::own_contact(uint32_t id) {
  const egress_destination& record = records_[id];
  const ServiceLabels* labels = services_.labels(record.key.service);
  return {.service = labels ? std::string(labels->service_value()) : "\"\"",
          .sender = records_.first_sender(id),
          .port = record.port,
          .protocol = record.protocol,
          .age_ms = static_cast<int64_t>(monotonic_ns() - record.first_seen_ns) / kNsPerMs};
}

template <typename Each>
void DestinationTable::for_each_published(Each each) {
  auto all = records_.all();
  for (uint32_t id = 0; id < all.size(); id++)
    if (Records::is_listed(all[id]) && is_published(id, all[id])) each(id);
}

void DestinationTable::read(std::vector<Destination>& found, uint64_t read_ns,
                            std::optional<uint64_t> zero_for_ns) {
  found.clear();
  found.reserve(limit_);  // what is not used takes no memory
  for_each_published([&](uint32_t id) {
    found.push_back(describe(id));
    // Its first page comes when it has a name.
    if (zero_for_ns && !found.back().unnamed)
      found.back().withheld =
          is_withheld(user_state_[id], found.back().first_seen_ns, read_ns, *zero_for_ns);
  });
}

DestinationTable::Walk DestinationTable::find_unpublished(size_t most) {
  auto all = records_.all();
  Walk walk{{}, 0, all.size()};
  // Once around, from where the last look ended.
  for (; walk.looked < all.size() && walk.found.size() < most; walk.looked++) {
    const uint32_t id = unpublished_from_ < all.size() ? unpublished_from_ : 0;
    unpublished_from_ = id + 1;
    if (Records::is_listed(all[id]) && !is_published(id, all[id])) walk.found.push_back(id);
  }
  return walk;
}

std::vector<uint32_t> DestinationTable::find_published() {
  std::vector<uint32_t> found;
  for_each_published([&](uint32_t id) { found.push_back(id); });
  return found;
}

std::vector<uint32_t> DestinationTable::find_active(uint32_t& from, size_t most) {
  std::vector<uint32_t> found;
  auto all = records_.all();
  for (; from < all.size() && found.size() < most; from++) {
    const egress_destination& record = all[from];
    if (!Records::is_listed(record) || !is_published(from, record)) continue;
    const uint64_t packets = records_.counts(record).packets;
    if (packets == reported_[from]) continue;
    reported_[from] = packets;
    found.push_back(from);
  }
  return found;
}

std::vector<uint32_t> DestinationTable::find(
    const std::function<bool(const egress_destination&)>& picks) {
  std::vector<uint32_t> found;
  auto all = records_.all();
  for (uint32_t id = 0; id < all.size(); id++)
    if (Records::is_listed(all[id]) && picks(all[id])) found.push_back(id);
  return found;
}

bool DestinationTable::has_become_active(uint32_t id, uint64_t packets, uint64_t now_ns) {
  egress_user_state& state = user_state_[id];
  if (state.packets == static_cast<uint32_t>(packets)) return false;
  state.packets = static_cast<uint32_t>(packets);
  state.active_ns = now_ns;
  return true;
}

DestinationTable::Idle DestinationTable::find_idle(uint64_t timeout_ns, uint32_t wanted) {
  Idle idle{};
  std::vector<uint32_t> quiet;  // since the last look at least
  std::vector<ServiceSlots::Activity> services(services_.slots(), {0, true});
  const uint64_t now_ns = boot_time_ns();
  auto all = records_.all();
  meter_.begin(monotonic_ns());
  for (uint32_t id = 0; id < all.size(); id++) {
    const egress_destination& record = all[id];
    if (!Records::is_listed(record)) continue;
    const egress_counts counted = records_.counts(record);
    meter_.look(id, record.first_seen_ns, {counted.packets, counted.bytes});
    // A record whose service has no name may have to be another's, see egress_fold().
    if (meter_.rate(id, record.first_seen_ns).packets >= kBusyPacketsPerSecond && is_named(record))
      records_.count_by_cpu(id);
    ServiceSlots::Activity& service = services[record.key.service];
    if (is_published(id, record) && !has_become_active(id, counted.packets, now_ns)) {
      service.active_ns = std::max(service.active_ns, active_ns(id));
      if (timeout_ns != 0 && now_ns - active_ns(id) >= timeout_ns) {
        idle.expired.push_back(id);
        continue;
      }
      quiet.push_back(id);
    } else {
      service = {now_ns, false};
    }
    idle.listed++;
  }
  evict_services(services, quiet, idle);
  if (idle.listed > wanted) {
    const size_t evicted = std::min<size_t>(idle.listed - wanted, quiet.size());
    const auto end = quiet.begin() + static_cast<std::ptrdiff_t>(evicted);
    std::nth_element(quiet.begin(), end, quiet.end(),
                     [this](uint32_t a, uint32_t b) { return active_ns(a) < active_ns(b); });
    idle.evicted.insert(idle.evicted.end(), quiet.begin(), end);
    idle.listed -= static_cast<uint32_t>(evicted);
  }
  return idle;
}

void DestinationTable::evict_services(const std::vector<ServiceSlots::Activity>& services,
                                      std::vector<uint32_t>& quiet, Idle& idle) {
  const auto crowding = services_.find_crowding(services);
  if (crowding.empty()) return;
  std::vector<bool> leaves(services_.slots());
  for (const uint32_t slot : crowding) leaves[slot] = true;
  const auto stay = std::stable_partition(
      quiet.begin(), quiet.end(), [&](uint32_t id) { return !leaves[records_[id].key.service]; });
  idle.evicted.assign(stay, quiet.end());
  idle.listed -= static_cast<uint32_t>(idle.evicted.size());
  quiet.erase(stay, quiet.end());
}

}  // namespace egress
