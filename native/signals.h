// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

namespace egress {

/// Signals wait in this thread as long as this lives: the verifier gives a program up (EAGAIN) when
/// one comes, and libbpf tries it only five times.
class SignalBlock {
 public:
  SignalBlock();
  ~SignalBlock();
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  sigset_t before_;
};

/// From the next SIGINT or SIGTERM on, the process has this long to end. A second one, or the end
/// of that time, ends it at once, with exit code 1, whatever the event loop waits for. Called after
/// the event loop listens to both, which still gets them; once in a process.
/// @param seconds at least 1
void set_stop_deadline(unsigned seconds);

/// Called when all is done: from now on the process has this long to end by itself, whatever its
/// threads wait for; then it ends with this code.
/// @param seconds at least 1
void set_end_deadline(unsigned seconds, int code);

/// Lets SIGUSR1 through in this thread: Node's --disable-sigusr1 blocks it, for listeners too. What
/// came before comes now.
void unblock_sigusr1();

/// Ends the process without waiting for any thread.
[[noreturn]] void exit_now(int code);

}  // namespace egress
