// SPDX-License-Identifier: Apache-2.0
#include "pins.h"

#include <bpf/bpf.h>
#include <linux/magic.h>
#include <mntent.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "../bpf/egress.h"
#include "error.h"
#include "folder_lock.h"
#include "program_maps.h"

namespace egress {
namespace {

namespace fs = std::filesystem;

bool is_numbered(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix) || name.size() == prefix.size()) return false;
  name.remove_prefix(prefix.size());
  return name.find_first_not_of("0123456789") == name.npos;
}

/// What this program pins: maps by their names, links by their interfaces. Other files stay.
bool is_pin(std::string_view name) {
  return is_numbered(name, "tcx-") || name == kNamespacePin ||
         std::ranges::find(kPinnedMaps, name, &PinnedMap::name) != std::end(kPinnedMaps);
}

/// What another version pinned had names of its own, so all that is in its folder.
bool is_any(std::string_view) { return true; }

bool is_version(std::string_view name) { return is_numbered(name, "v"); }

/// How deep folders of pins are looked for.
constexpr int kDepthMax = 4;

const std::string kVersion = "v" + std::to_string(EGRESS_PINS_VERSION);

/// The names in a folder that match, in order; none if it cannot be read.
std::vector<std::string> names_in(const std::string& folder, bool (*matches)(std::string_view)) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (auto name = entry.path().filename().string(); matches(name))
      names.push_back(std::move(name));
  std::sort(names.begin(), names.end());
  return names;
}

/// What is pinned in a version's folder.
std::vector<std::string> pins_in(const std::string& folder) {
  return names_in(folder, fs::path(folder).filename() == kVersion ? is_pin : is_any);
}

void unlink_pin(const std::string& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) throw Error("remove pin", file, errno);
}

void remove_version(const std::string& folder) {
  // Links first: nothing counts any more when the maps go.
  auto names = pins_in(folder);
  std::stable_partition(names.begin(), names.end(),
                        [](const std::string& name) { return name.starts_with("tcx-"); });
  for (const auto& name : names) unlink_pin(folder + "/" + name);
  if (::rmdir(folder.c_str()) != 0 && errno != ENOENT) throw Error("remove pin", folder, errno);
}

bool on_bpf_fs(const std::string& path) {
  struct statfs info {};
  return statfs(path.c_str(), &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

/// What bpf_map_info and bpf_link_info begin with.
struct Identity {
  uint32_t type;
  uint32_t id;
  bool operator==(const Identity&) const = default;
};

std::optional<Identity> identity_of(int fd) {
  Identity identity{};
  uint32_t size = sizeof(identity);
  if (bpf_obj_get_info_by_fd(fd, &identity, &size) != 0) return {};
  return identity;
}

bool is_pin_folder(const std::string& path) {
  const auto versions = names_in(path, is_version);
  return std::any_of(versions.begin(), versions.end(), [&](const std::string& version) {
    const auto pins = names_in(path + "/" + version, is_pin);
    return std::find(pins.begin(), pins.end(), "destinations") != pins.end();
  });
}

void find_below(const std::string& folder, int depth, std::vector<std::string>& found) {
  if (is_pin_folder(folder)) found.push_back(folder);
  std::error_code error;
  if (depth < kDepthMax)
    for (const auto& entry : fs::directory_iterator(folder, error))
      // bpffs links folders under their programs' names; whoever follows them goes round.
      if (entry.is_directory(error) && !entry.is_symlink(error))
        find_below(entry.path().string(), depth + 1, found);
}

}  // namespace

PinFolder::PinFolder(std::string path) : path_(std::move(path)), version_(path_ + "/" + kVersion) {
  lock();
  for (const auto& name : names_in(path_, is_version)) {
    if (name == kVersion) continue;
    remove_version(path_ + "/" + name);
    replaced_.push_back(name);
  }
  make_folder(version_);
}

void PinFolder::make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw Error("open pins", path, errno);
}

void PinFolder::lock() {
  // Asked first: on another file system nothing is made.
  const std::string parent = fs::path(path_).parent_path().string();
  if (!on_bpf_fs(fs::exists(path_) ? path_ : parent)) throw Error("open pins", path_, ENOMEDIUM);
  make_folder(path_);
  lock_ = lock_folder(path_, "pins");
}

Fd PinFolder::get(const std::string& name) const {
  int fd = bpf_obj_get(file(name).c_str());
  if (fd >= 0) return Fd(fd);
  if (fd != -ENOENT) throw Error("open pin", file(name), -fd);
  return Fd();
}

void PinFolder::pin(int fd, const std::string& name) const {
  int error = bpf_obj_pin(fd, file(name).c_str());
  if (error != 0) throw Error("pin", file(name), -error);
}

void PinFolder::remove(const std::string& name) const { unlink_pin(file(name)); }

void PinFolder::clear() const {
  remove_version(version_);
  if (::mkdir(version_.c_str(), 0700) != 0) throw Error("open pins", version_, errno);
}

std::vector<std::string> bpf_file_systems() {
  auto close = [](FILE* file) { endmntent(file); };
  std::unique_ptr<FILE, decltype(close)> mounts(setmntent("/proc/self/mounts", "r"), close);
  if (!mounts) throw Error("list pins", "", errno);
  std::vector<std::string> paths;
  while (const mntent* mount = getmntent(mounts.get()))
    if (std::string_view(mount->mnt_type) == "bpf") paths.emplace_back(mount->mnt_dir);
  return paths;
}

std::vector<PinFolder::Found> PinFolder::find_all() {
  std::vector<std::string> folders;
  for (const std::string& path : bpf_file_systems()) find_below(path, 0, folders);
  // One file system may be mounted on itself.
  std::sort(folders.begin(), folders.end());
  folders.erase(std::unique(folders.begin(), folders.end()), folders.end());

  std::vector<Found> found;
  for (auto& path : folders) {
    std::vector<std::string> pins;
    for (const auto& version : names_in(path, is_version))
      for (const auto& name : pins_in(path + "/" + version)) pins.push_back(version + "/" + name);
    std::string holder = lock_holder(path, "pins");
    found.push_back({std::move(path), std::move(pins), std::move(holder)});
  }
  return found;
}

void PinFolder::remove_all() const {
  remove_version(version_);
  // Others may have something there, or it is a mount point.
  ::rmdir(path_.c_str());
}

bool is_same_object(int a, int b) {
  const auto identity = identity_of(a);
  return identity && identity == identity_of(b);
}

}  // namespace egress
