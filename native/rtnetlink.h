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
  /// ARPHRD_*, include/uapi/linux/if_arp.h; of tun and tap devices what their frames begin with,
  /// which TUNSETLINK does not change.
  uint16_t type;
  std::string name;
  std::string kind;  ///< of a virtual one, such as "vlan"; empty otherwise
  std::string bus;   ///< of one that a bus device is behind, such as "pci"; before Linux 5.14 empty
  uint32_t master = 0;  ///< the ifindex of its bridge, bond or VRF; 0: none
  uint32_t lower = 0;  ///< the ifindex of the one that it lies on; 0: none, or in another namespace
};

/// All interfaces of this network namespace.
/// @throws Error "list interfaces"
std::vector<Link> links();

/// The interfaces that unicast default routes of any table and family lead to, each once, in the
/// kernel's order.
/// @throws Error "list routes"
std::vector<uint32_t> default_route_interfaces();

/// A filter on a clsact qdisc.
struct Filter {
  bool egress;
  uint32_t priority;
  uint32_t handle;
  uint32_t program_id;  ///< 0: not a BPF filter
  std::string name;     ///< of a BPF filter
};

/// The filters on the clsact qdisc of an interface, ingress and egress; none where it has no such
/// qdisc.
/// @throws Error "list filters"
std::vector<Filter> clsact_filters(uint32_t ifindex);

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
