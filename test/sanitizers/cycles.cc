// SPDX-License-Identifier: Apache-2.0
//
// The native code without Node, for AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer:
// opens, attaches, counts, reads, renders, changes and closes, again and again. Its argument is a
// folder for pins. Run in a network namespace of its own (scripts/test-sanitizers.js).
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "../../native/contacts.h"
#include "../../native/exporter.h"
#include "../../native/exposition.h"
#include "../../native/features.h"
#include "../../native/listening_ports.h"
#include "../../native/privileges.h"
#include "../../native/routes.h"
#include "../../native/rtnetlink.h"

namespace {

constexpr uint32_t kLoopback = 1;
constexpr int kCycles = 20;
constexpr int kPackets = 13;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

/// Sends datagrams to 127.9.0.1, 127.9.0.2 and so on.
void send(int count) {
  egress::Fd sender(socket(AF_INET, SOCK_DGRAM, 0));
  for (int i = 1; i <= count; i++) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(9);
    to.sin_addr.s_addr = htonl(0x7f090000 + static_cast<uint32_t>(i));
    require(sendto(sender.get(), "egress", 6, 0, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 6,
            "send");
  }
}

std::string render(const egress::Page& page, egress::Format format) {
  std::array<char, 2 * egress::Page::kLineMax> buffer;
  egress::Page::Cursor cursor{format};
  std::string text;
  while (size_t written = page.render(cursor, buffer)) text.append(buffer.data(), written);
  return text;
}

void publish_all(egress::Exporter& exporter) {
  for (;;) {
    const auto found = exporter.discover(1000).destinations;
    egress::pack(found);
    if (found.empty()) return;
    exporter.publish(found);
  }
}

/// Where services are told apart, all get one name.
void name_all(egress::Exporter& exporter) {
  std::vector<egress::NamedSender> named;
  for (const auto& [slot, sender, ingress] : exporter.unnamed_senders())
    named.push_back({slot, sender, {"a \"service\"", "unit", {}, {}, {}, {}}});
  exporter.name_senders(named);
}

egress::PrefixRule rule(uint32_t address, uint32_t bits, egress_action what) {
  egress::PrefixRule rule{{EGRESS_FAMILY_BITS + bits, AF_INET, {}, {}}, what};
  address = htonl(address);
  std::memcpy(rule.prefix.address, &address, sizeof(address));
  return rule;
}

/// As many to 127.9.0.1 that it is busy.
void flood(int count) {
  for (int i = 0; i < count; i++) send(1);
}

/// Every order of the list, and everything that picks from it.
void rank(egress::Exporter& exporter) {
  egress::Query query;
  query.limit = 5;
  query.offset = 2;
  for (const egress::Order& order : egress::orders())
    for (bool descending : {false, true}) {
      query.order = &order;
      query.descending = descending;
      const auto ranking = exporter.rank(query);
      require(ranking.rows.size() == 5 && ranking.matched >= kPackets, "a part of the list");
      require(ranking.interfaces.size() == 1, "the interface");
    }
  query = {};
  query.limit = 100;
  query.search = "127.9.0.1";
  require(exporter.rank(query).rows.size() == 5, "127.9.0.1, and 127.9.0.10 to 13");
  query.search.clear();
  query.within = rule(0x7f090004, 30, EGRESS_INCLUDE).prefix;
  require(exporter.rank(query).matched == 4, "those within a prefix");
  query.within.reset();
  query.only_these = {{{"a \"lo\"\\", rule(0x7f090002, 32, EGRESS_INCLUDE).prefix},
                       {"b", rule(0x7f090003, 32, EGRESS_INCLUDE).prefix}}};
  require(exporter.rank(query).matched == 1, "those among others");
  query.offset = 1000;
  require(exporter.rank(query).rows.empty(), "nothing after the end");
}

void cycle(egress::Mode mode, bool old_kernel, const std::string& pin_path, uint32_t services) {
  egress::ExporterOptions options;
  options.program = {64,        {rule(0x0a000000, 8, EGRESS_EXCLUDE)}, 32, 128, false, services,
                     old_kernel};
  options.pin_path = pin_path;
  egress::Exporter exporter(options);
  exporter.attach(kLoopback, "a \"lo\"\\", true, mode);
  send(kPackets);
  require(exporter.attachment_info({kLoopback}).at(0).has_value(), "it is attached");
  require(exporter.discover(7).destinations.size() == 7, "they are found bit by bit");
  name_all(exporter);
  publish_all(exporter);
  require(!exporter.find_active(0, 1000).destinations.empty(), "they had packets");
  egress::Page page;
  page.read([&](egress::Snapshot& snapshot) { exporter.read(snapshot); });
  require(page.snapshot().destinations.size() >= kPackets, "all are listed");
  require(render(page, egress::Format::kText).size() > 1000, "a page");
  require(render(page, egress::Format::kOpenMetrics).size() > 1000, "another");

  rank(exporter);
  if (!pin_path.empty()) {
    std::filesystem::remove_all(pin_path);
    require(!exporter.keep_pins().anew.empty(), "pins that are gone are made anew");
  }
  require(exporter.keep_pins().lost.empty(), "all is pinned that is to be");
  exporter.sweep(0, true);
  flood(20000);
  exporter.sweep(0, true);
  flood(kPackets);  // on its CPU alone by now, where maps are mapped

  const std::vector<egress::PrefixRule> rules = {rule(0x7f090000, 29, EGRESS_EXCLUDE),
                                                 rule(0x7f090004, 30, EGRESS_INCLUDE)};
  exporter.set_prefix_rules({rule(0x7f0a0000, 16, EGRESS_EXCLUDE)});
  exporter.set_prefix_rules(rules);
  exporter.set_prefix_rules(rules);  // the same again
  send(kPackets);
  exporter.set_client_ports(std::vector<uint64_t>(2 * EGRESS_CLIENT_PORTS_WORDS, ~0ULL));
  exporter.sweep(0, true);
  exporter.sweep(1, true);
  exporter.take_retired(3);
  exporter.take_retired(1000);
  exporter.detach({kLoopback});
  exporter.attach(kLoopback + 0, "another name", true, mode);
  exporter.detach({kLoopback});
  require(exporter.forget_departed(0).size() == 2, "both are forgotten");
  exporter.attach(kLoopback, "lo", true, mode);
  send(100);
  publish_all(exporter);
  page.read([&](egress::Snapshot& snapshot) { exporter.read(snapshot); });
  require(page.snapshot().destinations.size() <= 64, "the limit holds");
  try {
    exporter.attach(0x7fffffff, "gone", true, mode);
    require(false, "there is no such interface");
  } catch (const egress::Error&) {
  }
}

bool are_found(const std::string& pins) {
  const auto all = egress::PinFolder::find_all();
  return std::any_of(all.begin(), all.end(), [&](const auto& found) { return found.path == pins; });
}

}  // namespace

int main(int, char** arguments) {
  const std::string pins = arguments[1];
  for (int i = 0; i < kCycles; i++)
    for (egress::Mode mode : {egress::Mode::kTcx, egress::Mode::kClsact}) {
      cycle(mode, false, {}, 0);
      cycle(mode, true, {}, 0);
      cycle(mode, true, {}, 5);
      cycle(mode, false, pins, i % 2 == 0 ? 5 : 0);
      require(are_found(pins), "the pins are found");
      egress::Exporter::remove_pins(pins);
    }
  require(!egress::rtnetlink::links().empty(), "links");
  egress::rtnetlink::default_route_interfaces();
  egress::listening_tcp_ports();
  egress::ClsactFilter::find_all();
  require(!egress::try_attach(egress::Mode::kClsact), "clsact can be attached");
  std::printf("%d cycles\n", kCycles * 8);
}
