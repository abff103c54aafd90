// SPDX-License-Identifier: Apache-2.0
#include "contacts.h"

#include <array>
#include <charconv>
#include <string_view>

namespace egress {
namespace {

/// A line of JSON takes about this; the buffer grows where it does not.
constexpr size_t kUsualBytes = 224;

void append(std::string& json, std::string_view name, int64_t number) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.begin(), digits.end(), number);
  json.append(",\"").append(name).append("\":").append(digits.begin(), end);
}

/// RFC 8259, section 7: what must be escaped in a string.
void append_text(std::string& json, std::string_view text) {
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
    json += json.size() == 1 ? "{\"interface\":" : ",{\"interface\":";
    append_text(json, destination.interface);
    json += ",\"destination\":";
    append_text(json, destination.destination);
    append(json, "protocol", destination.protocol);
    append(json, "port", destination.port);
    append(json, "packets", static_cast<int64_t>(destination.packets));
    append(json, "bytes", static_cast<int64_t>(destination.bytes));
    append(json, "firstSeenMs", destination.first_seen_ms);
    append(json, "lastSeenMs", destination.last_seen_ms);
    append(json, "ageMs", destination.age_ms);
    append(json, "idleMs", destination.idle_ms);
    // As text: JavaScript's numbers are too short for it.
    json.append(",\"record\":\"").append(std::to_string(destination.first_seen_ns)).append("\"}");
    contacts.keys.insert(contacts.keys.end(), {destination.id, destination.first_seen_ns});
  }
  json += ']';
  return contacts;
}

}  // namespace egress
