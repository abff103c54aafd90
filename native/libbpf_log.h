// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace egress {

/// Collects what libbpf says on this thread while the object lives, for the error that may follow.
/// Without one, libbpf is silent. They do not nest.
class LibbpfLog {
 public:
  LibbpfLog();
  LibbpfLog(const LibbpfLog&) = delete;
  LibbpfLog& operator=(const LibbpfLog&) = delete;
  ~LibbpfLog();

  /// Warnings so far, a line each.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace egress
