// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <utility>

#include "egress.skel.h"
#include "error.h"
#include "fd.h"
#include "features.h"
#include "libbpf_log.h"

namespace egress {
namespace {

bpf_prog_info info_of(int program_fd) {
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  int error = bpf_obj_get_info_by_fd(program_fd, &info, &size);
  if (error != 0) throw Error("list programs", "", -error);
  return info;
}

/// Sets of the lookup cache in use, at least: 64 KiB.
constexpr uint32_t kCacheSetsMin = 4096;

/// Sets of the lookup cache for so many destinations. With fewer, they drive each other out; with
/// more, they are spread over more pages than the TLB holds.
uint32_t cache_sets_for(uint32_t destinations) {
  return std::max(kCacheSetsMin, std::bit_ceil(destinations) / 4);
}

/// 32 bits of a mask of this many leading bits, in network byte order.
uint32_t mask_word(uint32_t prefix_length, uint32_t word) {
  const uint32_t bits = std::clamp<int64_t>(int64_t{prefix_length} - 32 * int64_t{word}, 0, 32);
  return bits == 0 ? 0 : htonl(~uint32_t{0} << (32 - bits));
}

using Variables = std::remove_pointer_t<decltype(egress_bpf::data)>;

/// The map that the program's variables lie in.
Map<uint32_t, Variables> variables(const egress_bpf* skeleton) {
  return {bpf_map__fd(skeleton->maps.data), ".data"};
}

/// How many destinations an earlier run had; nothing if that is gone.
std::optional<size_t> count_keys(const PinFolder& pins) {
  // Room for the key of any layout.
  std::array<char, 512> key{};
  const Fd map = pins.get("destination_ids");
  if (!map) return {};
  size_t count = 0;
  const void* previous = nullptr;
  while (bpf_map_get_next_key(map.get(), previous, key.data()) == 0) {
    previous = key.data();
    count++;
  }
  return count;
}

/// How a pinned map differs from what this program needs; empty: not at all.
std::string difference(const bpf_map* wanted, int pinned) {
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  int error = bpf_obj_get_info_by_fd(pinned, &info, &size);
  if (error != 0) throw Error("open pin", bpf_map__name(wanted), -error);
  const std::string name = bpf_map__name(wanted);
  if (info.max_entries != bpf_map__max_entries(wanted))
    return "its " + name + " has room for " + std::to_string(info.max_entries) + " and not " +
           std::to_string(bpf_map__max_entries(wanted));
  if (info.type != bpf_map__type(wanted) || info.key_size != bpf_map__key_size(wanted) ||
      info.value_size != bpf_map__value_size(wanted) ||
      info.map_flags != bpf_map__map_flags(wanted))
    return "its " + name + " is of another layout";
  return {};
}

}  // namespace

void Program::Destroy::operator()(egress_bpf* skeleton) const { egress_bpf::destroy(skeleton); }

std::vector<bpf_map*> Program::maps_to_pin() const {
  std::vector<bpf_map*> maps;
  for (const PinnedMap& map : kPinnedMaps)
    if (map.per_service == 0 || services_limit_ > 0)
      maps.push_back(bpf_object__find_map_by_name(skeleton_->obj, map.name));
  return maps;
}

void Program::adopt(const PinFolder& pins) {
  const auto maps = maps_to_pin();
  using Found = std::pair<bpf_map*, Fd>;
  std::vector<Found> found;
  for (bpf_map* map : maps)
    if (Fd pinned = pins.get(bpf_map__name(map))) found.emplace_back(map, std::move(pinned));
  if (found.empty()) return;
  // Their keys would mean something else.
  if (const bool by_service = !!pins.get("service_slots"); by_service != (services_limit_ > 0))
    replaced_ = by_service ? "they tell services apart" : "they do not tell services apart";
  // All or none: one may be gone, or the last start ended before it had pinned them all.
  for (const bpf_map* map : maps)
    if (replaced_.empty() && std::ranges::find(found, map, &Found::first) == found.end())
      replaced_ = "its " + std::string(bpf_map__name(map)) + " is gone";
  for (const auto& [map, pinned] : found)
    if (replaced_.empty()) replaced_ = difference(map, pinned.get());
  adopted_ = replaced_.empty();
  if (!adopted_) {
    if (const auto count = count_keys(pins))
      replaced_ += "; " + std::to_string(*count) + " destinations";
    return pins.clear();
  }
  for (const auto& [map, pinned] : found) {
    int error = bpf_map__reuse_fd(map, pinned.get());
    if (error != 0) throw Error("open pin", bpf_map__name(map), -error);
  }
}

Program::Program(const ProgramOptions& options, const PinFolder* pins)
    : mmapable_(!options.old_kernel && has_mmapable_arrays()),
      gso_size_(!options.old_kernel && has_gso_size()),
      services_limit_(options.services_limit) {
  LibbpfLog log;
  skeleton_.reset(egress_bpf::open());
  if (!skeleton_) throw Error("load program", "", errno, log.text());

  size_maps(options);
  const auto& programs = skeleton_->progs;
  for (bpf_program* program : {programs.egress_ethernet, programs.egress_ip})
    bpf_program__set_autoload(program, gso_size_);
  for (bpf_program* program : {programs.egress_eth_old, programs.egress_ip_old})
    bpf_program__set_autoload(program, !gso_size_);
  skeleton_->rodata->preempt_rt = is_preempt_rt();
  skeleton_->rodata->wire_len_knows_tunnels = is_since(6, 11);
  skeleton_->rodata->cuts_uncounted_datagrams = is_since(6, 2);
  skeleton_->rodata->aggregate_replies = options.aggregate_replies;
  skeleton_->rodata->by_service = services_limit_ > 0;
  auto& settings = *skeleton_->data;
  settings.unfilled = options.destinations_limit;
  settings.ipv4_prefix_length = options.ipv4_prefix_length;
  settings.ipv6_prefix_length = options.ipv6_prefix_length;
  settings.ipv4_mask_be = mask_word(options.ipv4_prefix_length, 0);
  std::array<uint32_t, 4> ipv6_mask_be;
  for (uint32_t word = 0; word < ipv6_mask_be.size(); word++)
    ipv6_mask_be[word] = mask_word(options.ipv6_prefix_length, word);
  std::memcpy(settings.ipv6_mask_be, ipv6_mask_be.data(), sizeof(ipv6_mask_be));
  if (pins && !mmapable_) throw Error("open pins", pins->path(), EOPNOTSUPP);
  if (pins) adopt(*pins);

  bpf_program__set_autoload(programs.egress_fill, !adopted_);
  bpf_program__set_autoload(programs.egress_fold, services_limit_ > 0);
  int error = egress_bpf::load(skeleton_.get());
  if (error != 0) throw Error("load program", "", -error, log.text());

  maps_.emplace(ProgramMaps{skeleton_->obj});
  resize_lookup_cache(0);
  const auto& maps = skeleton_->maps;
  prefix_rules_.emplace(
      PrefixRuleMaps{{MapHandle(bpf_map__fd(maps.prefix_rules_0), "prefix_rules"),
                      MapHandle(bpf_map__fd(maps.prefix_rules_1), "prefix_rules")},
                     maps_->excluded_recently},
      options.prefix_rules, [this](uint32_t set) { put_in_force(set); });
  if (adopted_) return;
  fill_free_ids();
  fill_free_services();
  if (pins)
    for (const auto& [name, fd] : pinned_maps()) pins->pin(fd, name);
}

void Program::size_maps(const ProgramOptions& options) {
  for (const PinnedMap& pinned : kPinnedMaps) {
    bpf_map* map = bpf_object__find_map_by_name(skeleton_->obj, pinned.name);
    if (pinned.bytes_per_destination > 0) bpf_map__set_max_entries(map, options.destinations_limit);
    if (pinned.per_service > 0 && services_limit_ > 0)
      bpf_map__set_max_entries(map, static_cast<uint32_t>(pinned.per_service) *
                                        (EGRESS_SERVICES_FIXED + services_limit_));
    if (pinned.mmapable && mmapable_) bpf_map__set_map_flags(map, BPF_F_MMAPABLE);
  }
  const auto& maps = skeleton_->maps;
  if (services_limit_ == 0) bpf_map__set_max_entries(maps.senders_recently, 1);
  // Where records cannot be marked alone (DestinationTable::retire), there must be no way to them
  // beside the index: lookup_cache_shift stays 0.
  bpf_map__set_max_entries(maps.lookup_cache,
                           mmapable_ ? cache_sets_for(options.destinations_limit) : 1);
}

std::vector<std::pair<std::string, int>> Program::pinned_maps() const {
  std::vector<std::pair<std::string, int>> pinned;
  for (const bpf_map* map : maps_to_pin())
    pinned.emplace_back(bpf_map__name(map), bpf_map__fd(map));
  return pinned;
}

uint64_t Program::kernel_bytes(uint32_t destinations_limit, uint32_t services_limit) {
  uint64_t per_destination = sizeof(uint32_t);  // in the lookup cache
  for (const PinnedMap& map : kPinnedMaps) per_destination += map.bytes_per_destination;
  constexpr uint64_t kPerCpu = EGRESS_INTERFACES_MAX * sizeof(egress_interface) +
                               2 * EGRESS_EXCLUDED_RECENTLY * sizeof(egress_key) +
                               EGRESS_CPU_COUNTS_MAX * sizeof(egress_counts);
  // An element of the hash with its bucket for each sender, and what is noted of the name.
  constexpr uint64_t kPerService = EGRESS_SENDERS_PER_SERVICE * 80 + sizeof(uint64_t) +
                                   sizeof(uint32_t) + sizeof(egress_service_name);
  const uint64_t per_cpu_services =
      services_limit > 0 ? EGRESS_SENDERS_RECENTLY * sizeof(egress_recent_sender) : 0;
  return destinations_limit * per_destination + services_limit * kPerService +
         possible_cpus() * (kPerCpu + per_cpu_services);
}

Program::~Program() = default;

void Program::fill_free_ids() {
  bpf_program* fill = skeleton_->progs.egress_fill;
  const std::array<uint8_t, ETH_HLEN> frame{};
  const auto data = variables(skeleton_.get());
  auto now = *skeleton_->data;
  while (now.unfilled > 0) {
    bpf_test_run_opts run{};
    run.sz = sizeof(run);
    run.data_in = frame.data();
    run.data_size_in = frame.size();
    run.repeat = static_cast<int>(now.unfilled);
    int error = bpf_prog_test_run_opts(bpf_program__fd(fill), &run);
    const uint32_t before = now.unfilled;
    now = data.at(0);  // Linux 5.4 does not map it
    // A signal ends the runs early.
    if (error == 0 && now.unfilled == before) error = -ENOSPC;
    if (error != 0 && error != -EINTR) throw Error("write map", "free_ids", -error);
  }
  bpf_program__unload(fill);
}

void Program::fill_free_services() const {
  // The last goes first, so that they are given out from the first on.
  for (uint32_t left = services_limit_; left > 0; left--)
    maps_->free_services.push(EGRESS_SERVICES_FIXED + left - 1);
}

egress_folded Program::fold(uint32_t id, uint32_t from, uint32_t to) const {
  const egress_fold fold{id, static_cast<uint16_t>(from), static_cast<uint16_t>(to), {}};
  bpf_test_run_opts run{};
  run.sz = sizeof(run);
  run.data_in = &fold;
  run.data_size_in = sizeof(fold);
  int error;
  do error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.egress_fold), &run);
  while (error == -EINTR);
  if (error != 0) throw Error("write map", "destinations", -error);
  return static_cast<egress_folded>(run.retval);
}

