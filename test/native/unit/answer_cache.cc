// SPDX-License-Identifier: Apache-2.0
#include "../../../native/answer_cache.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>

#include <string>

using egress::AnswerCache;
using egress::dns::Address;
using egress::dns::Answer;

namespace {

Address address(const std::string& text) {
  Address address{text.find(':') == text.npos, {}};
  REQUIRE(inet_pton(address.is_ipv4 ? AF_INET : AF_INET6, text.c_str(), address.bytes.data()) == 1);
  return address;
}

Answer answer(const std::string& name, std::initializer_list<std::string> addresses) {
  Answer answer{name, {}};
  for (const std::string& text : addresses) answer.addresses.push_back(address(text));
  return answer;
}

std::string name_of(const AnswerCache& cache, const std::string& text, uint64_t at_ns) {
  return std::string(cache.name_before(address(text), at_ns).value_or("none"));
}

}  // namespace

TEST_CASE("a name is that of the last answer before a time") {
  AnswerCache cache(10, 32, 128);
  cache.add(answer("a.test", {"203.0.113.7", "2001:db8::7"}), 100);
  cache.add(answer("b.test", {"203.0.113.7"}), 200);
  cache.add(answer("c.test", {"203.0.113.7"}), 300);
  CHECK(name_of(cache, "203.0.113.7", 99) == "none");
  CHECK(name_of(cache, "203.0.113.7", 100) == "a.test");
  CHECK(name_of(cache, "203.0.113.7", 250) == "b.test");
  CHECK(name_of(cache, "203.0.113.7", 1000) == "c.test");
  CHECK(name_of(cache, "2001:db8::7", 1000) == "a.test");
  CHECK(name_of(cache, "203.0.113.8", 1000) == "none");
  cache.add(answer("a.test", {"203.0.113.7"}), 400);
  CHECK(name_of(cache, "203.0.113.7", 1000) == "a.test");
  CHECK(name_of(cache, "203.0.113.7", 150) == "a.test");
}

TEST_CASE("of an address the last four names are kept") {
  AnswerCache cache(10, 32, 128);
  for (int i = 1; i <= 5; i++) {
    cache.add(answer("n" + std::to_string(i), {"203.0.113.7"}), static_cast<uint64_t>(i));
    cache.add(answer("n2", {"203.0.113.7"}), static_cast<uint64_t>(i));
  }
  CHECK(name_of(cache, "203.0.113.7", 1) == "n2");
  CHECK(name_of(cache, "203.0.113.7", 3) == "n3");
  CHECK(name_of(cache, "203.0.113.7", 5) == "n5");
}

TEST_CASE("of all addresses those that were answered last are kept") {
  AnswerCache cache(2, 32, 128);
  cache.add(answer("a.test", {"203.0.113.1"}), 10);
  cache.add(answer("b.test", {"203.0.113.2"}), 20);
  CHECK(cache.forgotten_ns() == 0);
  cache.add(answer("a.test", {"203.0.113.1"}), 30);
  cache.add(answer("c.test", {"203.0.113.3"}), 40);
  CHECK(name_of(cache, "203.0.113.1", 50) == "a.test");
  CHECK(name_of(cache, "203.0.113.2", 50) == "none");
  CHECK(name_of(cache, "203.0.113.3", 50) == "c.test");
  CHECK(cache.forgotten_ns() == 20);
}

TEST_CASE("where destinations are prefixes, all addresses of one have its names") {
  AnswerCache cache(10, 20, 33);
  cache.add(answer("a.test", {"203.0.113.7"}), 10);
  cache.add(answer("b.test", {"2001:db8:ffff::7"}), 20);
  CHECK(name_of(cache, "203.0.112.0", 50) == "a.test");
  CHECK(name_of(cache, "203.0.127.255", 50) == "a.test");
  CHECK(name_of(cache, "203.0.128.0", 50) == "none");
  CHECK(name_of(cache, "2001:db8:8000::", 50) == "b.test");
  CHECK(name_of(cache, "2001:db8:7fff::", 50) == "none");
}
