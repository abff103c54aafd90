// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "fd.h"

namespace egress {

/// Listens on a TCP address. Who connects waits until somebody accepts.
/// @param host an address as text, with a zone where it has one; `::` is every address of the host
/// @param port 0: the kernel chooses one
/// @throws Error "listen" as socket(2), bind(2) or listen(2) say, or EINVAL for what is no address
Fd listen_tcp(const std::string& host, uint16_t port);

/// Listens on a Unix socket that its owner and group may use. A socket at the path that nobody
/// answers, as a killed process leaves it, is replaced; nothing else is.
/// @throws Error "listen" as above, ENAMETOOLONG included
Fd listen_unix(const std::string& path);

}  // namespace egress
