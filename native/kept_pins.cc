// SPDX-License-Identifier: Apache-2.0
//
// Pins that stay what they are, though others can remove them.
#include <bpf/bpf.h>
#include <sys/stat.h>

#include <cerrno>
#include <utility>

#include "error.h"
#include "folder_lock.h"
#include "map.h"
#include "pins.h"

namespace egress {
namespace {

/// @returns whether it has been done
template <typename Attempt>
bool attempt(const std::string& name, KeptPins& kept, Attempt attempt) {
  try {
    if (attempt()) kept.anew.push_back(name);
    return true;
  } catch (const Error& error) {
    kept.lost.push_back(name);
    kept.reason = error.what();
    if (error.number == EBUSY && !error.detail.empty())
      kept.reason += ": process " + error.detail + " has it";
    return false;
  }
}

}  // namespace

void PinFolder::keep_folder() {
  if (!is_folder(lock_.get(), path_)) lock();
  make_folder(version_);
}

bool PinFolder::keep(const std::string& name, int fd) const {
  const Fd pinned = get(name);
  if (!pinned) {
    pin(fd, name);
    return true;
  }
  if (!is_same_object(pinned.get(), fd)) throw Error("pin", file(name), EEXIST);
  return false;
}

void PinFolder::keep(const std::string& name, int fd, KeptPins& kept) const {
  attempt(name, kept, [&] { return keep(name, fd); });
}

KeptPins PinFolder::keep_maps(const std::vector<std::pair<std::string, int>>& maps) {
  KeptPins kept;
  const auto folder = [this] {
    keep_folder();
    return false;
  };
  if (!attempt(path_, kept, folder)) return kept;
  for (const auto& [name, fd] : maps) keep(name, fd, kept);
  keep(kNamespacePin, network_namespace_.get(), kept);
  return kept;
}

void PinFolder::require_own_network_namespace() {
  struct stat own {};
  if (stat("/proc/self/ns/net", &own) != 0) throw Error("open pins", path_, errno);
  const uint64_t inode = own.st_ino;
  const uint32_t only = 0;
  if (Fd pinned = get(kNamespacePin)) {
    if (Map<uint32_t, uint64_t>(pinned.get(), kNamespacePin).lookup(only) != inode)
      throw Error("open pins", path_, EXDEV);
    network_namespace_ = std::move(pinned);
    return;
  }
  Fd map(
      bpf_map_create(BPF_MAP_TYPE_ARRAY, "egress_netns", sizeof(only), sizeof(inode), 1, nullptr));
  if (!map) throw Error("open pins", path_, errno);
  Map<uint32_t, uint64_t>(map.get(), kNamespacePin).update(only, inode);
  pin(map.get(), kNamespacePin);
  network_namespace_ = std::move(map);
}

}  // namespace egress
