// SPDX-License-Identifier: Apache-2.0
#include "routes.h"

#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <map>

#include "attributes.h"
#include "netlink.h"

namespace egress::rtnetlink {
namespace {

using netlink::as_u32;

/// Where a default route leads: to interfaces, or to a nexthop object.
struct Route {
  std::vector<uint32_t> interfaces;
  uint32_t nexthop_id = 0;  ///< 0: none
};

std::vector<Route> default_routes() {
  return netlink::collect<std::vector<Route>>(
      "list routes", NETLINK_ROUTE, RTM_GETROUTE, rtmsg{},
      [](auto& found, const nlmsghdr* message) {
        const auto* header = static_cast<const rtmsg*>(NLMSG_DATA(message));
        const bool ip = header->rtm_family == AF_INET || header->rtm_family == AF_INET6;
        if (!ip || header->rtm_dst_len > kDefaultRouteBits || header->rtm_type != RTN_UNICAST)
          return;
        Route route;
        netlink::for_each_attribute<rtmsg>(message, [&](const rtattr* attribute) {
          if (attribute->rta_type == RTA_OIF) route.interfaces.push_back(as_u32(attribute));
          if (attribute->rta_type == RTA_NH_ID) route.nexthop_id = as_u32(attribute);
          if (attribute->rta_type != RTA_MULTIPATH) return;
          int left = static_cast<int>(RTA_PAYLOAD(attribute));
          for (auto* hop = static_cast<const rtnexthop*>(RTA_DATA(attribute));
               RTNH_OK(hop, left);) {
            route.interfaces.push_back(static_cast<uint32_t>(hop->rtnh_ifindex));
            left -= static_cast<int>(RTNH_ALIGN(hop->rtnh_len));
            hop = RTNH_NEXT(hop);
          }
        });
        found.push_back(std::move(route));
      });
}

/// A nexthop object: an interface, or others as a group.
struct Nexthop {
  uint32_t ifindex = 0;
  std::vector<uint32_t> group;
};

std::map<uint32_t, Nexthop> nexthops() {
  return netlink::collect<std::map<uint32_t, Nexthop>>(
      "list nexthops", NETLINK_ROUTE, RTM_GETNEXTHOP, nhmsg{},
      [](auto& found, const nlmsghdr* message) {
        uint32_t id = 0;
        Nexthop nexthop;
        netlink::for_each_attribute<nhmsg>(message, [&](const rtattr* attribute) {
          if (attribute->rta_type == NHA_ID) id = as_u32(attribute);
          if (attribute->rta_type == NHA_OIF) nexthop.ifindex = as_u32(attribute);
          if (attribute->rta_type != NHA_GROUP) return;
          const auto* members = static_cast<const nexthop_grp*>(RTA_DATA(attribute));
          for (size_t i = 0; i < RTA_PAYLOAD(attribute) / sizeof(*members); i++)
            nexthop.group.push_back(members[i].id);
        });
        found[id] = std::move(nexthop);
      });
}

}  // namespace

std::vector<uint32_t> default_route_interfaces() {
  std::vector<uint32_t> found;
  auto add = [&](uint32_t ifindex) {
    if (ifindex != 0 && std::ranges::find(found, ifindex) == found.end()) found.push_back(ifindex);
  };
  const auto routes = default_routes();
  // With net.ipv4.nexthop_compat_mode=0 a route names the object alone.
  const bool indirect = std::ranges::any_of(
      routes, [](const Route& route) { return route.nexthop_id != 0 && route.interfaces.empty(); });
  const auto objects = indirect ? nexthops() : std::map<uint32_t, Nexthop>();
  for (const Route& route : routes) {
    for (uint32_t ifindex : route.interfaces) add(ifindex);
    const auto object = objects.find(route.nexthop_id);
    if (object == objects.end()) continue;
    add(object->second.ifindex);
    // A group holds no groups (net/ipv4/nexthop.c, valid_group_nh()).
    for (uint32_t member : object->second.group)
      if (const auto single = objects.find(member); single != objects.end())
        add(single->second.ifindex);
  }
  return found;
}

}  // namespace egress::rtnetlink
