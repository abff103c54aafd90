// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace egress {

/// Gives up, in every thread, each capability that following interfaces does not need, and with
/// PR_SET_NO_NEW_PRIVS the way to get one back. What stays: CAP_NET_ADMIN to attach, and CAP_BPF
/// (before Linux 5.8 CAP_SYS_ADMIN) where the kernel wants it for every bpf() call: before 5.19.
/// @param map_fd any map of this process, to find that out
/// @returns the names of those that stay, as far as they were held
/// @throws Error "drop capabilities"; ETIMEDOUT: a thread does not answer
std::vector<std::string> drop_capabilities(int map_fd);

}  // namespace egress
