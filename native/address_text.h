// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "../bpf/egress.h"

namespace egress {

/// Appends a destination as users read it: an address (RFC 5952), or a prefix where many are one.
void append_address(std::string& text, const egress_key& key);

}  // namespace egress
