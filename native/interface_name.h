// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace egress {

/// A name as it is shown. The kernel takes nearly any byte (dev_valid_name(), net/core/dev.c),
/// while labels and JSON are UTF-8, and terminals obey control characters: of these and of what is
/// no UTF-8 each byte becomes `\xHH`, and so does a backslash that would look like the beginning of
/// one.
std::string show_name(std::string_view raw);

/// The bytes of a name that show_name() made.
std::string raw_name(std::string_view shown);

}  // namespace egress
