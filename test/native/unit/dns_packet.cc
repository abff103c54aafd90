// SPDX-License-Identifier: Apache-2.0
#include "../../../native/dns_packet.h"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include <random>

#include "dns.h"

using egress::dns::Messages;

namespace {

Bytes ipv4(uint8_t protocol, const Bytes& payload, uint16_t fragment = 0, Bytes options = {}) {
  const auto words = static_cast<uint8_t>(5 + options.size() / 4);
  return Bytes{static_cast<uint8_t>(0x40 | words), 0} + be16(words * 4u + payload.size()) +
         Bytes{0, 1} + be16(fragment) + Bytes{64, protocol, 0, 0, 192, 0, 2, 53, 192, 0, 2, 1} +
         options + payload;
}

Bytes ipv6(uint8_t next, const Bytes& payload) {
  return Bytes{0x60, 0, 0, 0} + be16(payload.size()) + Bytes{next, 64} + Bytes(32, 0x20) + payload;
}

Bytes udp(const Bytes& message, uint16_t port = 53) {
  return be16(port) + be16(40001) + be16(8 + message.size()) + be16(0) + message;
}

Bytes tcp(const Bytes& stream, Bytes options = {}) {
  const auto words = static_cast<uint8_t>(5 + options.size() / 4);
  return be16(53) + be16(40001) + Bytes(8, 7) + Bytes{static_cast<uint8_t>(words << 4), 0x18} +
         Bytes(6, 0) + options + stream;
}

struct Read {
  std::vector<Bytes> messages;
  bool truncated = false;
  bool operator==(const Read&) const = default;
};

Read read(const Bytes& packet) {
  const Bytes exact(packet);
  Messages messages(exact);
  Read read;
  while (const auto message = messages.next())
    read.messages.emplace_back(message->begin(), message->end());
  read.truncated = messages.truncated();
  return read;
}

const Bytes kOne = {1, 2, 3, 5, 7};
const Bytes kOther = {11, 13};

}  // namespace

namespace doctest {
template <>
struct StringMaker<Read> {
  static String convert(const Read& read) {
    return ((read.truncated ? "truncated " : "") + std::to_string(read.messages.size())).c_str();
  }
};
}  // namespace doctest

TEST_CASE("a datagram is a message, behind either header and before padding") {
  CHECK(read(ipv4(IPPROTO_UDP, udp(kOne))) == Read{{kOne}});
  CHECK(read(ipv4(IPPROTO_UDP, udp(kOne), 0x4000, Bytes(12, 1)) + Bytes(18, 0)) == Read{{kOne}});
  CHECK(read(ipv6(IPPROTO_UDP, udp(kOne)) + Bytes(18, 0)) == Read{{kOne}});
}

TEST_CASE("a segment has as many messages as are whole") {
  const Bytes both = be16(kOne.size()) + kOne + be16(kOther.size()) + kOther;
  CHECK(read(ipv4(IPPROTO_TCP, tcp(both, Bytes(12, 1)))) == Read{{kOne, kOther}});
  CHECK(read(ipv6(IPPROTO_TCP, tcp(both))) == Read{{kOne, kOther}});
  CHECK(read(ipv4(IPPROTO_TCP, tcp({})) + Bytes(6, 0)) == Read{});
  for (size_t size = 1; size < 4; size++)
    CHECK(read(ipv4(IPPROTO_TCP,
                    tcp(Bytes(both.begin(), both.begin() + 7 + static_cast<long>(size))))) ==
          Read{{kOne}, true});
}

TEST_CASE("what was cut, and fragments, are told") {
  const Bytes whole = ipv4(IPPROTO_UDP, udp(kOne));
  CHECK(read(Bytes(whole.begin(), whole.end() - 1)) == Read{{}, true});
  CHECK(read(ipv4(IPPROTO_UDP, udp(kOne), 0x2000)) == Read{{}, true});
  CHECK(read(ipv4(IPPROTO_UDP, udp(kOne), 0x0010)) == Read{});
}

TEST_CASE("what is from another port, of another protocol, or no IP is nothing") {
  CHECK(read(ipv4(IPPROTO_UDP, udp(kOne, 5353))) == Read{});
  CHECK(read(ipv4(IPPROTO_SCTP, udp(kOne))) == Read{});
  CHECK(read(Bytes{0x50} + Bytes(60, 0)) == Read{});
  CHECK(read({}) == Read{});
}

TEST_CASE("no packet is too short or too wrong to be read") {
  std::mt19937 random(20261128);
  const Bytes honest[] = {ipv4(IPPROTO_UDP, udp(kOne)), ipv6(IPPROTO_UDP, udp(kOne)),
                          ipv4(IPPROTO_TCP, tcp(be16(kOne.size()) + kOne + be16(2) + kOther)),
                          ipv6(IPPROTO_TCP, tcp(be16(kOne.size()) + kOne))};
  size_t got = 0;
  for (int i = 0; i < 200'000; i++) {
    Bytes packet = honest[random() % 4];
    for (int changes = 0; changes < 3; changes++)
      packet[random() % packet.size()] = static_cast<uint8_t>(random());
    if (random() % 2) packet.resize(random() % packet.size());
    for (const Bytes& message : read(packet).messages) {
      got++;
      REQUIRE(message.size() < packet.size());
    }
  }
  CHECK(got > 10'000);
}
