// SPDX-License-Identifier: Apache-2.0
//
// Reads DNS messages in hexadecimal, one a line, and says of each what the parser makes of it: the
// verdict, the name, and the addresses, separated by spaces (test/native/dns-oracle.test.ts).
#include <arpa/inet.h>

#include <iostream>
#include <string>

#include "../../../native/dns_answer.h"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::vector<uint8_t> message;
    for (size_t at = 0; at + 1 < line.size(); at += 2)
      message.push_back(static_cast<uint8_t>(std::stoi(line.substr(at, 2), nullptr, 16)));
    egress::dns::Answer answer;
    const auto verdict = egress::dns::parse_answer(message, answer);
    std::cout << static_cast<int>(verdict) << ' ' << answer.name;
    for (const auto& [is_ipv4, bytes] : answer.addresses) {
      char text[INET6_ADDRSTRLEN];
      std::cout << ' ' << inet_ntop(is_ipv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
    }
    std::cout << '\n';
  }
}
