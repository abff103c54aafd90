// SPDX-License-Identifier: Apache-2.0
#include "address_text.h"

#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace egress {
namespace {

/// By hand: inet_ntop() takes ten times as long, of a large page the most.
void append_ipv4(std::string& text, const egress_key& key) {
  std::array<char, INET_ADDRSTRLEN> address;
  std::array<uint8_t, 4> bytes;
  std::memcpy(bytes.data(), key.address, bytes.size());
  char* end = address.data();
  for (uint8_t byte : bytes) {
    if (end != address.data()) *end++ = '.';
    end = std::to_chars(end, address.data() + address.size(), byte).ptr;
  }
  text.append(address.data(), end);
}

void append_ipv6(std::string& text, const egress_key& key) {
  std::array<char, INET6_ADDRSTRLEN> address;
  inet_ntop(AF_INET6, key.address, address.data(), address.size());
  text += address.data();
}

}  // namespace

void append_address(std::string& text, const egress_key& key) {
  const bool is_ipv4 = key.family == AF_INET;
  if (is_ipv4)
    append_ipv4(text, key);
  else
    append_ipv6(text, key);
  if (key.prefix_length < (is_ipv4 ? 32 : 128))
    text.append("/").append(std::to_string(key.prefix_length));
}

}  // namespace egress
