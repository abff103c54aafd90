// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "destination_table.h"
#include "interface_slots.h"
#include "query.h"
#include "rate_meter.h"
#include "snapshot.h"

namespace egress {

struct RatedDestination {
  NamedDestination destination;
  Rate rate;
};

struct RatedInterface {
  Interface interface;
  Rate rate;
};

/// What a service sends to all published destinations.
struct RatedService {
  std::string service;  ///< quoted, as ServiceLabels have it
  uint64_t destinations;
  egress_counter counters;
  Rate rate;
};

/// A part of the list of destinations, and what the interfaces count beside it.
struct Ranking {
  bool by_service;   ///< whether each row is of one service
  uint64_t matched;  ///< as the query wants, on all parts of the list
  std::vector<RatedDestination> rows;
  std::vector<RatedInterface> interfaces;  ///< by name
  std::vector<RatedService> services;  ///< those with a name; none where they are not told apart
};

/// A part of the list of published destinations, in some order, and what the interfaces count. How
/// fast they grow is of the time between the last two sweeps.
/// @throws Error "read map"
Ranking rank(const Query& query, DestinationTable& table, const InterfaceSlots& slots);

}  // namespace egress
