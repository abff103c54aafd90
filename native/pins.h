// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "fd.h"

namespace egress {

/// A map that tells which network namespace the others are of.
inline constexpr const char* kNamespacePin = "network_namespace";

/// What became of pins.
struct KeptPins {
  std::vector<std::string> anew;  ///< somebody had removed these
  std::vector<std::string> lost;  ///< these are not pinned: what they are of ends with the process
  std::string reason;             ///< why, of the last
};

/// A folder on a BPF file system, under which maps and links outlive the process: PATH/vN/NAME, N
/// being EGRESS_PINS_VERSION. One process at a time has it: the lock goes with the process, however
/// it ends.
class PinFolder {
 public:
  /// Makes the folder if need be and locks it. Folders of other versions in it are removed, and
  /// with them what they counted.
  /// @throws Error "open pins" ENOMEDIUM if it is not on a BPF file system, or as the file system
  ///         says; "lock pins" EBUSY with the other process's id as detail, if it is known
  explicit PinFolder(std::string path);

  const std::string& path() const { return path_; }

  /// Where something of this name is pinned.
  std::string file(const std::string& name) const { return version_ + "/" + name; }

  /// Opens what is pinned under a name; no descriptor if there is nothing.
  /// @throws Error "open pin"
  Fd get(const std::string& name) const;
  /// @throws Error "pin"
  void pin(int fd, const std::string& name) const;
  /// Pins what somebody removed anew, as far as that can be done, and adds what became of it.
  void keep(const std::string& name, int fd, KeptPins& kept) const;
  /// Likewise the folder itself and the maps in it.
  /// @param maps their names and descriptors
  KeptPins keep_maps(const std::vector<std::pair<std::string, int>>& maps);
  /// Pins which network namespace the maps are of.
  /// @throws Error "open pins" EXDEV if those that are pinned are of another; "pin"
  void require_own_network_namespace();
  /// Removes a pin, if there is one.
  /// @throws Error "remove pin"
  void remove(const std::string& name) const;
  /// Removes all pins. What is attached by them goes too.
  /// @throws Error "remove pin"
  void clear() const;
  /// Removes all pins and the folder, unless somebody else has something in it.
  /// @throws Error "remove pin"
  void remove_all() const;

  /// The names of other versions that were removed, such as "v0".
  const std::vector<std::string>& replaced() const { return replaced_; }

  /// A folder of pins, used or left behind.
  struct Found {
    std::string path;
    std::vector<std::string> pins;  ///< their names, with the version's folder
    std::string holder;             ///< the id of the process that has it; empty: none
  };
  /// Every folder of pins on every BPF file system that is mounted here.
  /// @throws Error "list pins"
  static std::vector<Found> find_all();

 private:
  void lock();
  static void make_folder(const std::string& path);
  /// Makes and locks the folder anew where it is gone, or another one is in its place.
  void keep_folder();
  /// @returns whether it was pinned anew
  bool keep(const std::string& name, int fd) const;

  std::string path_;
  std::string version_;
  Fd lock_;
  Fd network_namespace_;  // a map that tells which
  std::vector<std::string> replaced_;
};

/// Where BPF file systems are mounted; a path may be among them more than once.
/// @throws Error "list pins"
std::vector<std::string> bpf_file_systems();

/// Whether two descriptors are of one map or one link.
bool is_same_object(int a, int b);

}  // namespace egress
