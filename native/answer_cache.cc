// SPDX-License-Identifier: Apache-2.0
#include "answer_cache.h"

#include <algorithm>
#include <random>

namespace egress {
namespace {

std::string_view bytes_of(const dns::Address& address) {
  return {reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()};
}

}  // namespace

/// Salted: whoever answers chooses the addresses, and could choose such as share a bucket.
size_t AnswerCache::Hash::operator()(const dns::Address& address) const {
  static const uint64_t salt = [] {
    std::random_device random;
    return uint64_t{random()} << 32 | random();
  }();
  std::array<char, sizeof(salt) + sizeof(address.bytes)> salted;
  std::copy_n(reinterpret_cast<const char*>(&salt), sizeof(salt), salted.begin());
  const auto bytes = bytes_of(address);
  std::copy(bytes.begin(), bytes.end(), salted.begin() + sizeof(salt));
  return std::hash<std::string_view>()({salted.data(), salted.size()});
}

dns::Address AnswerCache::masked(const dns::Address& address) const {
  dns::Address prefix{address.is_ipv4, {}};
  const size_t bits = address.is_ipv4 ? ipv4_bits_ : ipv6_bits_;
  for (size_t i = 0; i * 8 < bits; i++) {
    const size_t left = std::min(bits - i * 8, size_t{8});
    prefix.bytes[i] = address.bytes[i] & static_cast<uint8_t>(0xff00 >> left);
  }
  return prefix;
}

AnswerCache::Entry& AnswerCache::entry_of(const dns::Address& address) {
  if (const auto known = places_.find(address); known != places_.end()) {
    entries_.splice(entries_.begin(), entries_, known->second);
    return entries_.front();
  }
  if (entries_.size() < limit_) {
    entries_.push_front({address, {}});
  } else {
    Entry& oldest = entries_.back();
    for (const Named& named : oldest.names) forgotten_ns_ = std::max(forgotten_ns_, named.last_ns);
    places_.erase(oldest.address);
    oldest = {address, {}};
    entries_.splice(entries_.begin(), entries_, std::prev(entries_.end()));
  }
  places_.emplace(address, entries_.begin());
  return entries_.front();
}

void AnswerCache::add(const dns::Answer& answer, uint64_t at_ns) {
  for (const dns::Address& address : answer.addresses) {
    auto& names = entry_of(masked(address)).names;
    const auto known = std::find_if(names.begin(), names.end(), [&](const Named& named) {
      return named.last_ns != 0 && named.name == answer.name;
    });
    if (known != names.end()) {
      known->last_ns = std::max(known->last_ns, at_ns);
      continue;
    }
    *std::min_element(names.begin(), names.end(), [](const Named& one, const Named& other) {
      return one.last_ns < other.last_ns;
    }) = {answer.name, at_ns, at_ns};
  }
}

std::optional<std::string_view> AnswerCache::name_before(const dns::Address& address,
                                                         uint64_t at_ns) const {
  const auto known = places_.find(masked(address));
  if (known == places_.end()) return {};
  const Named* best = nullptr;
  uint64_t best_ns = 0;
  for (const Named& named : known->second->names) {
    if (named.last_ns == 0 || named.first_ns > at_ns) continue;
    // Of what was answered before and after, the last time before is not known.
    const uint64_t last_ns = std::min(named.last_ns, at_ns);
    if (best && (last_ns < best_ns || (last_ns == best_ns && named.first_ns < best->first_ns)))
      continue;
    best = &named;
    best_ns = last_ns;
  }
  if (!best) return {};
  return best->name;
}

}  // namespace egress
