// SPDX-License-Identifier: Apache-2.0
#include "rtnetlink.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/socket.h>

#include <cerrno>
#include <iterator>
#include <map>

#include "attributes.h"
#include "error.h"
#include "fd.h"
#include "interface_name.h"
#include "netlink.h"
#include "routes.h"

namespace egress::rtnetlink {
namespace {

// IFLA_PARENT_DEV_BUS_NAME, since 5.14; the headers here may be older.
constexpr uint16_t kParentDeviceBusName = 57;

// IFLA_PROP_LIST and IFLA_ALT_IFNAME, since 5.5.
constexpr uint16_t kPropertyList = 52;
constexpr uint16_t kAltName = 53;
// RTMGRP_ has none of it (RTNLGRP_NEXTHOP, since 5.3).
constexpr uint32_t kNexthopGroup = 1U << (RTNLGRP_NEXTHOP - 1);

bool is_tap(const rtattr* tun_type) {
  return *static_cast<const uint8_t*>(RTA_DATA(tun_type)) == IFF_TAP;
}

Link parse_link(const nlmsghdr* message) {
  const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  Link link;
  link.ifindex = static_cast<uint32_t>(info->ifi_index);
  link.type = info->ifi_type;
  link.up = info->ifi_flags & IFF_UP;
  bool elsewhere = false;
  netlink::for_each_attribute<ifinfomsg>(message, [&](const rtattr* attribute) {
    switch (attribute->rta_type & NLA_TYPE_MASK) {
      case IFLA_IFNAME:
        link.name = show_name(netlink::as_string(attribute));
        break;
      case IFLA_LINKINFO:
        netlink::for_each_nested(attribute, [&](const rtattr* nested) {
          if (nested->rta_type == IFLA_INFO_KIND) link.kind = netlink::as_string(nested);
          if (nested->rta_type == IFLA_INFO_DATA && link.kind == "tun")
            netlink::for_each_nested(nested, [&](const rtattr* option) {
              if (option->rta_type == IFLA_TUN_TYPE)
                link.type = is_tap(option) ? ARPHRD_ETHER : ARPHRD_NONE;
            });
        });
        break;
      case kPropertyList:
        netlink::for_each_nested(attribute, [&](const rtattr* nested) {
          if (nested->rta_type == kAltName)
            link.altnames.push_back(show_name(netlink::as_string(nested)));
        });
        break;
      case kParentDeviceBusName:
        link.bus = netlink::as_string(attribute);
        break;
      case IFLA_MASTER:
        link.master = netlink::as_u32(attribute);
        break;
      case IFLA_LINK:
        link.lower = netlink::as_u32(attribute);
        break;
      case IFLA_LINK_NETNSID:
        elsewhere = true;
        break;
    }
  });
  // A device without another beneath it names itself; one of a pair names its peer.
  if (elsewhere || link.lower == link.ifindex || link.kind == "veth" || link.kind == "netkit")
    link.lower = 0;
  return link;
}

/// With an address, IPv4 routes go that have it as their source, without a word.
bool is_about_routes(uint16_t type) {
  return type == RTM_NEWROUTE || type == RTM_DELROUTE || type == RTM_DELADDR ||
         type == RTM_NEWNEXTHOP || type == RTM_DELNEXTHOP;
}

/// Lets a socket hear of routes only if they are default routes, of addresses only if they go, and
/// of all else. A routing daemon changes thousands a second.
void filter_changes(int socket) {
  // Of struct nlmsghdr and what follows it; loads take the bytes for network order.
  constexpr uint32_t kType = 4, kPrefixLength = sizeof(nlmsghdr) + 1;
  constexpr uint32_t kAll = UINT32_MAX, kNothing = 0;
  const auto type = [](uint16_t number) { return uint32_t{htons(number)}; };
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kType),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, type(RTM_NEWADDR), 5, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, type(RTM_NEWROUTE), 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, type(RTM_DELROUTE), 0, 2),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kPrefixLength),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, kDefaultRouteBits, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, kAll),
      BPF_STMT(BPF_RET | BPF_K, kNothing),
  };
  const sock_fprog filter{std::size(program), program};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) != 0)
    throw Error("watch interfaces", "", errno);
}

}  // namespace

std::vector<Link> links() {
  // By ifindex, so that what one of several disturbed dumps left out is there from another.
  std::map<uint32_t, Link> all;
  bool consistent = false;
  for (int attempt = 0; attempt < netlink::kAttempts && !consistent; attempt++) {
    std::map<uint32_t, Link> found;
    consistent = netlink::dump("list interfaces", NETLINK_ROUTE, RTM_GETLINK, ifinfomsg{},
                               [&](const nlmsghdr* message) {
                                 Link link = parse_link(message);
                                 found.insert_or_assign(link.ifindex, std::move(link));
                               });
    if (consistent) all.clear();
    for (auto& [ifindex, link] : found) all.insert_or_assign(ifindex, std::move(link));
  }
  std::vector<Link> links;
  for (auto& [ifindex, link] : all)
    if (consistent || exists(ifindex)) links.push_back(std::move(link));
  return links;
}

std::string interface_name(uint32_t ifindex) {
  char name[IF_NAMESIZE];
  return if_indextoname(ifindex, name) ? show_name(name) : "if" + std::to_string(ifindex);
}

bool exists(uint32_t ifindex) {
  char name[IF_NAMESIZE];
  return if_indextoname(ifindex, name) != nullptr;
}

Fd subscribe() {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!socket) throw Error("watch interfaces", "", errno);
  sockaddr_nl groups{};
  groups.nl_family = AF_NETLINK;
  groups.nl_groups = RTMGRP_LINK | RTMGRP_TC | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
                     RTMGRP_IPV4_IFADDR | kNexthopGroup;
  filter_changes(socket.get());
  if (bind(socket.get(), reinterpret_cast<sockaddr*>(&groups), sizeof(groups)) != 0)
    throw Error("watch interfaces", "", errno);
  return socket;
}

Changes drain(const Fd& socket) {
  Changes changes;
  for (netlink::Buffer buffer;;) {
    const int number = buffer.receive(socket);
    // The kernel had more to say than the socket or the buffer could hold: anything may have
    // changed.
    if (number == ENOBUFS || number == EMSGSIZE) {
      changes = {true, true};
      continue;
    }
    if (number != 0) return changes;
    buffer.for_each([&](const nlmsghdr* message) {
      (is_about_routes(message->nlmsg_type) ? changes.default_routes : changes.links) = true;
      return true;
    });
  }
}

}  // namespace egress::rtnetlink
