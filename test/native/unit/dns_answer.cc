// SPDX-License-Identifier: Apache-2.0
#include "../../../native/dns_answer.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <random>

#include "dns.h"

using namespace egress::dns;

namespace {

struct Read {
  Verdict verdict;
  std::string name;
  std::vector<std::string> addresses;

  bool operator==(const Read&) const = default;
};

Read read(const Bytes& message) {
  // Of its own size, so that a sanitizer sees what lies behind it.
  const Bytes exact(message);
  Answer answer;
  Read read{parse_answer(exact, answer), answer.name, {}};
  for (const auto& [is_ipv4, bytes] : answer.addresses) {
    char text[INET6_ADDRSTRLEN];
    read.addresses.push_back(
        inet_ntop(is_ipv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text)));
  }
  return read;
}

Read found(std::string name, std::vector<std::string> addresses) {
  return {Verdict::kAnswer, std::move(name), std::move(addresses)};
}

const Bytes kSeven = {203, 0, 113, 7};
const Bytes kEleven = {203, 0, 113, 11};
const Bytes kSix = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};

}  // namespace

namespace doctest {
template <>
struct StringMaker<Read> {
  static String convert(const Read& read) {
    std::string text = std::to_string(static_cast<int>(read.verdict)) + " " + read.name;
    for (const auto& address : read.addresses) text += " " + address;
    return text.c_str();
  }
};
}  // namespace doctest

TEST_CASE("a question leads to its addresses, of both families") {
  CHECK(read(answer("www.example.test", {record(pointer(kQuestion), kA, kSeven),
                                         record(wire("www.example.test"), kA, kEleven),
                                         record(pointer(kQuestion), kAaaa, kSix)})) ==
        found("www.example.test", {"203.0.113.7", "203.0.113.11", "2001:db8::7"}));
}

TEST_CASE("names are compared and shown in lower case") {
  CHECK(read(answer("wWw.Example.TEST", {record(wire("WWW.eXAMPLE.test"), kA, kSeven)})) ==
        found("www.example.test", {"203.0.113.7"}));
}

TEST_CASE("a chain of aliases leads there in any order") {
  const std::initializer_list<Bytes> chain = {record(wire("c.test"), kA, kSeven),
                                              record(wire("b.test"), kCname, wire("C.test")),
                                              record(wire("www.test"), kCname, wire("b.test"))};
  CHECK(read(answer("www.test", chain)) == found("www.test", {"203.0.113.7"}));
}

TEST_CASE("what no alias leads to is nobody's") {
  CHECK(read(answer("www.test", {record(wire("bank.test"), kA, kSeven),
                                 record(pointer(kQuestion), kA, kEleven)})) ==
        found("www.test", {"203.0.113.11"}));
  CHECK(read(answer("www.test", {record(wire("bank.test"), kA, kSeven)})).verdict ==
        Verdict::kNothing);
  CHECK(read(answer("www.test", {record(wire("b.test"), kCname, wire("www.test")),
                                 record(wire("b.test"), kA, kSeven)}))
            .verdict == Verdict::kNothing);
}

TEST_CASE("aliases in a circle end") {
  CHECK(read(answer("a.test", {record(wire("a.test"), kCname, wire("b.test")),
                               record(wire("b.test"), kCname, wire("a.test"))}))
            .verdict == Verdict::kNothing);
}

TEST_CASE("other records and classes are passed over, and EDNS is") {
  Bytes message =
      header(kResponse, 3, 1, 1) + question(wire("www.test")) +
      record(pointer(kQuestion), kText, wire("text")) + record(pointer(kQuestion), kA, kSeven, 3) +
      record(pointer(kQuestion), kA, kEleven) + record({0}, kOpt, {0, 10, 0, 2, 1, 2}, 1232);
  CHECK(read(message) == found("www.test", {"203.0.113.11"}));
}

TEST_CASE("what is no answer says nothing") {
  const auto records = {record(pointer(kQuestion), kA, kSeven)};
  CHECK(read(answer("www.test", {})).verdict == Verdict::kNothing);
  CHECK(read(answer("www.test", records, kResponse | 3)).verdict == Verdict::kNothing);
  CHECK(read(answer("www.test", records, kResponse | 0x0200)).verdict == Verdict::kNothing);
  CHECK(read(answer("www.test", records, kResponse | 0x2800)).verdict == Verdict::kNothing);
  CHECK(read(answer("www.test", records, 0x0100)).verdict == Verdict::kMalformed);
}

TEST_CASE("names have letters, digits, hyphen, underscore and dot, 253 bytes at most") {
  const auto records = {record(pointer(kQuestion), kA, kSeven)};
  CHECK(read(answer("_x-1.example", records)) == found("_x-1.example", {"203.0.113.7"}));
  for (const char* name : {"a b.test", "a\"b.test", "a\nb.test", "<b>.test", "\xc3\xbc.test", ""})
    CHECK(read(answer(name, records)).verdict == Verdict::kName);
  // A dot within a label is no end of it.
  CHECK(read(header(kResponse, 1) + question({3, 'a', '.', 'b', 0}) +
             record(pointer(kQuestion), kA, kSeven))
            .verdict == Verdict::kName);
  const std::string label(63, 'x');
  const std::string longest = label + '.' + label + '.' + label + '.' + std::string(61, 'y');
  CHECK(longest.size() == 253);
  CHECK(read(answer(longest, records)) == found(longest, {"203.0.113.7"}));
  CHECK(read(answer(longest + 'y', records)).verdict == Verdict::kMalformed);
}

