// SPDX-License-Identifier: Apache-2.0
#include "dns_packet.h"

#include <netinet/in.h>

#include <algorithm>

namespace egress::dns {
namespace {

using Bytes = std::span<const uint8_t>;

constexpr size_t kIpv4HeaderMin = 20, kIpv6Header = 40, kUdpHeader = 8, kTcpHeaderMin = 20;
constexpr size_t kLengthPrefix = 2;

uint16_t be16(Bytes bytes, size_t at) {
  return static_cast<uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

}  // namespace

Messages::Messages(Bytes packet) {
  const unsigned version = packet.empty() ? 0 : packet[0] >> 4;
  if (version == 4) open_ipv4(packet);
  if (version == 6) open_ipv6(packet);
}

void Messages::open_ipv4(Bytes packet) {
  constexpr uint16_t kMoreFragments = 0x2000, kOffset = 0x1fff;
  if (packet.size() < kIpv4HeaderMin) return;
  const size_t header = (packet[0] & 0x0f) * size_t{4};
  if (header < kIpv4HeaderMin || header > packet.size()) return;
  // 0: more than it can say (BIG TCP); the capture is what there is.
  const size_t said = be16(packet, 2);
  const size_t whole = said == 0 ? packet.size() : said;
  if (whole < header) return;
  const uint16_t fragment = be16(packet, 6);
  if (fragment & kMoreFragments) truncated_ = true;
  if (fragment & (kMoreFragments | kOffset)) return;
  open_transport(packet[9], packet.subspan(header), whole - header);
}

void Messages::open_ipv6(Bytes packet) {
  if (packet.size() < kIpv6Header) return;
  const size_t said = be16(packet, 4);
  open_transport(packet[6], packet.subspan(kIpv6Header),
                 said == 0 ? packet.size() - kIpv6Header : said);
}

/// @param whole how long it was on the wire; what is behind it is padding
void Messages::open_transport(uint8_t protocol, Bytes packet, size_t whole) {
  const bool is_cut = packet.size() < whole;
  packet = packet.first(std::min(packet.size(), whole));
  if (packet.size() < kUdpHeader || be16(packet, 0) != kPort) return;
  if (protocol == IPPROTO_UDP) {
    const size_t length = be16(packet, 4);
    if (length < kUdpHeader) return;
    if (length > packet.size())
      truncated_ = is_cut;
    else
      rest_ = packet.subspan(kUdpHeader, length - kUdpHeader);
  }
  if (protocol == IPPROTO_TCP) {
    if (packet.size() < kTcpHeaderMin) return;
    const size_t header = (packet[12] >> 4) * size_t{4};
    if (header < kTcpHeaderMin || header > packet.size()) return;
    rest_ = packet.subspan(header);
    is_stream_ = true;
  }
}

std::optional<Bytes> Messages::next() {
  if (rest_.empty()) return {};
  if (!is_stream_) {
    const Bytes message = rest_;
    rest_ = {};
    return message;
  }
  const size_t length = rest_.size() < kLengthPrefix ? SIZE_MAX : be16(rest_, 0);
  if (length > rest_.size() - std::min(rest_.size(), kLengthPrefix)) {
    truncated_ = true;
    rest_ = {};
    return {};
  }
  const Bytes message = rest_.subspan(kLengthPrefix, length);
  rest_ = rest_.subspan(kLengthPrefix + length);
  return message;
}

}  // namespace egress::dns
