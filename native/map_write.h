// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace egress {

/// Writes an element of a map; of a stack, without a key, pushes it.
/// @param map its name, for the error
/// @throws Error "write map"
void write(int map_fd, const char* map, const void* key, const void* value);

}  // namespace egress
