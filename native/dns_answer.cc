// SPDX-License-Identifier: Apache-2.0
#include "dns_answer.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace egress::dns {
namespace {

constexpr size_t kHeaderSize = 12;
constexpr size_t kWireNameMax = 255;  // RFC 1035, section 3.1
constexpr uint16_t kClassIn = 1;
constexpr uint16_t kTypeA = 1, kTypeCname = 5, kTypeAaaa = 28;
// Of the second word of the header.
constexpr uint16_t kIsResponse = 0x8000, kOpcode = 0x7800, kTruncated = 0x0200, kCode = 0x000f;

/// More different names than a question, the 16 aliases that resolvers follow at most, and their
/// targets need. It bounds what a message costs: one of 4 KiB has 255 records.
constexpr size_t kNamesMax = 32;

constexpr uint8_t lower(uint8_t byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<uint8_t>(byte + ('a' - 'A')) : byte;
}

/// A name as a message has it, without compression and in lower case: labels behind their lengths.
/// By this names are compared (RFC 4343).
struct WireName {
  std::array<uint8_t, kWireNameMax> bytes;
  size_t size = 0;

  bool operator==(const WireName& other) const {
    return size == other.size &&
           std::equal(bytes.begin(), bytes.begin() + size, other.bytes.begin());
  }
};

/// Reads a message from its beginning to its end; each function fails where it would leave it.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> message) : message_(message) {}

  size_t at() const { return at_; }
  bool skip(size_t size) {
    if (size > message_.size() - at_) return false;
    at_ += size;
    return true;
  }
  bool read(uint16_t& value) {
    if (message_.size() - at_ < 2) return false;
    value = static_cast<uint16_t>(message_[at_] << 8 | message_[at_ + 1]);
    at_ += 2;
    return true;
  }
  bool read(std::span<uint8_t> bytes) {
    const size_t from = at_;
    if (!skip(bytes.size())) return false;
    std::copy_n(message_.begin() + static_cast<std::ptrdiff_t>(from), bytes.size(), bytes.begin());
    return true;
  }

  /// Each pointer leads to before where the labels that it ends began, so there are no circles.
  bool read(WireName& name) {
    name.size = 0;
    size_t begin = at_, at = at_;
    std::optional<size_t> end;
    for (;;) {
      if (at >= message_.size()) return false;
      const uint8_t length = message_[at++];
      if (length == 0) break;
      if (length >= 0xc0) {
        if (at >= message_.size()) return false;
        const size_t target = static_cast<size_t>(length & 0x3f) << 8 | message_[at++];
        if (target >= begin || target < kHeaderSize) return false;
        if (!end) end = at;
        begin = at = target;
        continue;
      }
      // Two kinds of label that nobody has (RFC 6891, section 5).
      if (length >= 0x40) return false;
      // The root's length is to fit behind it.
      if (length > message_.size() - at || name.size + 1 + length + 1 > kWireNameMax) return false;
      name.bytes[name.size++] = length;
      for (size_t i = 0; i < length; i++) name.bytes[name.size++] = lower(message_[at++]);
    }
    at_ = end.value_or(at);
    return true;
  }

 private:
  std::span<const uint8_t> message_;
  size_t at_ = 0;
};

constexpr bool is_usual(uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

/// @returns empty: it has other bytes, or is the root
std::string to_text(const WireName& name) {
  std::string text;
  for (size_t at = 0; at < name.size;) {
    const size_t end = at + 1 + name.bytes[at];
    if (at != 0) text += '.';
    for (at++; at < end; at++) {
      if (!is_usual(name.bytes[at])) return {};
      text += static_cast<char>(name.bytes[at]);
    }
  }
  return text;
}

/// The names of a message, by their places, and which is an alias of which.
class Names {
 public:
  /// @returns its place; kNamesMax: there are too many
  size_t place_of(const WireName& name) {
    const auto end = names_.begin() + size_;
    const auto found = std::find(names_.begin(), end, name);
    if (found == end && size_ < kNamesMax) names_[size_++] = name;
    return static_cast<size_t>(found - names_.begin());
  }

  void alias(size_t from, size_t to) { aliases_[from] |= 1U << to; }

  /// The places that the first name leads to, its own too, a bit for each.
  uint32_t reached() const {
    uint32_t reached = 1, before = 0;
    while (reached != before) {
      before = reached;
      for (size_t i = 0; i < size_; i++)
        if (reached >> i & 1) reached |= aliases_[i];
    }
    return reached;
  }

 private:
  std::array<WireName, kNamesMax> names_;
  std::array<uint32_t, kNamesMax> aliases_{};
  static_assert(kNamesMax <= 32, "a bit for each");
  uint8_t size_ = 0;
};

struct Found {
  Address address;
  size_t owner;
};

}  // namespace

Verdict parse_answer(std::span<const uint8_t> message, Answer& answer) {
  Reader reader(message);
  uint16_t id, flags, questions, records, question_type, question_class;
  if (!reader.read(id) || !reader.read(flags) || !reader.read(questions) || !reader.read(records) ||
      !reader.skip(4))
    return Verdict::kMalformed;
  if (!(flags & kIsResponse)) return Verdict::kMalformed;
  if (flags & (kOpcode | kTruncated | kCode) || records == 0) return Verdict::kNothing;
  WireName name;
  if (questions != 1 || !reader.read(name) || !reader.read(question_type) ||
      !reader.read(question_class))
    return Verdict::kMalformed;
  if (question_class != kClassIn) return Verdict::kNothing;
  std::string text = to_text(name);

  Names names;
  names.place_of(name);
  std::vector<Found> found;
  for (; records > 0; records--) {
    uint16_t type, record_class, size;
    if (!reader.read(name) || !reader.read(type) || !reader.read(record_class) || !reader.skip(4) ||
        !reader.read(size))
      return Verdict::kMalformed;
    const bool is_address = type == kTypeA || type == kTypeAaaa;
    if (record_class != kClassIn || !(is_address || type == kTypeCname)) {
      if (!reader.skip(size)) return Verdict::kMalformed;
      continue;
    }
    const size_t owner = names.place_of(name);
    if (owner == kNamesMax) return Verdict::kMalformed;
    if (is_address) {
      Found one{{type == kTypeA, {}}, owner};
      const size_t wanted = one.address.is_ipv4 ? 4 : 16;
      if (size != wanted || !reader.read(std::span(one.address.bytes).first(wanted)))
        return Verdict::kMalformed;
      found.push_back(one);
      continue;
    }
    const size_t end = reader.at() + size;
    if (!reader.read(name) || reader.at() != end) return Verdict::kMalformed;
    const size_t target = names.place_of(name);
    if (target == kNamesMax) return Verdict::kMalformed;
    names.alias(owner, target);
  }

  answer.addresses.clear();
  const uint32_t reached = names.reached();
  for (const auto& [address, owner] : found)
    if (reached >> owner & 1) answer.addresses.push_back(address);
  if (answer.addresses.empty()) return Verdict::kNothing;
  if (text.empty()) return Verdict::kName;
  answer.name = std::move(text);
  return Verdict::kAnswer;
}

}  // namespace egress::dns
