// SPDX-License-Identifier: Apache-2.0
#include "attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "error.h"
#include "libbpf_log.h"
#include "rtnetlink.h"

namespace egress {
namespace {

// include/uapi/linux/bpf.h, since 6.6; the headers here may be older.
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr uint32_t kBefore = 1U << 3;  // BPF_F_BEFORE; without a relative object: the head

bpf_tc_hook clsact_egress(uint32_t ifindex) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = BPF_TC_EGRESS;
  return hook;
}

std::string pin_name(uint32_t ifindex) { return "tcx-" + std::to_string(ifindex); }

bpf_tc_opts filter_opts() {
  bpf_tc_opts opts{};
  opts.sz = sizeof(opts);
  opts.handle = ClsactFilter::kHandle;
  opts.priority = ClsactFilter::kPriority;
  return opts;
}

}  // namespace

TcxLink::TcxLink(int program_fd, uint32_t ifindex, const std::string& name, const PinFolder* pins) {
  const std::string pin = pin_name(ifindex);
  if (pins) {
    link_ = pins->get(pin);
    pin_ = pins->file(pin);
    if (link_ && hangs()) {
      int error = bpf_link_update(link_.get(), program_fd, nullptr);
      if (error != 0) throw Error("attach tcx", name, -error);
      return;
    }
    pins->remove(pin);
  }
  bpf_link_create_opts opts{};
  opts.sz = sizeof(opts);
  opts.flags = kBefore;
  int fd = bpf_link_create(program_fd, static_cast<int>(ifindex), kTcxEgress, &opts);
  if (fd < 0) throw Error("attach tcx", name, -fd);
  link_ = Fd(fd);
  if (pins) pins->pin(fd, pin);
}

TcxLink& TcxLink::operator=(TcxLink&& other) noexcept {
  std::swap(link_, other.link_);
  std::swap(pin_, other.pin_);
  return *this;
}

TcxLink::~TcxLink() {
  if (!link_ || pin_.empty()) return;
  ::unlink(pin_.c_str());
  bpf_link_detach(link_.get());
}

void TcxLink::remove(uint32_t ifindex, const PinFolder& pins) {
  Fd link = pins.get(pin_name(ifindex));
  if (!link) return;
  bpf_link_detach(link.get());
  pins.remove(pin_name(ifindex));
}

bool TcxLink::hangs() const {
  bpf_link_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(link_.get(), &info, &size) != 0) return false;
  // `tcx` in newer headers; like `xdp`, it begins with the ifindex, which is 0 once detached.
  return info.xdp.ifindex != 0;
}

bool TcxLink::supported() {
  constexpr int kLoopback = 1;  // LOOPBACK_IFINDEX, include/net/flow.h
  uint32_t count = 0, flags = 0;
  int error = bpf_prog_query(kLoopback, kTcxEgress, 0, &flags, nullptr, &count);
  // ENOENT: an empty chain, before kernel edfa9af0a73e.
  return error == 0 || error == -ENOENT;
}

ClsactFilter::ClsactFilter(int program_fd, uint32_t ifindex, const std::string& name,
                           bool made_qdisc)
    : ifindex_(ifindex), made_qdisc_(made_qdisc) {
  LibbpfLog log;
  bpf_tc_hook hook = clsact_egress(ifindex);
  int error = bpf_tc_hook_create(&hook);
  if (error != 0 && error != -EEXIST) throw Error("add clsact qdisc", name, -error, log.text());
  if (error == 0) made_qdisc_ = true;

  bpf_tc_opts opts = filter_opts();
  opts.prog_fd = program_fd;
  opts.flags = BPF_TC_F_REPLACE;
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
  for (const auto& link : rtnetlink::links())
    for (const auto& filter : rtnetlink::clsact_filters(link.ifindex))
      if (filter.egress && filter.priority == kPriority && filter.handle == kHandle &&
          filter.name.starts_with("egress_"))
        found.push_back({link.ifindex, link.name, filter.program_id});
  return found;
}

void ClsactFilter::remove(uint32_t ifindex, const std::string& name) {
  LibbpfLog log;
  bpf_tc_hook hook = clsact_egress(ifindex);
  bpf_tc_opts opts = filter_opts();
  int error = bpf_tc_detach(&hook, &opts);
  if (error != 0 && error != -ENOENT) throw Error("remove filter", name, -error, log.text());
}

bool ClsactFilter::hangs() const {
  LibbpfLog log;
  bpf_tc_hook hook = clsact_egress(ifindex_);
  bpf_tc_opts opts = filter_opts();
  return bpf_tc_query(&hook, &opts) == 0 && opts.prog_id == program_id_;
}

ClsactFilter::~ClsactFilter() {
  if (ifindex_ == 0) return;
  LibbpfLog log;
  bpf_tc_hook hook = clsact_egress(ifindex_);
  bpf_tc_opts opts = filter_opts();
  // An error means that the filter or its interface is gone already; then the qdisc may be another.
  if (bpf_tc_detach(&hook, &opts) == 0) remove_qdisc_if_unused();
}

void ClsactFilter::remove_qdisc_if_unused() noexcept {
  if (!made_qdisc_) return;
  try {
    if (!rtnetlink::clsact_filters(ifindex_).empty()) return;
  } catch (const Error&) {
    return;  // when in doubt, the qdisc stays
  }
  bpf_tc_hook hook = clsact_egress(ifindex_);
  // libbpf deletes the qdisc itself only when asked for both of its hooks.
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  bpf_tc_hook_destroy(&hook);
}

Mode resolve(Mode mode) {
  if (mode != Mode::kAuto) return mode;
  return TcxLink::supported() ? Mode::kTcx : Mode::kClsact;
}

bool hangs(const Attachment& attachment) {
  if (const auto* link = std::get_if<TcxLink>(&attachment)) return link->hangs();
  if (const auto* filter = std::get_if<ClsactFilter>(&attachment)) return filter->hangs();
  return false;
}

void leave(Attachment& attachment) {
  if (auto* link = std::get_if<TcxLink>(&attachment)) link->leave();
  if (auto* filter = std::get_if<ClsactFilter>(&attachment)) filter->leave();
}

std::vector<uint32_t> tcx_chain(uint32_t ifindex, const std::string& name) {
  constexpr uint32_t kProgramsMax = 64;  // BPF_MPROG_MAX, include/linux/bpf_mprog.h
  std::vector<uint32_t> ids(kProgramsMax);
  uint32_t count = kProgramsMax, flags = 0;
  int error = bpf_prog_query(static_cast<int>(ifindex), kTcxEgress, 0, &flags, ids.data(), &count);
  // EINVAL: a kernel without TCX; ENOSYS: one without BPF.
  if (error == -ENOENT || error == -EINVAL || error == -ENOSYS) return {};
  if (error != 0) throw Error("list programs", name, -error);
  ids.resize(count);
  return ids;
}

}  // namespace egress
