// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>

#include <string>

#include "../../../bpf/egress.h"

/// The key of an address, or of a prefix where it is shorter than the address.
inline egress_key key_of(const std::string& address, int length = -1) {
  egress_key key{};
  const bool ipv6 = address.find(':') != address.npos;
  key.family = ipv6 ? AF_INET6 : AF_INET;
  key.prefix_length = static_cast<__u8>(length >= 0 ? length : ipv6 ? 128 : 32);
  inet_pton(key.family, address.c_str(), key.address);
  return key;
}
