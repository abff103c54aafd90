// SPDX-License-Identifier: Apache-2.0
//
// By hand, since they are most of what a large page takes: inet_ntop() takes twenty times as long.
#include "address_text.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace egress {
namespace {

constexpr size_t kPrefixLengthMax = 4;  // "/127"
using Text = std::array<char, INET6_ADDRSTRLEN + kPrefixLengthMax>;

/// A byte of an IPv4 address with the dot behind it.
struct Octet {
  std::array<char, 4> text;
  uint8_t length;
};

constexpr std::array<Octet, 256> kOctets = [] {
  std::array<Octet, 256> octets{};
  for (unsigned byte = 0; byte < octets.size(); byte++) {
    auto& [text, length] = octets[byte];
    for (unsigned power = 100; power > 0; power /= 10)
      if (byte >= power || power == 1) text[length++] = static_cast<char>('0' + byte / power % 10);
    text[length++] = '.';
  }
  return octets;
}();

char* write_ipv4(char* at, const egress_key& key) {
  std::array<uint8_t, 4> bytes;
  std::memcpy(bytes.data(), key.address, bytes.size());
  for (uint8_t byte : bytes) {
    const Octet& octet = kOctets[byte];
    std::memcpy(at, octet.text.data(), octet.text.size());
    at += octet.length;
  }
  return at - 1;  // the last dot
}

constexpr size_t kGroups = 8;

/// Groups of zeros that "::" stands for: the first of the longest runs of two or more (RFC 5952,
/// section 4.2).
struct Zeros {
  size_t begin = 0, end = 0;
};

Zeros find_zeros(const std::array<uint16_t, kGroups>& groups) {
  Zeros longest;
  for (size_t begin = 0; begin < kGroups; begin++) {
    size_t end = begin;
    while (end < kGroups && groups[end] == 0) end++;
    if (end - begin >= 2 && end - begin > longest.end - longest.begin) longest = {begin, end};
    begin = end;
  }
  return longest;
}

char* write_ipv6(char* at, const egress_key& key) {
  std::array<uint16_t, kGroups> groups;
  std::memcpy(groups.data(), key.address, sizeof(groups));
  for (uint16_t& group : groups) group = ntohs(group);
  const Zeros zeros = find_zeros(groups);
  // Those that hold an IPv4 address, and what looks like them, are rare.
  if (zeros.begin == 0 && zeros.end >= 5) {
    inet_ntop(AF_INET6, key.address, at, INET6_ADDRSTRLEN);
    return at + std::strlen(at);
  }
  for (size_t i = 0; i < kGroups; i++) {
    if (i == zeros.begin && zeros.end != 0) {
      *at++ = ':';
      *at++ = ':';
      i = zeros.end - 1;
      continue;
    }
    if (i != 0 && i != zeros.end) *at++ = ':';
    at = std::to_chars(at, at + 4, groups[i], 16).ptr;
  }
  return at;
}

}  // namespace

void append_address(std::string& text, const egress_key& key) {
  const bool is_ipv4 = key.family == AF_INET;
  Text address;
  char* end = is_ipv4 ? write_ipv4(address.data(), key) : write_ipv6(address.data(), key);
  if (key.prefix_length < (is_ipv4 ? 32 : 128)) {
    *end++ = '/';
    end = std::to_chars(end, address.data() + address.size(), key.prefix_length).ptr;
  }
  text.append(address.data(), end);
}

}  // namespace egress
