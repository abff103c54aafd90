// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace egress {

/// Writes to a descriptor what it takes without waiting, whether or not it is O_NONBLOCK: that flag
/// is shared with whoever has the same file open, a shell for one.
/// @return bytes that were written; 0: it takes none now
/// @throws Error "write" as write(2) says, such as EPIPE or ENOSPC
size_t write_now(int fd, std::string_view text);

}  // namespace egress
