// SPDX-License-Identifier: Apache-2.0
#include "listening_socket.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "error.h"

namespace egress {
namespace {

/// As many as Linux 5.4 and newer allow (SOMAXCONN); fewer lose some in a flood.
constexpr int kBacklog = 4096;
constexpr mode_t kUnixMode = 0660;

Fd open_socket(int family, const std::string& name) {
  Fd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw Error("listen", name, errno);
  return fd;
}

void set(const Fd& fd, int level, int option, int value) {
  // What this cannot be set on, bind() or listen() refuses.
  (void)setsockopt(fd.get(), level, option, &value, sizeof(value));
}

void bind_and_listen(const Fd& fd, const sockaddr* address, socklen_t length,
                     const std::string& name) {
  if (::bind(fd.get(), address, length) != 0) throw Error("listen", name, errno);
  if (::listen(fd.get(), kBacklog) != 0) throw Error("listen", name, errno);
}

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino &&
         one.st_ctim.tv_sec == other.st_ctim.tv_sec && one.st_ctim.tv_nsec == other.st_ctim.tv_nsec;
}

void remove_stale_socket(const sockaddr_un& address, const std::string& path) {
  struct stat before {
  }, after{};
  if (lstat(path.c_str(), &before) != 0 || !S_ISSOCK(before.st_mode)) return;
  const Fd fd = open_socket(AF_UNIX, path);
  const bool answered =
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  if (answered || errno != ECONNREFUSED) return;
  // Another start may have replaced it meanwhile.
  if (lstat(path.c_str(), &after) == 0 && same_file(before, after)) ::unlink(path.c_str());
}

}  // namespace

Fd listen_tcp(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) throw Error("listen", host, EINVAL);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> address(found, freeaddrinfo);
  // Both families have the port at the same place.
  reinterpret_cast<sockaddr_in*>(address->ai_addr)->sin_port = htons(port);
  Fd fd = open_socket(address->ai_family, host);
  set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address->ai_family == AF_INET6) set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  bind_and_listen(fd, address->ai_addr, address->ai_addrlen, host);
  return fd;
}

Fd listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) throw Error("listen", path, ENAMETOOLONG);
  std::memcpy(address.sun_path, path.data(), path.size());
  remove_stale_socket(address, path);
  Fd fd = open_socket(AF_UNIX, path);
  // On Linux the file gets the socket's mode, less the mask, so that nobody else gets in meanwhile.
  fchmod(fd.get(), kUnixMode);
  bind_and_listen(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address), path);
  chmod(path.c_str(), kUnixMode);
  return fd;
}

}  // namespace egress