TEST_CASE("compression leads backwards only") {
  const Bytes a = record({1, 'w', 0xc0, kQuestion + 4}, kA, kSeven);
  CHECK(read(header(kResponse, 1) + question(wire("www.test")) + a).verdict == Verdict::kNothing);
  CHECK(read(header(kResponse, 1) + question(wire("w.www.test")) +
             record({1, 'w', 0xc0, kQuestion + 2}, kA, kSeven)) ==
        found("w.www.test", {"203.0.113.7"}));
  const size_t owner = kQuestion + wire("www.test").size() + 4;
  for (size_t target : {owner, owner + 2, size_t{0}, size_t{11}, size_t{0x3fff}})
    CHECK(read(answer("www.test", {record(pointer(target), kA, kSeven)})).verdict ==
          Verdict::kMalformed);
  CHECK(read(answer("www.test", {record({1, 'a', 0xc0, static_cast<uint8_t>(owner)}, kA, kSeven)}))
            .verdict == Verdict::kMalformed);
  for (uint8_t kind : {0x40, 0x80})
    CHECK(read(answer("www.test", {record({kind, 'a', 0}, kA, kSeven)})).verdict ==
          Verdict::kMalformed);
}

TEST_CASE("a message that ends too early, anywhere, is malformed") {
  const Bytes message = answer("www.test", {record(pointer(kQuestion), kCname, wire("b.test")),
                                            record(wire("b.test"), kAaaa, kSix)});
  CHECK(read(message) == found("www.test", {"2001:db8::7"}));
  for (size_t size = 0; size < message.size(); size++)
    CHECK(read(Bytes(message.begin(), message.begin() + static_cast<long>(size))).verdict ==
          Verdict::kMalformed);
}

TEST_CASE("what has a wrong length, or no single question, is malformed") {
  CHECK(read(answer("www.test", {record(pointer(kQuestion), kA, kSix)})).verdict ==
        Verdict::kMalformed);
  CHECK(read(answer("www.test", {record(pointer(kQuestion), kAaaa, kSeven)})).verdict ==
        Verdict::kMalformed);
  CHECK(read(answer("www.test", {record(pointer(kQuestion), kCname, wire("b") + Bytes{0})}))
            .verdict == Verdict::kMalformed);
  const Bytes a = record(pointer(kQuestion), kA, kSeven);
  CHECK(read(header(kResponse, 1, 2) + question(wire("a")) + question(wire("b")) + a).verdict ==
        Verdict::kMalformed);
  CHECK(read(header(kResponse, 1, 0) + record(wire("a"), kA, kSeven)).verdict ==
        Verdict::kMalformed);
}

TEST_CASE("more names than an honest answer has are malformed") {
  const auto chain = [](int aliases) {
    Bytes message = header(kResponse, static_cast<size_t>(aliases) + 1) + question(wire("n0"));
    for (int i = 0; i < aliases; i++)
      message = message +
                record(wire("n" + std::to_string(i)), kCname, wire("n" + std::to_string(i + 1)));
    return message + record(wire("n" + std::to_string(aliases)), kA, kSeven);
  };
  CHECK(read(chain(31)) == found("n0", {"203.0.113.7"}));
  CHECK(read(chain(32)).verdict == Verdict::kMalformed);
}

TEST_CASE("anything may come, and what is taken from it is sound") {
  std::mt19937 random(20261128);
  const auto below = [&](size_t end) { return random() % end; };
  const Bytes honest[] = {
      answer("www.example.test",
             {record(pointer(kQuestion), kCname, wire("edge.test")),
              record(wire("edge.test"), kA, kSeven), record(pointer(kQuestion + 4), kAaaa, kSix)}),
      header(kResponse, 2, 1, 1) + question(wire("a-b_c.example")) +
          record(pointer(kQuestion), kA, kSeven) + record(pointer(kQuestion), kA, kEleven) +
          record({0}, kOpt, {}, 1232)};
  size_t taken = 0;
  for (int i = 0; i < 200'000; i++) {
    Bytes message = honest[below(2)];
    for (size_t changes = 1 + below(8); changes > 0 && !message.empty(); changes--) {
      const size_t at = below(message.size());
      const auto place = message.begin() + static_cast<long>(at);
      switch (below(5)) {
        case 0:
          message[at] = static_cast<uint8_t>(random());
          break;
        case 1:
          message[at] = static_cast<uint8_t>(message[at] ^ 1U << below(8));
          break;
        case 2:
          message.erase(place);
          break;
        case 3:
          message.insert(place, static_cast<uint8_t>(below(2) ? 0xc0 : random()));
          break;
        case 4:
          message.resize(1 + at);
      }
    }
    const auto [verdict, name, addresses] = read(message);
    if (verdict != Verdict::kAnswer) continue;
    taken++;
    REQUIRE(!name.empty());
    REQUIRE(name.size() <= 253);
    REQUIRE(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == name.npos);
    REQUIRE(!addresses.empty());
    REQUIRE(addresses.size() <= message.size() / 16);
  }
  CHECK(taken > 10'000);
}
