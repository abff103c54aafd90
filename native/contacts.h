// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "snapshot.h"

namespace egress {

/// Destinations on their way to the memory: packed where they are found and unpacked on the
/// memory's own thread, so that the main thread only hands them on.
struct Contacts {
  std::string json;            ///< an array of what src/kernel/contacts.ts has as Contact
  std::vector<uint64_t> keys;  ///< id and first_seen_ns of each, one after the other
};

/// The name of a destination; nothing: it cannot be told.
using NameOf = std::function<std::optional<std::string>(const NamedDestination&)>;

/// @param name_of empty: names are not looked for
Contacts pack(const std::vector<NamedDestination>& destinations, const NameOf& name_of = {});

}  // namespace egress
