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
  std::string name;  ///< as it is shown, like all names here; see interface_name.h
  std::vector<std::string> altnames;
  bool up = false;   ///< it may have routes
  std::string kind;  ///< of a virtual one, such as "vlan"; empty otherwise
  std::string bus;   ///< of one that a bus device is behind, such as "pci"; before Linux 5.14 empty
  uint32_t master = 0;  ///< the ifindex of its bridge, bond or VRF; 0: none
  uint32_t lower = 0;  ///< the ifindex of the one that it lies on; 0: none, or in another namespace
};

/// All interfaces of this network namespace, as they were at one moment.
/// @throws Error "list interfaces"
std::vector<Link> links();

/// What an interface is shown as; one that is gone is "if" and its index, as iproute2 has it.
std::string interface_name(uint32_t ifindex);

/// Whether there is such an interface now.
bool exists(uint32_t ifindex);

/// What may have changed since the last look.
struct Changes {
  bool links = false;           ///< interfaces, or what is attached to them
  bool default_routes = false;  ///< @see kDefaultRouteBits; nexthop objects, or a lost address

  explicit operator bool() const { return links || default_routes; }
};

/// A socket that hears of changes to interfaces, qdiscs, filters and default routes. Of what else
/// changes about routes and addresses it gets nothing: the kernel filters it.
/// @throws Error "watch interfaces"
Fd subscribe();

/// Reads everything that the socket has heard, without waiting.
Changes drain(const Fd& socket);

}  // namespace egress::rtnetlink
