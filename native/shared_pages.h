// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

#include "exporter.h"
#include "exposition.h"

namespace egress {

/// A page for any number of scrapes. The last one to leave it gives its memory back for the next.
using SharedPage = std::shared_ptr<const Page>;

/// Scrapes share a page that is in use, if they came before its reading was done, or within 50 ms
/// after.
class SharedPages {
 public:
  /// On a pool thread, for a scrape that came at `came_ns`. @throws Error as Exporter::read() does
  static SharedPage read(const std::shared_ptr<SharedPages>& pages, Exporter& exporter,
                         uint64_t came_ns, std::optional<uint64_t> zero_for_ns);

 private:
  std::unique_ptr<Page> take();
  void keep(std::unique_ptr<Page> page);

  std::mutex reading_;  // guards the latest
  std::weak_ptr<const Page> latest_;
  uint64_t latest_ns_ = 0;  // when its reading was done, CLOCK_MONOTONIC
  std::mutex spare_mutex_;  // pages come from pool threads and go back on the main thread
  std::unique_ptr<Page> spare_;
};

}  // namespace egress
