// SPDX-License-Identifier: Apache-2.0
#include "listening_ports.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include "netlink.h"

namespace egress {

std::vector<uint16_t> listening_tcp_ports() {
  constexpr uint32_t kTcpListen = 10;  // TCP_LISTEN, include/net/tcp_states.h
  std::vector<uint16_t> ports;
  for (uint8_t family : {AF_INET, AF_INET6}) {
    inet_diag_req_v2 request{};
    request.sdiag_family = family;
    request.sdiag_protocol = IPPROTO_TCP;
    request.idiag_states = 1U << kTcpListen;
    netlink::dump("list sockets", NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, request,
                  [&](const nlmsghdr* message) {
                    const auto* socket = static_cast<const inet_diag_msg*>(NLMSG_DATA(message));
                    ports.push_back(ntohs(socket->id.idiag_sport));
                  });
  }
  return ports;
}

}  // namespace egress