void Program::forget_senders() {
  __atomic_fetch_add(&skeleton_->data->senders_generation, 1, __ATOMIC_RELEASE);
  write_variables();
}

void Program::resize_lookup_cache(uint32_t destinations) {
  if (!mmapable_) return;
  // As many bits of the hash as the index has.
  const auto shift = static_cast<uint32_t>(std::countl_zero(cache_sets_for(destinations)) + 1);
  __atomic_store_n(&skeleton_->data->lookup_cache_shift, shift, __ATOMIC_RELAXED);
}

void Program::put_in_force(uint32_t set) {
  __atomic_store_n(&skeleton_->data->prefix_rules_in_force, set, __ATOMIC_RELEASE);
  write_variables();
}

void Program::write_variables() {
  if (mmapable_) return;
  // The other words are written as they are.
  variables(skeleton_.get()).update(0, *skeleton_->data);
}

void Program::set_client_ports(const std::vector<uint64_t>& bits) {
  client_ports_.resize(bits.size());
  for (uint32_t word = 0; word < bits.size(); word++) {
    if (bits[word] == client_ports_[word]) continue;
    maps_->client_ports.update(word, bits[word]);
    client_ports_[word] = bits[word];
  }
}

int Program::ethernet_fd() const {
  const auto& programs = skeleton_->progs;
  return bpf_program__fd(gso_size_ ? programs.egress_ethernet : programs.egress_eth_old);
}

int Program::ip_fd() const {
  const auto& programs = skeleton_->progs;
  return bpf_program__fd(gso_size_ ? programs.egress_ip : programs.egress_ip_old);
}

Program::RunStatistics Program::run_statistics() const {
  const bpf_prog_info ethernet = info_of(ethernet_fd()), ip = info_of(ip_fd());
  return {ethernet.run_cnt + ip.run_cnt, ethernet.run_time_ns + ip.run_time_ns};
}

uint32_t Program::ethernet_id() const { return info_of(ethernet_fd()).id; }
uint32_t Program::ip_id() const { return info_of(ip_fd()).id; }

}  // namespace egress
