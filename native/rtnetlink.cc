// SPDX-License-Identifier: Apache-2.0
#include "rtnetlink.h"

#include <linux/if_arp.h>
#include <linux/if_tun.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>

#include "error.h"
#include "fd.h"
#include "netlink.h"

namespace egress::rtnetlink {
namespace {

// IFLA_PARENT_DEV_BUS_NAME, since 5.14; the headers here may be older.
constexpr uint16_t kParentDeviceBusName = 57;

/// Calls `each` with every attribute of a message whose body is a Body.
template <typename Body, typename Each>
void for_each_attribute(const nlmsghdr* message, Each each) {
  auto* body = static_cast<const char*>(NLMSG_DATA(message));
  int left = static_cast<int>(message->nlmsg_len - NLMSG_LENGTH(sizeof(Body)));
  for (auto* attribute = reinterpret_cast<const rtattr*>(body + NLMSG_ALIGN(sizeof(Body)));
       RTA_OK(attribute, left); attribute = RTA_NEXT(attribute, left))
    each(attribute);
}

/// Calls `each` with every attribute within an attribute.
template <typename Each>
void for_each_nested(const rtattr* outer, Each each) {
  int left = static_cast<int>(RTA_PAYLOAD(outer));
  for (auto* inner = static_cast<const rtattr*>(RTA_DATA(outer)); RTA_OK(inner, left);
       inner = RTA_NEXT(inner, left))
    each(inner);
}

uint32_t as_u32(const rtattr* attribute) {
  uint32_t value;
  std::memcpy(&value, RTA_DATA(attribute), sizeof(value));
  return value;
}

bool is_tap(const rtattr* tun_type) {
  return *static_cast<const uint8_t*>(RTA_DATA(tun_type)) == IFF_TAP;
}

}  // namespace

std::vector<Link> links() {
  std::vector<Link> found;
  netlink::dump(
      "list interfaces", NETLINK_ROUTE, RTM_GETLINK, ifinfomsg{}, [&](const nlmsghdr* message) {
        const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
        Link link;
        link.ifindex = static_cast<uint32_t>(info->ifi_index);
        link.type = info->ifi_type;
        bool elsewhere = false;
        for_each_attribute<ifinfomsg>(message, [&](const rtattr* attribute) {
          switch (attribute->rta_type & NLA_TYPE_MASK) {
            case IFLA_IFNAME:
              link.name = static_cast<const char*>(RTA_DATA(attribute));
              break;
            case IFLA_LINKINFO:
              for_each_nested(attribute, [&](const rtattr* nested) {
                if (nested->rta_type == IFLA_INFO_KIND)
                  link.kind = static_cast<const char*>(RTA_DATA(nested));
                if (nested->rta_type == IFLA_INFO_DATA && link.kind == "tun")
                  for_each_nested(nested, [&](const rtattr* option) {
                    if (option->rta_type == IFLA_TUN_TYPE)
                      link.type = is_tap(option) ? ARPHRD_ETHER : ARPHRD_NONE;
                  });
              });
              break;
            case kParentDeviceBusName:
              link.bus = static_cast<const char*>(RTA_DATA(attribute));
              break;
            case IFLA_MASTER:
              link.master = as_u32(attribute);
              break;
            case IFLA_LINK:
              link.lower = as_u32(attribute);
              break;
            case IFLA_LINK_NETNSID:
              elsewhere = true;
              break;
          }
        });
        // A device without another beneath it names itself; one of a pair names its peer.
        if (elsewhere || link.lower == link.ifindex || link.kind == "veth" || link.kind == "netkit")
          link.lower = 0;
        found.push_back(std::move(link));
      });
  return found;
}

std::vector<uint32_t> default_route_interfaces() {
  std::vector<uint32_t> found;
  auto add = [&](uint32_t ifindex) {
    if (std::find(found.begin(), found.end(), ifindex) == found.end()) found.push_back(ifindex);
  };
  netlink::dump("list routes", NETLINK_ROUTE, RTM_GETROUTE, rtmsg{}, [&](const nlmsghdr* message) {
    const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(message));
    bool ip = route->rtm_family == AF_INET || route->rtm_family == AF_INET6;
    if (!ip || route->rtm_dst_len != 0 || route->rtm_type != RTN_UNICAST) return;
    for_each_attribute<rtmsg>(message, [&](const rtattr* attribute) {
      if (attribute->rta_type == RTA_OIF) add(as_u32(attribute));
      if (attribute->rta_type != RTA_MULTIPATH) return;
      int left = static_cast<int>(RTA_PAYLOAD(attribute));
      for (auto* hop = static_cast<const rtnexthop*>(RTA_DATA(attribute)); RTNH_OK(hop, left);) {
        add(static_cast<uint32_t>(hop->rtnh_ifindex));
        left -= static_cast<int>(RTNH_ALIGN(hop->rtnh_len));
        hop = RTNH_NEXT(hop);
      }
    });
  });
  return found;
}

std::vector<Filter> clsact_filters(uint32_t ifindex) {
  constexpr std::array<uint32_t, 2> kHooks = {TC_H_MIN_INGRESS, TC_H_MIN_EGRESS};
  std::vector<Filter> found;
  for (uint32_t hook : kHooks) {
    tcmsg request{};
    request.tcm_ifindex = static_cast<int>(ifindex);
    request.tcm_parent = TC_H_MAKE(TC_H_CLSACT, hook);
    netlink::dump(
        "list filters", NETLINK_ROUTE, RTM_GETTFILTER, request, [&](const nlmsghdr* message) {
          if (message->nlmsg_type != RTM_NEWTFILTER) return;
          const auto* info = static_cast<const tcmsg*>(NLMSG_DATA(message));
          Filter filter{
              hook == TC_H_MIN_EGRESS, TC_H_MAJ(info->tcm_info) >> 16, info->tcm_handle, 0, {}};
          for_each_attribute<tcmsg>(message, [&](const rtattr* attribute) {
            if (attribute->rta_type != TCA_OPTIONS) return;
            // The kind's own attributes, here those of cls_bpf.
            for_each_nested(attribute, [&](const rtattr* option) {
              if (option->rta_type == TCA_BPF_NAME)
                filter.name = static_cast<const char*>(RTA_DATA(option));
              if (option->rta_type == TCA_BPF_ID) filter.program_id = as_u32(option);
            });
          });
          // A filter chain's head comes without a handle of its own.
          if (filter.handle != 0) found.push_back(std::move(filter));
        });
  }
  return found;
}

Fd subscribe() {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!socket) throw Error("watch interfaces", "", errno);
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_LINK | RTMGRP_TC | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE;
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&groups), sizeof(groups)) != 0)
    throw Error("watch interfaces", "", errno);
  return socket;
}

Changes drain(const Fd& socket) {
  Changes changes;
  std::vector<uint32_t> buffer(netlink::kReceiveBuffer / sizeof(uint32_t));
  for (;;) {
    ssize_t received = recv(socket.get(), buffer.data(), netlink::kReceiveBuffer, 0);
    if (received < 0 && errno == EINTR) continue;
    // The kernel had more to say than the socket could hold: anything may have changed.
    if (received < 0 && errno == ENOBUFS) {
      changes = {true, true};
      continue;
    }
    if (received <= 0) return changes;
    int left = static_cast<int>(received);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      if (message->nlmsg_type == RTM_NEWROUTE || message->nlmsg_type == RTM_DELROUTE) {
        const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(message));
        changes.default_routes = changes.default_routes || route->rtm_dst_len == 0;
      } else {
        changes.links = true;
      }
    }
  }
}

}  // namespace egress::rtnetlink
