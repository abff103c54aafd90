// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fd.h"

namespace egress::rtnetlink {

/// A network interface as RTM_GETLINK describes it.
struct Link {
  uint32_t ifindex;
  uint16_t type;  ///< ARPHRD_*, include/uapi/linux/if_arp.h
  std::string name;
};

/// All interfaces of this network namespace.
/// @throws Error "list interfaces"
std::vector<Link> links();

/// The interfaces that unicast default routes of any table and family lead to, each once, in the
/// kernel's order.
/// @throws Error "list routes"
std::vector<uint32_t> default_route_interfaces();

/// Whether any filter hangs on the clsact qdisc of an interface, ingress or egress.
/// @throws Error "list filters"
bool has_clsact_filters(uint32_t ifindex);

/// What may have changed since the last look.
struct Changes {
  bool links = false;           ///< interfaces, or what hangs on them
  bool default_routes = false;  ///< routes of length 0

  explicit operator bool() const { return links || default_routes; }
};

/// A socket that hears of changes to interfaces, qdiscs, filters and routes.
/// @throws Error "watch interfaces"
Fd subscribe();

/// Reads everything that the socket has heard, without waiting.
Changes drain(const Fd& socket);

}  // namespace egress::rtnetlink
