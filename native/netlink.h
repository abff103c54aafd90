// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "error.h"
#include "fd.h"

namespace egress::netlink {

/// Room for a datagram. NLMSG_GOODSIZE is at most 8 KiB, but dumps fill what the reader offers, up
/// to 32 KiB.
class Buffer {
 public:
  /// Receives the next datagram.
  /// @returns 0, or errno: EMSGSIZE if it did not fit
  int receive(const Fd& socket) {
    ssize_t received;
    do received = recv(socket.get(), words_.data(), kBytes, MSG_TRUNC);
    while (received < 0 && errno == EINTR);
    if (received < 0) return errno;
    received_ = static_cast<size_t>(received);
    return received_ > kBytes ? EMSGSIZE : 0;
  }

  /// Calls `each` with the messages in it, as long as it returns true.
  template <typename Each>
  void for_each(Each each) const {
    int left = static_cast<int>(received_);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(words_.data());
         NLMSG_OK(message, left) && each(message); message = NLMSG_NEXT(message, left)) {
    }
  }

 private:
  static constexpr size_t kBytes = 32 * 1024;
  std::vector<uint32_t> words_ = std::vector<uint32_t>(kBytes / sizeof(uint32_t));
  size_t received_ = 0;
};

template <typename Body>
struct Request {
  nlmsghdr header;
  Body body;
};

/// How often a dump is made again that changes disturbed.
constexpr int kAttempts = 10;

/// Sends a dump request and calls `each` with every message of the answer.
/// @param protocol NETLINK_ROUTE or another family of netlink(7)
/// @throws Error as the kernel answers
/// @returns whether it is of one moment; else something may be missing (NLM_F_DUMP_INTR)
template <typename Body>
bool dump(const char* operation, int protocol, uint16_t type, const Body& body,
          const std::function<void(const nlmsghdr*)>& each) {
  Fd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
  if (!socket) throw Error(operation, "", errno);

  Request<Body> request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = type;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.header.nlmsg_seq = 1;
  request.body = body;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (sendto(socket.get(), &request, sizeof(request), 0, reinterpret_cast<sockaddr*>(&kernel),
             sizeof(kernel)) < 0)
    throw Error(operation, "", errno);

  bool consistent = true, done = false;
  for (Buffer buffer; !done;) {
    if (int number = buffer.receive(socket)) throw Error(operation, "", number);
    buffer.for_each([&](const nlmsghdr* message) {
      if (message->nlmsg_flags & NLM_F_DUMP_INTR) consistent = false;
      if (message->nlmsg_type == NLMSG_ERROR) {
        const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(message));
        throw Error(operation, "", -error->error);
      }
      done = message->nlmsg_type == NLMSG_DONE;
      if (!done) each(message);
      return !done;
    });
  }
  return consistent;
}

/// What `add` makes of a dump's messages: of the first that no change disturbed, or of the last
/// that was tried.
/// @throws Error as dump() does
template <typename Found, typename Body>
Found collect(const char* operation, int protocol, uint16_t type, const Body& body,
              const std::function<void(Found&, const nlmsghdr*)>& add) {
  for (int attempt = 1;; attempt++) {
    Found found;
    const bool consistent = dump(operation, protocol, type, body,
                                 [&](const nlmsghdr* message) { add(found, message); });
    if (consistent || attempt == kAttempts) return found;
  }
}

}  // namespace egress::netlink
