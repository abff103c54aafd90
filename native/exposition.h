// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snapshot.h"

namespace egress {

/// The `reason` label, in the order of enum egress_unlisted.
#define EGRESS_LABEL(constant, label) label,
constexpr std::array<std::string_view, EGRESS_UNLISTED_REASONS> kReasons = {
    EGRESS_FOR_EACH_REASON(EGRESS_LABEL)};
#undef EGRESS_LABEL

/// The two text formats of Prometheus; they differ in the names of counters' metadata.
enum class Format { kText, kOpenMetrics };

/// A snapshot as metric text. Concurrent scrapes share one page, each with a cursor of its own,
/// from any thread.
class Page {
 public:
  /// Where a scrape is on the page.
  struct Cursor {
    Format format = Format::kText;
    size_t family = 0;
    size_t row = 0;
  };

  /// The longest line: a sample with the name of a service, each byte of it escaped, that of an
  /// interface likewise, and an IPv6 address.
  static constexpr size_t kLineMax = 512 + 2 * kServiceNameMax;

  /// Puts what `read` fills in in place of what was there; the memory is used again.
  void read(const std::function<void(Snapshot&)>& read);

  /// Writes as many whole lines as fit and moves the cursor.
  /// @param out at least 2 * kLineMax bytes
  /// @returns bytes written; 0 at the end of the page
  size_t render(Cursor& cursor, std::span<char> out) const;

  /// Whether the cursor is at the end of the page.
  static bool ended(const Cursor& cursor);

  /// The labels of a destination, with braces and the space before the value.
  std::string_view destination_labels(size_t row) const;
  /// The interface label, without braces.
  std::string_view interface_label(size_t row) const { return interface_labels_[row]; }

  /// The destinations to which TCP connections were opened; the others have no such series.
  const std::vector<size_t>& connected() const { return connected_; }

  /// The slots of the services that the page has.
  const std::vector<size_t>& services() const { return services_; }

  const Snapshot& snapshot() const { return snapshot_; }

 private:
  Snapshot snapshot_{};
  std::vector<std::string> interface_labels_;
  std::string labels_;  // of all destinations, one after the other
  std::vector<size_t> label_ends_;
  std::vector<size_t> connected_;
  std::vector<size_t> services_;
};

}  // namespace egress
