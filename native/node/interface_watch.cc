// SPDX-License-Identifier: Apache-2.0
#include "interface_watch.h"

#include <utility>

#include "../error.h"

namespace egress::node {

struct InterfaceWatch::State {
  uv_poll_t poll;
  Fd socket;
  Callback changed;

  int start() { return uv_poll_start(&poll, UV_READABLE, &State::readable); }

  static void readable(uv_poll_t* poll, int status, int) {
    auto* state = static_cast<State*>(poll->data);
    auto changes = rtnetlink::drain(state->socket);
    // A socket that overflowed reports an error, which the drain has cleared; libuv stops at
    // errors.
    if (status != 0) state->start();
    if (changes) state->changed(changes);
  }
};

InterfaceWatch::InterfaceWatch(uv_loop_t* loop, Callback changed)
    : state_(new State{{}, rtnetlink::subscribe(), std::move(changed)}) {
  int error = uv_poll_init(loop, &state_->poll, state_->socket.get());
  if (error != 0) {
    delete std::exchange(state_, nullptr);
    throw Error("watch interfaces", "", -error);
  }
  state_->poll.data = state_;
  uv_unref(reinterpret_cast<uv_handle_t*>(&state_->poll));
  state_->start();
}

void InterfaceWatch::close() {
  if (!state_) return;
  uv_close(reinterpret_cast<uv_handle_t*>(&std::exchange(state_, nullptr)->poll),
           [](uv_handle_t* handle) { delete static_cast<State*>(handle->data); });
}

}  // namespace egress::node
