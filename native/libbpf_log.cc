// SPDX-License-Identifier: Apache-2.0
#include "libbpf_log.h"

#include <bpf/libbpf.h>

#include <cstdarg>
#include <cstdio>

namespace egress {
namespace {

// libbpf has one callback for the process, while the addon may be loaded by several threads.
thread_local std::string* sink = nullptr;

int print(libbpf_print_level level, const char* format, va_list arguments) {
  if (!sink || level == LIBBPF_DEBUG) return 0;
  va_list measured;
  va_copy(measured, arguments);
  int length = std::vsnprintf(nullptr, 0, format, measured);
  va_end(measured);
  if (length <= 0) return length;
  const size_t end = sink->size();
  sink->resize(end + static_cast<size_t>(length) + 1);
  std::vsnprintf(sink->data() + end, static_cast<size_t>(length) + 1, format, arguments);
  sink->pop_back();  // the terminating zero
  return length;
}

}  // namespace

LibbpfLog::LibbpfLog() {
  sink = &text_;
  libbpf_set_print(print);
}

LibbpfLog::~LibbpfLog() { sink = nullptr; }

}  // namespace egress
