// SPDX-License-Identifier: Apache-2.0
#include "libbpf_log.h"

#include <bpf/libbpf.h>

#include <array>
#include <cstdarg>
#include <cstdio>

namespace egress {
namespace {

// A verifier log runs to megabytes; its end is what explains.
constexpr size_t kLineMax = 4096;

// libbpf has one callback for the process, while the addon may be loaded by several threads.
thread_local std::string* sink = nullptr;

int print(libbpf_print_level level, const char* format, va_list arguments) {
  if (!sink || level == LIBBPF_DEBUG) return 0;
  std::array<char, kLineMax> line;
  int length = std::vsnprintf(line.data(), line.size(), format, arguments);
  if (length > 0) sink->append(line.data());
  return length;
}

}  // namespace

LibbpfLog::LibbpfLog() {
  sink = &text_;
  libbpf_set_print(print);
}

LibbpfLog::~LibbpfLog() { sink = nullptr; }

}  // namespace egress
