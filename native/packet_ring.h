// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "fd.h"

namespace egress {

/// A packet that a ring got.
struct RingPacket {
  std::span<const uint8_t> bytes;  ///< from its IP header on, as far as it was captured
  int64_t unix_ns;                 ///< when it came
};

/// What arrives from port 53 by UDP or TCP, on chosen interfaces: a packet socket with a filter in
/// the kernel, which copies what passes into memory that both sides map. Nothing is sent by it, and
/// no packet's way changes.
///
/// One socket for all interfaces, and not one for each: it takes CAP_NET_RAW to make one, which is
/// given up once the exporter runs, and interfaces come later, too. A new choice is a new filter.
class PacketRing {
 public:
  /// Packets that it has room for.
  static constexpr size_t kCapacity = 1024;

  /// Listens on no interface yet.
  /// @throws Error "listen to DNS"; EPERM without CAP_NET_RAW
  PacketRing();
  PacketRing(const PacketRing&) = delete;
  PacketRing& operator=(const PacketRing&) = delete;
  ~PacketRing();

  /// Takes what arrives on these from now on, and nothing else.
  /// @throws Error "listen to DNS"
  void choose(const std::vector<uint32_t>& ifindexes);

  /// Readable when there are packets.
  int fd() const { return socket_.get(); }

  /// Hands over what has come, in order, so many at most. By one thread at a time.
  /// @returns how many these were
  size_t read(size_t most, const std::function<void(const RingPacket&)>& take);

  /// Packets that found no room, since the last such call.
  uint64_t take_dropped();

 private:
  Fd socket_;
  uint8_t* frames_ = nullptr;
  size_t next_ = 0;
};

}  // namespace egress
