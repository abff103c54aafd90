// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace egress {

/// The name of an error's number, such as "ENOENT", as strerrorname_np(3) has it, which glibc
/// before 2.32 lacks.
/// @return null: Linux has no such error for user space
const char* errno_name(int number);

}  // namespace egress
