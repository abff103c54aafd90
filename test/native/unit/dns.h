// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

using Bytes = std::vector<uint8_t>;

inline Bytes operator+(Bytes one, const Bytes& other) {
  one.insert(one.end(), other.begin(), other.end());
  return one;
}

inline Bytes be16(size_t value) {
  return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)};
}

/// A name as labels, without the end: "www.example", or "" for none.
inline Bytes labels(std::string_view name) {
  Bytes bytes;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    bytes = bytes + Bytes{static_cast<uint8_t>(label.size())} + Bytes(label.begin(), label.end());
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return bytes;
}

inline Bytes wire(std::string_view name) { return labels(name) + Bytes{0}; }
inline Bytes pointer(size_t at) { return be16(0xc000 | at); }

constexpr uint16_t kA = 1, kCname = 5, kText = 16, kAaaa = 28, kOpt = 41;
constexpr uint16_t kIn = 1;

inline Bytes record(const Bytes& owner, uint16_t type, const Bytes& data, uint16_t in = kIn) {
  return owner + be16(type) + be16(in) + Bytes{0, 0, 1, 44} + be16(data.size()) + data;
}

/// Of one question, with so many records.
inline Bytes header(uint16_t flags, size_t records, size_t questions = 1, size_t additional = 0) {
  return be16(4711) + be16(flags) + be16(questions) + be16(records) + be16(0) + be16(additional);
}

constexpr uint16_t kResponse = 0x8180;
/// Where the name of the question begins.
constexpr size_t kQuestion = 12;

inline Bytes question(const Bytes& name, uint16_t type = kA, uint16_t in = kIn) {
  return name + be16(type) + be16(in);
}

/// An answer to a question for a name.
inline Bytes answer(std::string_view name, std::initializer_list<Bytes> records,
                    uint16_t flags = kResponse) {
  Bytes message = header(flags, records.size()) + question(wire(name));
  for (const Bytes& one : records) message = message + one;
  return message;
}
