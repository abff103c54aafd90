// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "fd.h"

namespace egress {

/// Locks a folder with flock(2), which leaves nothing behind: the lock goes with the process,
/// however it ends, or with the descriptor.
/// @param what the kind of folder, such as "pins", for the errors' words
/// @throws Error "open <what>" as the file system says; "lock <what>" EBUSY where another process
/// has
///         it, with its id as detail if it is known, or as flock() says
Fd lock_folder(const std::string& path, const std::string& what);

/// Locks the folder at a path until the process ends, unless that very folder is locked by this
/// process so; what was there before, and was removed, is let go. Any thread may call it.
/// @throws Error as lock_folder() does
void hold_folder(const std::string& path, const std::string& what);

/// Whether a descriptor's folder is the one that a path leads to.
bool is_folder(int fd, const std::string& path);

/// The process that has locked a folder; empty: none, or it cannot be told.
/// @throws Error "open <what>"
std::string lock_holder(const std::string& path, const std::string& what);

}  // namespace egress
