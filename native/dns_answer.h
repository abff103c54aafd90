// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace egress::dns {

/// An address as a record has it: 4 or 16 bytes are in use.
struct Address {
  bool is_ipv4;
  std::array<uint8_t, 16> bytes;
};

/// What a message says: the name that was asked for, and the addresses that it led to.
struct Answer {
  std::string name;  ///< lower-case letters, digits, '-', '_' and '.': 253 bytes at most
  std::vector<Address> addresses;
};

/// What becomes of a message.
enum class Verdict : uint8_t {
  kAnswer,     ///< the question led to addresses
  kNothing,    ///< it led to none, is no answer to a query, or sends who asked to TCP
  kMalformed,  ///< it breaks RFC 1035, or names more names than an honest one
  kName,       ///< the name has other bytes than those of Answer
};

/// Reads an answer of the DNS (RFC 1035), as strictly as it can be told: the message may be
/// anything. The question leads to an address by any chain of CNAMEs, in whatever order they come
/// (a cache's are not in order).
/// @param answer is filled in where the verdict is kAnswer
Verdict parse_answer(std::span<const uint8_t> message, Answer& answer);

}  // namespace egress::dns
