// SPDX-License-Identifier: Apache-2.0
//
// The exporter's pins, which others can remove.
#include <bpf/bpf.h>
#include <sys/stat.h>

#include <cerrno>

#include "error.h"
#include "exporter.h"
#include "map.h"

namespace egress {

void Exporter::check_network_namespace() {
  struct stat own {};
  if (stat("/proc/self/ns/net", &own) != 0) throw Error("open pins", pins_->path(), errno);
  const uint64_t inode = own.st_ino;
  const uint32_t first = 0;
  if (Fd pinned = pins_->get(kNamespacePin)) {
    const Map<uint32_t, uint64_t> theirs(pinned.get(), kNamespacePin);
    if (theirs.lookup(first) != inode) throw Error("open pins", pins_->path(), EXDEV);
    network_namespace_ = std::move(pinned);
    return;
  }
  Fd map(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "egress_netns", sizeof(first), sizeof(inode), 1, nullptr));
  if (!map) throw Error("open pins", pins_->path(), errno);
  Map<uint32_t, uint64_t>(map.get(), kNamespacePin).update(first, inode);
  pins_->pin(map.get(), kNamespacePin);
  network_namespace_ = std::move(map);
}

KeptPins Exporter::keep_pins() {
  std::lock_guard lock(mutex_);
  KeptPins kept;
  if (!pins_) return kept;
  auto attempt = [&](const std::string& name, auto keep) {
    try {
      if (keep()) kept.anew.push_back(name);
      return true;
    } catch (const Error& error) {
      kept.lost.push_back(name);
      kept.reason = error.what();
      if (error.number == EBUSY && !error.detail.empty())
        kept.reason += ": process " + error.detail + " has it";
      return false;
    }
  };
  const auto folder = [this] {
    pins_->keep_folder();
    return false;
  };
  auto keep = [&](const std::string& name, int fd) {
    return attempt(name, [&] { return pins_->keep(fd, name); });
  };
  maps_pinned_ = attempt(pins_->path(), folder);
  if (!maps_pinned_) return kept;
  auto maps = program_.pinned_maps();
  maps.emplace_back(kNamespacePin, network_namespace_.get());
  for (const auto& [name, fd] : maps) maps_pinned_ &= keep(name, fd);
  // A link without its maps would count for nobody.
  if (!maps_pinned_) return kept;
  for (const auto& [ifindex, counted] : counted_)
    if (const auto* link = std::get_if<TcxLink>(&counted.attachment); link && link->hangs())
      keep(TcxLink::pin_name(ifindex), link->fd());
  return kept;
}

}  // namespace egress
