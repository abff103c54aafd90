// SPDX-License-Identifier: Apache-2.0
#include "exposition.h"

#include <array>
#include <charconv>
#include <cstring>

#include "address_text.h"
#include "label.h"

namespace egress {
namespace {

constexpr size_t kBlock = 16;

void copy_block(char* to, const char* from) { std::memcpy(to, from, kBlock); }

/// A memcpy for names and labels, inline: calling one takes an eighth of the time of rendering.
inline void copy(char* to, const char* from, size_t size) {
  if (size < kBlock || size > 4 * kBlock) {
    std::memcpy(to, from, size);
    return;
  }
  // The last blocks overlap the first ones.
  copy_block(to, from);
  if (size > 2 * kBlock) {
    copy_block(to + kBlock, from + kBlock);
    copy_block(to + size - 2 * kBlock, from + size - 2 * kBlock);
  }
  copy_block(to + size - kBlock, from + size - kBlock);
}

/// Appends to a buffer, which the caller asks for room from time to time.
class Writer {
 public:
  explicit Writer(std::span<char> out)
      : begin_(out.data()), at_(out.data()), end_(out.data() + out.size()) {}

  Writer& operator<<(std::string_view text) {
    copy(at_, text.data(), text.size());
    at_ += text.size();
    return *this;
  }
  Writer& operator<<(uint64_t number) {
    at_ = std::to_chars(at_, at_ + kDigitsMax, number).ptr;
    return *this;
  }
  /// Milliseconds as seconds with three decimals.
  Writer& seconds(int64_t ms) {
    *this << static_cast<uint64_t>(ms / 1000);
    *at_++ = '.';
    for (int64_t unit : {100, 10, 1}) *at_++ = static_cast<char>('0' + ms / unit % 10);
    return *this;
  }

  /// Whether there is room for a family's metadata and a sample.
  bool has_room() const { return static_cast<size_t>(end_ - at_) >= 2 * Page::kLineMax; }
  size_t written() const { return static_cast<size_t>(at_ - begin_); }

 private:
  static constexpr size_t kDigitsMax = 20;  // of 2^64

  const char* begin_;
  char* at_;
  const char* end_;
};

struct Family {
  std::string_view name;  // of a counter: without "_total"
  std::string_view type;
  std::string_view help;
  size_t (*rows)(const Page&);
  /// Writes samples from the cursor's row on, as many as fit; there is room for one.
  void (*samples)(const Page&, Page::Cursor&, size_t rows, std::string_view name, Writer&);

