// SPDX-License-Identifier: Apache-2.0
#include "contacts.h"

#include <array>
#include <charconv>
#include <concepts>
#include <string_view>

namespace egress {
namespace {

/// A line of JSON takes about this; the buffer grows where it does not.
constexpr size_t kUsualBytes = 224;

void append_value(std::string& json, std::integral auto number) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.begin(), digits.end(), number);
  json.append(digits.begin(), end);
}

/// RFC 8259, section 7: what must be escaped in a string.
void append_value(std::string& json, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  json += '"';
  for (const char byte : text) {
    if (byte == '"' || byte == '\\')
      (json += '\\') += byte;
    else if (static_cast<unsigned char>(byte) < 0x20)
      ((json += "\\u00") += kHex[static_cast<size_t>(byte) >> 4]) += kHex[byte & 15];
    else
      json += byte;
  }
  json += '"';
}

}  // namespace

Contacts pack(const std::vector<NamedDestination>& destinations) {
  Contacts contacts;
  contacts.json.reserve(2 + destinations.size() * kUsualBytes);
  contacts.keys.reserve(2 * destinations.size());
  std::string& json = contacts.json;
  json.push_back('[');
  for (const NamedDestination& destination : destinations) {
    // As text: JavaScript's numbers are too short for it.
    json += json.size() == 1 ? "{\"record\":\"" : ",{\"record\":\"";
    append_value(json, destination.first_seen_ns);
    json += '"';
    // Inline, so that each name is copied by its length: calls make this a tenth slower.
    for_each_field(
        destination, [&](std::string_view name, const auto& value) __attribute__((always_inline)) {
          json.append(",\"").append(name).append("\":");
          append_value(json, value);
        });
    json += '}';
    contacts.keys.insert(contacts.keys.end(), {destination.id, destination.first_seen_ns});
  }
  json += ']';
  return contacts;
}

}  // namespace egress
