// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace egress {

/// Sends a datagram to the socket of a service manager, as sd_notify(3) does. Waits for a manager
/// that does not read for a second at most.
/// @param socket a path, or `@` and an abstract name, as in NOTIFY_SOCKET
/// @throws Error "notify service manager"
void notify_service_manager(const std::string& socket, const std::string& message);

}  // namespace egress
