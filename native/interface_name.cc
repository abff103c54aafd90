// SPDX-License-Identifier: Apache-2.0
#include "interface_name.h"

#include <charconv>
#include <cstddef>
#include <cstdint>

namespace egress {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

/// Whether a text begins with `\xHH`.
bool is_escape(std::string_view text) {
  return text.size() >= 4 && text.starts_with("\\x") && kDigits.find(text[2]) != kDigits.npos &&
         kDigits.find(text[3]) != kDigits.npos;
}

/// How many bytes the character takes that a text begins with; 0: it is no UTF-8 (RFC 3629, section
/// 4).
size_t character_length(std::string_view text) {
  const auto byte = [&](size_t at) {
    return at < text.size() ? static_cast<uint8_t>(text[at]) : uint8_t{0};
  };
  const auto tail = [&](size_t at, uint8_t least = 0x80, uint8_t most = 0xbf) {
    return byte(at) >= least && byte(at) <= most;
  };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return tail(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef)
    return tail(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf) && tail(2) ? 3 : 0;
  if (first >= 0xf0 && first <= 0xf4)
    return tail(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf) && tail(2) && tail(3)
               ? 4
               : 0;
  return 0;
}

/// C0, DEL and C1 (ECMA-48).
bool is_control(std::string_view character) {
  const auto first = static_cast<uint8_t>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return first == 0xc2 && static_cast<uint8_t>(character[1]) < 0xa0;
}

}  // namespace

std::string show_name(std::string_view raw) {
  std::string shown;
  while (!raw.empty()) {
    const size_t length = character_length(raw);
    const std::string_view character = raw.substr(0, length == 0 ? 1 : length);
    if (length != 0 && !is_control(character) && !is_escape(raw)) {
      shown += character;
    } else {
      for (const char byte : character)
        (shown += "\\x").append({kDigits[static_cast<uint8_t>(byte) >> 4], kDigits[byte & 0xf]});
    }
    raw.remove_prefix(character.size());
  }
  return shown;
}

std::string raw_name(std::string_view shown) {
  std::string raw;
  while (!shown.empty()) {
    if (!is_escape(shown)) {
      raw += shown[0];
      shown.remove_prefix(1);
      continue;
    }
    uint8_t byte = 0;
    std::from_chars(&shown[2], &shown[2] + 2, byte, 16);
    raw += static_cast<char>(byte);
    shown.remove_prefix(4);
  }
  return raw;
}

}  // namespace egress
