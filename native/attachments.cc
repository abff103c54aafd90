// SPDX-License-Identifier: Apache-2.0
#include "attachments.h"

#include <utility>

namespace egress {

uint32_t Attachments::attach(uint32_t ifindex, const std::string& name, bool link_header, Mode mode,
                             uint32_t flags, uint32_t replaced) {
  std::lock_guard lock(mutex_);
  const int entry = link_header ? program_.ethernet_fd() : program_.ip_fd();
  // What is there goes first: the destructor of an old clsact filter would remove a new one.
  if (const auto old = attached_.find(ifindex); old != attached_.end())
    old->second.attachment = Attachment();
  if (mode == Mode::kTcx) {
    // An earlier run's, on the same maps: together they would count twice.
    remove_left_filter(ifindex, flags);
    TcxLink link(entry, ifindex, name, pins_);
    attached_.insert_or_assign(ifindex, Attached{name, std::move(link)});
    return 0;
  }
  if (pins_) TcxLink::remove(ifindex, *pins_);
  ClsactFilter filter(entry, ifindex, name, flags & EGRESS_SLOT_MADE_QDISC, replaced);
  flags = EGRESS_SLOT_CLSACT | (filter.made_qdisc() ? EGRESS_SLOT_MADE_QDISC : 0);
  attached_.insert_or_assign(ifindex, Attached{name, std::move(filter)});
  return flags;
}

void Attachments::detach(uint32_t ifindex, uint32_t flags) {
  std::lock_guard lock(mutex_);
  if (attached_.erase(ifindex) > 0) return;
  if (pins_) TcxLink::remove(ifindex, *pins_);
  remove_left_filter(ifindex, flags);
}

void Attachments::remove_left_filter(uint32_t ifindex, uint32_t flags) {
  // Its destructor does it.
  if (flags & EGRESS_SLOT_CLSACT) ClsactFilter::adopt(ifindex, flags & EGRESS_SLOT_MADE_QDISC);
}

bool Attachments::has(uint32_t ifindex) const {
  std::lock_guard lock(mutex_);
  return attached_.contains(ifindex);
}

std::optional<AttachmentInfo> Attachments::info(uint32_t ifindex) const {
  std::lock_guard lock(mutex_);
  const auto found = attached_.find(ifindex);
  if (found == attached_.end()) return {};
  const auto& [name, attachment] = found->second;
  auto before = predecessors(attachment, ifindex, name, {program_.ethernet_id(), program_.ip_id()});
  if (!before) return {};
  const bool tcx = std::holds_alternative<TcxLink>(attachment);
  return AttachmentInfo{tcx ? Mode::kTcx : Mode::kClsact, std::move(*before)};
}

void Attachments::for_each_link(
    const std::function<void(const std::string& pin, int fd)>& each) const {
  std::lock_guard lock(mutex_);
  for (const auto& [ifindex, attached] : attached_)
    if (const auto* link = std::get_if<TcxLink>(&attached.attachment); link && link->is_attached())
      each(TcxLink::pin_name(ifindex), link->fd());
}

void Attachments::close(bool to_pins) {
  std::lock_guard lock(mutex_);
  for (auto& [ifindex, attached] : attached_) {
    if (to_pins) release(attached.attachment);
    attached.attachment = Attachment();
  }
}

}  // namespace egress
