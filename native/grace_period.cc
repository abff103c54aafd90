// SPDX-License-Identifier: Apache-2.0
#include "grace_period.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <ctime>

namespace egress {

/// Programs run in RCU read-side sections, and this command is synchronize_rcu()
/// (kernel/sched/membarrier.c).
void wait_for_running_programs() {
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return;
  // Kernels with nohz_full refuse it. No program runs for a tick, let alone for this long.
  constexpr timespec kGracePeriod{0, 100'000'000};
  nanosleep(&kGracePeriod, nullptr);
}

}  // namespace egress
