// SPDX-License-Identifier: Apache-2.0
#include "signals.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "clock.h"
#include "error.h"

// What runs in a signal handler here is on the list of signal-safety(7), or a lock-free atomic.

namespace egress {
namespace {

constexpr int kFailed = 1;
/// Closer together they are one: a terminal's Ctrl-C comes from the terminal, and from npm as well.
constexpr int64_t kSameMs = 500;

unsigned deadline_seconds;
std::atomic<int64_t> first_ms{0};
static_assert(std::atomic<int64_t>::is_always_lock_free);
/// Of the event loop, by signal.
struct sigaction loop_interrupt, loop_terminate;

void say(const char* line) {
  // Nobody may read it.
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (poll(&ready, 1, 0) == 1 && write(STDERR_FILENO, line, std::strlen(line)) < 0) return;
}

int last_code;

void on_end_alarm(int) {
  say("egress-exporter: Node.js hangs at its end, with all done: it ends without waiting for it\n");
  _exit(last_code);
}

void on_alarm(int) {
  say("egress-exporter: the stop hangs: it ends without having detached in order\n");
  _exit(kFailed);
}

void on_stop(int number) {
  const int saved_errno = errno;
  const auto now = static_cast<int64_t>(monotonic_ns() / kNsPerMs);
  int64_t first = 0;
  if (first_ms.compare_exchange_strong(first, now)) {
    alarm(deadline_seconds);
  } else if (now - first >= kSameMs) {
    say("egress-exporter: a second signal: it ends without having detached in order\n");
    _exit(kFailed);
  }
  const auto& loop = number == SIGINT ? loop_interrupt : loop_terminate;
  if (loop.sa_handler != SIG_DFL && loop.sa_handler != SIG_IGN) loop.sa_handler(number);
  errno = saved_errno;
}

void handle(int number, void (*handler)(int), struct sigaction* previous) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigfillset(&action.sa_mask);
  if (sigaction(number, &action, previous) != 0) throw Error("handle signal", "", errno);
}

}  // namespace

SignalBlock::SignalBlock() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before_);
}

SignalBlock::~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void set_stop_deadline(unsigned seconds) {
  deadline_seconds = seconds;
  handle(SIGALRM, on_alarm, nullptr);
  handle(SIGINT, on_stop, &loop_interrupt);
  handle(SIGTERM, on_stop, &loop_terminate);
}

void set_end_deadline(unsigned seconds, int code) {
  last_code = code;
  // One that was set by a signal may come earlier.
  const unsigned left = alarm(0);
  handle(SIGALRM, on_end_alarm, nullptr);
  alarm(left != 0 && left < seconds ? left : seconds);
}

void unblock_sigusr1() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  if (int error = pthread_sigmask(SIG_UNBLOCK, &signals, nullptr))
    throw Error("unblock signal", "SIGUSR1", error);
}

void exit_now(int code) { _exit(code); }

}  // namespace egress
