// SPDX-License-Identifier: Apache-2.0
#include "contacts.h"

#include <array>
#include <charconv>
#include <concepts>
#include <map>
#include <string_view>

#include "rtnetlink.h"

namespace egress {
namespace {

/// A line of JSON takes about this; the buffer grows where it does not.
constexpr size_t kUsualBytes = 288;

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

/// Names of the interfaces that forwarded packets came in by, each looked up once.
class IngressNames {
 public:
  /// @param ifindex 0: the packet was not forwarded, and has no such name
  const std::string& operator[](uint32_t ifindex) {
    const auto [entry, is_new] = names_.try_emplace(ifindex);
    if (is_new && ifindex != 0) entry->second = rtnetlink::interface_name(ifindex);
    return entry->second;
  }

 private:
  std::map<uint32_t, std::string> names_;
};

/// As text: JavaScript's numbers are too short for all of them.
void append_text(std::string& json, uint64_t number) {
  json += '"';
  append_value(json, number);
  json += '"';
}

void append_sender(std::string& json, const egress_sender& sender, IngressNames& ingress) {
  json += ",\"sender\":{\"cgroup\":";
  append_text(json, sender.cgroup_id);
  json += ",\"ingress\":";
  append_value(json, ingress[sender.ingress_ifindex]);
  json += ",\"uid\":";
  append_value(json, sender.uid);
  json += '}';
}

void append_own(std::string& json, const OwnContact& own, IngressNames& ingress) {
  (json += ",\"own\":{\"service\":") += own.service;
  append_sender(json, own.sender, ingress);
  json += ",\"protocol\":";
  append_value(json, own.protocol);
  json += ",\"port\":";
  append_value(json, own.port);
  json += ",\"ageMs\":";
  append_value(json, own.age_ms);
  json += '}';
}

}  // namespace

Contacts pack(const std::vector<NamedDestination>& destinations, const NameOf& name_of) {
  Contacts contacts;
  contacts.json.reserve(2 + destinations.size() * kUsualBytes);
  contacts.keys.reserve(2 * destinations.size());
  std::string& json = contacts.json;
  IngressNames ingress;
  json.push_back('[');
  for (const NamedDestination& destination : destinations) {
    json += json.size() == 1 ? "{\"record\":" : ",{\"record\":";
    append_text(json, destination.life_ns);
    if (destination.next_life_ns != 0) {
      json += ",\"nextRecord\":";
      append_text(json, destination.next_life_ns);
    }
    append_sender(json, destination.sender, ingress);
    if (destination.own) append_own(json, *destination.own, ingress);
    if (name_of)
      if (const auto name = name_of(destination)) {
        json += ",\"askedName\":";
        append_value(json, *name);
      }
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
