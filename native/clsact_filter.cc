// SPDX-License-Identifier: Apache-2.0
#include "clsact_filter.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <utility>

#include "error.h"
#include "libbpf_log.h"
#include "rtnetlink.h"

namespace egress {
namespace {

using traffic_control::Filter;
using traffic_control::Hook;

bpf_tc_hook clsact_egress(uint32_t ifindex) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts opts_of(uint32_t priority) {
  bpf_tc_opts opts{};
  opts.sz = sizeof(opts);
  opts.handle = ClsactFilter::kHandle;
  opts.priority = priority;
  return opts;
}

/// Of this program, of any run. Names of filters begin with those of their programs.
bool is_ours(const Filter& filter) {
  return filter.handle == ClsactFilter::kHandle && filter.name.starts_with("egress_");
}

/// @returns 0, or a negative errno
int detach(uint32_t ifindex, uint32_t priority) {
  bpf_tc_hook hook = clsact_egress(ifindex);
  bpf_tc_opts opts = opts_of(priority);
  return bpf_tc_detach(&hook, &opts);
}

}  // namespace

ClsactFilter::ClsactFilter(int program_fd, uint32_t ifindex, const std::string& name,
                           bool made_qdisc, uint32_t replaced)
    : ifindex_(ifindex), made_qdisc_(made_qdisc) {
  LibbpfLog log;
  bpf_tc_hook hook = clsact_egress(ifindex);
  int error = bpf_tc_hook_create(&hook);
  if (error != 0 && error != -EEXIST) throw Error("add clsact qdisc", name, -error, log.text());
  if (error == 0) made_qdisc_ = true;
  // There the kernel would give the filter what comes in.
  if (error == -EEXIST && traffic_control::shared_place_qdisc(ifindex) != "clsact")
    throw Error("add clsact qdisc", name, EEXIST);

  const auto egress = traffic_control::filters(ifindex, Hook::kEgress);
  bpf_tc_opts opts = opts_of(0);
  for (const Filter& filter : egress) {
    if (!is_ours(filter)) continue;
    if (filter.program_id != replaced)
      throw Error("attach clsact", name, EBUSY, std::to_string(filter.program_id));
    opts.priority = filter.priority;
    opts.flags = BPF_TC_F_REPLACE;
  }
  if (opts.priority == 0) opts.priority = traffic_control::choose_priority(egress, kHandle);
  opts.prog_fd = program_fd;
  error = bpf_tc_attach(&hook, &opts);
  if (error != 0) {
    remove_qdisc_if_unused();
    throw Error("attach clsact", name, -error, log.text());
  }
  program_id_ = opts.prog_id;
}

ClsactFilter::ClsactFilter(ClsactFilter&& other) noexcept
    : ifindex_(std::exchange(other.ifindex_, 0)),
      made_qdisc_(other.made_qdisc_),
      program_id_(other.program_id_) {}

ClsactFilter& ClsactFilter::operator=(ClsactFilter&& other) noexcept {
  std::swap(ifindex_, other.ifindex_);
  std::swap(made_qdisc_, other.made_qdisc_);
  std::swap(program_id_, other.program_id_);
  return *this;
}

std::vector<ClsactFilter::Leftover> ClsactFilter::find_all() {
  std::vector<Leftover> found;
  const auto qdiscs = traffic_control::shared_place_qdiscs();
  for (const auto& link : rtnetlink::links()) {
    const auto qdisc = qdiscs.find(link.ifindex);
    if (qdisc == qdiscs.end() || qdisc->second != "clsact") continue;
    for (const Filter& filter : traffic_control::filters(link.ifindex, Hook::kEgress))
      if (is_ours(filter)) found.push_back({link.ifindex, link.name, filter.program_id});
  }
  return found;
}

void ClsactFilter::remove(uint32_t ifindex, const std::string& name, uint32_t program_id) {
  LibbpfLog log;
  for (const Filter& filter : traffic_control::filters(ifindex, Hook::kEgress)) {
    if (!is_ours(filter) || filter.program_id != program_id) continue;
    const int error = detach(ifindex, filter.priority);
    if (error != 0 && error != -ENOENT) throw Error("remove filter", name, -error, log.text());
  }
}

std::optional<std::vector<Filter>> ClsactFilter::before() const {
  std::vector<Filter> before;
  for (auto& filter : traffic_control::filters(ifindex_, Hook::kEgress)) {
    if (is_ours(filter) && filter.program_id == program_id_) return before;
    if (filter.chain == 0 && filter.classifies()) before.push_back(std::move(filter));
  }
  return {};
}

ClsactFilter::~ClsactFilter() {
  if (ifindex_ == 0) return;
  try {
    LibbpfLog log;
    bool removed = false;
    for (const Filter& filter : traffic_control::filters(ifindex_, Hook::kEgress)) {
      if (!is_ours(filter) || (program_id_ != 0 && filter.program_id != program_id_)) continue;
      if (detach(ifindex_, filter.priority) == 0) removed = true;
    }
    // Otherwise the filter or its interface is gone already; then the qdisc may be another.
    if (removed) remove_qdisc_if_unused();
  } catch (const Error&) {
    // The interface is gone, and the filter with it.
  }
}

void ClsactFilter::remove_qdisc_if_unused() noexcept {
  if (!made_qdisc_) return;
  try {
    for (const Hook hook : {Hook::kIngress, Hook::kEgress})
      for (const Filter& filter : traffic_control::filters(ifindex_, hook))
        if (filter.handle != 0) return;
  } catch (const Error&) {
    return;  // when in doubt, the qdisc stays
  }
  LibbpfLog log;
  bpf_tc_hook hook = clsact_egress(ifindex_);
  // libbpf deletes the qdisc itself only when asked for both of its hooks.
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  bpf_tc_hook_destroy(&hook);
}

}  // namespace egress
