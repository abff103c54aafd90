// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "answer_cache.h"
#include "fd.h"
#include "packet_ring.h"

namespace egress {

/// What became of answers, since the beginning.
struct NamesState {
  uint64_t dns, resolved;                         ///< answers that led to addresses, by source
  uint64_t malformed, truncated, name, overflow;  ///< what was dropped, and why
};

/// The names that led to addresses, from answers that others asked for. Asks nobody. Thread-safe.
class Names {
 public:
  /// @see AnswerCache
  Names(size_t limit, unsigned ipv4_bits, unsigned ipv6_bits);
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;
  ~Names();

  /// Reads answers off the wire from now on, on a thread of its own. Once.
  /// @throws Error "listen to DNS"; EPERM without CAP_NET_RAW
  void listen();

  /// Where, beside the loopback interface, which local resolvers answer by.
  /// @throws Error "listen to DNS"
  void choose(std::vector<uint32_t> ifindexes);

  /// From now on what has no name is a bare address. Before, and after end(), that cannot be told.
  void begin();
  void end();

  /// Takes an answer that systemd-resolved told of.
  /// @param message as it would be on the wire
  void take_resolved(std::span<const uint8_t> message);

  /// Counts what it told and cannot be read.
  void count_malformed() { malformed_++; }

  /// Takes what has arrived by now. An answer arrives here before whoever asked has it, so after
  /// this every name is known that led to a packet which was sent before.
  void catch_up();

  /// The name that was answered last for a destination before a time.
  /// @param destination an address or a prefix, as users read it
  /// @param at_ns CLOCK_MONOTONIC
  /// @returns empty: no answer led to it; nothing: that cannot be told
  std::optional<std::string> name_before(const std::string& destination, uint64_t at_ns) const;

  NamesState state();

 private:
  void run();
  size_t read(size_t most);
  void take(std::span<const uint8_t> message, uint64_t at_ns, std::atomic<uint64_t>& answers);

  mutable std::mutex cache_mutex_;  // of the next two
  AnswerCache cache_;
  uint64_t since_ns_ = UINT64_MAX;  ///< when it began

  std::mutex ring_mutex_;  // of reading it
  std::unique_ptr<PacketRing> ring_;

  std::atomic<uint64_t> dns_ = 0, resolved_ = 0;
  std::atomic<uint64_t> malformed_ = 0, truncated_ = 0, name_ = 0, overflow_ = 0;

  Fd stop_;  // an event: readable, and the thread ends
  std::thread thread_;
};

}  // namespace egress
