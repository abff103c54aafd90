// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dns_answer.h"

namespace egress {

/// The names that led to addresses: of each address the last few, and of all addresses those that
/// were answered last. Not thread-safe.
class AnswerCache {
 public:
  /// @param limit the most addresses
  /// @param ipv4_bits, ipv6_bits what destinations are told apart by: all addresses of a prefix are
  /// one
  AnswerCache(size_t limit, unsigned ipv4_bits, unsigned ipv6_bits)
      : limit_(limit), ipv4_bits_(ipv4_bits), ipv6_bits_(ipv6_bits) {}

  /// Keeps that an answer led to its addresses, at a time in ns.
  void add(const dns::Answer& answer, uint64_t at_ns);

  /// The name that was answered last for an address before a time; nothing: none is known.
  std::optional<std::string_view> name_before(const dns::Address& address, uint64_t at_ns) const;

  /// When the youngest of what is forgotten was last answered; 0: nothing is.
  uint64_t forgotten_ns() const { return forgotten_ns_; }

 private:
  static constexpr size_t kNamesMax = 4;

  /// What asked for a name and got an address, from its first answer to its last.
  struct Named {
    std::string name;
    uint64_t first_ns = 0, last_ns = 0;  ///< 0: there is none
  };
  struct Entry {
    dns::Address address;
    std::array<Named, kNamesMax> names;
  };
  struct Hash {
    size_t operator()(const dns::Address& address) const;
  };
  struct Equal {
    bool operator()(const dns::Address& one, const dns::Address& other) const {
      return one.is_ipv4 == other.is_ipv4 && one.bytes == other.bytes;
    }
  };

  dns::Address masked(const dns::Address& address) const;
  Entry& entry_of(const dns::Address& address);

  size_t limit_;
  unsigned ipv4_bits_, ipv6_bits_;
  uint64_t forgotten_ns_ = 0;
  std::list<Entry> entries_;  ///< answered last first
  std::unordered_map<dns::Address, std::list<Entry>::iterator, Hash, Equal> places_;
};

}  // namespace egress
