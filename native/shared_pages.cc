// SPDX-License-Identifier: Apache-2.0
#include "shared_pages.h"

#include <utility>

#include "clock.h"

namespace egress {
namespace {

constexpr uint64_t kSharedNs = 50'000'000;

}  // namespace

SharedPage SharedPages::read(const std::shared_ptr<SharedPages>& pages, Exporter& exporter,
                             uint64_t came_ns, std::optional<uint64_t> zero_for_ns) {
  // Who comes meanwhile waits for it.
  std::lock_guard lock(pages->reading_);
  SharedPage latest = pages->latest_.lock();
  if (latest && came_ns < pages->latest_ns_ + kSharedNs &&
      latest->snapshot().zero_first == zero_for_ns.has_value())
    return latest;
  std::unique_ptr<Page> page = pages->take();
  page->read([&](Snapshot& snapshot) { exporter.read(snapshot, zero_for_ns); });
  SharedPage shared(page.release(),
                    [pages](Page* done) { pages->keep(std::unique_ptr<Page>(done)); });
  pages->latest_ = shared;
  pages->latest_ns_ = monotonic_ns();
  return shared;
}

std::unique_ptr<Page> SharedPages::take() {
  std::lock_guard lock(spare_mutex_);
  return spare_ ? std::move(spare_) : std::make_unique<Page>();
}

void SharedPages::keep(std::unique_ptr<Page> page) {
  std::lock_guard lock(spare_mutex_);
  spare_ = std::move(page);
}

}  // namespace egress
