// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <uv.h>

#include <functional>

#include "../fd.h"
#include "../rtnetlink.h"

namespace egress::node {

/// Calls back on an event loop when interfaces, what is attached to them, or default routes may
/// have changed. Does not keep the loop alive. Belongs to the loop's thread.
class InterfaceWatch {
 public:
  using Callback = std::function<void(rtnetlink::Changes)>;

  /// @throws Error "watch interfaces"
  InterfaceWatch(uv_loop_t* loop, Callback changed);
  InterfaceWatch(const InterfaceWatch&) = delete;
  InterfaceWatch& operator=(const InterfaceWatch&) = delete;
  ~InterfaceWatch() { close(); }

  /// Stops calling back. Idempotent.
  void close();

 private:
  struct State;
  State* state_;  // libuv needs the handle a while longer than this object lives
};

}  // namespace egress::node
