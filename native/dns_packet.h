// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace egress::dns {

inline constexpr uint16_t kPort = 53;

/// The messages that a packet carries, one after the other.
class Messages {
 public:
  /// @param packet as far as it was captured, from its IP header on; it may be anything
  explicit Messages(std::span<const uint8_t> packet);

  /// The next one, whole; nothing: there is none.
  std::optional<std::span<const uint8_t>> next();

  /// Whether a part of one was left out: fragments, what was not captured, and what goes on in
  /// another segment.
  bool truncated() const { return truncated_; }

 private:
  void open_ipv4(std::span<const uint8_t> packet);
  void open_ipv6(std::span<const uint8_t> packet);
  void open_transport(uint8_t protocol, std::span<const uint8_t> packet, size_t whole);

  std::span<const uint8_t> rest_;
  bool is_stream_ = false;  ///< each message has its length before it (RFC 1035, section 4.2.2)
  bool truncated_ = false;
};

}  // namespace egress::dns
