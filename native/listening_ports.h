// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace egress {

/// The ports on which TCP sockets of this network namespace listen.
/// @throws Error "list sockets"; ENOENT where the kernel has no sock_diag
std::vector<uint16_t> listening_tcp_ports();

}  // namespace egress
