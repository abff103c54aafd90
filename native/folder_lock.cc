// SPDX-License-Identifier: Apache-2.0
#include "folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <map>
#include <mutex>

#include "error.h"

namespace egress {
namespace {

Fd open_folder(const std::string& path, const std::string& what) {
  Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) throw Error("open " + what, path, errno);
  return folder;
}

/// From /proc/locks, proc(5), which has no flock(2) of other process id namespaces.
std::string holder_of(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return {};
  char file[64];
  std::snprintf(file, sizeof(file), "%02x:%02x:%ju", major(info.st_dev), minor(info.st_dev),
                static_cast<uintmax_t>(info.st_ino));
  std::ifstream locks("/proc/locks");
  std::string number, type, advisory, access, pid, locked, rest;
  while (locks >> number >> type >> advisory >> access >> pid >> locked &&
         std::getline(locks, rest))
    if (type == "FLOCK" && locked == file) return pid;
  return {};
}

}  // namespace

Fd lock_folder(const std::string& path, const std::string& what) {
  Fd folder = open_folder(path, what);
  if (flock(folder.get(), LOCK_EX | LOCK_NB) == 0) return folder;
  if (errno != EWOULDBLOCK) throw Error("lock " + what, path, errno);
  throw Error("lock " + what, path, EBUSY, holder_of(folder.get()));
}

void hold_folder(const std::string& path, const std::string& what) {
  static std::mutex mutex;
  static std::map<std::string, Fd> held;
  const std::lock_guard guard(mutex);
  Fd& lock = held[path];
  if (!is_folder(lock.get(), path)) lock = lock_folder(path, what);
}

bool is_folder(int fd, const std::string& path) {
  struct stat held {
  }, there{};
  return fstat(fd, &held) == 0 && stat(path.c_str(), &there) == 0 && held.st_dev == there.st_dev &&
         held.st_ino == there.st_ino;
}

std::string lock_holder(const std::string& path, const std::string& what) {
  return holder_of(open_folder(path, what).get());
}

}  // namespace egress
