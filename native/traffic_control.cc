// SPDX-License-Identifier: Apache-2.0
#include "traffic_control.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "attributes.h"
#include "netlink.h"

namespace egress::traffic_control {

// A dump of all: before Linux 6.7 the kernel tells everybody the answer to a question after one,
// and this program listens (RTNLGRP_TC).
std::map<uint32_t, std::string> shared_place_qdiscs() {
  std::map<uint32_t, std::string> found;
  netlink::dump("list qdiscs", NETLINK_ROUTE, RTM_GETQDISC, tcmsg{}, [&](const nlmsghdr* message) {
    const auto* info = static_cast<const tcmsg*>(NLMSG_DATA(message));
    if (info->tcm_parent != TC_H_CLSACT) return;
    netlink::for_each_attribute<tcmsg>(message, [&](const rtattr* attribute) {
      if (attribute->rta_type == TCA_KIND)
        found[static_cast<uint32_t>(info->tcm_ifindex)] = netlink::as_string(attribute);
    });
  });
  return found;
}

std::string shared_place_qdisc(uint32_t ifindex) {
  const auto all = shared_place_qdiscs();
  const auto found = all.find(ifindex);
  return found == all.end() ? std::string() : found->second;
}

bool Filter::classifies() const {
  if (handle == 0) return false;
  // TC_U32_NODE, include/uapi/linux/pkt_cls.h: the others are tables.
  return kind != "u32" || (handle & 0xfff) != 0;
}

std::vector<Filter> filters(uint32_t ifindex, Hook hook) {
  std::vector<Filter> found;
  tcmsg request{};
  request.tcm_ifindex = static_cast<int>(ifindex);
  request.tcm_parent =
      TC_H_MAKE(TC_H_CLSACT, hook == Hook::kEgress ? TC_H_MIN_EGRESS : TC_H_MIN_INGRESS);
  netlink::dump("list filters", NETLINK_ROUTE, RTM_GETTFILTER, request,
                [&](const nlmsghdr* message) {
                  if (message->nlmsg_type != RTM_NEWTFILTER) return;
                  const auto* info = static_cast<const tcmsg*>(NLMSG_DATA(message));
                  Filter filter{TC_H_MAJ(info->tcm_info) >> 16,
                                static_cast<uint16_t>(TC_H_MIN(info->tcm_info)),
                                0,
                                info->tcm_handle,
                                0,
                                {},
                                {}};
                  const rtattr* options = nullptr;
                  netlink::for_each_attribute<tcmsg>(message, [&](const rtattr* attribute) {
                    if (attribute->rta_type == TCA_KIND)
                      filter.kind = netlink::as_string(attribute);
                    if (attribute->rta_type == TCA_CHAIN) filter.chain = netlink::as_u32(attribute);
                    if (attribute->rta_type == TCA_OPTIONS) options = attribute;
                  });
                  // What its options mean is the kind's own matter.
                  if (options && filter.kind == "bpf")
                    netlink::for_each_nested(options, [&](const rtattr* option) {
                      if (option->rta_type == TCA_BPF_NAME)
                        filter.name = netlink::as_string(option);
                      if (option->rta_type == TCA_BPF_ID)
                        filter.program_id = netlink::as_u32(option);
                    });
                  found.push_back(std::move(filter));
                });
  return found;
}

uint32_t choose_priority(const std::vector<Filter>& egress, uint32_t handle) {
  for (uint32_t priority = 1;; priority++) {
    bool used = false, alike = true;
    for (const Filter& filter : egress) {
      if (filter.chain != 0 || filter.priority != priority) continue;
      used = true;
      // The kernel takes no other kind or protocol beside what has a priority.
      if (filter.kind != "bpf" || filter.protocol_be != htons(ETH_P_ALL) || filter.handle == handle)
        alike = false;
    }
    if (used ? alike : priority > 1) return priority;
  }
}

}  // namespace egress::traffic_control
