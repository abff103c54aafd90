// SPDX-License-Identifier: Apache-2.0
#include "service_notification.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "error.h"
#include "fd.h"

namespace egress {
namespace {

constexpr timeval kPatience{.tv_sec = 1, .tv_usec = 0};

[[noreturn]] void fail(const std::string& socket, int number) {
  throw Error("notify service manager", socket, number);
}

}  // namespace

void notify_service_manager(const std::string& socket, const std::string& message) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof(address.sun_path)) fail(socket, EINVAL);
  std::ranges::copy(socket, address.sun_path);
  if (socket.front() == '@') address.sun_path[0] = '\0';
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket.size());

  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) fail(socket, errno);
  // Where it cannot be set, the manager is waited for longer.
  (void)setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof(kPatience));
  if (::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length) < 0)
    fail(socket, errno);
}

}  // namespace egress
