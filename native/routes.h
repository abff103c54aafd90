// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace egress::rtnetlink {

/// The longest prefix, in bits, of what counts as a default route: 0.0.0.0/1 and 128.0.0.0/1 of
/// VPNs (OpenVPN's def1), and 2000::/3, which is all of IPv6 that is global unicast (RFC 4291,
/// section 2.4; RFC 3587).
inline constexpr uint8_t kDefaultRouteBits = 3;

/// The interfaces that unicast default routes of any table and family lead to, by themselves or by
/// nexthop objects, each once, in the kernel's order. Takes as long as there are routes, of any
/// length: the kernel does not sort them out.
/// @throws Error "list routes", "list nexthops"
std::vector<uint32_t> default_route_interfaces();

}  // namespace egress::rtnetlink
