// SPDX-License-Identifier: Apache-2.0
#include "privileges.h"

#include <bpf/bpf.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "error.h"

namespace egress {
namespace {

// include/uapi/linux/capability.h; the headers here may be older than CAP_BPF.
constexpr int kCapBpf = 39;

struct Name {
  int capability;
  const char* name;
};
constexpr Name kNames[] = {
    {CAP_NET_ADMIN, "CAP_NET_ADMIN"}, {CAP_SYS_ADMIN, "CAP_SYS_ADMIN"}, {kCapBpf, "CAP_BPF"}};

constexpr uint64_t bit(int capability) { return uint64_t{1} << capability; }

/// The two halves in which the system calls take a set.
struct Sets {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};  // 0: this thread
  __user_cap_data_struct halves[_LINUX_CAPABILITY_U32S_3] = {};
};

/// Of this thread. Safe in a signal handler, as is the next.
/// @returns errno, 0 for none
int drop_here(uint64_t kept) {
  Sets sets;
  if (syscall(SYS_capget, &sets.header, sets.halves) != 0) return errno;
  for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; half++) {
    const auto part = static_cast<uint32_t>(kept >> (32 * half));
    sets.halves[half].permitted &= part;
    sets.halves[half].effective &= part;
    sets.halves[half].inheritable &= part;
  }
  if (syscall(SYS_capset, &sets.header, sets.halves) != 0) return errno;
  // Root would get all of them back by starting a program.
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
}

uint64_t permitted(const std::string& task) {
  std::ifstream status(task + "/status");
  for (std::string word; status >> word;)
    if (word == "CapPrm:") {
      std::string hexadecimal;
      status >> hexadecimal;
      return std::stoull(hexadecimal, nullptr, 16);
    }
  return 0;  // the thread has ended
}

/// Signal 33 runs a function on every thread, as libc's own setuid() and Go's runtime do: no thread
/// can block it, where Node's debugger thread blocks all others. While this object lives, it is
/// ours.
class EveryThread {
 public:
  explicit EveryThread(uint64_t kept) {
    kept_ = kept;
    if (syscall(SYS_rt_sigaction, kSignal, nullptr, &libc_, sizeof(libc_.mask)) != 0)
      throw Error("drop capabilities", "", errno);
    // With libc's way back from a handler.
    Action ours = libc_;
    ours.handler = [](int) {
      const int saved = errno;
      drop_here(kept_);
      errno = saved;
    };
    if (syscall(SYS_rt_sigaction, kSignal, &ours, nullptr, sizeof(ours.mask)) != 0)
      throw Error("drop capabilities", "", errno);
  }
  ~EveryThread() { syscall(SYS_rt_sigaction, kSignal, &libc_, nullptr, sizeof(libc_.mask)); }
  EveryThread(const EveryThread&) = delete;
  EveryThread& operator=(const EveryThread&) = delete;

  void signal(pid_t thread) const { syscall(SYS_tgkill, getpid(), thread, kSignal); }

 private:
  static constexpr int kSignal = 33;  // SIGSETXID in glibc's internal-signals.h

  /// struct sigaction as the kernel has it (include/linux/signal_types.h).
  struct Action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    uint64_t mask;
  };

  static std::atomic<uint64_t> kept_;
  Action libc_{};
};
std::atomic<uint64_t> EveryThread::kept_;

void drop_everywhere(uint64_t kept) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + std::chrono::seconds(5);
  if (int error = drop_here(kept)) throw Error("drop capabilities", "", error);
  const EveryThread every(kept);
  std::set<pid_t> signalled;
  for (bool done = false; !done;) {
    done = true;
    // Listed anew each time: a thread may have started another before it got the signal.
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      if ((permitted(task.path().string()) & ~kept) == 0) continue;
      done = false;
      const pid_t thread = std::stoi(task.path().filename().string());
      if (signalled.insert(thread).second) every.signal(thread);
    }
    if (done) break;
    if (Clock::now() > deadline) throw Error("drop capabilities", "", ETIMEDOUT);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Whether bpf() works with CAP_NET_ADMIN alone on what the process has open (kernel c8644cd0efe7).
bool bpf_needs_capability(int map_fd) {
  bool needs = false;
  // Capabilities are a thread's own.
  std::thread([&] {
    drop_here(bit(CAP_NET_ADMIN));
    bpf_map_info info{};
    uint32_t size = sizeof(info);
    needs = bpf_obj_get_info_by_fd(map_fd, &info, &size) == -EPERM;
  }).join();
  return needs;
}

}  // namespace

std::vector<std::string> drop_capabilities(int map_fd) {
  const uint64_t held = permitted("/proc/self");
  uint64_t kept = bit(CAP_NET_ADMIN);
  if (bpf_needs_capability(map_fd)) kept |= held & bit(kCapBpf) ? bit(kCapBpf) : bit(CAP_SYS_ADMIN);
  drop_everywhere(kept);
  std::vector<std::string> names;
  for (const auto& [capability, name] : kNames)
    if (held & kept & bit(capability)) names.push_back(name);
  return names;
}

}  // namespace egress