  bool counts() const { return type == "counter"; }
};

size_t destinations(const Page& page) { return page.snapshot().destinations.size(); }
size_t interfaces(const Page& page) { return page.snapshot().interfaces.size(); }
size_t unlisted(const Page& page) { return interfaces(page) * kReasons.size(); }

template <auto Member>
void destination_counter(const Page& page, size_t row, Writer& out) {
  const Destination& destination = page.snapshot().destinations[row];
  out << page.destination_labels(row) << (destination.withheld ? 0 : destination.*Member);
}

template <auto Member>
void destination_total(const Page& page, const Page::Cursor& at, Writer& out) {
  destination_counter<Member>(page, at.row, out);
}

size_t connected(const Page& page) { return page.connected().size(); }

void tcp_connects(const Page& page, const Page::Cursor& at, Writer& out) {
  destination_counter<&Destination::tcp_connects>(page, page.connected()[at.row], out);
}

void first_seen(const Page& page, const Page::Cursor& at, Writer& out) {
  out << page.destination_labels(at.row);
  out.seconds(page.snapshot().destinations[at.row].first_seen_ms);
}

size_t services(const Page& page) { return page.services().size(); }

void service_info(const Page& page, const Page::Cursor& at, Writer& out) {
  out << "{" << page.snapshot().services[page.services()[at.row]].text << "} " << uint64_t{1};
}

/// What a function of an interface says.
template <auto Value>
void interface_value(const Page& page, const Page::Cursor& at, Writer& out) {
  out << "{" << page.interface_label(at.row) << "} " << Value(page.snapshot().interfaces[at.row]);
}

template <auto Member>
void unlisted_counter(const Page& page, const Page::Cursor& at, Writer& out) {
  const size_t interface = at.row / kReasons.size(), reason = at.row % kReasons.size();
  const auto& counters = page.snapshot().interfaces[interface].counters;
  out << "{" << page.interface_label(interface) << ",reason=\"" << kReasons[reason] << "\"} "
      << counters.unlisted[reason].*Member;
}

/// Samples whose labels and value `Sample` writes. A template, and with copies of its own, so that
/// nothing is called, or kept in memory, sample by sample.
template <void (*Sample)(const Page&, const Page::Cursor&, Writer&)>
void each(const Page& page, Page::Cursor& cursor, size_t rows, std::string_view name, Writer& out) {
  Page::Cursor at = cursor;
  Writer writer = out;
  do {
    writer << name;
    Sample(page, at, writer);
    writer << "\n";
  } while (++at.row < rows && writer.has_room());
  cursor = at;
  out = writer;
}

constexpr Family kFamilies[] = {
    {"egress_packets", "counter", "Wire packets sent to this destination.", destinations,
     each<destination_total<&Destination::packets>>},
    {"egress_bytes", "counter", "Wire bytes sent to this destination, link-layer header included.",
     destinations, each<destination_total<&Destination::bytes>>},
    {"egress_tcp_connects", "counter", "TCP connections opened to this destination: SYNs sent.",
     connected, each<tcp_connects>},
    {"egress_destination_first_seen_timestamp_seconds", "gauge",
     "When the first packet left for this destination.", destinations, each<first_seen>},
    {"egress_interface_packets", "counter", "Wire packets that left this interface.", interfaces,
     each<interface_value<[](const Interface& one) { return one.counters.total.packets; }>>},
    {"egress_interface_bytes", "counter",
     "Wire bytes that left this interface, link-layer header included.", interfaces,
     each<interface_value<[](const Interface& one) { return one.counters.total.bytes; }>>},
    {"egress_unlisted_packets", "counter", "Wire packets without a destination series, by reason.",
     unlisted, each<unlisted_counter<&egress_counter::packets>>},
    {"egress_unlisted_bytes", "counter", "Wire bytes without a destination series, by reason.",
     unlisted, each<unlisted_counter<&egress_counter::bytes>>},
    {"egress_withheld_packets", "gauge", "Wire packets of destinations that are at their first 0.",
     interfaces, each<interface_value<[](const Interface& one) { return one.withheld.packets; }>>},
    {"egress_withheld_bytes", "gauge", "Wire bytes of destinations that are at their first 0.",
     interfaces, each<interface_value<[](const Interface& one) { return one.withheld.bytes; }>>},
    {"egress_destinations", "gauge", "Destinations in the table now.", interfaces,
     each<interface_value<[](const Interface& one) { return one.destinations; }>>},
    {"egress_service_info", "gauge", "A constant 1 for each service that sends to a destination.",
     services, each<service_info>},
};

void metadata(const Family& family, Format format, Writer& out) {
  // OpenMetrics names the family, text 0.0.4 the sample.
  std::string_view suffix = family.counts() && format == Format::kText ? "_total" : "";
  out << "# HELP " << family.name << suffix << " " << family.help << "\n";
  out << "# TYPE " << family.name << suffix << " " << family.type << "\n";
}

}  // namespace

void Page::read(const std::function<void(Snapshot&)>& read) {
  read(snapshot_);
  interface_labels_.clear();
  labels_.clear();
  label_ends_.clear();
  connected_.clear();
  services_.clear();
  for (size_t slot = 0; slot < snapshot_.services.size(); slot++)
    if (!snapshot_.services[slot].text.empty()) services_.push_back(slot);
  for (const Interface& interface : snapshot_.interfaces)
    append_label(interface_labels_.emplace_back(), "interface", interface.name);
  // At once: growing bit by bit leaves holes as large as itself. What is not used takes no memory.
  constexpr size_t kLabelsMostly = 64;
  label_ends_.reserve(snapshot_.destinations.size());
  labels_.reserve(snapshot_.destinations.size() * kLabelsMostly);
  for (const Destination& destination : snapshot_.destinations) {
    labels_ += '{';
    labels_ += interface_labels_[destination.interface];
    labels_ += ",destination=\"";
    append_address(labels_, destination.key);
    labels_ += '"';
    if (snapshot_.by_service)
      (labels_ += ',') += snapshot_.services[destination.key.service].service();
    labels_ += "} ";
    label_ends_.push_back(labels_.size());
    if (destination.tcp_connects > 0) connected_.push_back(label_ends_.size() - 1);
  }
}

std::string_view Page::destination_labels(size_t row) const {
  const size_t begin = row == 0 ? 0 : label_ends_[row - 1];
  return std::string_view(labels_).substr(begin, label_ends_[row] - begin);
}

size_t Page::render(Cursor& cursor, std::span<char> out) const {
  Writer writer(out);
  for (; !ended(cursor); cursor.family++) {
    const Family& family = kFamilies[cursor.family];
    const size_t rows = family.rows(*this);
    if (rows == 0) continue;
    const std::string name = std::string(family.name) + (family.counts() ? "_total" : "");
    if (!writer.has_room()) break;
    // With its first sample, so that a family without samples has none.
    if (cursor.row == 0) metadata(family, cursor.format, writer);
    family.samples(*this, cursor, rows, name, writer);
    if (cursor.row < rows) break;
    cursor.row = 0;
  }
  return writer.written();
}

bool Page::ended(const Cursor& cursor) { return cursor.family == std::size(kFamilies); }

}  // namespace egress
