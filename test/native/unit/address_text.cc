// SPDX-License-Identifier: Apache-2.0
#include "../../../native/address_text.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include "key.h"

namespace {

std::string text_of(const egress_key& key) {
  std::string text;
  egress::append_address(text, key);
  return text;
}

std::string by_libc(const egress_key& key) {
  std::array<char, INET6_ADDRSTRLEN> text;
  return inet_ntop(key.family, key.address, text.data(), text.size());
}

}  // namespace

TEST_CASE("IPv4 addresses are what inet_ntop() makes of them, every octet in every place") {
  egress_key key = key_of("0.0.0.0");
  for (uint32_t octet = 0; octet < 256; octet++) {
    key.address[0] = htonl(octet << 24 | (255 - octet) << 16 | octet << 8 | octet / 3);
    CHECK(text_of(key) == by_libc(key));
  }
}

TEST_CASE("IPv6 addresses too, in every order of groups that \"::\" and leading zeros matter to") {
  constexpr std::array<uint16_t, 4> kGroups = {0, 0x1, 0xabc, 0xffff};
  egress_key key = key_of("::");
  size_t different = 0;
  for (uint32_t order = 0; order < 1U << 16; order++) {
    std::array<uint16_t, 8> groups;
    for (size_t i = 0; i < groups.size(); i++) groups[i] = htons(kGroups[order >> 2 * i & 3]);
    std::memcpy(key.address, groups.data(), sizeof(groups));
    different += text_of(key) != by_libc(key);
  }
  CHECK(different == 0);
}

TEST_CASE("what stands for many has its length") {
  CHECK(text_of(key_of("192.0.2.0", 24)) == "192.0.2.0/24");
  CHECK(text_of(key_of("2001:db8::", 127)) == "2001:db8::/127");
  CHECK(text_of(key_of("0.0.0.0", 0)) == "0.0.0.0/0");
}

TEST_CASE("text is appended to what is there") {
  std::string text = "to ";
  egress::append_address(text, key_of("192.0.2.1"));
  CHECK(text == "to 192.0.2.1");
}
