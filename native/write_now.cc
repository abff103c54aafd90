// SPDX-License-Identifier: Apache-2.0
#include "write_now.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "error.h"

namespace egress {
namespace {

ssize_t attempt(int fd, std::string_view text) {
  const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent >= 0 || errno != ENOTSOCK) return sent;
  // A pipe that is ready takes PIPE_BUF bytes and may let whoever brings more wait, pipe(7).
  pollfd ready{fd, POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1) return 0;
  return ::write(fd, text.data(), text.size() < PIPE_BUF ? text.size() : PIPE_BUF);
}

}  // namespace

size_t write_now(int fd, std::string_view text) {
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = attempt(fd, text.substr(written));
    if (count > 0) {
      written += static_cast<size_t>(count);
    } else if (count < 0 && errno == EINTR) {
      continue;
    } else if (count == 0 || errno == EAGAIN || written > 0) {
      break;  // an error that stays comes again with the next call
    } else {
      throw Error("write", "descriptor " + std::to_string(fd), errno);
    }
  }
  return written;
}

}  // namespace egress
