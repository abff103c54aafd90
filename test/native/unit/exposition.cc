// SPDX-License-Identifier: Apache-2.0
#include "../../../native/exposition.h"

#include <doctest/doctest.h>

#include "key.h"

using namespace egress;

namespace {

Interface interface_of(const std::string& name) {
  Interface interface {};
  interface.name = name;
  return interface;
}

Destination destination_of(const std::string& address, uint32_t interface, uint64_t packets) {
  Destination destination{};
  destination.key = key_of(address);
  destination.interface = interface;
  destination.packets = packets;
  destination.bytes = packets * 60;
  destination.first_seen_ms = 1'700'000'000'007;
  return destination;
}

/// Two interfaces and, on the second one, so many destinations.
void fill(Snapshot& snapshot, int destinations) {
  snapshot.interfaces = {interface_of("lan0"), interface_of("a \"b\"\\\n")};
  for (int i = 1; i <= destinations; i++)
    snapshot.destinations.push_back(destination_of("192.0.2." + std::to_string(i), 1, 100 + i));
}

std::string render(const Page& page, Format format, size_t room) {
  std::vector<char> buffer(room);
  Page::Cursor cursor{format};
  std::string text;
  while (const size_t written = page.render(cursor, buffer)) {
    CHECK(written <= room);
    CHECK(buffer[written - 1] == '\n');
    text.append(buffer.data(), written);
  }
  CHECK(Page::ended(cursor));
  return text;
}

std::string text_of(const Page& page, Format format = Format::kText) {
  return render(page, format, 1 << 20);
}

bool has(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != text.npos;
}

}  // namespace

TEST_CASE("a sample has escaped labels and its value") {
  Page page;
  page.read([](Snapshot& snapshot) { fill(snapshot, 1); });
  const std::string text = text_of(page);
  const std::string labels = R"({interface="a \"b\"\\\n",destination="192.0.2.1"})";
  CHECK(has(text, "egress_packets_total" + labels + " 101"));
  CHECK(has(text, "egress_bytes_total" + labels + " 6060"));
  CHECK(has(text, "egress_destination_first_seen_timestamp_seconds" + labels + " 1700000000.007"));
  CHECK(has(text, R"(egress_unlisted_packets_total{interface="lan0",reason="not_ip"} 0)"));
}

TEST_CASE("the formats differ in what metadata calls a counter") {
  Page page;
  page.read([](Snapshot& snapshot) { fill(snapshot, 1); });
  CHECK(has(text_of(page), "# TYPE egress_packets_total counter"));
  CHECK(has(text_of(page, Format::kOpenMetrics), "# TYPE egress_packets counter"));
  CHECK(has(text_of(page, Format::kOpenMetrics), "# TYPE egress_destinations gauge"));
}

TEST_CASE("a family without samples has no metadata") {
  Page page;
  page.read([](Snapshot& snapshot) { fill(snapshot, 1); });
  CHECK(text_of(page).find("egress_tcp_connects") == std::string::npos);
  page.read([](Snapshot& snapshot) {
    snapshot = {};
    fill(snapshot, 2);
    snapshot.destinations[1].tcp_connects = 3;
  });
  const std::string text = text_of(page);
  CHECK(has(text, "# TYPE egress_tcp_connects_total counter"));
  CHECK(text.find(R"(destination="192.0.2.1"} 3)") == text.npos);
  CHECK(text.find(R"(destination="192.0.2.2"} 3)") != text.npos);
}

TEST_CASE("a withheld destination is 0 in its counters, and nowhere else") {
  Page page;
  page.read([](Snapshot& snapshot) {
    fill(snapshot, 1);
    snapshot.destinations[0].withheld = true;
    snapshot.interfaces[1].withheld = {101, 6060};
  });
  const std::string text = text_of(page), name = R"({interface="a \"b\"\\\n")";
  CHECK(has(text, "egress_packets_total" + name + ",destination=\"192.0.2.1\"} 0"));
  CHECK(has(text, "egress_bytes_total" + name + ",destination=\"192.0.2.1\"} 0"));
  CHECK(has(text, "egress_withheld_packets" + name + "} 101"));
}

TEST_CASE("chunks of any size make the same page") {
  Page page;
  page.read([](Snapshot& snapshot) { fill(snapshot, 101); });
  const std::string whole = text_of(page);
  for (size_t room = 2 * Page::kLineMax; room < 4 * Page::kLineMax; room += 13)
    CHECK(render(page, Format::kText, room) == whole);
}

TEST_CASE("services are labels, and have labels of their own") {
  Page page;
  const std::string name = R"(a "b"\)";
  page.read([&](Snapshot& snapshot) {
    fill(snapshot, 2);
    snapshot.by_service = true;
    snapshot.services.resize(5);
    snapshot.services[3] = ServiceLabels({name, "unit", "x.slice", "c1", "p1", "/x.slice/a"});
    snapshot.services[4] = ServiceLabels({"nginx.service", "unit", {}, {}, {}, {}});
    snapshot.destinations[0].key.service = 3;
    snapshot.destinations[1].key.service = 4;
    snapshot.destinations[1].tcp_connects = 7;
  });
  const std::string text = text_of(page), interface = R"({interface="a \"b\"\\\n")";
  const std::string first = interface + R"(,destination="192.0.2.1",service="a \"b\"\\"})";
  const std::string second = interface + R"(,destination="192.0.2.2",service="nginx.service"})";
  CHECK(has(text, "egress_packets_total" + first + " 101"));
  CHECK(has(text, "egress_bytes_total" + second + " 6120"));
  CHECK(has(text, "egress_tcp_connects_total" + second + " 7"));
  CHECK(has(
      text,
      R"(egress_service_info{service="a \"b\"\\",kind="unit",slice="x.slice",container_id="c1",)"
      R"(pod_uid="p1",cgroup="/x.slice/a"} 1)"));
  CHECK(has(text, R"(egress_service_info{service="nginx.service",kind="unit",slice="",)"
                  R"(container_id="",pod_uid="",cgroup=""} 1)"));
}

TEST_CASE("names as long as they can be fit into a line") {
  Page page;
  const std::string longest(kServiceNameMax, '"'), path(3 * 512, '\n');
  page.read([&](Snapshot& snapshot) {
    fill(snapshot, 1);
    snapshot.by_service = true;
    snapshot.services.resize(1);
    snapshot.services[0] = ServiceLabels({longest, "cgroup", path, {}, {}, path});
  });
  const std::string text = text_of(page);
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != text.npos; begin = end + 1)
    CHECK(end - begin < Page::kLineMax);
  CHECK(text.find(R"(kind="cgroup",slice="",container_id="",pod_uid="",cgroup=""} 1)") !=
        text.npos);
}

TEST_CASE("an empty page is at its end") {
  Page page;
  page.read([](Snapshot&) {});
  CHECK(text_of(page).empty());
}
