// SPDX-License-Identifier: Apache-2.0
#include "attachment.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "error.h"

namespace egress {
namespace {

// include/uapi/linux/bpf.h, since 6.6; the headers here may be older.
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);
constexpr uint32_t kBefore = 1U << 3;  // BPF_F_BEFORE; without a relative object: the head

}  // namespace

TcxLink::TcxLink(int program_fd, uint32_t ifindex, const std::string& name, const PinFolder* pins) {
  const std::string pin = pin_name(ifindex);
  if (pins) {
    link_ = pins->get(pin);
    pin_ = pins->file(pin);
    if (link_ && is_attached()) {
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
  try {
    if (pins) pins->pin(fd, pin);
  } catch (const Error&) {
    // It counts all the same; Exporter::keep_pins() tries again, and tells.
  }
}

TcxLink& TcxLink::operator=(TcxLink&& other) noexcept {
  std::swap(link_, other.link_);
  std::swap(pin_, other.pin_);
  return *this;
}

TcxLink::~TcxLink() {
  if (!link_ || pin_.empty()) return;
  // Somebody else may have the place by now.
  const Fd pinned(bpf_obj_get(pin_.c_str()));
  if (pinned && is_same_object(pinned.get(), link_.get())) ::unlink(pin_.c_str());
  bpf_link_detach(link_.get());
}

void TcxLink::remove(uint32_t ifindex, const PinFolder& pins) {
  Fd link = pins.get(pin_name(ifindex));
  if (!link) return;
  bpf_link_detach(link.get());
  pins.remove(pin_name(ifindex));
}

bool TcxLink::is_attached() const {
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

Mode resolve(Mode mode) {
  if (mode != Mode::kAuto) return mode;
  return TcxLink::supported() ? Mode::kTcx : Mode::kClsact;
}

std::optional<std::vector<Predecessor>> predecessors(const Attachment& attachment, uint32_t ifindex,
                                                     const std::string& name,
                                                     std::initializer_list<uint32_t> own) {
  const auto* link = std::get_if<TcxLink>(&attachment);
  const auto* filter = std::get_if<ClsactFilter>(&attachment);
  const auto filters = filter ? filter->before() : std::nullopt;
  if (link ? !link->is_attached() : !filters) return {};
  auto chain = tcx_chain(ifindex, name);
  if (link) chain.erase(std::ranges::find_first_of(chain, own), chain.end());
  std::vector<Predecessor> before;
  for (uint32_t id : chain) before.push_back({Mode::kTcx, 0, id, {}});
  if (filters)
    for (const auto& each : *filters)
      before.push_back({Mode::kClsact, each.priority, each.program_id,
                        each.program_id != 0 ? each.name : each.kind});
  return before;
}

void release(Attachment& attachment) {
  if (auto* link = std::get_if<TcxLink>(&attachment)) link->release();
  if (auto* filter = std::get_if<ClsactFilter>(&attachment)) filter->release();
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
