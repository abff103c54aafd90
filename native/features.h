// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "attachment.h"
#include "error.h"

namespace egress {

/// Whether array maps can be mapped into memory (Linux 5.5): found out by making one.
/// @throws Error "load program" where no map can be made at all
bool has_mmapable_arrays();

/// Whether programs can read gso_size of struct __sk_buff (Linux 5.7): found out by loading one.
bool has_gso_size();

/// Whether the kernel is that of a version, or newer; where it does not say, yes.
bool is_since(int major, int minor);

/// Whether the kernel is built with PREEMPT_RT.
bool is_preempt_rt();

/// Whether one call waits until running programs have ended (Linux 4.3).
bool has_membarrier();

/// Attaches the program in this way, in a network namespace that is made for it and ends with it.
/// @returns why it cannot be done; nothing where it can. EPERM of "make namespace": it could not be
///          tried, for want of CAP_SYS_ADMIN
std::optional<Error> try_attach(Mode mode);

/// The name of a BPF program; empty without CAP_SYS_ADMIN, and where there is none of this id.
std::string program_name(uint32_t program_id);

}  // namespace egress
