// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "../bpf/egress.h"
#include "service.h"

namespace egress {

/// A listed destination as one read saw it.
struct Destination {
  egress_key key;
  uint32_t interface;  ///< index into Snapshot::interfaces
  uint16_t port;
  uint8_t protocol;
  bool withheld;  ///< its counters are 0 to scrapers
  bool unnamed;   ///< its service has no name yet: it is on no page
  uint64_t packets;
  uint64_t bytes;
  uint64_t tcp_connects;
  uint64_t first_seen_ns;  ///< CLOCK_MONOTONIC
  int64_t first_seen_ms;   ///< since the Unix epoch
};

/// What one record of a destination knows of its own first packet, where services are told apart.
struct OwnContact {
  std::string service;  ///< quoted, as in JSON and in labels; "": it has no name yet
  egress_sender sender;
  uint16_t port;
  uint8_t protocol;
  int64_t age_ms;
};

/// A listed destination by the names that users have for it. Where services are told apart, the
/// counts are of all that send there, and the first packet is the first of any.
struct NamedDestination {
  uint32_t id;             ///< of the record that it was looked up for
  uint64_t first_seen_ns;  ///< CLOCK_MONOTONIC; with the id it tells records apart that reuse it
  std::string interface;
  std::string destination;  ///< an address or a prefix
  uint16_t port;
  uint8_t protocol;
  uint64_t packets;
  uint64_t bytes;
  int64_t first_seen_ms;  ///< since the Unix epoch
  int64_t last_seen_ms;   ///< as far as it was looked at
  int64_t age_ms;         ///< since the record's first packet, whatever the wall clock did
  int64_t idle_ms;        ///< likewise since it was last found to have more packets
  egress_sender sender;   ///< of the first packet
  uint64_t life_ns;       ///< first_seen_ns of the oldest record that counts it
  uint64_t
      next_life_ns;  ///< of the oldest that is left, where this record leaves; 0: none, or it stays
  std::optional<OwnContact> own;  ///< of the record that it was looked up for
};

/// Calls `visit` with each field of a destination that JavaScript gets: its name there, as
/// src/kernel/ranking.ts has it, and its value, a text or an integer.
template <typename Visit>
void for_each_field(const NamedDestination& destination, Visit visit) {
  visit("interface", destination.interface);
  visit("destination", destination.destination);
  visit("protocol", destination.protocol);
  visit("port", destination.port);
  visit("packets", destination.packets);
  visit("bytes", destination.bytes);
  visit("firstSeenMs", destination.first_seen_ms);
  visit("lastSeenMs", destination.last_seen_ms);
  visit("ageMs", destination.age_ms);
  visit("idleMs", destination.idle_ms);
}

/// What an interface counted, summed over the CPUs and what left the table.
struct InterfaceCounters {
  egress_counter total;
  egress_counter unlisted[EGRESS_UNLISTED_REASONS];
  uint64_t new_destinations;
};

/// An attached interface as one read saw it.
struct Interface {
  std::string name;
  InterfaceCounters counters;
  uint64_t destinations;    ///< listed now
  egress_counter withheld;  ///< of the destinations whose counters are 0 to scrapers, or unnamed
};

/// One read of all maps.
struct Snapshot {
  uint64_t read_ns;  ///< CLOCK_MONOTONIC, when the read began
  bool zero_first;   ///< whether scrapers may have it, see zero_first.h
  std::vector<Interface> interfaces;
  std::vector<Destination> destinations;
  bool by_service;                      ///< whether services are told apart
  std::vector<ServiceLabels> services;  ///< by slot; without a text where the page has none of it
};

}  // namespace egress
