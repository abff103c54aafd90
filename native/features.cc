// SPDX-License-Identifier: Apache-2.0
#include "features.h"

#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <thread>
#include <utility>

#include "fd.h"
#include "program.h"

namespace egress {
namespace {

int make_array(uint32_t flags) {
  bpf_map_create_opts opts{};
  opts.sz = sizeof(opts);
  opts.map_flags = flags;
  return bpf_map_create(BPF_MAP_TYPE_ARRAY, "egress_probe", sizeof(uint32_t), sizeof(uint64_t), 1,
                        &opts);
}

}  // namespace

bool has_mmapable_arrays() {
  if (Fd(make_array(BPF_F_MMAPABLE))) return true;
  const int plain = make_array(0);
  if (plain < 0) throw Error("load program", "", -plain);
  ::close(plain);
  return false;
}

bool has_gso_size() {
  constexpr int16_t kGsoSize = 176;  // offsetof(__sk_buff, gso_size); the headers here may be older
  const bpf_insn code[] = {{BPF_LDX | BPF_MEM | BPF_W, BPF_REG_0, BPF_REG_1, kGsoSize, 0},
                           {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  return bool(Fd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "egress_probe", "GPL", code,
                               std::size(code), nullptr)));
}

bool is_since(int major, int minor) {
  utsname name{};
  int own_major = 0, own_minor = 0;
  if (uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &own_major, &own_minor) != 2)
    return true;
  return std::pair(own_major, own_minor) >= std::pair(major, minor);
}

bool is_preempt_rt() {
  utsname name{};
  return uname(&name) == 0 && std::strstr(name.version, "PREEMPT_RT") != nullptr;
}

bool has_membarrier() {
  const long commands = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  return commands >= 0 && (commands & MEMBARRIER_CMD_GLOBAL);
}

std::optional<Error> try_attach(Mode mode) {
  std::optional<Error> failure;
  // The namespace is the thread's, and goes with it.
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      failure.emplace("make namespace", "", errno);
      return;
    }
    constexpr uint32_t kLoopback = 1;
    try {
      const Program program({1, {}}, nullptr);
      if (mode == Mode::kTcx)
        TcxLink(program.ethernet_fd(), kLoopback, "", nullptr);
      else
        ClsactFilter(program.ethernet_fd(), kLoopback, "", false, 0);
    } catch (const Error& error) {
      failure.emplace(error);
    }
  }).join();
  return failure;
}

std::string program_name(uint32_t program_id) {
  const Fd program(bpf_prog_get_fd_by_id(program_id));
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &size) != 0) return {};
  return info.name;
}

}  // namespace egress
